"""`devicegrant status`: how things stand, without the network."""

import json
import time

from acceptance import DENIED, DONE, FILE, for_each
from hand_out import eventually
from living import LivingTest


class Status(LivingTest):
    def status(self, board):
        run = board.run("status", "--json")
        self.assertEqual(1, run.stdout.count("\n"), run.stderr)
        return run, json.loads(run.stdout)

    def test_signed_in(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run, value = self.status(board)
        self.assertExit(DONE, run)
        left = value.pop("expires_in")
        self.assertAlmostEqual(board.record["expires_at"] - time.time(), left, delta=5)
        self.assertEqual({
            "signed_in": True, "expires_at": board.record["expires_at"], "refreshable": True,
            "refresh_token_expires_at": board.record["refresh_token_expires_at"],
            "scope": "openid profile", "issuer": sandbox.origin,
            "client_id": sandbox.client_id}, value)
        self.assertEqual([], sandbox.connections)

    @for_each({
        "renewable": ({"expires_at": 1}, True), "not_renewable": ({"expires_at": 1,
                                                                   "refresh_token": None}, False),
        "nothing_known": ({"expires_at": None, "refresh_token_expires_at": None}, True),
        "refresh_token_expired": ({"refresh_token_expires_at": 1}, True),
        "both_expired": ({"expires_at": 1, "refresh_token_expires_at": 1}, False)})
    def test_expiry(self, row):
        more, signed_in = row
        board = self.signed_in(self.sandbox(), **more)
        run, value = self.status(board)
        self.assertExit(DONE if signed_in else DENIED, run)
        self.assertIs(signed_in, value["signed_in"])
        if more.get("expires_at"):
            self.assertEqual(0, value["expires_in"])
        self.assertEqual("refresh_token" not in more, value["refreshable"])
        text = board.run("status")
        self.assertEqual(run.code, text.code)
        self.assertTrue(text.stdout.startswith("signed in\n" if signed_in else "not signed in\n"))

    def test_not_signed_in(self):
        run, value = self.status(self.agent_board(self.sandbox()))
        self.assertExit(DENIED, run)
        self.assertEqual({"signed_in": False}, value)

    def test_damaged_file(self):
        board = self.signed_in(self.sandbox())
        board.token_file.write_text("{")
        run, value = self.status(board)
        self.assertExit(DENIED, run, "damaged")
        self.assertEqual({"signed_in": False}, value)
        self.assertEqual("{", board.token_file.read_text())

    def test_open_file(self):
        board = self.signed_in(self.sandbox())
        board.token_file.chmod(0o644)
        self.assertExit(FILE, board.run("status", "--json"), "chmod 600")

    def test_agent_shows_a_code(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        code = self.alive(board).announced()
        value = eventually(lambda: code["user_code"] in (v := self.status(board)[1])["agent"] and v)
        self.assertIs(False, value["signed_in"])
        self.assertIn(code["uri"], value["agent"])
        self.assertIn(code["user_code"], board.run("status").stdout)

    def test_agent_is_signed_in(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        self.published(board)
        run, value = self.status(board)
        self.assertExit(DONE, run)
        self.assertEqual("signed in", value["agent"])

    def test_agent_cannot_renew(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        sandbox.fail("refresh", 503, seconds=30)
        self.alive(board).wait_for("refresh failed")
        self.assertRegex(self.status(board)[1]["agent"], "503")

    def test_agent_waits_for_a_person(self):
        board = self.agent_board(self.sandbox(), {"start": "on-request"})
        self.alive(board)
        self.assertRegex(self.status(board)[1]["agent"], "login required")

    def test_hostile_record(self):
        board = self.signed_in(self.sandbox(), scope="a\x1b[2J\u202eb", client_id="\x07x")
        run = board.run("status")
        self.assertNotRegex(run.stdout, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
        _, value = self.status(board)
        self.assertEqual("\x07x", value["client_id"])
