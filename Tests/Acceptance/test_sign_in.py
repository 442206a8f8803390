"""A whole sign-in, with each kind of server and client."""

import base64
import json
import re
import ssl
import time
import urllib.parse
import urllib.request

from acceptance import (DATA, DENIED, DONE, EXPIRED, PERSONALITIES, AcceptanceTest, for_each)
from screen import Bitmap, read_qr, wait_for_qr

BOTH = {name: name for name in PERSONALITIES}


class SignIn(AcceptanceTest):
    @for_each(BOTH)
    def test_saves_the_tokens_that_the_server_issued(self, personality):
        sandbox = self.sandbox(personality, approve_after=2)
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "signed in")
        saved = json.loads(run.board.token_file.read_text())
        self.assertLessEqual({saved["access_token"], saved["refresh_token"]}, sandbox.tokens)

    def test_public_client_signs_in_without_a_secret(self):
        sandbox = self.sandbox(approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox, public=True), "signed in")
        self.assertIsNone(sandbox.polls[0].header("Authorization"))

    def test_confidential_client_uses_basic_at_both_endpoints_and_names_itself_in_the_body(self):
        sandbox = self.sandbox(approve_after=1)
        self.sign_in(sandbox)
        for request in (sandbox.to("device_authorization_endpoint")[0], sandbox.polls[0]):
            self.assertTrue(request.header("Authorization").startswith("Basic "))
            self.assertEqual(sandbox.client_id, request.form["client_id"])
            self.assertNotIn("client_secret", request.form)

    def test_webex_takes_no_authentication_for_the_code_and_basic_for_the_poll(self):
        sandbox = self.sandbox("webex", approve_after=1)
        self.sign_in(sandbox)
        begin, = sandbox.to("device_authorization_endpoint")
        self.assertIsNone(begin.header("Authorization"))
        self.assertEqual({"client_id", "scope"}, set(begin.form))
        self.assertTrue(sandbox.polls[0].header("Authorization").startswith("Basic "))

    @for_each(BOTH)
    def test_requests_carry_the_headers_of_the_contract(self, personality):
        sandbox = self.sandbox(personality, approve_after=1)
        self.sign_in(sandbox)
        version = re.search(r"\d+\.\d+\.\d+", self.board().plain("--version").stdout)[0]
        for request in sandbox.requests:
            self.assertEqual(f"devicegrant/{version}", request.header("User-Agent"))
            self.assertEqual("application/json", request.header("Accept"))
            self.assertEqual(sandbox.host, request.header("Host"))

    @for_each({f"{p}_{kind}": (p, secret) for p in PERSONALITIES for kind, secret in {
        "reserved": "a:b+c%d&e=f/g?h", "spaces": "two words", "umlaut": "schlüssel-äöü",
        "quotes": "\"double\" 'single' \\back", "hash": "with#hash"}.items()})
    def test_secret_with_awkward_characters(self, row):
        personality, secret = row
        sandbox = self.sandbox(personality, client_secret=secret, approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox))

    def test_client_id_with_awkward_characters(self):
        sandbox = self.sandbox("webex", client_id="id:with+%&=ü", approve_after=1)
        self.assertExit(DONE, self.sign_in(sandbox))

    def test_secret_from_a_file(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        path = board.directory / "client.secret"
        path.write_text(sandbox.client_secret + "\n")
        board.configure({**sandbox.settings(), "client_secret": None, "display": "none",
                         "client_secret_file": path, "token_file": board.token_file})
        self.assertExit(DONE, board.run("sign-in"))

    @for_each({"empty": "empty", "errors": "errors"})
    def test_webex_pending_in_each_shape(self, shape):
        sandbox = self.sandbox("webex", pending=shape, approve_after=3)
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual([428, 428, 200], [poll.status for poll in sandbox.polls])

    def test_google_style_verification_url_is_understood(self):
        uri = "https://example.com/device"
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": {
                "verification_uri": None, "verification_uri_complete": None,
                "verification_url": uri}}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, uri)

    def test_device_code_of_four_kib(self):
        # Some hold all that the server has to know.
        code = "d" * 4096
        sandbox = self.sandbox(script=[
            {"path": "/device_authorization", "merge": {"device_code": code}},
            {"path": "/token", "status": 400, "json": {"error": "authorization_pending"}}])
        run = self.board(at=sandbox).start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        self.assertEqual(code, sandbox.polls[0].form["device_code"])
        run.end()

    @for_each({"empty": "", "number": 5, "list": [], "long": "https://example.com/" + "x" * 2040,
               "other_host": "https://evil.example/?code", "wifi": "WIFI:T:WPA;S:x;P:y;;"})
    def test_complete_address_of_no_use_is_left_out_and_said(self, address):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": {"verification_uri_complete": address}}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "verification_uri_complete from the server is unusable")
        self.assertNotIn("verification_uri_complete=", run.stderr)

    def test_byte_order_marks_are_skipped(self):
        sandbox = self.sandbox()
        token = {"access_token": "a1", "token_type": "bearer", "error": "", "x": "\0"}
        code = {"device_code": "d1", "user_code": "u1", "expires_in": 60, "interval": 1,
                "verification_uri": "https://example.com/device"}
        for name, answer in (("device", code), ("poll", token)):
            sandbox.answer_next(to=name, status=200, body="\ufeff" + json.dumps(answer))
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertEqual("a1", json.loads(run.board.token_file.read_text())["access_token"])

    def test_denial_with_words_in_another_encoding(self):
        sandbox = self.sandbox()
        body = '{"error":"access_denied","error_description":"refusé"}'.encode("latin-1")
        sandbox.answer_next(to="poll", status=400, body_base64=base64.b64encode(body).decode())
        self.assertExit(DENIED, self.sign_in(sandbox))
        self.assertEqual(1, len(sandbox.polls))

    def test_scope_that_differs_from_the_one_asked_for_is_saved_and_said(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "merge": {"scope": "openid"}}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "scope")
        self.assertEqual("openid", json.loads(run.board.token_file.read_text())["scope"])

    def test_no_refresh_token_and_no_lifetime_is_still_a_grant(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "merge": {"refresh_token": None, "expires_in": None,
                                         "refresh_token_expires_in": None, "scope": None}}])
        self.assertExit(DONE, self.sign_in(sandbox))

    def test_unknown_token_type_is_not_used(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "merge": {"token_type": "mac"}}])
        run = self.sign_in(sandbox)
        self.assertNotEqual(DONE, run.code)
        self.assertFalse(run.board.token_file.exists())


