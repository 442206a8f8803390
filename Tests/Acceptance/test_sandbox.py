"""The sandbox itself: what it accepts, refuses and records, seen by Python's own client."""

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

import acceptance  # noqa: F401  (puts Tests/Support on the path)
from servers import ROOT, Sandbox

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Client:
    """Speaks to a sandbox in the plainest way."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        self.connection = http.client.HTTPSConnection("localhost", sandbox.port, context=context)

    def send(self, method, path, form=None, **headers):
        body = form if isinstance(form, (str, type(None))) else urllib.parse.urlencode(form)
        given = {"Accept": "application/json", "User-Agent": "test/1"}
        if body is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        self.connection.request(method, path, body, given)
        answer = self.connection.getresponse()
        self.headers, text = answer.headers, answer.read()
        return answer.status, text

    def basic(self):
        pair = ":".join(urllib.parse.quote_plus(part, safe="") for part in
                        (self.sandbox.client_id, self.sandbox.client_secret))
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def begin(self):
        form = {"client_id": self.sandbox.public_client_id, "scope": "openid"}
        return json.loads(self.send("POST", "/device_authorization", form)[1])

    def refresh(self, token, **more):
        """The answer's status and JSON; the connection may be cut."""
        form = {"grant_type": "refresh_token", "refresh_token": token,
                "client_id": self.sandbox.public_client_id, **more}
        status, text = self.send("POST", "/token", form)
        return status, json.loads(text or "{}")

    def profile(self, token):
        """The status of the userinfo endpoint."""
        return self.send("GET", "/userinfo", Authorization=f"Bearer {token}")[0]

    def poll(self, code):
        status, text = self.send("POST", "/token", {
            "grant_type": DEVICE_GRANT, "device_code": code["device_code"],
            "client_id": self.sandbox.public_client_id})
        return status, json.loads(text)


