"""A process that lives long: nothing of it grows. Half an hour each, so board/test long runs them."""

import os
from pathlib import Path

from living import LivingTest
from hand_out import eventually

# In seconds: what the slowest of them takes, and something for the machine.
PATIENCE = 3600
POLLS = 2000
REFRESHES = 200


class Size:
    """What a process has at some moment: memory in KiB, descriptors, bytes and calls of writing."""

    def __init__(self, process):
        place = Path(f"/proc/{process}")
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        self.anonymous = int(status["RssAnon"].split()[0])
        self.descriptors = len(os.listdir(place / "fd"))
        written = dict(line.split(": ") for line in (place / "io").read_text().splitlines())
        self.bytes, self.calls = int(written["wchar"]), int(written["syscw"])


class Age(LivingTest):
    def reach(self, run, count, wanted):
        """Waits until `count` has reached that number, and returns what the process has then."""
        eventually(lambda: run.code is not None or count() >= wanted, PATIENCE, 0.2)
        self.assertIsNone(run.code, run.stderr)
        return Size(run.inner)

    def assertFlat(self, early, late):
        self.assertLessEqual(late.anonymous, early.anonymous + 4)
        self.assertEqual(early.descriptors, late.descriptors)

    def test_slow_life_of_polls(self):
        sandbox = self.sandbox(interval=1, expires_in=600, approve_after=10 ** 9)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        early = self.reach(run, lambda: len(sandbox.polls), POLLS // 10)
        self.assertFlat(early, self.reach(run, lambda: len(sandbox.polls), POLLS))

    def test_slow_life_of_refreshes(self):
        """Each writes as much as the one before."""
        sandbox = self.sandbox(access_lifetime=10, rotation="single-use")
        board = self.signed_in(sandbox)
        run = self.alive(board)

        def refreshes():
            return run.stderr.count(": refreshed")
        early, middle, late = (
            self.reach(run, refreshes, REFRESHES * tenths // 10) for tenths in (2, 6, 10))
        self.assertFlat(early, late)
        files = {path.name for path in board.token_file.parent.iterdir()}
        self.assertLessEqual(files, {"tokens.json" + end for end in
                                     ("", ".lock", ".previous", ".name", ".person")})
        for what in ("bytes", "calls"):
            first = getattr(middle, what) - getattr(early, what)
            second = getattr(late, what) - getattr(middle, what)
            # The first and the last refresh may be counted in part.
            self.assertAlmostEqual(first, second, delta=first / 20, msg=what)
        print(f"bytes written for each refresh: {(late.bytes - early.bytes) * 5 // (4 * REFRESHES)}",
              flush=True)
