"""Tests that serve clients and signals in the midst of a wait, with the ordinary build (`swift
build`): there, the accesses to variables that the compiler leaves to run time are checked, and a
violation ends the program by a signal, with which each of these tests fails.

The release binary can't be had like that: Embedded Swift 6.3 takes -enforce-exclusivity=checked,
but its swift_beginAccess returns at once, whatever goes on.
"""

import signal
import subprocess
import tempfile
from pathlib import Path

import test_hand_out
import test_refresh
import test_run
from acceptance import AcceptanceTest
from binaries import BUILD, Missing

ORDINARY = BUILD / "debug/devicegrant"

VIOLATION = """
nonisolated(unsafe) var number = 0
@inline(never) func touch() { number += 1 }
@inline(never) func violate(_ number: inout Int) { touch() }
violate(&number)
"""


class Checked(AcceptanceTest):
    def board(self, settings=None, **options):
        if not ORDINARY.is_file():
            raise Missing(f"{ORDINARY} is missing: run swift build")
        board = super().board(settings, **options)
        board.command = [str(ORDINARY)]
        return board


class Promptness(Checked, test_hand_out.Promptness):
    pass


class End(Checked, test_run.End):
    pass


class Refresh(Checked, test_refresh.LivingTest):
    test_ten_callers = test_refresh.Company.test_ten_callers_through_the_socket_cause_one_refresh
    test_lock = test_refresh.Company.test_lock_is_waited_for_interruptibly


class TheCheck(AcceptanceTest):
    def test_ordinary_build_has_it(self):
        names = subprocess.run(["nm", "-D", "--undefined-only", ORDINARY], capture_output=True,
                               text=True, check=True).stdout
        self.assertIn("swift_beginAccess", names)

    def test_violation_ends_a_program(self):
        """What can't fail proves nothing."""
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory, "main.swift")
            source.write_text(VIOLATION)
            program = Path(directory, "main")
            subprocess.run(["swiftc", "-Onone", "-o", program, source], check=True)
            run = subprocess.run([program], capture_output=True, text=True,
                                 env={"SWIFT_BACKTRACE": "enable=no"})
        self.assertEqual(-signal.SIGABRT, run.returncode)
        self.assertIn("Simultaneous accesses", run.stderr)
