"""Configuration: where values come from, and what is said of wrong ones."""

from acceptance import (CONFIGURATION, DATA, DENIED, DONE, UNAVAILABLE, USAGE,
                        AcceptanceTest, for_each)
from servers import put_tokens

GOOD = "provider = webex\nclient_id = x\nclient_secret = yyyyyyyy\n"

# Per case: the text of a file, the line at fault, a word that the message must hold.
BAD = {
    "unknown_key": (GOOD + "colour = blue\n", 4, "colour"),
    "duplicate_key": (GOOD + "\n# again\nclient_id = z\n", 6, "client_id"),
    "no_equals_sign": (GOOD + "rotate 90\n", 4, ""),
    "no_key": (GOOD + "= 90\n", 4, ""),
    "unknown_provider": ("provider = nobody\n", 1, "provider"),
    "rotate": (GOOD + "rotate = 45\n", 4, "rotate"),
    "rotate_words": (GOOD + "rotate = left\n", 4, "rotate"),
    "log_level": (GOOD + "log_level = loud\n", 4, "log_level"),
    "display": (GOOD + "display = hologram\n", 4, "display"),
    "display_size": (GOOD + "display = pbm:/tmp/x@0x0\n", 4, "display"),
    "display_huge": (GOOD + "display = pbm:/tmp/x@99999999x99999999\n", 4, "display"),
    "plain_http": (GOOD + "token_endpoint = http://localhost/token\n", 4, "token_endpoint"),
    "no_url": (GOOD + "token_endpoint = token\n", 4, "token_endpoint"),
    "no_host": (GOOD + "token_endpoint = https:///token\n", 4, "token_endpoint"),
    "bad_port": (GOOD + "token_endpoint = https://localhost:99999/token\n", 4, "token_endpoint"),
    "user_in_url": (GOOD + "token_endpoint = https://u:p@localhost/\n", 4, "token_endpoint"),
    "space_in_url": (GOOD + "token_endpoint = https://localhost/a b\n", 4, "token_endpoint"),
    "control_character": (GOOD + "scope = a\x1b[31mb\n", 4, ""),
    "nul": (GOOD + "scope = a\0b\n", 4, ""),
    "oversize_value": (GOOD + "scope = " + "x" * 2000 + "\n", 4, "scope"),
    "socket": (GOOD + "socket = token.sock\n", 4, "socket"),
    "socket_too_long": (GOOD + "socket = /" + "x" * 107 + "\n", 4, "socket"),
    "socket_group": (GOOD + "socket_group =\n", 4, "socket_group"),
    "access_token_file": (GOOD + "access_token_file =\n", 4, "access_token_file"),
    "access_token_group": (GOOD + "access_token_group =\n", 4, "access_token_group"),
    "start": (GOOD + "start = never\n", 4, "start"),
    "on_code": (GOOD + "on_code = hook.sh\n", 4, "on_code"),
    "on_signed_in": (GOOD + "on_signed_in = bin/hook\n", 4, "on_signed_in"),
    "on_refreshed": (GOOD + "on_refreshed = ~/hook\n", 4, "on_refreshed"),
    "on_lost": (GOOD + "on_lost =\n", 4, "on_lost"),
    "client_auth": (GOOD + "client_auth = digest\n", 4, "client_auth"),
    "client_auth_none": (GOOD + "client_auth = none\n", 4, "client_auth"),
    "tenant": ("client_id = x\nprovider = entra\ntenant = a/b\n", 3, "tenant"),
    "issuer": (GOOD + "issuer = http://localhost\n", 4, "issuer"),
    "issuer_with_query": (GOOD + "issuer = https://localhost/?x\n", 4, "issuer"),
    "extra_parameters": (GOOD + "extra_parameters = audience\n", 4, "extra_parameters"),
    "extra_parameters_twice": (GOOD + "extra_parameters = a=b&a=c\n", 4, "extra_parameters"),
    "extra_parameters_taken": (GOOD + "extra_parameters = scope=x\n", 4, "extra_parameters"),
    "key_in_capitals": (GOOD + "Rotate = 90\n", 4, "Rotate"),
}


