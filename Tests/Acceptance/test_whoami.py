"""`devicegrant whoami`: what the server says of the person."""

import base64
import json
import os
import pty
import threading

from acceptance import DATA, DENIED, DONE, PERSONALITIES, UNAVAILABLE, for_each
from living import LivingTest


class WhoAmI(LivingTest):
    @for_each({p: p for p in PERSONALITIES})
    def test_json_as_it_came(self, personality):
        sandbox = self.sandbox(personality)
        board = self.signed_in(sandbox)
        run = board.run("whoami")
        self.assertExit(DONE, run)
        self.assertIn("Alice Example", json.loads(run.stdout).values())
        self.assertEqual(1, run.stdout.count("\n"))
        request, = sandbox.to("userinfo")
        self.assertEqual(f"Bearer {board.record['access_token']}", request.header("Authorization"))
        self.assertEqual([], sandbox.refreshes)

    @for_each({"compact": '{"name":"A","n":1.50,"big":12345678901234567890}',
               "spaced": ' {\n  "name" : "\\u00e4" }\n'})
    def test_bytes_are_left_as_they_are(self, body):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=200, body=body)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DONE, run)
        self.assertEqual(body.strip() + "\n", run.stdout)

    def on_terminal(self, board):
        """The run, and what it wrote on a terminal."""
        seen, terminal = pty.openpty()
        parts = []

        def read():
            try:
                while part := os.read(seen, 65536):
                    parts.append(part)
            except OSError:
                pass    # the other end is closed
        reader = threading.Thread(target=read)
        run = board.start("whoami", stdout=terminal)
        os.close(terminal)
        reader.start()
        run.wait()
        reader.join()
        os.close(seen)
        return run, b"".join(parts).decode()

    def test_lines_on_a_terminal(self):
        run, text = self.on_terminal(self.signed_in(self.sandbox()))
        self.assertExit(DONE, run)
        self.assertRegex(text, r'\n +"name": "Alice Example"')
        self.assertEqual("Alice Example", json.loads(text)["name"])

    def test_hostile_profile_on_a_terminal(self):
        hostile = {"name": "\x1b]0;owned\x07\x9b31m\u202egnp.exe\u200b\u2066x\u2028y",
                   "\x1b[2J": ["\x7f", {"\r": "\u0085"}]}
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=200, json=hostile)
        run, text = self.on_terminal(self.signed_in(sandbox))
        self.assertExit(DONE, run)
        self.assertEqual(hostile, json.loads(text))
        bare = text.replace("\r\n", "")
        self.assertNotRegex(bare, "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")
        self.assertNotIn("\x1b", run.stderr)

    def test_profile_of_the_limit_s_size(self):
        sandbox = self.sandbox()
        body = json.dumps({"name": "a" * 60000})
        sandbox.answer_next(to="userinfo", status=200, body=body)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DONE, run)
        self.assertEqual(body + "\n", run.stdout)

    @for_each({"members": {f"k{i}": i for i in range(4500)},
               "objects": {"x": [{}] * 16000},
               "strings": {"groups": [f"grp{i:04}" for i in range(5500)]}})
    def test_profile_of_many_parts(self, profile):
        sandbox = self.sandbox()
        body = json.dumps(profile)
        sandbox.answer_next(to="userinfo", status=200, body=body)
        board = self.signed_in(sandbox)
        run = board.run("whoami")
        self.assertExit(DONE, run)
        self.assertEqual(body + "\n", run.stdout)
        run, text = self.on_terminal(board)
        self.assertExit(DONE, run)
        self.assertEqual(profile, json.loads(text))

    def test_byte_order_mark_is_left_out(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=200, body='\ufeff {"name":"A"}')
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DONE, run)
        self.assertEqual('{"name":"A"}\n', run.stdout)

    def test_profile_in_another_encoding(self):
        sandbox = self.sandbox()
        body = base64.b64encode('{"name":"é"}'.encode("latin-1")).decode()
        sandbox.answer_next(to="userinfo", status=200, body_base64=body)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DATA, run, "text that is not UTF-8")
        self.assertEqual("", run.stdout)

    def test_expired_token_is_renewed_first(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        self.assertExit(DONE, board.run("whoami"))
        self.assertEqual((1, 1), (len(sandbox.to("refresh")), len(sandbox.to("userinfo"))))
        self.assertHolds(board, sandbox)

    @for_each({p: p for p in ("rfc", "webex", "google", "keycloak")})
    def test_401_is_one_refresh_and_one_retry(self, personality):
        sandbox = self.sandbox(personality, rotation="single-use")
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        run = board.run("whoami")
        self.assertExit(DONE, run)
        json.loads(run.stdout)
        self.assertEqual((1, 2), (len(sandbox.to("refresh")), len(sandbox.to("userinfo"))))
        self.assertHolds(board, sandbox)
        self.assertEqual(board.record["access_token"] + "\n", board.published)

    def test_401_for_ever_is_no_loop(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=401, body="")
        board = self.signed_in(sandbox)
        run = board.run("whoami")
        self.assertExit(DENIED, run, "401")
        self.assertEqual("", run.stdout)
        self.assertEqual((1, 2), (len(sandbox.to("refresh")), len(sandbox.to("userinfo"))))

    def test_401_without_a_refresh_token(self):
        sandbox = self.sandbox(refresh_tokens="never")
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        self.assertExit(DENIED, board.run("whoami"), "sign in")
        self.assertEqual(1, len(sandbox.to("userinfo")))

    def test_401_of_a_dead_grant(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.disconnect()
        self.assertExit(DENIED, board.run("whoami"), "sign in")
        self.assertEqual((1, 1), (len(sandbox.to("refresh")), len(sandbox.to("userinfo"))))

    def test_403_names_the_missing_scope(self):
        sandbox = self.sandbox(required_scope="sensor")
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DENIED, run, "403", "'sensor'")
        self.assertEqual("", run.stdout)
        self.assertEqual((0, 1), (len(sandbox.to("refresh")), len(sandbox.to("userinfo"))))

    def test_403_without_a_word_names_the_scope_that_there_is(self):
        sandbox = self.sandbox()
        sandbox.fail("userinfo", 403)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DENIED, run, "403", "openid profile")
        self.assertEqual([], sandbox.to("refresh"))

    @for_each({"html": "<html></html>", "empty": "", "list": "[]", "half": '{"name": "A',
               "text": "Alice", "two": "{} {}", "deep": '{"a":' + "[" * 20000})
    def test_answer_that_is_no_json_object(self, body):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=200, body=body)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(DATA, run, "userinfo")
        self.assertEqual("", run.stdout)

    @for_each({"500": (500, UNAVAILABLE), "503": (503, UNAVAILABLE), "429": (429, UNAVAILABLE),
               "404": (404, DATA), "302": (302, DATA)})
    def test_status(self, row):
        status, code = row
        sandbox = self.sandbox()
        sandbox.fail("userinfo", status)
        run = self.signed_in(sandbox).run("whoami")
        self.assertExit(code, run, str(status))
        self.assertEqual([], sandbox.to("refresh"))

    def test_server_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("whoami"), "refused")

    def test_without_an_endpoint(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"userinfo_endpoint": None})
        self.assertExit(78, board.run("whoami"), "userinfo_endpoint")

    def test_not_signed_in(self):
        sandbox = self.sandbox()
        run = self.agent_board(sandbox).run("whoami")
        self.assertExit(DENIED, run, "not signed in")
        self.assertEqual([], sandbox.requests)

    def test_beside_run(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox)
        self.alive(board).wait_for("signed in as")
        sandbox.expire("access")
        self.assertExit(DONE, board.run("whoami"))
        self.assertEqual(["granted"], [r.outcome for r in sandbox.refreshes])
        self.assertHolds(board, sandbox)