class Rfc(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox("rfc", interval=1, rotate=True))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)

    def wait_for_turn(self, code):
        grant = self.sandbox.grants.by_device_code[code["device_code"]]
        # Virtual waiting: the server is told that the time has come.
        grant.not_before = 0

    def test_life_of_a_code(self):
        code = self.client.begin()
        self.wait_for_turn(code)
        self.assertEqual("authorization_pending", self.client.poll(code)[1]["error"])
        self.assertTrue(self.sandbox.approve(code["user_code"]))
        self.wait_for_turn(code)
        status, tokens = self.client.poll(code)
        self.assertEqual(200, status)
        status, _ = self.client.send("GET", "/userinfo",
                                     Authorization=f"Bearer {tokens['access_token']}")
        self.assertEqual(200, status)
        self.assertEqual([], self.sandbox.violations)

    def test_early_poll_is_told_to_slow_down_by_five_seconds(self):
        code = self.client.begin()
        self.assertEqual("slow_down", self.client.poll(code)[1]["error"])
        self.assertEqual(6, self.sandbox.grants.by_device_code[code["device_code"]].interval)
        self.assertIn("before its time", self.sandbox.violations[0])

    def test_denied_and_expired(self):
        code = self.client.begin()
        self.sandbox.deny(code["user_code"])
        self.wait_for_turn(code)
        self.assertEqual("access_denied", self.client.poll(code)[1]["error"])
        code = self.client.begin()
        self.sandbox.grants.by_device_code[code["device_code"]].expires = 0
        self.wait_for_turn(code)
        self.assertEqual("expired_token", self.client.poll(code)[1]["error"])

    def test_reused_refresh_token_ends_the_family(self):
        first = self.sandbox.grants.tokens("devicegrant-public", "openid", "family")
        form = {"grant_type": "refresh_token", "client_id": "devicegrant-public"}
        again = {**form, "refresh_token": first["refresh_token"]}
        second = json.loads(self.client.send("POST", "/token", again)[1])
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertEqual(400, self.client.send("POST", "/token", again)[0])
        newer = {**form, "refresh_token": second["refresh_token"]}
        self.assertEqual(400, self.client.send("POST", "/token", newer)[0])

    def test_bad_requests_are_refused_and_recorded(self):
        cases = {
            "twice": ("/device_authorization", "client_id=a&client_id=b", {}),
            "missing": ("/token", {"client_id": "devicegrant-public"}, {}),
            "empty": ("/device_authorization", "client_id=devicegrant-public&scope=", {}),
            "Content-Type": ("/token", "{}", {"Content_Type": "application/json"}),
            "not form-encoded": ("/token", "a=b c", {}),
            "in the URL": ("/device_authorization?client_id=x",
                           {"client_id": "devicegrant-public"}, {}),
            "Accept": ("/device_authorization", {"client_id": "devicegrant-public"},
                       {"Accept": "*/*"}),
        }
        for word, (path, form, headers) in cases.items():
            with self.subTest(word):
                self.sandbox.violations.clear()
                self.client.send("POST", path, form, **headers)
                self.assertIn(word, " ".join(self.sandbox.violations))

    def test_secret_that_is_not_form_encoded_is_noticed(self):
        pair = f"{self.sandbox.client_id}:{self.sandbox.client_secret}".encode()
        self.client.send("POST", "/device_authorization", {"client_id": self.sandbox.client_id},
                         Authorization="Basic " + base64.b64encode(pair).decode())
        self.assertIn("form-encoded", " ".join(self.sandbox.violations))

    def test_both_discovery_documents(self):
        for path in ("openid-configuration", "oauth-authorization-server"):
            status, text = self.client.send("GET", f"/.well-known/{path}")
            self.assertEqual(200, status)
            self.assertEqual(self.sandbox.issuer, json.loads(text)["issuer"])

    def test_script_in_its_kinds(self):
        self.sandbox.answer_next(path="/x", nth=1, status=418, chunks=["a", "bc"])
        self.sandbox.answer_next(path="/x", nth=2, status=200, body="d", until_close=True)
        self.assertEqual((418, b"abc"), self.client.send("GET", "/x"))
        self.assertEqual((200, b"d"), self.client.send("GET", "/x"))
        self.assertEqual(404, self.client.send("GET", "/x")[0])
        self.sandbox.answer_next(cut_after=0)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.client.send("GET", "/x")

    def test_merge_changes_one_member_of_the_own_answer(self):
        self.sandbox.answer_next(path="/device_authorization",
                                 merge={"interval": None, "user_code": "X"})
        code = self.client.begin()
        self.assertEqual("X", code["user_code"])
        self.assertNotIn("interval", code)

    def test_page_decides_only_with_its_own_ticket(self):
        code = self.client.begin()
        path = f"/device?user_code={code['user_code']}"
        status, _ = self.client.send("POST", path, {"decision": "approve", "ticket": "guess"})
        self.assertEqual(403, status)
        self.assertEqual("pending", self.sandbox.grants.find(code["user_code"]).state)

    def test_page_says_what_is_wrong_with_a_code(self):
        self.assertIn(b"no such code", self.client.send("GET", "/device?code=nope")[1])
        code = self.client.begin()
        self.sandbox.grants.find(code["user_code"]).expires = 0
        self.assertIn(b"expired", self.client.send("GET", f"/device?code={code['user_code']}")[1])

    def test_typed_code_may_lack_the_hyphen_and_capitals(self):
        code = self.client.begin()["user_code"]
        typed = code.replace("-", "").lower()
        self.assertIn(code.encode(), self.client.send("GET", f"/device?code={typed}")[1])

    def test_another_site_may_not_approve(self):
        self.client.begin()
        status, _ = self.client.send("POST", "/sandbox/approve", Origin="https://evil.example")
        self.assertEqual(403, status)
        self.assertEqual(200, self.client.send("POST", "/sandbox/approve")[0])


