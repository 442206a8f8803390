"""What the acceptance tests have in common."""

import functools
import os
import random
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
# What the tests use lies beside them, and in board/ the packages that its commands are made of.
TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "Support"), str(TESTS.parent / "board")]

from devicegrant import Board, find_secrets  # noqa: E402
from servers import Sandbox  # noqa: E402

DONE, USAGE, DATA, UNAVAILABLE, CANNOT_CREATE = 0, 64, 65, 69, 73
FILE, EXPIRED, DENIED, CONFIGURATION = 74, 75, 77, 78
PERSONALITIES = ("webex", "rfc")
# What is random in a test is the same in each run, unless the environment says otherwise.
SEED = int(os.environ.get("SEED", 1))


def for_each(rows):
    """Makes one test per row of a table: the method gets the row's value."""
    def mark(method):
        method.rows = rows
        return method
    return mark


class AcceptanceTest(unittest.TestCase):
    """Makes servers and boards that end with the test, and searches them for leaks.

    Each test ends with three checks that hold always: no secret outside the token file, no
    breach of the protocol at a sandbox (unless `tolerates` says which), no crash by signal.
    """
    maxDiff = 4000
    tolerates = ()

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, method in list(vars(cls).items()):
            rows = getattr(method, "rows", {})
            for row, value in rows.items():
                setattr(cls, f"{name}_{row}",
                        functools.partialmethod(method, value))
            if rows:
                delattr(cls, name)

    def setUp(self):
        self.sandboxes, self.boards = [], []

    def dice(self):
        """Random numbers that follow from the seed; a test that fails names it (runner.py)."""
        self.seed = SEED
        return random.Random(SEED)

    def sandbox(self, personality="rfc", **options):
        options.setdefault("interval", 1)
        sandbox = self.enterContext(Sandbox(personality, **options))
        self.sandboxes.append(sandbox)
        self.addCleanup(self.check_sandbox, sandbox)
        return sandbox

    def board(self, settings=None, *, at=None, public=False, **options):
        """A board, configured as a client of the sandbox `at`."""
        given = at.settings(public) if at else {}
        board = self.enterContext(Board({**given, **(settings or {})}, **options))
        self.boards.append(board)
        # Registered after the board, so it runs while the board's files are still there.
        self.addCleanup(self.check_board, board)
        return board

    def sign_in(self, sandbox, settings=None, *arguments, public=False, **options):
        """One whole sign-in, to its end."""
        board = self.board(settings, at=sandbox, public=public)
        run = board.run("sign-in", *arguments, **options)
        run.board = board
        return run

    def check_sandbox(self, sandbox):
        breaches = [text for text in sandbox.violations
                    if not any(word in text for word in self.tolerates)]
        self.assertEqual([], breaches)

    def check_board(self, board):
        for run in board.runs:
            run.end()   # it might be about to rename a file
        known, tokens = (set().union(*(getattr(s, name) for s in self.sandboxes))
                         for name in ("secrets", "tokens"))
        self.assertEqual([], find_secrets(board, known, tokens), "secrets leaked")
        for run in board.runs:
            self.assertTrue(run.ended_by_us or (run.code or 0) >= 0,
                            f"ended by signal {run.code}\n{run.stderr}")

    def assertExit(self, code, run, *words):
        """The exit code, and that stderr says each of the words."""
        self.assertEqual(code, run.code, f"stderr:\n{run.stderr}")
        for word in words:
            self.assertIn(word.lower(), run.stderr.lower())

    def assertGaps(self, sandbox, at_least):
        """No poll came earlier than the server had asked, counted from what came before it."""
        issued = [r for r in sandbox.to("device_authorization_endpoint") if r.status == 200]
        times = [issued[-1].time, *(r.time for r in sandbox.polls)]
        gaps = [after - before for before, after in zip(times, times[1:])]
        self.assertEqual(len(at_least), len(gaps), f"gaps: {gaps}")
        for gap, least in zip(gaps, at_least):
            self.assertGreaterEqual(gap, least, f"gaps: {gaps}")
        return gaps
