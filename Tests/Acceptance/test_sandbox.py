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
        text = answer.read()
        return answer.status, text

    def basic(self):
        pair = ":".join(urllib.parse.quote_plus(part, safe="") for part in
                        (self.sandbox.client_id, self.sandbox.client_secret))
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def begin(self):
        form = {"client_id": self.sandbox.public_client_id, "scope": "openid"}
        return json.loads(self.send("POST", "/device_authorization", form)[1])

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