class Grants(unittest.TestCase):
    """The life of a grant after the sign-in, at a sandbox that begins with one."""

    def start(self, **settings):
        self.sandbox = self.enterContext(Sandbox("rfc", **settings))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)
        return self.sandbox.issue_tokens(public=True)

    def refresh(self, tokens, **more):
        status, answer = self.client.refresh(tokens["refresh_token"], **more)
        self.assertEqual(200, status, answer)
        return answer

    def assertRefused(self, tokens, word="invalid_grant"):
        self.assertEqual((400, {"error": word}), self.client.refresh(tokens["refresh_token"]))

    def test_rotation_on_replaces_the_token(self):
        first = self.start(rotation="single-use")
        second = self.refresh(first)
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertEqual([True, False], [self.sandbox.accepts(refresh_token=t["refresh_token"])
                                         for t in (second, first)])

    def test_rotation_off_keeps_the_token(self):
        first = self.start()
        self.assertEqual(first["refresh_token"], self.refresh(first)["refresh_token"])
        self.refresh(first)

    def test_refresh_that_leaves_the_token_out_keeps_it(self):
        first = self.start(rotation="omit")
        self.assertNotIn("refresh_token", self.refresh(first))
        self.refresh(first)

    def test_old_token_may_stay_good_beside_the_new_one(self):
        first = self.start(rotation="keep-old")
        second = self.refresh(first)
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.refresh(first)
        self.refresh(second)

    def test_reuse_ends_the_family_and_its_access_tokens(self):
        first = self.start(rotation="single-use")
        second = self.refresh(first)
        other = self.sandbox.issue_tokens(public=True)
        self.assertRefused(first)
        self.assertRefused(second)
        self.assertEqual([401, 401, 200], [self.client.profile(t["access_token"])
                                           for t in (first, second, other)])
        self.assertEqual(["reuse", None], [f["ended"] for f in self.sandbox.state()["families"]])

    def test_grace_lets_a_lost_answer_be_asked_for_again(self):
        first = self.start(rotation="single-use", reuse_grace=60)
        lost = self.refresh(first)
        second = self.refresh(first)
        self.assertNotIn(second["refresh_token"], (first["refresh_token"], lost["refresh_token"]))
        third = self.refresh(second)
        self.assertRefused(first)
        self.assertRefused(third)

    def test_grace_ends_with_its_time(self):
        first = self.start(rotation="single-use", reuse_grace=60)
        self.refresh(first)
        self.sandbox.configure(reuse_grace=0)
        self.assertRefused(first)

    def test_lost_answer_has_rotated_the_token(self):
        first = self.start(rotation="single-use")
        self.sandbox.lose("refresh")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.client.refresh(first["refresh_token"])
        self.client.connection.close()
        self.assertFalse(self.sandbox.accepts(refresh_token=first["refresh_token"]))
        self.assertEqual(["granted"], [r.outcome for r in self.sandbox.refreshes])
        self.assertRefused(first)

    def test_lost_request_has_changed_nothing(self):
        first = self.start(rotation="single-use")
        self.sandbox.lose("refresh", processed=False)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.client.refresh(first["refresh_token"])
        self.client.connection.close()
        self.assertEqual([], self.sandbox.refreshes)
        self.refresh(first)

    def test_trouble_ends_after_its_times_or_seconds(self):
        first = self.start()
        self.sandbox.fail("refresh", 502, times=2, retry_after=7)
        for expected in (502, 502, 200):
            self.assertEqual(expected, self.client.refresh(first["refresh_token"])[0])
        self.sandbox.fail(seconds=60)
        self.assertEqual(503, self.client.profile(first["access_token"]))
        self.sandbox.calm()
        self.sandbox.fail("userinfo", seconds=0)
        self.assertEqual(200, self.client.profile(first["access_token"]))

    def test_refusal_in_the_words_of_the_provider(self):
        first = self.start()
        self.sandbox.refuse("refresh", "invalid_client")
        self.assertEqual(401, self.client.refresh(first["refresh_token"])[0])
        self.refresh(first)

    def test_lifetimes_as_servers_tell_them(self):
        first = self.start(access_lifetime=2, refresh_lifetime=9)
        self.assertEqual((2, 9), (first["expires_in"], first["refresh_token_expires_in"]))
        for form, expected in (("string", "2"), ("zero", 0), ("absent", None)):
            self.sandbox.configure(expires_in_form=form)
            self.assertEqual(expected, self.refresh(first).get("expires_in"))
        self.sandbox.configure(expires_in_form="epoch")
        self.assertGreater(self.refresh(first)["expires_in"], 1_700_000_000)

    def test_tokens_end_with_their_time(self):
        first = self.start(access_lifetime=100, refresh_lifetime=200)
        self.sandbox.age(99)
        self.assertEqual(200, self.client.profile(first["access_token"]))
        self.sandbox.age(2)
        self.assertEqual(401, self.client.profile(first["access_token"]))
        self.assertIn('error="invalid_token"', self.client.headers["WWW-Authenticate"])
        self.sandbox.age(100)
        self.assertRefused(first)

    def test_access_token_ends_alone(self):
        first = self.start()
        self.sandbox.expire("access")
        self.assertEqual(401, self.client.profile(first["access_token"]))
        self.assertEqual(200, self.client.profile(self.refresh(first)["access_token"]))

    def test_disconnected_device_is_refused(self):
        first = self.start()
        self.sandbox.disconnect()
        self.assertEqual(401, self.client.profile(first["access_token"]))
        self.assertRefused(first)
        self.assertEqual(200, self.client.profile(
            self.sandbox.issue_tokens(public=True)["access_token"]))

    def test_refresh_may_end_the_older_access_tokens(self):
        first = self.start(refresh_ends_access=True)
        second = self.refresh(first)
        self.assertEqual([401, 200], [self.client.profile(t["access_token"])
                                      for t in (first, second)])

    def test_refresh_is_never_wider_than_the_grant(self):
        first = self.start()
        self.assertEqual("openid", self.refresh(first, scope="openid")["scope"])
        status, answer = self.client.refresh(first["refresh_token"], scope="openid email")
        self.assertEqual((400, "invalid_scope"), (status, answer["error"]))
        self.assertEqual("openid profile", self.refresh(first)["scope"])

    def test_refresh_token_only_for_offline_access(self):
        self.assertNotIn("refresh_token", self.start(refresh_tokens="offline_access"))
        self.assertIn("refresh_token", self.sandbox.issue_tokens("openid offline_access"))

    def test_missing_scope_is_named(self):
        first = self.start(required_scope="email")
        self.assertEqual(403, self.client.profile(first["access_token"]))
        self.assertEqual('Bearer error="insufficient_scope", scope="email"',
                         self.client.headers["WWW-Authenticate"])

    def revoke(self, token, **more):
        return self.client.send("POST", "/revoke", {
            "token": token, "client_id": self.sandbox.public_client_id, **more})[0]

    def test_revoked_refresh_token_takes_all_with_it(self):
        first = self.start()
        self.assertEqual(200, self.revoke(first["refresh_token"]))
        self.assertEqual(401, self.client.profile(first["access_token"]))
        self.assertEqual("revoked", self.sandbox.state()["families"][0]["ended"])

    def test_revoked_access_token_goes_alone(self):
        first = self.start()
        self.assertEqual(200, self.revoke(first["access_token"], token_type_hint="access_token"))
        self.assertEqual(401, self.client.profile(first["access_token"]))
        self.refresh(first)

    def test_revocation_of_the_unknown_is_welcome_but_not_by_anybody(self):
        first = self.start()
        self.assertEqual(200, self.revoke("unknown"))
        self.assertEqual(401, self.revoke(first["refresh_token"], client_id="stranger"))
        form = {"token": first["refresh_token"], "client_id": self.sandbox.client_id,
                "client_secret": self.sandbox.client_secret}
        self.assertEqual(200, self.client.send("POST", "/revoke", form)[0])
        self.refresh(first)

    def test_no_revocation_endpoint(self):
        first = self.start(revocation=False)
        self.assertEqual(404, self.revoke(first["refresh_token"]))
        self.assertNotIn("revocation_endpoint", self.sandbox.settings())


