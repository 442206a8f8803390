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
import time
import unittest
import urllib.parse
from pathlib import Path

import acceptance  # noqa: F401  (puts Tests/Support on the path)
from binaries import ROOT
from servers import Sandbox

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

    def test_answer_that_never_comes(self):
        self.assertEqual(200, self.tell("hang?endpoint=refresh"))
        self.client.connection.sock.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.client.refresh(self.tokens["refresh_token"])
        self.client.connection.close()
        self.assertEqual(1, self.state()["refreshes"]["granted"])

    def test_delay(self):
        self.assertEqual(200, self.tell("delay?endpoint=userinfo&seconds=0.3"))
        began = time.monotonic()
        self.assertEqual(200, self.client.profile(self.tokens["access_token"]))
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_absence(self):
        self.assertEqual(200, self.tell("go-away?seconds=0.1"))
        self.sandbox.wait_for(lambda s: s.connections[0].closed)
        deadline = time.monotonic() + 10
        while True:
            self.client.connection.close()
            try:
                return self.assertEqual(200, self.client.profile(self.tokens["access_token"]))
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)

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


class Provider(unittest.TestCase):
    """What the providers document, spelled out again; nothing here is read from the sandbox."""
    public = True

    def setUp(self):
        self.start()

    def start(self, **settings):
        self.sandbox = self.enterContext(Sandbox(self.personality, **settings))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)
        self.identity = {"client_id": self.sandbox.public_client_id if self.public
                         else self.sandbox.client_id}

    def post(self, path, form, **headers):
        status, text = self.client.send("POST", path, form, **headers)
        return status, json.loads(text or "null")

    def begin(self, **form):
        status, self.code = self.post(self.device, {**self.identity, **form})
        self.assertEqual(200, status, self.code)
        return self.code

    def poll(self, in_time=True, **form):
        if in_time:
            self.grant.not_before = 0
        return self.post(self.token, {
            **self.identity, "grant_type": DEVICE_GRANT, "device_code": self.code["device_code"],
            **form})

    @property
    def grant(self):
        return self.sandbox.grants.by_device_code[self.code["device_code"]]

    def approved(self, **form):
        """The token answer to the poll after the approval."""
        self.sandbox.approve()
        status, tokens = self.poll(**form)
        self.assertEqual(200, status, tokens)
        return tokens

    def refresh(self, tokens, **form):
        return self.post(self.token, {**self.identity, "grant_type": "refresh_token",
                                      "refresh_token": tokens["refresh_token"], **form})

    def person(self, tokens, scheme="Bearer"):
        status, text = self.client.send("GET", self.userinfo,
                                        Authorization=f"{scheme} {tokens['access_token']}")
        return status, json.loads(text)

    def assertWord(self, status, word, answer):
        self.assertEqual((status, word), (answer[0], answer[1]["error"]))

    def document(self, path):
        status, text = self.client.send("GET", path)
        return json.loads(text) if status == 200 else status

    def assertFigures(self, lifetime, interval=5):
        self.assertEqual((lifetime, interval), (self.code["expires_in"], self.code["interval"]))