class BadFile(AcceptanceTest):
    @for_each(BAD)
    def test_names_key_file_and_line(self, row):
        text, line, word = row
        board = self.board()
        board.configure(text)
        run = board.run("sign-in")
        self.assertExit(CONFIGURATION, run, word)
        self.assertRegex(run.stderr, rf"{board.configuration}\D{{1,12}}{line}\b")

    def test_message_does_not_repeat_a_control_character(self):
        board = self.board()
        board.configure(GOOD + "col\x1b[31mour = \x07\n")
        self.assertNotRegex(board.run("sign-in").output, rb"[\x00-\x09\x0b-\x1f\x7f]")

    def test_secret_in_a_faulty_line_is_not_repeated(self):
        board = self.board()
        board.configure("client_id = x\nclient_secret hunter2-hunter2\n")
        run = board.run("sign-in")
        self.assertExit(CONFIGURATION, run)
        self.assertNotIn("hunter2", run.stderr)

    def test_oversize_file_is_named(self):
        board = self.board()
        board.configure(GOOD + "#" * 10 ** 6)
        self.assertExit(CONFIGURATION, board.run("sign-in"), str(board.configuration))

    def test_missing_file_is_named(self):
        run = self.board().plain("sign-in", "--config", "/nonexistent/devicegrant.conf")
        self.assertExit(CONFIGURATION, run, "/nonexistent/devicegrant.conf")

    def test_directory_in_place_of_the_file(self):
        run = self.board().plain("sign-in", "--config", "/tmp")
        self.assertExit(CONFIGURATION, run, "/tmp")

    @for_each({"client_id": {"client_id": None}, "client_secret": {"client_secret": None},
               "scope_of_custom_may_miss": None})
    def test_missing_value_of_webex(self, change):
        if change is None:
            return self.check_custom_without_scope()
        board = self.board({"provider": "webex", "client_id": "x", "client_secret": "yyyyyyyy",
                            **change})
        self.assertExit(CONFIGURATION, board.run("sign-in"), next(iter(change)))

    def check_custom_without_scope(self):
        sandbox = self.sandbox(approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox, {"scope": None}))
        self.assertNotIn("scope", sandbox.to("device_authorization_endpoint")[0].form)

    @for_each({k: k for k in ("device_authorization_endpoint", "token_endpoint")})
    def test_missing_endpoint_of_custom(self, key):
        run = self.sign_in(self.sandbox(approve_after=1), {key: None})
        self.assertExit(CONFIGURATION, run, key)

    @for_each({name: name for name in ("auth0", "okta", "keycloak")})
    def test_missing_issuer(self, provider):
        board = self.board({"provider": provider, "client_id": "x"})
        self.assertExit(CONFIGURATION, board.run("sign-in"), "issuer", str(board.configuration))

    def test_unknown_provider_lists_all(self):
        board = self.board({"provider": "nobody", "client_id": "x"})
        self.assertExit(CONFIGURATION, board.run("sign-in"), "webex", "google", "entra", "github",
                        "auth0", "okta", "keycloak", "gitlab", "twitch", "custom")

    def test_secret_given_twice(self):
        run = self.sign_in(self.sandbox(approve_after=1), {"client_secret_file": "/nonexistent"})
        self.assertExit(CONFIGURATION, run, "client_secret")

    def test_secret_file_that_is_missing(self):
        run = self.sign_in(self.sandbox(approve_after=1), {"client_secret": None,
                                            "client_secret_file": "/nonexistent/secret"})
        self.assertExit(CONFIGURATION, run, "/nonexistent/secret")

    @for_each({key: key for key in ("ca_file", "client_secret_file")})
    def test_line_that_names_an_unreadable_file_is_named(self, key):
        board = self.board()
        board.configure(f"client_id = x\n{key} = /nonexistent/file\nprovider = github\n")
        self.assertExit(CONFIGURATION, board.run("sign-in"), f"{board.configuration}:2: {key}",
                        "/nonexistent/file: No such file")

    @for_each({key: key for key in ("token_file", "access_token_file")})
    def test_directory_in_place_of_a_file(self, key):
        board = self.board({key: "/tmp/"})
        self.assertExit(CONFIGURATION, board.run("status"), key, str(board.configuration))