class Control(unittest.TestCase):
    """The same from a shell."""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox("rfc", rotation="single-use"))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)
        self.tokens = self.sandbox.issue_tokens(public=True)

    def tell(self, command, body=None):
        return self.client.send("POST", f"/sandbox/{command}", body)[0]

    def state(self):
        return json.loads(self.client.send("GET", "/sandbox/state")[1])

    def test_state(self):
        new = self.client.refresh(self.tokens["refresh_token"])[1]
        state = self.state()
        self.assertEqual([new["refresh_token"]], state["families"][0]["refresh_tokens"])
        self.assertEqual({self.tokens["access_token"], new["access_token"]},
                         set(state["families"][0]["access_tokens"]))
        self.assertEqual((1, 1), (state["requests"]["refresh"]["count"],
                                  state["refreshes"]["granted"]))
        self.assertLess(state["requests"]["refresh"]["times"][0], state["time"])

    def test_trouble(self):
        self.assertEqual(200, self.tell("fail?endpoint=userinfo&status=502&times=1"))
        self.assertEqual(502, self.client.profile(self.tokens["access_token"]))
        self.assertEqual(200, self.tell("script", '{"to": "userinfo", "status": 418}'))
        self.assertEqual(418, self.client.profile(self.tokens["access_token"]))
        self.assertEqual(200, self.tell("calm"))
        self.assertEqual(200, self.client.profile(self.tokens["access_token"]))
        self.assertEqual(200, self.tell("lose"))
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.client.profile(self.tokens["access_token"])

    def test_end_of_a_grant(self):
        self.assertEqual(200, self.tell("expire?what=access"))
        self.assertEqual([], self.state()["families"][0]["access_tokens"])
        self.assertEqual(200, self.tell("disconnect"))
        self.assertEqual([], self.state()["families"][0]["refresh_tokens"])

    def test_settings(self):
        self.assertEqual(200, self.tell("settings?access_lifetime=1&expires_in_form=string"))
        tokens = self.client.refresh(self.tokens["refresh_token"])[1]
        self.assertEqual("1", tokens["expires_in"])

    def test_mistakes(self):
        for command in ("settings?access_lifetime=0", "settings?x=1", "expire?what=x",
                        "fail?endpoint=x", "lose?times=x", "settings?rotation=x", "age"):
            self.assertEqual(400, self.tell(command), command)
        self.assertEqual(400, self.tell("script", '{"x": 1}'))
        self.assertEqual(404, self.tell("unknown"))


