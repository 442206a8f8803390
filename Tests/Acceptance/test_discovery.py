"""Endpoints from the issuer's metadata."""

import json
import time

from acceptance import CONFIGURATION, DATA, DONE, UNAVAILABLE, for_each
from living import LivingTest
from servers import put_tokens

DOCUMENTS = ("oauth_discovery", "openid_discovery")


class Discovery(LivingTest):
    def discovering(self, **options):
        options.setdefault("approve_after", 1)
        return self.sandbox(discover=True, **options)

    def asked(self, sandbox):
        return [len(sandbox.to(name)) for name in DOCUMENTS]

    @for_each({
        "rfc_8414": ("present", "absent", ""), "openid": ("absent", "present", ""),
        "both": ("present", "present", ""), "rfc_8414_with_a_path": ("present", "absent", "/a/b"),
        "openid_with_a_path": ("absent", "present", "/realms/x"),
        "final_slash": ("absent", "present", "/x/")})
    def test_sign_in(self, row):
        oauth, openid, path = row
        sandbox = self.discovering(oauth_discovery=oauth, openid_discovery=openid,
                                   issuer_path=path.removesuffix("/"))
        board = self.agent_board(sandbox)
        if path.endswith("/"):
            board.change({"issuer": sandbox.issuer + "/"})
            sandbox.answer_next(to="openid_discovery", merge={"issuer": sandbox.issuer + "/"})
        run = board.run("sign-in")
        self.assertExit(DONE, run, "signed in", "token_endpoint=")
        self.assertTrue(sandbox.accepts(board.record["access_token"]))
        # One document is enough.
        self.assertEqual(1, [r.status for n in DOCUMENTS for r in sandbox.to(n)].count(200))

    @for_each({"sign_in": "sign-in", "whoami": "whoami", "sign_out": "sign-out",
               "token": "token"})
    def test_command(self, command):
        sandbox = self.discovering(access_lifetime=1000)
        board = self.signed_in(sandbox, expires_at=1)
        run = board.run(command)
        self.assertExit(DONE, run)
        self.assertEqual(1, sum(self.asked(sandbox)))

    def stray(self, **endpoints):
        """A server whose metadata name endpoints elsewhere, and a board that has signed in there."""
        sandbox = self.discovering(access_lifetime=1000)
        for document in DOCUMENTS:
            sandbox.answer_next(to=document, times=9, merge=endpoints)
        return sandbox, self.signed_in(sandbox)

    def test_refresh_token_goes_to_no_strange_revocation_endpoint(self):
        url = "https://revoke.elsewhere.example/"
        sandbox, board = self.stray(revocation_endpoint=url)
        run = board.run("sign-out")
        self.assertExit(DONE, run, f"revocation_endpoint, {url}, would get tokens at another site",
                        "set revocation_endpoint if that is right", "going on without it",
                        "no revocation endpoint")
        # What the maker names is taken as it is.
        put_tokens(board, at=sandbox)
        board.change({"revocation_endpoint": url})
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked", "revoke.elsewhere.example")

    def test_strange_userinfo_endpoint_is_warned_of(self):
        """Entra's is on another host than all else of its."""
        url = "https://me.elsewhere.example/"
        _, board = self.stray(userinfo_endpoint=url)
        run = board.run("whoami")
        self.assertExit(UNAVAILABLE, run, f"userinfo_endpoint, {url}, would get tokens at another",
                        "set userinfo_endpoint if that is right", "name")
        self.assertNotIn("going on without it", run.stderr)

    @for_each({str(status): status for status in (301, 302, 303, 307, 308)})
    def test_document_behind_a_redirect(self, status):
        sandbox = self.discovering(oauth_discovery="absent")
        sandbox.answer_next(to="openid_discovery", times=1, status=status, body="",
                            headers={"Location": f"{sandbox.issuer}/.well-known/elsewhere"})
        document = sandbox.issuer + "/.well-known/openid-configuration"
        sandbox.answer_next(path="/.well-known/elsewhere", status=200, json={
            "issuer": sandbox.issuer, **sandbox.endpoints})
        self.assertExit(DONE, self.agent_board(sandbox).run("sign-in"), "signed in", document)

    @for_each({"twice": "/.well-known/openid-configuration", "in_plain": "http://localhost/x"})
    def test_redirect_that_is_not_followed_is_named(self, location):
        sandbox = self.discovering(oauth_discovery="absent")
        if location.startswith("/"):
            location = sandbox.issuer + location
        sandbox.answer_next(to="openid_discovery", status=302, body="",
                            headers={"Location": location})
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DATA, run, f"302, not metadata (it points to {location})")
        self.assertLessEqual(len(sandbox.to("openid_discovery")), 2)

    def test_redirect_to_another_issuers_document(self):
        sandbox, other = self.discovering(oauth_discovery="absent"), self.discovering()
        sandbox.answer_next(to="openid_discovery", status=302, body="", headers={
            "Location": f"{other.issuer}/.well-known/openid-configuration"})
        board = self.agent_board(sandbox)
        bundle = board.directory / "both.pem"
        bundle.write_text(sandbox.ca_file.read_text() + other.ca_file.read_text())
        self.assertExit(DATA, board.run("sign-in", "--ca-file", bundle), "issuer")
        self.assertEqual([], sandbox.to("device") + other.to("device"))

    def test_run(self):
        sandbox = self.discovering()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        run.wait_for("signed in as Alice Example")
        self.assertEqual(1, sum(self.asked(sandbox)))
        self.assertHolds(board, sandbox)

    def test_fresh_token_needs_no_metadata(self):
        sandbox = self.discovering()
        board = self.signed_in(sandbox)
        self.assertExit(DONE, board.run("token"))
        self.assertEqual([], sandbox.connections)

    @for_each({"rfc_8414": ("present", "absent"), "openid": ("absent", "present")})
    def test_second_time_is_from_the_cache(self, row):
        oauth, openid = row
        sandbox = self.discovering(oauth_discovery=oauth, openid_discovery=openid)
        board = self.agent_board(sandbox)
        self.assertExit(DONE, board.run("sign-in"))
        before = self.asked(sandbox)
        self.assertExit(DONE, board.run("sign-in"))
        self.assertExit(DONE, board.run("whoami"))
        self.assertEqual(before, self.asked(sandbox))

    @for_each({"damaged": b'{"issuer": ', "empty": b"", "list": b"[]", "large": b"x" * 200000})
    def test_cache_that_is_none_is_replaced(self, contents):
        sandbox = self.discovering()
        board = self.agent_board(sandbox)
        self.assertExit(DONE, board.run("sign-in"))
        cache = board.token_file.with_name("tokens.json.metadata")
        good = json.loads(cache.read_text())
        cache.write_bytes(contents)
        self.assertExit(DONE, board.run("sign-in"))
        self.assertEqual(good["token_endpoint"], json.loads(cache.read_text())["token_endpoint"])

    @for_each({"another_issuer": {"issuer": "https://issuer.example"},
               "yesterday": {"fetched_at": 1}, "future": {"fetched_at": 10 ** 11},
               "plain_http": {"token_endpoint": "http://a/"}})
    def test_cache_that_does_not_count(self, change):
        sandbox = self.discovering()
        board = self.agent_board(sandbox)
        self.assertExit(DONE, board.run("sign-in"))
        cache = board.token_file.with_name("tokens.json.metadata")
        cache.write_text(json.dumps({**json.loads(cache.read_text()), **change}))
        self.assertExit(DONE, board.run("sign-in"))
        self.assertEqual(2, sum(self.asked(sandbox)))

    @for_each({"wrong_issuer": ("wrong-issuer", "issuer"),
               "plain_http": ("http-endpoints", "endpoint"),
               "no_device_grant": ("without-device", "device_authorization_endpoint")})
    def test_document_that_is_refused(self, row):
        mode, word = row
        sandbox = self.discovering(oauth_discovery=mode, openid_discovery=mode)
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DATA, run, word, "localhost")
        self.assertEqual(([], []), (sandbox.to("device"), sandbox.polls))

    @for_each({"case": str.upper, "slash": lambda issuer: issuer + "/",
               "nothing": lambda issuer: None, "number": lambda issuer: 5})
    def test_issuer_is_compared_to_the_byte(self, change):
        sandbox = self.discovering()
        for name in DOCUMENTS:
            sandbox.answer_next(to=name, merge={"issuer": change(sandbox.issuer)})
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DATA, run, "issuer")
        self.assertEqual([], sandbox.to("device"))

    @for_each({"html": {"status": 200, "body": "<html></html>"}, "empty": {"status": 200},
               "list": {"status": 200, "json": []},
               "large": {"status": 200, "body": "{" + " " * 70000 + "}"},
               "number": {"merge": {"token_endpoint": 5}},
               "no_url": {"merge": {"token_endpoint": "elsewhere"}},
               "no_token_endpoint": {"merge": {"token_endpoint": None}}})
    def test_document_that_is_none(self, rule):
        sandbox = self.discovering()
        for name in DOCUMENTS:
            sandbox.answer_next(to=name, **rule)
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DATA, run, "localhost")
        self.assertEqual([], sandbox.to("device"))

    def test_no_document_at_all(self):
        sandbox = self.discovering(oauth_discovery="absent", openid_discovery="absent")
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DATA, run, "metadata", "404")
        self.assertEqual([1, 1], self.asked(sandbox))

    @for_each({str(status): status for status in (500, 503, 429)})
    def test_server_in_trouble(self, status):
        sandbox = self.discovering()
        for name in DOCUMENTS:
            sandbox.fail(name, status)
        self.assertExit(UNAVAILABLE, self.agent_board(sandbox).run("sign-in"), str(status))

    @for_each({"503": {"status": 503}, "429_large": {"status": 429, "body": "x" * 70000}})
    def test_trouble_at_the_first_place_only(self, rule):
        sandbox = self.discovering(oauth_discovery="present", openid_discovery="present")
        sandbox.answer_next(to="oauth_discovery", **rule)
        self.assertExit(DONE, self.agent_board(sandbox).run("sign-in"))
        self.assertEqual([1, 1], self.asked(sandbox))

    @for_each({name: name for name in ("userinfo_endpoint", "revocation_endpoint")})
    def test_bad_endpoint_that_signing_in_does_not_take(self, name):
        sandbox = self.discovering()
        for document in DOCUMENTS:
            sandbox.answer_next(to=document, merge={name: "http://plain.example/"})
        run = self.agent_board(sandbox).run("sign-in")
        self.assertExit(DONE, run, f"the metadata's {name} does not begin with https://",
                        "going on without it")

    def test_document_with_more_than_anybody_reads(self):
        sandbox = self.discovering()
        for document in DOCUMENTS:
            sandbox.answer_next(to=document, merge={
                "claims_supported": [f"c{i:04}" for i in range(6000)]})
        self.assertExit(DONE, self.agent_board(sandbox).run("sign-in"))

    def test_server_away(self):
        sandbox = self.discovering()
        board = self.agent_board(sandbox)
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("sign-in"), "refused")

    @for_each({"503": 503, "404": 404})
    def test_slow_run_tries_again(self, status):
        sandbox = self.discovering()
        for name in DOCUMENTS:
            sandbox.fail(name, status)
        run = self.alive(self.agent_board(sandbox))
        run.wait_for("no code: .*next attempt in")
        run.wait_for("signed in; ")

    def test_grant_outlives_metadata_that_are_not_to_be_had(self):
        sandbox = self.discovering(access_lifetime=1000)
        board = self.signed_in(sandbox, expires_at=1)
        before = board.record
        for name in DOCUMENTS:
            sandbox.fail(name, 503)
        run = self.alive(board)
        run.wait_for("refresh failed.*503.*next attempt in")
        self.assertEqual(before, board.record)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)

    def test_explicit_endpoint_wins(self):
        sandbox = self.discovering()
        for name in DOCUMENTS:
            sandbox.answer_next(to=name, merge={
                "device_authorization_endpoint": sandbox.origin + "/elsewhere"})
        board = self.agent_board(sandbox, {
            "device_authorization_endpoint": sandbox.endpoints["device_authorization_endpoint"]})
        self.assertExit(DONE, board.run("sign-in"))

    def test_explicit_endpoints_make_up_for_a_missing_one(self):
        sandbox = self.discovering(oauth_discovery="without-device")
        board = self.agent_board(sandbox, {
            "device_authorization_endpoint": sandbox.endpoints["device_authorization_endpoint"]})
        self.assertExit(DONE, board.run("sign-in"))

    def test_everything_explicit_asks_for_no_metadata(self):
        sandbox = self.discovering()
        board = self.agent_board(sandbox, sandbox.endpoints)
        self.assertExit(DONE, board.run("sign-in"))
        self.assertEqual([0, 0], self.asked(sandbox))

    @for_each({"plain_http": "http://localhost/", "query": "https://localhost/?a=b",
               "fragment": "https://localhost/#a", "words": "localhost"})
    def test_issuer_that_is_none(self, issuer):
        sandbox = self.discovering()
        run = self.agent_board(sandbox, {"issuer": issuer}).run("sign-in")
        self.assertExit(CONFIGURATION, run, "issuer")
        self.assertEqual([], sandbox.connections)


