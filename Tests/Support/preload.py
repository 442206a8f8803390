"""Libraries in C that stand between a board's programs and the kernel."""

import shutil
import subprocess

from binaries import ROOT


def preload(board, name):
    """Builds Tests/Support/NAME.c and has the board's programs use it."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        raise RuntimeError("no C compiler: install gcc or clang")
    library = board.directory / f"{name}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library,
                    ROOT / "Tests" / "Support" / f"{name}.c"], check=True)
    board.environment["LD_PRELOAD"] = str(library)