class Everywhere(AcceptanceTest):
    """What is wrong is found by each command, what is missing by those that need it."""
    COMMANDS = {"status": ["status"], "token": ["token"], "sign_out": ["sign-out"],
                "show": ["show", "--uri", "https://example.com", "--code", "X"]}
    WRONG = {"provider": "foo", "token_endpoint": "http://x", "client_auth": "maybe",
             "scope": "x" * 2000, "extra_parameters": "bad", "issuer": "http://x",
             "access_token_group": "no-such-group", "socket_group": "no-such-group"}

    @for_each(COMMANDS)
    def test_wrong_value_with(self, words):
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        record = put_tokens(board, sandbox)
        good = {**board.settings, "client_id": None}
        for key, value in self.WRONG.items():
            board.configure({**good, key: value})
            self.assertExit(CONFIGURATION, board.run(*words), f"{board.configuration}:", key)
        self.assertEqual(record, board.record)

    @for_each(COMMANDS)
    def test_missing_client_with(self, words):
        sandbox = self.sandbox()
        board = self.board()
        put_tokens(board, sandbox)
        code = UNAVAILABLE if words == ["sign-out"] else DONE
        self.assertExit(code, board.run(*words))


class Exposure(AcceptanceTest):
    @for_each({"open_file": ("configuration", 0o644, True),
               "group_file": ("configuration", 0o640, False),
               "own_file": ("configuration", 0o600, False),
               "open_secret": ("secret", 0o644, True), "group_secret": ("secret", 0o640, False)})
    def test_secret(self, row):
        place, mode, is_said = row
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        path = board.configuration
        if place == "secret":
            path = board.directory / "client.secret"
            path.write_text(sandbox.client_secret + "\n")
            board.change({"client_secret": None, "client_secret_file": path})
        path.chmod(mode)
        run = board.run("sign-in")
        self.assertExit(DONE, run)
        self.assertEqual(is_said, "open to every user; chmod o=" in run.stderr)
        self.assertEqual(is_said, f"{path} holds" in run.stderr)


    @for_each({"configuration": "configuration", "ca_file": "ca_file", "hook": "on_code"})
    def test_file_that_others_may_change_is_told_of(self, place):
        """Who writes it says to whom the secret goes, or what is run."""
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        put_tokens(board, sandbox)
        path = board.configuration
        if place != "configuration":
            path = board.directory / "file"
            path.write_bytes(sandbox.ca_file.read_bytes())
            board.change({place: path})
        for permissions, is_said in ((0o755, False), (0o775, True), (0o757, True)):
            path.chmod(permissions)
            run = board.run("whoami")
            self.assertExit(DONE, run)
            self.assertEqual(is_said, f"{path} can be changed by other users" in run.stderr)

    @for_each({"dots": "state/../state/tokens.json", "slashes": "state//tokens.json",
               "link": "link/tokens.json", "file": "tokens.json.alias"})
    def test_token_file_by_another_name_is_not_written_over(self, name):
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        put_tokens(board, sandbox)
        (board.directory / "link").symlink_to("state")
        (board.directory / "tokens.json.alias").symlink_to("state/tokens.json")
        before, path = board.record, f"{board.directory}/{name}"
        for key, value in (("access_token_file", path), ("display", f"pbm:{path}")):
            board.change({key: value})
            self.assertExit(CONFIGURATION, board.run("sign-in"), key, "the token file")
            board.change({"access_token_file": None, "display": "none"})
        self.assertEqual(before, board.record)


