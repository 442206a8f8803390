"""The disk fails, or the program is killed, at each call that touches the token directory."""

import contextlib
import os
import re
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

from acceptance import DONE, FILE, AcceptanceTest, for_each
from servers import put_tokens

# What may go wrong with each call, besides an end of the program before it.
ERRORS = {
    "openat": ("EIO", "EACCES", "EMFILE", "ENOSPC", "EROFS", "ESTALE"),
    "mkdir": ("EIO", "EACCES", "ENOSPC", "EROFS", "EDQUOT"),
    "fchmod": ("EIO", "EPERM", "EROFS"),
    "statx": ("EIO", "EACCES", "ESTALE"),
    "fstatfs": ("EIO", "ENOSYS"),
    "flock": ("EIO", "EINTR", "ENOLCK"),
    "read": ("EIO", "EINTR", "ESTALE"),
    "write": ("EIO", "EINTR", "ENOSPC", "EDQUOT"),
    "fsync": ("EIO", "EINTR", "ENOSPC", "EDQUOT"),
    "close": ("EIO", "EINTR", "EDQUOT"),
    "landlock_add_rule": ("ENOMEM", "EPERM"),
    "inotify_add_watch": ("ENOSPC", "ENOMEM", "EACCES"),
    "linkat": ("EIO", "EPERM", "EMLINK", "ENOSPC"),
    "renameat": ("EIO", "EACCES", "ENOSPC", "EROFS"),
    "unlinkat": ("EIO", "EACCES", "EROFS"),
}
KILL = "SIGKILL"
# What Manual.md says of exit codes.
DOCUMENTED = {0, 64, 65, 69, 70, 73, 74, 75, 77, 78}
# What there may be once a command has succeeded: nothing of a record that was cut off. The note of
# what was sent may be of a refresh token that is no more; it stays until the next save, as a cut-off
# note of the name does.
KEPT = {"tokens.json" + end
        for end in ("", ".lock", ".previous", ".name", ".name.new", ".person", ".sent", ".revoke0")}
SHARDS = 4
# What is done, and by which command; a refresh by one that goes on living, too.
OPERATIONS = {"sign_in": "sign-in", "again": "sign-in", "refresh": "token", "run": "run",
              "sign_out": "sign-out"}
# In seconds: until `run` has kept new tokens. What it can't keep it tries again after 4 s.
REFRESHES_WITHIN = 12


class Call(NamedTuple):
    """A call of the program's by its name and number, from 1."""

    name: str
    number: int


