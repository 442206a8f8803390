"""A wall clock that is wrong, for one board."""

import time

from preload import preload

YEAR = 365 * 24 * 60 * 60


class WallClock:
    """What the programs of a board take for the wall clock, from their next start on."""

    def __init__(self, board, offset=0):
        self._file = board.directory / "wallclock"
        self.move(offset)
        preload(board, "wallclock")
        board.environment["WALLCLOCK"] = str(self._file)

    def move(self, offset):
        """Moves it so many seconds from the truth, in one step, behind everybody's back."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self._file)

    def set(self, moment):
        """Has it say that, in seconds since 1970."""
        self.move(int(moment - time.time()))