class Verdicts(AcceptanceTest):
    # A scripted final answer ends the sign-in, whatever the sandbox's own record says.
    @for_each({
        "rfc_access_denied": ("rfc", "access_denied", DENIED),
        "rfc_authorization_declined": ("rfc", "authorization_declined", DENIED),
        "rfc_expired_token": ("rfc", "expired_token", EXPIRED),
        "rfc_unknown_error": ("rfc", "made_up_error", DATA),
        "webex_access_denied": ("webex", "access_denied", DENIED),
        "webex_authorization_declined": ("webex", "authorization_declined", DENIED),
        "webex_expired_token": ("webex", "expired_token", EXPIRED),
        "webex_unknown_error": ("webex", "tokenlimit_reached", DATA),
    })
    def test_final_error(self, row):
        personality, word, code = row
        sandbox = self.sandbox(personality)
        path = sandbox.personality.paths["token_endpoint"]
        body = {"error": word} if personality == "rfc" else \
            {"message": word, "errors": [{"description": word}], "trackingId": "ROUTER_1"}
        sandbox.answer_next(path=path, status=400, json=body)
        run = self.sign_in(sandbox)
        self.assertExit(code, run)
        self.assertEqual(1, len(sandbox.polls))
        self.assertFalse(run.board.token_file.exists())

    @for_each(BOTH)
    def test_invalid_grant_ends_the_sign_in(self, personality):
        sandbox = self.sandbox(personality)
        body = {"error": "invalid_grant"} if personality == "rfc" else \
            {"errors": [{"description": "invalid_grant"}]}
        sandbox.answer_next(path=sandbox.personality.paths["token_endpoint"], status=400, json=body)
        run = self.sign_in(sandbox)
        self.assertIn(run.code, (DATA, EXPIRED), run.stderr)
        self.assertIn("invalid_grant", run.stderr)
        self.assertEqual(1, len(sandbox.polls))

    @for_each(BOTH)
    def test_wrong_secret_ends_the_sign_in(self, personality):
        sandbox = self.sandbox(personality)
        run = self.sign_in(sandbox, {"client_secret": "not the right one"})
        self.assertNotEqual(DONE, run.code)
        self.assertIn("invalid_client", run.stderr)
        self.assertLessEqual(len(sandbox.polls), 1)

    @for_each(BOTH)
    def test_unknown_client_is_refused_before_a_code_is_shown(self, personality):
        sandbox = self.sandbox(personality)
        run = self.sign_in(sandbox, {"client_id": "nobody"})
        self.assertNotIn(run.code, (DONE, 70), run.stderr)
        self.assertNotIn("user_code=", run.stderr)
        self.assertIn("Client Id is invalid" if personality == "webex" else "invalid_client",
                      run.stderr)

    @for_each(BOTH)
    def test_denied_by_the_person(self, personality):
        self.assertExit(DENIED, self.sign_in(self.sandbox(personality, deny_after=2)), "denied")

    @for_each(BOTH)
    def test_own_deadline_while_the_server_is_pending_for_ever(self, personality):
        sandbox = self.sandbox(personality, script=[
            {"path": "/v1/device/authorize", "merge": {"expires_in": 3}},
            {"path": "/device_authorization", "merge": {"expires_in": 3}}])
        run = self.sign_in(sandbox)
        took = time.monotonic() - sandbox.requests[0].time
        self.assertExit(EXPIRED, run, "expired")
        self.assertLess(took, 6)
        self.assertLessEqual(len(sandbox.polls), 3)

    def test_error_description_of_the_server_is_told(self):
        sandbox = self.sandbox(script=[{"path": "/device_authorization", "status": 400, "json": {
            "error": "invalid_scope", "error_description": "colour is no scope"}}])
        run = self.sign_in(sandbox)
        self.assertNotEqual(DONE, run.code)
        self.assertIn("colour is no scope", run.stderr)


