"""What the parts share."""

import contextlib
import fcntl
import shlex
import subprocess

from binaries import Missing


def run(*command, **options):
    """Runs a program of this machine and returns what it prints."""
    try:
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    except FileNotFoundError:
        raise Missing(f"{command[0]} is missing: run board/dependencies emulate") from None
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Missing(f"{shlex.join(map(str, command))} failed: {reason[-1]}")
    return done.stdout


@contextlib.contextmanager
def making(place):
    """Holds a lock on a place that is made once; yields whether it is still to be made."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not place.exists()
