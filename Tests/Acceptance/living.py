"""What the tests of `run` have in common."""

import os
import select
import time

from acceptance import DONE, AcceptanceTest
from hand_out import eventually
from servers import put_tokens

# The promise is one second; the rest is for the machine that the tests run on.
ENDS_WITHIN = 1.5


def read_until(descriptor, word, timeout=30):
    """Reads from a descriptor until that word, in bytes, has come, and returns all that came."""
    said = b""
    deadline = time.monotonic() + timeout
    while word not in said:
        if not select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"{word} did not come within {timeout} s, but {said}")
        said += os.read(descriptor, 4096)
    return said


class LivingTest(AcceptanceTest):
    """Makes boards with a socket and an access token file, and looks at what `run` does there."""

    def agent_board(self, sandbox, settings=None, public=None, **options):
        board = self.board(at=sandbox, public=public, **options)
        board.change({"socket": board.socket, "access_token_file": board.access_token_file,
                      **(settings or {})})
        return board

    def signed_in(self, sandbox, settings=None, public=None, **more):
        """A board with a grant. `more` is as for `put_tokens`."""
        board = self.agent_board(sandbox, settings, public)
        put_tokens(board, at=sandbox, public=public, **more)
        return board

    def alive(self, board, **options):
        """Starts `run` and waits until it has taken up what is there."""
        run = board.start("run", **options)
        run.wait_for("handing tokens out")
        return run

    def assertEnds(self, run, number=None):
        """It ends with 0 within a second of a signal."""
        run.signal(*([] if number is None else [number]))
        self.assertExit(DONE, run.wait(ENDS_WITHIN))

    def assertHolds(self, board, sandbox):
        """The token file holds a pair that the server accepts, by now or in a moment.

        Between the server's decision and the rename of the new file, which nobody can do at once,
        the file holds what has just been replaced.
        """
        def accepted():
            record = board.record
            return record and sandbox.accepts(record["access_token"], record.get("refresh_token"))
        try:
            eventually(accepted, 5)
        except AssertionError:
            self.fail(f"the server takes none of the pair in the file:\n{sandbox.summary()}\n"
                      f"{board.runs[-1].stderr}")

    def assertNotReused(self, sandbox):
        self.assertEqual([None] * len(sandbox.grants.families),
                         [family["ended"] for family in sandbox.state()["families"]])

    def published(self, board):
        """Waits for the access token file and returns the token in it."""
        text = eventually(lambda: board.published)
        self.assertRegex(text, r"\A\S+\n\Z")
        return text.strip()