class Moved(LivingTest):
    """A server is known by its issuer: its endpoints may move."""

    # What stands at the old place is nobody's business.
    tolerates = ("/old/",)

    def begin(self, status, **more):
        sandbox = self.sandbox(discover=True, access_lifetime=1000)
        sandbox.answer_next(path="/old/token", status=status)
        board = self.signed_in(sandbox, issuer=sandbox.issuer,
                               token_endpoint=sandbox.origin + "/old/token", **more)
        cache = {"issuer": sandbox.issuer, **sandbox.endpoints, "client_auth": "basic",
                 "token_endpoint": sandbox.origin + "/old/token", "fetched_at": int(time.time())}
        note = board.token_file.with_name("tokens.json.metadata")
        note.touch(0o600)
        note.write_text(json.dumps(cache))
        return sandbox, board

    @for_each({str(status): status for status in (404, 405, 410)})
    def test_token(self, status):
        sandbox, board = self.begin(status, expires_at=1)
        self.assertExit(DONE, board.run("token"), "refreshed")
        self.assertHolds(board, sandbox)
        self.assertEqual(sandbox.endpoints["token_endpoint"], board.record["token_endpoint"])

    def test_run(self):
        sandbox, board = self.begin(404, expires_at=1)
        run = self.alive(board)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotIn("refresh failed", run.stderr)

    @for_each({str(status): status for status in (404, 405, 410)})
    def test_userinfo_that_is_gone_is_not_taken_from_the_metadata(self, status):
        # The metadata are looked at again, and say what they said before.
        sandbox = self.sandbox(discover=True)
        sandbox.fail("userinfo", status)
        run = self.signed_in(sandbox, issuer=sandbox.issuer).run("whoami")
        self.assertExit(DATA, run, str(status))
        self.assertEqual("", run.stdout)

    def test_other_issuer_is_another_server(self):
        sandbox, board = self.begin(404, expires_at=1)
        board.change({"issuer": "https://localhost:1/other"})
        self.assertIn("not for this configuration", board.run("token").stderr)
        self.assertEqual([], sandbox.to("refresh"))