class Google(Provider):
    personality, public = "google", False
    device, token, userinfo = "/device/code", "/token", "/v1/userinfo"

    def secret(self):
        return {"client_secret": self.sandbox.client_secret}

    def test_sign_in(self):
        code = self.begin(scope="openid profile")
        self.assertFigures(1800)
        self.assertEqual({"device_code", "user_code", "verification_url", "expires_in",
                          "interval"}, set(code))
        self.assertRegex(code["user_code"], "^[A-Z]{4}-[A-Z]{4}$")
        self.assertWord(428, "authorization_pending", self.poll(**self.secret()))
        tokens = self.approved(**self.secret())
        self.assertIn("refresh_token", tokens)
        self.assertNotIn("refresh_token_expires_in", tokens)
        self.assertEqual("Alice Example", self.person(tokens)[1]["name"])
        status, newer = self.refresh(tokens, **self.secret())
        self.assertEqual((200, False), (status, "refresh_token" in newer))
        self.assertEqual(200, self.refresh(tokens, **self.secret())[0])
        self.assertEqual([], self.sandbox.violations)

    def test_refusals(self):
        self.begin(scope="openid")
        self.assertWord(403, "slow_down", self.poll(in_time=False, **self.secret()))
        self.sandbox.deny()
        self.assertWord(403, "access_denied", self.poll(**self.secret()))
        for word, status in (("org_internal", 403), ("admin_policy_enforced", 400),
                             ("invalid_grant", 400)):
            self.sandbox.refuse("poll", word)
            self.assertWord(status, word, self.poll(**self.secret()))
        self.sandbox.refuse("device", "rate_limit_exceeded")
        self.assertEqual((403, {"error_code": "rate_limit_exceeded"}),
                         self.post(self.device, {**self.identity, "scope": "openid"}))

    def test_secret_belongs_in_the_body_of_polls_and_refreshes(self):
        self.begin(scope="openid")
        self.assertWord(400, "invalid_request", self.poll())
        self.assertWord(401, "invalid_client", self.poll(client_secret="wrong"))
        self.grant.not_before = 0
        form = {**self.identity, **self.secret(), "grant_type": DEVICE_GRANT,
                "device_code": self.code["device_code"]}
        self.assertEqual(400, self.post(self.token, form, Authorization=self.client.basic())[0])
        self.sandbox.violations.clear()
        self.post(self.device, {**self.identity, **self.secret(), "scope": "openid"})
        self.assertIn("belongs elsewhere", self.sandbox.violations[0])

    def test_revocation_names_no_client_and_knows_its_tokens(self):
        tokens = self.sandbox.issue_tokens()
        self.assertEqual(200, self.post("/revoke", {"token": tokens["access_token"]})[0])
        self.assertFalse(self.sandbox.accepts(refresh_token=tokens["refresh_token"]))
        self.assertWord(400, "invalid_token", self.post("/revoke", {"token": "unknown"}))


class Entra(Provider):
    personality = "entra"
    tenant = "0d7e8a3c-5b1f-4c59-9a52-6f1c2f3b7e10"
    device, token = f"/{tenant}/oauth2/v2.0/devicecode", f"/{tenant}/oauth2/v2.0/token"
    userinfo = "/oidc/userinfo"

    def test_sign_in(self):
        code = self.begin(scope="openid offline_access")
        self.assertFigures(900)
        self.assertNotIn("verification_uri_complete", code)
        self.assertIn(f"{code['verification_uri']} and enter the code {code['user_code']}",
                      code["message"])
        self.assertWord(400, "authorization_pending", self.poll())
        tokens = self.approved()
        self.assertEqual("Alice Example", self.person(tokens)[1]["name"])
        status, newer = self.refresh(tokens)
        self.assertEqual(200, status)
        self.assertNotEqual(tokens["refresh_token"], newer["refresh_token"])
        self.assertEqual(200, self.refresh(tokens)[0], "the old one is not revoked")
        self.assertEqual([], self.sandbox.violations)

    def test_refresh_token_only_with_offline_access(self):
        self.begin(scope="openid")
        self.assertNotIn("refresh_token", self.approved())

    def test_refusals(self):
        self.begin(scope="openid")
        self.sandbox.deny()
        self.assertWord(400, "authorization_declined", self.poll())
        self.begin(scope="openid")
        self.sandbox.expire("codes")
        self.assertWord(400, "expired_token", self.poll())
        self.assertWord(400, "bad_verification_code", self.poll(device_code="unknown"))
        self.assertWord(400, "unauthorized_client", self.post(
            self.device, {"client_id": "stranger", "scope": "openid"}))
        self.assertWord(400, "invalid_request", self.post(self.device, self.identity))

    def test_tenant_of_the_poll_is_the_tenant_of_the_code(self):
        self.begin(scope="openid")
        self.sandbox.approve()
        self.token = "/organizations/oauth2/v2.0/token"
        self.assertWord(400, "bad_verification_code", self.poll())
        self.assertIn("tenant", self.sandbox.violations[0])


