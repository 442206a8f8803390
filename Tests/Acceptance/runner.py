"""Runs the acceptance tests in several processes: python3 Tests/Acceptance [-j N] [WORD...]

With words, only tests whose name holds one of them. The last line counts passed and failed.
"""

import argparse
import importlib
import io
import multiprocessing
import os
import sys
import time
import unittest
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))


def main():
    parser = argparse.ArgumentParser(prog="Tests/Acceptance", description=__doc__.splitlines()[0])
    # Most tests wait for the next poll, so there may be several per processor.
    parser.add_argument("-j", type=int, default=3 * os.cpu_count(), metavar="N", help="processes")
    parser.add_argument("words", nargs="*", metavar="WORD", help="part of a test's name")
    options = parser.parse_args()
    units = [unit for unit in discover() if not options.words
             or any(word in unit for word in options.words)]
    passed, failed = 0, 0
    with ProcessPoolExecutor(options.j, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(perform, unit) for unit in units]):
            unit, count, problems, seconds = future.result()
            failed += len(problems)
            passed += count - len(problems)
            print(f"{'FAILED' if problems else 'ok':6} {unit} ({seconds:.1f} s)", flush=True)
            for text in problems.values():
                print(text, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def discover():
    """Test methods by full name; a class stays whole where its set-up is shared."""
    units = []
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
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


def perform(unit):
    """Runs one unit: its name, how many tests ran, what went wrong by test, how long it took."""
    began = time.monotonic()
    suite = unittest.defaultTestLoader.loadTestsFromName(unit)
    result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
    problems = {}
    for test, text in [*result.failures, *result.errors,
                       *((t, f"skipped: {why}") for t, why in result.skipped)]:
        test = getattr(test, "test_case", test)
        problems[test.id()] = f"{problems.get(test.id(), '')}--- {test.id()}\n{text}"
    # A failed setUpClass counts as one test.
    return unit, max(result.testsRun, len(problems)), problems, time.monotonic() - began


