"""Runs the acceptance tests in several processes: python3 Tests/Acceptance [OPTION...] [WORD...]

With words, only tests whose name holds one of them; Tests/README.md says what there is. The ten
slowest are listed at the end, and the last line counts passed and failed.
"""

import argparse
import contextlib
import importlib
import io
import multiprocessing
import os
import signal
import sys
import time
import unittest
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

# What takes the binaries of other machines and releases, or boots them.
BOARDS = ("test_architectures", "test_boards", "test_debian13", "test_disks", "test_package")
# What is seen on arm64 for each change is seen on armhf when there is time for it, but for what
# differs there: the width of numbers, times beyond 2038, how pixels lie, what a power cut leaves.
ON_BOTH = ("sign_in_and", "sign_in_on", "pixel_formats", "clock_not_set", "virtual_framebuffer", "contents", "OnArm")
# Some tests wait for an emulated board several times; nothing that works takes as long as this.
LIMIT = 600
SLOWEST = 10


def main():
    options = parse()
    # Who names a test wants it, however long it takes.
    units = [unit for unit in discover(options.part)
             if any(word in unit for word in options.words)
             or not options.words and is_long(unit) == (options.part == "long")]
    passed, failed, times = 0, 0, {}
    with ProcessPoolExecutor(options.j, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(perform, unit, options.limit): unit for unit in units}
        for future in as_completed(running):
            unit, count, problems, of_tests, seconds = outcome(future, running[future])
            times.update(of_tests)
            failed += len(problems)
            passed += count - len(problems)
            print(f"{'FAILED' if problems else 'ok':6} {unit} ({seconds:.1f} s)", flush=True)
            for text in problems.values():
                print(text, flush=True)
    print_slowest(times)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def parse():
    parser = argparse.ArgumentParser(prog="Tests/Acceptance", description=__doc__.splitlines()[0])
    # Most tests wait for the next poll, so there may be several per processor.
    parser.add_argument("-j", type=int, default=3 * os.cpu_count(), metavar="N", help="processes")
    parser.add_argument("--part", choices=("acceptance", "boards", "long"),
                        help="all but the tests of the boards, or those only; else both; long is "
                        "what a plain run leaves out of either")
    parser.add_argument("--limit", type=float, default=LIMIT, metavar="SECONDS",
                        help=f"a test that takes longer has failed ({LIMIT})")
    parser.add_argument("words", nargs="*", metavar="WORD", help="part of a test's name")
    return parser.parse_args()


def discover(part=None):
    """Test methods by full name; a class stays whole where its set-up is shared."""
    units = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        if part in ("acceptance", "boards") and (path.stem in BOARDS) != (part == "boards"):
            continue
        for name, case in vars(module).items():
            if not (isinstance(case, type) and issubclass(case, unittest.TestCase)
                    and case.__module__ == path.stem):
                continue
            methods = unittest.defaultTestLoader.getTestCaseNames(case)
            whole = "setUpClass" in vars(case)
            names = [f"{path.stem}.{name}"] if whole else \
                [f"{path.stem}.{name}.{method}" for method in methods]
            units += names if methods else []
    # The slowest first, so that none of them is left over at the end.
    return sorted(units, key=lambda unit: "slow" not in unit.lower())


def is_long(unit):
    """Whether a unit is too long for each change: board/test long runs it."""
    return "every_fault" in unit or unit.startswith("test_age") or (
        unit.split(".")[0] in BOARDS and "armhf" in unit
        and not any(word in unit for word in ON_BOTH))


def outcome(future, unit):
    """What perform has returned, or that its process could not tell."""
    try:
        return future.result()
    except Exception as error:
        return unit, 1, {unit: f"--- {unit}\n{type(error).__name__}: {error}"}, {}, 0


def perform(unit, limit):
    """Runs one unit: its name, how many tests ran, what went wrong by test, how many seconds each
    took, how many all of it took."""
    began = time.monotonic()
    result = Result(limit)
    # The set-up of a class has a limit too.
    with time_limit(limit):
        unittest.defaultTestLoader.loadTestsFromName(unit).run(result)
    problems = {}
    for test, text in [*result.failures, *result.errors,
                       *((t, f"skipped: {why}") for t, why in result.skipped)]:
        test = getattr(test, "test_case", test)
        problems[test.id()] = f"{problems.get(test.id(), '')}--- {test.id()}\n{text}{hint(test)}"
    # A failed setUpClass counts as one test.
    return (unit, max(result.testsRun, len(problems)), problems, result.times,
            time.monotonic() - began)


def hint(test):
    """How to draw the same numbers again, for a test that has drawn any."""
    seed = getattr(test, "seed", None)
    return "" if seed is None else f"SEED={seed} repeats it\n"


def print_slowest(times):
    print(f"\nthe slowest of {len(times)}, in seconds:")
    for name in sorted(times, key=times.get, reverse=True)[:SLOWEST]:
        print(f"{times[name]:8.1f}  {name}")
    print()


class Hanging(Exception):
    """A test has outstayed its time. Nothing in a test takes this for what it waits for."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raises Hanging in what takes longer, and then again each minute: its clean-up may hang too.

    One limit replaces another; at the end there is none.
    """
    def end(*_):
        raise Hanging(f"still running after {seconds:g} s")
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Result(unittest.TestResult):
    """Sets each test its limit, and takes its time."""

    def __init__(self, limit):
        super().__init__(io.StringIO(), verbosity=0)
        self.limit, self.times = limit, {}

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, self.limit, 60)

    def stopTest(self, test):
        signal.setitimer(signal.ITIMER_REAL, self.limit, 60)
        self.times[test.id()] = time.monotonic() - self._began
        super().stopTest(test)