class GitHub(Provider):
    personality = "github"
    device, token, userinfo = "/login/device/code", "/login/oauth/access_token", "/user"

    def test_sign_in(self):
        code = self.begin(scope="read:user gist")
        self.assertFigures(900)
        self.assertNotIn("verification_uri_complete", code)
        self.assertRegex(code["user_code"], "^[A-Z]{4}-[A-Z]{4}$")
        self.assertWord(200, "authorization_pending", self.poll())
        tokens = self.approved()
        self.assertEqual({"access_token", "token_type", "scope"}, set(tokens))
        self.assertEqual(("bearer", "read:user,gist"), (tokens["token_type"], tokens["scope"]))
        self.assertEqual((200, None), (self.person(tokens)[0], self.person(tokens)[1]["name"]))
        self.assertEqual("alice-example", self.person(tokens)[1]["login"])

    def test_answers_are_form_encoded_unless_json_is_asked_for(self):
        status, text = self.client.send("POST", self.device, self.identity, Accept="*/*")
        form = dict(urllib.parse.parse_qsl(text.decode()))
        self.assertEqual((200, "900"), (status, form["expires_in"]))

    def test_slow_down_brings_the_new_interval(self):
        self.begin()
        status, answer = self.poll(in_time=False)
        self.assertEqual((200, "slow_down", 10),
                         (status, answer["error"], answer["interval"]))
        self.sandbox.refuse("poll", "slow_down")
        self.assertEqual(15, self.poll()[1]["interval"])

    def test_refusals(self):
        self.begin()
        self.sandbox.deny()
        self.assertWord(200, "access_denied", self.poll())
        self.begin()
        self.sandbox.expire("codes")
        self.assertWord(200, "expired_token", self.poll())
        self.assertWord(200, "incorrect_device_code", self.poll(device_code="unknown"))
        self.assertWord(200, "incorrect_client_credentials", self.poll(client_id="stranger"))
        self.assertWord(404, "Not Found", self.post(self.device, {"client_id": "stranger"}))
        self.sandbox.refuse("device", "device_flow_disabled")
        self.assertWord(200, "device_flow_disabled", self.post(self.device, self.identity))

    def test_app_whose_tokens_end(self):
        self.start(access_lifetime=28800, refresh_tokens="always")
        self.begin()
        tokens = self.approved()
        self.assertEqual((28800, 15897600),
                         (tokens["expires_in"], tokens["refresh_token_expires_in"]))
        self.assertEqual(200, self.refresh(tokens)[0])
        self.assertWord(200, "bad_refresh_token", self.refresh(tokens))

    def test_no_revocation_and_no_discovery(self):
        self.assertNotIn("revocation_endpoint", self.sandbox.settings())
        self.assertEqual(404, self.document("/.well-known/openid-configuration"))


class Auth0(Provider):
    personality = "auth0"
    device, token, userinfo = "/oauth/device/code", "/oauth/token", "/userinfo"

    def test_sign_in(self):
        code = self.begin(scope="openid offline_access", audience="https://api.sandbox.example/")
        self.assertFigures(900)
        self.assertIn(f"?user_code={code['user_code']}", code["verification_uri_complete"])
        self.assertWord(403, "authorization_pending", self.poll())
        tokens = self.approved()
        self.assertEqual((86400, "Bearer"), (tokens["expires_in"], tokens["token_type"]))
        self.assertEqual("Alice Example", self.person(tokens)[1]["name"])
        self.assertNotIn("refresh_token", self.refresh(tokens)[1])
        self.assertEqual([], self.sandbox.violations)

    def test_refusals(self):
        self.begin()
        self.assertWord(429, "slow_down", self.poll(in_time=False))
        self.sandbox.deny()
        self.assertWord(403, "access_denied", self.poll())
        self.assertWord(403, "access_denied", self.post(
            self.device, {**self.identity, "audience": "https://elsewhere.example/"}))
        self.begin()
        self.sandbox.expire("codes")
        self.assertWord(403, "expired_token", self.poll())
        self.assertWord(403, "invalid_grant", self.poll())
        self.assertWord(403, "invalid_grant", self.refresh({"refresh_token": "unknown"}))

    def test_rotation_with_a_leeway(self):
        self.start(rotation="single-use", reuse_grace=60)
        tokens = self.sandbox.issue_tokens()
        for _ in range(2):
            self.assertEqual(200, self.refresh(tokens)[0])

    def test_issuer_ends_with_a_slash(self):
        value = self.document("/.well-known/openid-configuration")
        self.assertEqual(f"https://localhost:{self.sandbox.port}/", value["issuer"])
        self.assertEqual(value["issuer"], self.sandbox.settings(discover=True)["issuer"])
        self.assertEqual(value["issuer"], self.sandbox.settings()["issuer"] + "/")