class Page(AcceptanceTest):
    """A person opens what the QR code says and presses Approve, as a phone would."""

    def setUp(self):
        super().setUp()
        self.server = self.sandbox("webex")
        context = ssl.create_default_context(cafile=self.server.ca_file)
        self.browser = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(),
            urllib.request.ProxyHandler({}))

    def decide(self, decision, uri):
        page = self.browser.open(uri).read().decode()
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
        form = urllib.parse.urlencode({"ticket": ticket, "decision": decision}).encode()
        self.browser.open(uri, form)
        return page

    @for_each({"approve": ("approve", DONE), "deny": ("deny", DENIED)})
    def test_decision_on_the_page_that_the_qr_code_opens(self, row):
        decision, code = row
        board = self.board(at=self.server)
        picture = board.directory / "screen.pbm"
        run = board.start("sign-in", "--display", f"pbm:{picture}@800x480")
        announced = run.announced()
        uri = wait_for_qr(picture)
        grant = self.server.grants.newest_pending()
        self.assertEqual(f"{self.server.verification_uri}?userCode={grant.mark}", uri)
        page = self.decide(decision, uri)
        self.assertIn(announced["user_code"], page)
        self.assertIn("spark:people_read", page)
        self.assertExit(code, run.wait())

    def test_the_code_is_gone_from_the_screen_after_success(self):
        board = self.board(at=self.server)
        picture = board.directory / "screen.pbm"
        run = board.start("sign-in", "--display", f"pbm:{picture}")
        run.announced()
        wait_for_qr(picture)
        self.server.approve()
        self.assertExit(DONE, run.wait())
        self.assertEqual([], read_qr(Bitmap.read(picture)))


class Log(AcceptanceTest):
    def test_announces_the_code_in_one_line(self):
        sandbox = self.sandbox(approve_after=1, expires_in=77)
        run = self.sign_in(sandbox)
        grant = next(iter(sandbox.grants.by_device_code.values()))
        line, = [line for line in run.lines if "user_code=" in line]
        for part in (f"user_code={grant.user_code}", f"verification_uri={sandbox.verification_uri}",
                     "expires_in=77"):
            self.assertIn(part, line)

    def test_lines_carry_the_time_since_boot(self):
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        run = self.sign_in(self.sandbox(approve_after=1))
        ended = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.assertTrue(run.lines)
        for line in run.lines:
            stamp = re.fullmatch(r"\[ *(\d+\.\d{6})\] devicegrant: .+", line)
            self.assertTrue(stamp, line)
            self.assertTrue(began <= float(stamp[1]) <= ended, line)

    def test_lines_carry_a_priority_under_journald(self):
        run = self.sign_in(self.sandbox(approve_after=1), journal=True)
        self.assertTrue(run.lines)
        for line in run.lines:
            self.assertRegex(line, r"^<[0-7]>\S")

    def test_level_error_is_silent_on_success(self):
        run = self.sign_in(self.sandbox(approve_after=1), {"log_level": "error"})
        self.assertEqual("", run.stderr)

    @for_each(BOTH)
    def test_level_debug_holds_no_secret(self, personality):
        # Every test searches for secrets when it ends; this one gives them their best chance.
        run = self.sign_in(self.sandbox(personality, approve_after=2), {"log_level": "debug"})
        self.assertExit(DONE, run)

    def test_standard_output_is_empty_without_a_console(self):
        self.assertEqual("", self.sign_in(self.sandbox(approve_after=1)).stdout)
