"""The command line."""

import json
import subprocess
import time

from acceptance import CANNOT_CREATE, DENIED, DONE, USAGE, AcceptanceTest, for_each

COMMANDS = ("run", "sign-in", "token", "whoami", "status", "sign-out", "show")


class Help(AcceptanceTest):
    def test_help_names_every_command(self):
        run = self.board().plain("--help")
        self.assertExit(DONE, run)
        for command in COMMANDS:
            self.assertIn(command, run.stdout)
        self.assertEqual("", run.stderr)

    @for_each({command.replace("-", "_"): command for command in COMMANDS})
    def test_help_of(self, command):
        run = self.board().plain(command, "--help")
        self.assertExit(DONE, run)
        self.assertIn(f"devicegrant {command}", run.stdout)
        self.assertEqual("", run.stderr)
        self.assertNotIn("not in this release", run.stdout.lower())
        for line in run.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)

    @for_each({"min_ttl": ("token", "--min-ttl"), "header": ("token", "--header"),
               "json": ("status", "--json")})
    def test_help_names_the_option(self, row):
        command, option = row
        self.assertIn(option, self.board().plain(command, "--help").stdout)

    def test_help_fits_a_console(self):
        for line in self.board().plain("--help").stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_version(self):
        run = self.board().plain("--version")
        self.assertExit(DONE, run)
        self.assertRegex(run.stdout, r"^devicegrant \d+\.\d+\.\d+\n$")

    def test_help_on_a_full_device_is_an_error(self):
        with open("/dev/full", "w") as full:
            board = self.board()
            done = subprocess.run([*board.command, "--help"], stdout=full, stderr=subprocess.PIPE)
        self.assertNotEqual(DONE, done.returncode)


class Usage(AcceptanceTest):
    @for_each({
        "no_command": [], "unknown_command": ["dance"], "unknown_option": ["sign-in", "--colour"],
        "option_without_value": ["sign-in", "--scope"], "stray_word": ["sign-in", "please"],
        "empty_command": [""], "show_without_code": ["show", "--uri", "https://example.com/"],
        "show_without_uri": ["show", "--code", "123"], "control_character": ["\x1b[31m"],
        "not_utf_8": [b"\xff\xfe"], "min_ttl_without_a_value": ["token", "--min-ttl"],
    })
    def test_wrong(self, words):
        run = self.board().plain(*words)
        self.assertExit(USAGE, run, "devicegrant")
        self.assertEqual("", run.stdout)
        self.assertNotRegex(run.output, rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")

    @for_each({"json_of_run": ["run", "--json"], "min_ttl_of_run": ["run", "--min-ttl", "5"],
               "header_of_whoami": ["whoami", "--header"],
               "min_ttl_that_is_no_number": ["token", "--min-ttl", "soon"],
               "min_ttl_below_zero": ["token", "--min-ttl=-5"],
               "min_ttl_of_centuries": ["token", "--min-ttl", "99999999999"],
               "header_with_a_value": ["token", "--header=yes"]})
    def test_option_of_another_command_or_without_sense(self, words):
        sandbox = self.sandbox()
        run = self.board(at=sandbox).run(*words)
        self.assertExit(USAGE, run, words[1].partition("=")[0])
        self.assertEqual("", run.stdout)
        self.assertEqual([], sandbox.requests)

    def test_min_ttl_that_is_too_large_is_called_so(self):
        run = self.board().run("token", "--min-ttl", "315360001")
        self.assertExit(USAGE, run, "--min-ttl", "too large")


class Status(AcceptanceTest):
    def test_not_signed_in(self):
        run = self.board(at=self.sandbox(approve_after=1)).run("status")
        self.assertExit(DENIED, run)
        self.assertIn("not signed in", run.stdout.lower())

    def test_not_signed_in_as_json(self):
        run = self.board(at=self.sandbox(approve_after=1)).run("status", "--json")
        self.assertExit(DENIED, run)
        self.assertIs(False, json.loads(run.stdout)["signed_in"])

    def signed_in(self, *words):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        self.assertExit(DONE, board.run("sign-in"))
        before = len(sandbox.connections)
        run = board.run("status", *words)
        self.assertEqual(before, len(sandbox.connections), "status used the network")
        self.assertExit(DONE, run)
        return sandbox, run

    def test_signed_in(self):
        _, run = self.signed_in()
        self.assertIn("signed in", run.stdout.lower())
        self.assertIn("openid profile", run.stdout)

    def test_signed_in_as_json(self):
        sandbox, run = self.signed_in("--json")
        value = json.loads(run.stdout)
        self.assertIs(True, value["signed_in"])
        self.assertEqual("openid profile", value["scope"])
        self.assertAlmostEqual(time.time() + sandbox.access_lifetime, value["expires_at"], delta=5)
        self.assertEqual(1, run.stdout.count("\n"))

    def test_damaged_file(self):
        board = self.board(at=self.sandbox(approve_after=1))
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.write_text("{")
        run = board.run("status")
        self.assertIn(run.code, (DENIED, 74), run.stderr)
        self.assertIn("tokens.json", run.stdout + run.stderr)

    def test_without_configuration_of_a_client(self):
        board = self.board()
        self.assertIn(board.run("status").code, (DENIED,))


class Displays(AcceptanceTest):
    @for_each({"pbm_in_no_directory": "pbm:/nonexistent/screen.pbm",
               "no_such_framebuffer": "framebuffer:/dev/fb99",
               "framebuffer_that_is_none": "framebuffer:/dev/null"})
    def test_display_that_cannot_be_made(self, display):
        sandbox = self.sandbox(approve_after=1)
        run = self.sign_in(sandbox, {"display": display})
        self.assertExit(CANNOT_CREATE, run, display.partition(":")[2])
        self.assertEqual([], sandbox.requests)

    def test_two_displays_at_once(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        first, second = board.directory / "a.pbm", board.directory / "b.pbm"
        run = board.run("sign-in", "--display", f"pbm:{first}@320x240,pbm:{second}@128x64,console")
        self.assertExit(DONE, run)
        self.assertTrue(first.exists() and second.exists())

    def test_auto_without_a_framebuffer_uses_the_console(self):
        sandbox = self.sandbox(approve_after=1)
        run = self.sign_in(sandbox, {"display": None})
        self.assertExit(DONE, run)
        grant = next(iter(sandbox.grants.by_device_code.values()))
        self.assertIn(grant.user_code, run.stdout)