class Okta(Provider):
    personality = "okta"
    device = "/oauth2/default/v1/device/authorize"
    token, userinfo = "/oauth2/default/v1/token", "/oauth2/default/v1/userinfo"

    def test_sign_in(self):
        code = self.begin(scope="openid offline_access")
        self.assertFigures(600)
        self.assertRegex(code["user_code"], "^[A-Z]{8}$")
        self.assertIn(f"?user_code={code['user_code']}", code["verification_uri_complete"])
        self.assertWord(400, "authorization_pending", self.poll())
        self.assertIn("description", str(self.poll()[1]))
        tokens = self.approved()
        self.assertEqual("Alice Example", self.person(tokens)[1]["name"])
        self.assertEqual(tokens["refresh_token"], self.refresh(tokens)[1]["refresh_token"])
        revoke = {**self.identity, "token": tokens["refresh_token"]}
        self.assertEqual(200, self.post("/oauth2/default/v1/revoke", revoke)[0])
        self.assertWord(400, "invalid_grant", self.refresh(tokens))

    def test_configured_by_its_issuer(self):
        self.assertEqual(f"https://localhost:{self.sandbox.port}/oauth2/default",
                         self.sandbox.settings()["issuer"])


class Keycloak(Provider):
    personality, public = "keycloak", False
    base = "/realms/sandbox/protocol/openid-connect"
    device, token, userinfo = f"{base}/auth/device", f"{base}/token", f"{base}/userinfo"

    def setUp(self):
        super().setUp()
        self.identity["client_secret"] = self.sandbox.client_secret

    def test_sign_in(self):
        code = self.begin(scope="openid")
        self.assertFigures(600)
        self.assertIn(f"?user_code={code['user_code']}", code["verification_uri_complete"])
        self.assertWord(400, "authorization_pending", self.poll())
        tokens = self.approved()
        self.assertEqual((300, 1800), (tokens["expires_in"], tokens["refresh_expires_in"]))
        value = self.person(tokens)[1]
        self.assertEqual((False, "alice-example"), ("name" in value, value["preferred_username"]))
        self.assertNotEqual(tokens["refresh_token"], self.refresh(tokens)[1]["refresh_token"])
        self.assertEqual(200, self.refresh(tokens)[0])
        self.assertEqual([], self.sandbox.violations)

    def test_client_authenticates_at_both_endpoints(self):
        self.begin()
        secret = self.identity.pop("client_secret")
        self.assertWord(401, "unauthorized_client", self.post(self.device, self.identity))
        self.assertWord(401, "unauthorized_client", self.poll())
        self.assertWord(400, "authorization_pending", self.poll(client_secret=secret))

    def test_refusals(self):
        self.begin()
        self.assertWord(400, "slow_down", self.poll(in_time=False))
        self.sandbox.deny()
        self.assertWord(400, "access_denied", self.poll())
        for ago, word in ((1, "expired_token"), (30, "invalid_grant")):
            self.begin()
            self.grant.expires -= self.code["expires_in"] + ago
            self.assertWord(400, word, self.poll())