class GoodFile(AcceptanceTest):
    @for_each({
        "comments_and_blank_lines": lambda text: "# head\n\n" + text.replace("\n", "\n  # c\n\n"),
        "spaces": lambda text: "".join(f"  {line}  \n" for line in text.splitlines()),
        "no_spaces": lambda text: text.replace(" = ", "="),
        "dos_line_ends": lambda text: text.replace("\n", "\r\n"),
        "no_final_line_end": lambda text: text.rstrip("\n"),
    })
    def test_layout(self, change):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.configuration.write_bytes(change(board.configuration.read_text()).encode())
        self.assertExit(DONE, board.run("sign-in"))

    def test_settings_that_the_sandbox_writes(self):
        sandbox = self.sandbox("webex", approve_after=1)
        board = self.board()
        board.token_file = sandbox.directory / "tokens" / "tokens.json"
        run = board.plain("sign-in", "--config", str(sandbox.directory / "devicegrant.conf"),
                          "--display", "none")
        self.assertExit(DONE, run)
        self.assertTrue(board.token_file.exists())


class Client(AcceptanceTest):
    def test_secret_in_the_body(self):
        sandbox = self.sandbox(approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox, {"client_auth": "post"}))
        for request in sandbox.to("device") + sandbox.polls:
            self.assertEqual(sandbox.client_secret, request.form["client_secret"])
            self.assertIsNone(request.header("Authorization"))

    def test_extra_parameters(self):
        sandbox = self.sandbox(approve_after=1)
        self.assertExit(DONE, self.sign_in(
            sandbox, {"extra_parameters": "resource=https%3A%2F%2Fapi.example&x=a+b"}))
        form = sandbox.to("device_authorization_endpoint")[0].form
        self.assertEqual(("https://api.example", "a b"), (form["resource"], form["x"]))
        self.assertNotIn("resource", sandbox.polls[0].form)

    def test_audience(self):
        sandbox = self.sandbox("auth0", approve_after=1)
        self.assertExit(DONE, self.sign_in(
            sandbox, {"extra_parameters": "audience=https%3A%2F%2Fapi.sandbox.example%2F"}))


class Presets(AcceptanceTest):
    """Each preset, with no more than it needs, at a server that insists on what it is to send."""
    # With the scope that each asks for. Where there are public clients, it is one.
    PROVIDERS = {
        "webex": "spark:people_read", "google": "openid profile",
        "entra": "openid profile offline_access", "github": None,
        "auth0": "openid profile offline_access", "okta": "openid profile offline_access",
        "keycloak": "openid profile offline_access", "gitlab": "openid profile",
        "twitch": "user:read:email",
    }

    @for_each({name: (name, scope) for name, scope in PROVIDERS.items()})
    def test_signs_in_at(self, row):
        provider, scope = row
        sandbox = self.sandbox(provider, approve_after=1)
        run = self.sign_in(sandbox, {"scope": None}, public=None)
        self.assertExit(DONE, run)
        form = sandbox.to("device_authorization_endpoint")[0].form
        self.assertEqual(scope, form.get("scopes" if provider == "twitch" else "scope"))

    @for_each({name: name for name in ("auth0", "okta", "keycloak", "gitlab")})
    def test_confidential_client_signs_in_at(self, provider):
        sandbox = self.sandbox(provider, approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox, public=False))


    @for_each({name: name for name in PROVIDERS})
    def test_denied_at(self, provider):
        sandbox = self.sandbox(provider, deny_after=1, interval=1)
        run = self.sign_in(sandbox, {"scope": None}, public=None)
        self.assertExit(DENIED, run, "denied")
        self.assertEqual(1, len(sandbox.polls))

    @for_each({name: name for name in PROVIDERS})
    def test_unknown_client_at(self, provider):
        sandbox = self.sandbox(provider)
        settings = {"scope": None, "client_id": "somebody-else"}
        self.assertExit(DATA, self.sign_in(sandbox, settings, public=None))

    @for_each({name: name for name in PROVIDERS if name != "github"})
    def test_dead_refresh_token_at(self, provider):
        sandbox = self.sandbox(provider)
        board = self.board(at=sandbox, public=None)
        put_tokens(board, sandbox, scope=None, expires_at=1, refresh_token="dead")
        self.assertExit(DENIED, board.run("token"), "refresh token")
        self.assertEqual(1, len(sandbox.to("refresh")))