class DiskFaults(AcceptanceTest):
    """A refresh token that was sent counts again for a while, so that no grant is lost to this."""

    def setUp(self):
        super().setUp()
        self.server = self.sandbox(approve_after=1, rotation="single-use", reuse_grace=600)
        self.device = self.board(at=self.server)
        self.binary = self.device.command
        self.log = self.device.directory / "strace"
        self.hits = 0

    def prepare(self, operation):
        shutil.rmtree(self.device.token_file.parent, ignore_errors=True)
        if operation != "sign_in":
            ended = {"expires_at": 1} if operation in ("refresh", "run") else {}
            put_tokens(self.device, at=self.server, **ended)
        return self.device.record

    def perform(self, operation, *options):
        """Runs the operation under strace; `options` say what it does to which call."""
        self.device.command = ["strace", "-f", "-y", "-o", str(self.log), *options, *self.binary]
        run = self.device.start(OPERATIONS[operation])
        self.device.command = self.binary
        if operation == "run":
            with contextlib.suppress(AssertionError):
                run.wait_for("refreshed", REFRESHES_WITHIN)
            end_traced(run)
        return run.wait()

    def calls(self, operation):
        """The calls of an operation that nothing disturbs which touch the token directory."""
        self.prepare(operation)
        run = self.perform(operation, "-e", "trace=%file,%desc")
        self.assertExit(DONE, run)
        lines = [line.split(maxsplit=1) for line in self.log.read_text(errors="replace").splitlines()]
        counts, found = {}, []
        agent = next(process for process, line in lines if "/state" in line)
        for process, line in lines:
            begin = re.match(r"(\w+)\(", line)
            # Not the child that resolves names, and not the outer process.
            if process != agent or not begin:
                continue
            counts[begin[1]] = counts.get(begin[1], 0) + 1
            if "/state" in line.split(", \"{")[0]:
                self.assertIn(begin[1], ERRORS, line)
                found.append(Call(begin[1], counts[begin[1]]))
        # Written, flushed and given its name: less would be no list.
        self.assertLessEqual({"unlinkat", "fsync"}, {call.name for call in found})
        return found

    def faults(self, operation):
        return [(call, error) for call in self.calls(operation)
                for error in (KILL, *ERRORS[call.name])]

    def check_all(self, operation, faults):
        for call, error in faults:
            self.check(operation, call, error)
        # With another number of polls a call may have another number.
        self.assertGreaterEqual(self.hits, len(faults) * 2 // 3)

    def check(self, operation, call, error):
        with self.subTest(operation=operation, call=call, error=error):
            before = self.prepare(operation)
            how = "signal=KILL" if error == KILL else f"error={error}"
            run = self.perform(operation, "-e", f"trace={call.name}",
                               "-e", f"inject={call.name}:{how}:when={call.number}")
            if run.code == -9 and error == KILL:
                run.ended_by_us = True
                self.hits += 1
            else:
                self.hits += "(INJECTED)" in self.log.read_text(errors="replace")
                self.assertIn(run.code, DOCUMENTED, run.stderr)
            record = self.device.record   # it is JSON, or this fails
            getattr(self, f"check_{operation}")(run, before, record)
            if self.device.token_file.parent.is_dir():
                kept = {path.name for path in self.device.token_file.parent.iterdir()}
                self.assertLessEqual(kept, KEPT, run.stderr)

    def is_whole(self, record):
        return self.server.accepts(record["access_token"]) and "refresh_token" in record

    def test_sign_out_leaves_nothing_of_a_note_that_was_cut_off(self):
        self.prepare("sign_out")
        self.device.token_file.with_name("tokens.json.name.new").write_text("Alice Exam")
        self.assertExit(DONE, self.device.run("sign-out"))
        self.assertEqual(["tokens.json.lock"],
                         [path.name for path in self.device.token_file.parent.iterdir()])

    def check_sign_in(self, run, before, record):
        """The tokens are kept, or there are none, and the next sign-in works."""
        self.assertEqual(before is None, self.is_first)
        if run.code == DONE or record and record != before:
            self.assertTrue(self.is_whole(record), record)
        elif before:
            self.assertEqual(before, record)
        self.assertExit(DONE, self.device.run("sign-in"))
        self.assertTrue(self.is_whole(self.device.record))

    is_first = True

    def check_again(self, run, before, record):
        self.is_first = False
        self.assertIsNotNone(record)
        self.check_sign_in(run, before, record)

    def check_refresh(self, run, before, record):
        """The old record or the new one is there, and the next program gets a token."""
        self.assertIsNotNone(record)
        self.assertTrue(record == before or self.is_whole(record), record)
        if run.code == DONE and run.stdout:
            self.assertTrue(self.server.accepts(run.stdout.split()[-1]))
        again = self.device.run("token")
        self.assertExit(DONE, again)
        self.assertTrue(self.server.accepts(again.stdout.split()[-1]))
        self.assertTrue(self.is_whole(self.device.record))

    check_run = check_refresh

    def check_sign_out(self, run, before, record):
        """It is gone where that is said; else it can be signed out again."""
        self.assertTrue(record is None or record == before, record)
        if run.code == DONE:
            self.assertIsNone(record)
        self.assertExit(DONE, self.device.run("sign-out"))
        self.assertIsNone(self.device.record)
        self.assertEqual(["tokens.json.lock"],
                         [path.name for path in self.device.token_file.parent.iterdir()])

    @for_each({name: name for name in OPERATIONS})
    def test_slow_sample(self, operation):
        self.check_all(operation, self.dice().sample(self.faults(operation), 3))

    @for_each({f"{name}_{shard}": (name, shard) for shard in range(SHARDS) for name in OPERATIONS})
    def test_every_fault(self, row):
        operation, shard = row
        faults = self.faults(operation)
        self.assertGreater(len(faults), 60)
        self.check_all(operation, faults[shard::SHARDS])


def end_traced(run):
    """Ends what strace runs, where it still does: strace itself heeds no signal meanwhile."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for process in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split():
            os.kill(int(process), signal.SIGTERM)