class GitLab(Provider):
    personality = "gitlab"
    device, token, userinfo = "/oauth/authorize_device", "/oauth/token", "/oauth/userinfo"

    def test_sign_in(self):
        code = self.begin(scope="openid")
        self.assertFigures(300)
        self.assertRegex(code["user_code"], "^[A-Z0-9]{8}$")
        self.assertWord(400, "authorization_pending", self.poll())
        tokens = self.approved()
        self.assertGreater(tokens["created_at"], 1_700_000_000)
        self.assertEqual("Alice Example", self.person(tokens)[1]["name"])
        newer = self.refresh(tokens)[1]
        self.assertEqual([401, 200], [self.client.send(
            "GET", self.userinfo, Authorization=f"Bearer {t['access_token']}")[0]
            for t in (tokens, newer)])
        self.assertWord(400, "invalid_grant", self.refresh(tokens))

    def test_refusals(self):
        self.begin(scope="openid")
        self.assertWord(400, "slow_down", self.poll(in_time=False))
        self.sandbox.deny()
        self.assertWord(400, "access_denied", self.poll())
        self.begin(scope="openid")
        self.sandbox.expire("codes")
        self.assertWord(400, "expired_token", self.poll())
        tokens = self.sandbox.issue_tokens()
        self.assertWord(403, "unauthorized_client", self.post(
            "/oauth/revoke", {"token": tokens["refresh_token"], "client_id": "stranger"}))


class Twitch(Provider):
    personality = "twitch"
    device, token, userinfo = "/oauth2/device", "/oauth2/token", "/oauth2/validate"

    def test_sign_in(self):
        code = self.begin(scopes="user:read:email chat:read")
        self.assertFigures(1800)
        self.assertIn(f"device-code={code['user_code']}", code["verification_uri"])
        self.assertNotIn("verification_uri_complete", code)
        status, page = self.client.send("GET", urllib.parse.urlsplit(
            code["verification_uri"])._replace(scheme="", netloc="").geturl())
        self.assertEqual((200, True), (status, code["user_code"].encode() in page))
        scopes = {"scopes": "user:read:email chat:read"}
        self.assertEqual((400, {"status": 400, "message": "authorization_pending"}),
                         self.poll(**scopes))
        tokens = self.approved(**scopes)
        self.assertEqual(["user:read:email", "chat:read"], tokens["scope"])
        self.assertEqual("bearer", tokens["token_type"])
        for scheme in ("Bearer", "OAuth"):
            self.assertEqual("alice-example", self.person(tokens, scheme)[1]["login"])
        self.assertEqual(200, self.refresh(tokens)[0])
        self.assertEqual((400, {"error": "Bad Request", "status": 400,
                                "message": "Invalid refresh token"}), self.refresh(tokens))
        self.assertEqual((401, {"status": 401, "message": "invalid access token"}),
                         self.person(tokens))

    def test_refusals(self):
        self.assertEqual(400, self.post(self.device, {**self.identity, "scope": "chat:read"})[0])
        self.begin(scopes="chat:read")
        self.assertEqual(400, self.poll()[0], "polls without scopes")
        self.sandbox.expire("codes")
        self.assertEqual("invalid device code", self.poll(scopes="chat:read")[1]["message"])
        self.assertEqual((400, {"status": 400, "message": "Invalid token"}),
                         self.post("/oauth2/revoke", {**self.identity, "token": "unknown"}))


class Settings(unittest.TestCase):
    """What the sandbox writes for devicegrant."""
    BY_URL = {"provider", "device_authorization_endpoint", "token_endpoint", "refresh_endpoint",
              "userinfo_endpoint", "client_id", "scope", "ca_file"}
    BY_ISSUER = {"provider", "issuer", "client_id", "scope", "ca_file"}
    REVOCATION, SECRET = {"revocation_endpoint"}, {"client_secret"}

    def test_keys(self):
        for personality, expected in {
                "webex": self.BY_URL | self.SECRET, "rfc": self.BY_URL | self.REVOCATION |
                self.SECRET, "google": self.BY_URL | self.REVOCATION | self.SECRET,
                "entra": self.BY_URL, "github": self.BY_URL,
                "twitch": self.BY_URL | self.REVOCATION, "auth0": self.BY_ISSUER,
                "okta": self.BY_ISSUER, "gitlab": self.BY_ISSUER,
                "keycloak": self.BY_ISSUER | self.SECRET}.items():
            with self.subTest(personality), Sandbox(personality) as sandbox:
                lines = (sandbox.directory / "devicegrant.conf").read_text().splitlines()[1:]
                values = dict(line.split(" = ", 1) for line in lines)
                self.assertEqual(expected | {"token_file"}, set(values))
                self.assertEqual("custom" if personality == "rfc" else personality,
                                 values["provider"])
                for key in set(values) & (self.BY_URL | {"issuer"}):
                    if key.endswith("endpoint") or key == "issuer":
                        self.assertTrue(values[key].startswith(sandbox.origin), key)