class Precedence(AcceptanceTest):
    """Each source beats those after it: option, environment, file, preset."""
    SOURCES = {"option": ("meeting:recordings_read", 4), "environment": ("spark:all", 3),
               "file": ("spark:kms", 2), "preset": ("spark:people_read", 1)}

    @for_each(SOURCES)
    def test_scope_from(self, row):
        expected, depth = row
        sandbox = self.sandbox("webex", approve_after=1)
        board = self.board({"scope": "spark:kms" if depth >= 2 else None}, at=None)
        board.configure({**sandbox.settings(), "token_file": board.token_file, "display": "none",
                         "scope": "spark:kms" if depth >= 2 else None})
        arguments = ["--scope", expected] if depth == 4 else []
        environment = {"DEVICEGRANT_SCOPE": "spark:all"} if depth >= 3 else {}
        run = board.run("sign-in", *arguments, environment=environment)
        self.assertExit(DONE, run)
        self.assertEqual(expected, sandbox.to("device_authorization_endpoint")[0].form["scope"])

    def test_option_with_equals_sign(self):
        sandbox = self.sandbox("webex", approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox, None, "--scope=spark:kms"))
        self.assertEqual("spark:kms", sandbox.to("device_authorization_endpoint")[0].form["scope"])

    def test_file_named_by_the_environment(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        run = board.run("sign-in", configuration=False,
                        environment={"DEVICEGRANT_CONFIG": str(board.configuration)})
        self.assertExit(DONE, run)

    def test_config_option_beats_the_environment(self):
        board = self.board(at=self.sandbox(approve_after=1))
        run = board.run("sign-in", environment={"DEVICEGRANT_CONFIG": "/nonexistent"})
        self.assertExit(DONE, run)

    @for_each({"plain": ("CLIENT_ID", "CLIENT_SECRET"),
               "prefixed": ("DEVICEGRANT_CLIENT_ID", "DEVICEGRANT_CLIENT_SECRET")})
    def test_client_from_the_environment(self, names):
        sandbox = self.sandbox("webex", approve_after=1)
        board = self.board()
        board.configure({**sandbox.settings(), "client_id": None, "client_secret": None,
                         "token_file": board.token_file, "display": "none"})
        run = board.run("sign-in", environment=dict(
            zip(names, (sandbox.client_id, sandbox.client_secret))))
        self.assertExit(DONE, run)

    def test_bad_value_of_the_environment_names_key_and_source(self):
        run = self.board(at=self.sandbox(approve_after=1)).run(
            "sign-in", environment={"DEVICEGRANT_ROTATE": "45"})
        self.assertExit(CONFIGURATION, run, "environment", "rotate")

    def test_bad_value_of_an_option_names_it(self):
        run = self.board(at=self.sandbox(approve_after=1)).run("sign-in", "--rotate", "45")
        self.assertIn(run.code, (USAGE, CONFIGURATION))
        self.assertRegex(run.stderr, "--rotate|command line.*rotate")

    @for_each({"separate": ["--client-secret", "hunter2-hunter2"],
               "joined": ["--client-secret=hunter2-hunter2"]})
    def test_no_option_for_the_secret(self, words):
        sandbox = self.sandbox(approve_after=1)
        run = self.sign_in(sandbox, None, *words)
        self.assertExit(USAGE, run, "client-secret")
        self.assertNotIn("hunter2", run.stderr)
        self.assertEqual([], sandbox.requests)