class Webex(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox("webex", approve_after=2))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)

    def test_shapes(self):
        form = {"client_id": self.sandbox.client_id, "scope": "spark:people_read"}
        code = json.loads(self.client.send("POST", "/v1/device/authorize", form)[1])
        self.assertRegex(code["user_code"], r"^\d{6}$")
        self.assertRegex(code["verification_uri_complete"], r"/verify\?userCode=[0-9a-f]{64}$")
        poll = {"grant_type": DEVICE_GRANT, "device_code": code["device_code"],
                "client_id": self.sandbox.client_id}
        grant = self.sandbox.grants.by_device_code[code["device_code"]]
        self.assertEqual(401, self.client.send("POST", "/v1/device/token", poll)[0])
        grant.not_before = 0
        basic = {"Authorization": self.client.basic()}
        self.assertEqual((428, b""), self.client.send("POST", "/v1/device/token", poll, **basic))
        grant.not_before = 0
        status, text = self.client.send("POST", "/v1/device/token", poll, **basic)
        tokens = json.loads(text)
        self.assertEqual((200, 64799, 7697037),
                         (status, tokens["expires_in"], tokens["refresh_token_expires_in"]))
        self.assertGreater(len(tokens["access_token"]), 1500)
        self.assertEqual(["POST /v1/device/token: polls without Basic"], self.sandbox.violations)


class Command(unittest.TestCase):
    def start(self, *arguments, **options):
        process = subprocess.Popen([sys.executable, ROOT / "board" / "sandbox", *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_is_ready_writes_its_settings_and_ends_on_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with tempfile.TemporaryDirectory() as directory:
                process = self.start("--directory", directory)
                self.assertIn("sandbox ready: https://localhost:", process.stdout.readline())
                for name in ("env", "devicegrant.conf"):
                    self.assertEqual(0o600, (Path(directory) / name).stat().st_mode & 0o777)
                process.send_signal(number)
                self.assertEqual(0, process.wait(10))

    def test_ends_when_standard_input_is_closed(self):
        process = self.start("--stdin", stdin=subprocess.PIPE)
        process.stdout.readline()
        process.stdin.close()
        self.assertEqual(0, process.wait(10))

    def test_ends_with_its_parent(self):
        parent = subprocess.Popen(["sleep", "60"])
        process = self.start("--parent", str(parent.pid))
        process.stdout.readline()
        parent.kill()
        parent.wait()
        self.assertEqual(0, process.wait(10))

    def test_leaves_nothing_in_the_temporary_directory(self):
        with tempfile.TemporaryDirectory() as directory:
            process = self.start(env={**os.environ, "TMPDIR": directory})
            process.stdout.readline()
            process.terminate()
            process.wait(10)
            self.assertEqual([], os.listdir(directory))

    def test_mistakes_are_named(self):
        for arguments, word in ((["--personality", "x"], "personality"), (["--port", "x"], "port"),
                                (["--interval", "0"], "interval"),
                                (["--script", "/nonexistent"], "/nonexistent"),
                                (["--client-secret-file", "/nonexistent"], "/nonexistent")):
            process = self.start(*arguments)
            self.assertIn(word, process.communicate(timeout=10)[1])
            self.assertNotEqual(0, process.returncode)