class Discovery(unittest.TestCase):
    OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"

    def start(self, personality="rfc", **options):
        self.sandbox = self.enterContext(Sandbox(personality, **options))
        self.client = Client(self.sandbox)
        self.addCleanup(self.client.connection.close)

    def get(self, path):
        status, text = self.client.send("GET", path)
        return json.loads(text) if status == 200 else status

    def test_path_of_the_issuer_goes_before_or_after(self):
        self.start(issuer_path="/tenant")
        for path in (self.OAUTH + "/tenant", "/tenant" + self.OPENID):
            self.assertEqual(f"{self.sandbox.origin}/tenant", self.get(path)["issuer"])
        self.assertEqual([404, 404], [self.get(self.OAUTH), self.get(self.OPENID)])

    def test_each_can_be_switched_while_it_runs(self):
        self.start(oauth_discovery="absent")
        self.assertEqual(404, self.get(self.OAUTH))
        self.sandbox.configure(openid_discovery="wrong-issuer")
        self.assertNotEqual(self.sandbox.issuer, self.get(self.OPENID)["issuer"])
        self.sandbox.configure(openid_discovery="http-endpoints")
        self.assertTrue(self.get(self.OPENID)["token_endpoint"].startswith("http://"))
        self.sandbox.configure(openid_discovery="without-device")
        self.assertNotIn("device_authorization_endpoint", self.get(self.OPENID))
        counts = self.sandbox.state()["requests"]
        self.assertEqual((1, 3), (counts["oauth_discovery"]["count"],
                                  counts["openid_discovery"]["count"]))

    def test_endpoints_of_providers_are_where_the_documents_say(self):
        for personality in ("google", "entra", "auth0", "okta", "keycloak"):
            with self.subTest(personality):
                self.start(personality)
                issuer = self.sandbox.settings(discover=True)["issuer"]
                path = urllib.parse.urlsplit(issuer).path.rstrip("/")
                value = self.get(path + self.OPENID)
                self.assertEqual(issuer, value["issuer"])
                self.assertLessEqual(self.sandbox.endpoints.items(), value.items())

    def test_webex_names_another_issuer_and_no_device_endpoint(self):
        self.start("webex")
        value = self.get("/v1" + self.OPENID)
        self.assertEqual("https://idbroker-b-us.webex.com/idb", value["issuer"])
        self.assertNotIn("device_authorization_endpoint", value)
        self.assertTrue(value["token_endpoint"].endswith("/v1/access_token"))


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

    def test_options_reach_the_server(self):
        with tempfile.TemporaryDirectory() as directory:
            process = self.start("--personality", "okta", "--directory", directory, "--discover",
                                 "--access-lifetime", "1", "--rotation", "single-use")
            origin = process.stdout.readline().split()[2]
            lines = (Path(directory) / "devicegrant.conf").read_text().splitlines()
            self.assertIn("provider = custom", lines)
            self.assertIn(f"issuer = {origin}/oauth2/default", lines)
            context = ssl.create_default_context(cafile=Path(directory) / "ca.crt")
            client = http.client.HTTPSConnection(origin.removeprefix("https://"), context=context)
            self.addCleanup(client.close)
            client.request("GET", "/sandbox/state")
            settings = json.load(client.getresponse())["settings"]
            self.assertEqual((1, "single-use"), (settings["access_lifetime"],
                                                 settings["rotation"]))

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
