"""No access to a variable is left to be checked while the program runs: the compiler proves that
whoever serves clients and signals in the midst of a wait touches nothing that somebody else holds.

The release binary would not tell: Embedded Swift 6.3 takes -enforce-exclusivity=checked, but its
swift_beginAccess returns at once. The ordinary build of the same sources does, in which each access
that is not proved is a call of it.
"""

import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import BUILD, Missing

ORDINARY = BUILD / "debug/devicegrant"

VIOLATION = """
nonisolated(unsafe) var number = 0
@inline(never) func touch() { number += 1 }
@inline(never) func violate(_ number: inout Int) { touch() }
violate(&number)
"""


def calls_the_check(program):
    names = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True,
                           text=True, check=True).stdout
    return "swift_beginAccess" in names


class TheCheck(unittest.TestCase):
    def test_no_access_is_left_to_be_checked(self):
        if not ORDINARY.is_file():
            raise Missing(f"{ORDINARY} is missing: run swift build")
        self.assertFalse(calls_the_check(ORDINARY))

    def test_violation_ends_a_program(self):
        """What can't fail proves nothing."""
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory, "main.swift")
            source.write_text(VIOLATION)
            program = Path(directory, "main")
            subprocess.run(["swiftc", "-Onone", "-o", program, source], check=True)
            self.assertTrue(calls_the_check(program))
            run = subprocess.run([program], capture_output=True, text=True,
                                 env={"SWIFT_BACKTRACE": "enable=no"})
        self.assertEqual(-signal.SIGABRT, run.returncode)
        self.assertIn("Simultaneous accesses", run.stderr)
