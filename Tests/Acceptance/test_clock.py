"""A wall clock that is wrong, or jumps. Boards often have none that survives a power cut."""

import json
import time

from acceptance import DONE, UNAVAILABLE, for_each
from hand_out import ask, eventually, token_from
from living import LivingTest
from wallclock import YEAR, WallClock

WRONG = {"ten_years_ahead": 10 * YEAR, "two_years_behind": -2 * YEAR,
         "ten_years_behind": -10 * YEAR, "1970": 300 - int(time.time())}


class AtTheStart(LivingTest):
    @for_each(WRONG)
    def test_grant_is_not_lost(self, offset):
        """Certificates seem not valid then, so there is nothing to be had from the server."""
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox)
        before = board.record
        clock = WallClock(board, offset)
        run = self.alive(board)
        # Whatever it makes of the time: an answer, and it goes on.
        self.assertRegex(ask(board.socket), "^(ok|error unavailable) ")
        self.assertEqual(before, board.record)
        self.assertEqual(([], []), (sandbox.requests, sandbox.to("device")))
        self.assertEnds(run)
        clock.move(0)
        run = self.alive(board)
        run.wait_for("signed in as Alice")
        self.assertEqual(before["access_token"], token_from(board.socket))
        self.assertEqual([], sandbox.to("device"))

    @for_each({name: WRONG[name] for name in ("1970", "two_years_behind", "ten_years_behind")})
    def test_clock_behind_hands_out_what_is_there(self, offset):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        clock = WallClock(board, offset)
        self.alive(board)
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEqual(board.record["access_token"], self.published(board))

    @for_each(WRONG)
    def test_sign_in_says_that_the_clock_may_be_wrong(self, offset):
        sandbox = self.sandbox(approve_after=1)
        board = self.agent_board(sandbox)
        clock = WallClock(board, offset)
        run = board.run("sign-in")
        self.assertExit(UNAVAILABLE, run, "localhost")
        self.assertRegex(run.stderr, "clock not set|expired|not yet valid|valid")
        self.assertEqual([], sandbox.requests)

    def test_clock_that_is_set_later_leads_to_a_code(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        board.change({"display": "console"})
        clock = WallClock(board)
        clock.set(300)
        run = self.alive(board)
        run.wait_for("no code: .*clock not set")
        eventually(lambda: "Please wait: The clock is not set yet." in run.stdout)
        clock.move(0)
        run.announced()


class Jump(LivingTest):
    """Behind the program's back: the kernel tells it of a clock that is set, this one does not."""

    @for_each({"ahead": 10 * YEAR, "behind": -10 * YEAR, "before_1970": -60 * YEAR})
    def test_while_signed_in(self, offset):
        sandbox = self.sandbox(access_lifetime=1000)
        board = self.signed_in(sandbox)
        clock = WallClock(board)
        run = self.alive(board)
        run.wait_for("signed in as")
        before = board.record
        clock.move(offset)
        for _ in range(3):
            self.assertEqual(before["access_token"], token_from(board.socket, "token 900"))
        self.assertEqual(before, board.record)
        self.assertEqual([], sandbox.to("refresh"))
        self.assertEnds(run)

    @for_each({"ahead": 10 * YEAR, "behind": -10 * YEAR})
    def test_while_a_code_is_shown(self, offset):
        """The code lives on: its time is not the wall clock's. TLS has been set up before."""
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        clock = WallClock(board)
        run = self.alive(board)
        code = run.announced()["user_code"]
        sandbox.wait_for(lambda s: s.polls)
        clock.move(offset)
        sandbox.approve(code)
        run.wait_for("signed in; ")
        self.assertTrue(sandbox.accepts(token_from(board.socket)))
        self.assertEqual(1, len(sandbox.to("device")))

    @for_each({"ahead_and_back": 10 * YEAR, "behind_and_back": -10 * YEAR})
    def test_refresh_after_a_jump_and_back(self, offset):
        sandbox = self.sandbox(access_lifetime=4, rotation="single-use")
        board = self.signed_in(sandbox)
        clock = WallClock(board)
        run = self.alive(board)
        self.published(board)
        clock.move(offset)
        time.sleep(0.2)
        clock.move(0)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)


class Record(LivingTest):
    """A token file from a time when the clock was wrong."""

    @for_each({"far_ahead": 10 * YEAR, "very_far_ahead": 1000 * YEAR, "end_of_32_bits": 2 ** 31,
               "past": -10 * YEAR})
    def test_expiry(self, offset):
        sandbox = self.sandbox(access_lifetime=1000)
        board = self.signed_in(sandbox, expires_at=int(time.time()) + offset)
        sandbox.expire("access")
        run = self.alive(board)
        run.wait_for("signed in as Alice")
        self.assertHolds(board, sandbox)
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertAlmostEqual(time.time() + 1000, board.record["expires_at"], delta=5)

    @for_each({"zero": 0, "negative": -5, "largest": 2 ** 63 - 1, "smallest": -2 ** 63,
               "too_large": 2 ** 63, "fraction": 1.5, "text": "soon", "list": []})
    def test_expiry_without_sense_is_no_crash(self, value):
        sandbox = self.sandbox(access_lifetime=1000, approve_after=1)
        board = self.signed_in(sandbox)
        record = {**board.record, "expires_at": value}
        board.token_file.write_text(json.dumps(record))
        for command in ("status", "token", "whoami"):
            self.assertIn(board.run(command).code, (DONE, 77))
        run = self.alive(board)
        eventually(lambda: token_from(board.socket))
        self.assertIsNone(run.code)
