"""Runs the release binary of devicegrant from outside, as a board would."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from binaries import Missing, binary_of, build_words, runner_of

CODE_LINE = re.compile(r"user_code=(?P<user_code>.*?) verification_uri=(?P<uri>\S+)"
                       r".* expires_in=(?P<expires_in>\d+)")
RUNS_END_WITHIN = 75


def command_for(architecture="host", release=None):
    """The command line that starts devicegrant; a clear failure where something is missing."""
    is_ours = (architecture, release) == ("host", None)
    binary = Path(is_ours and os.environ.get("DEVICEGRANT") or binary_of(architecture, release))
    if not binary.is_file():
        words = build_words(architecture, release)
        raise Missing(f"{binary} is missing: run board/build {' '.join(words)}"
                      + ", or name another in DEVICEGRANT" * is_ours)
    return [*runner_of(architecture, release), str(binary.resolve())]


class Board:
    """A directory that stands for one board: its configuration, its files, its runs.

    Use it as a context manager: whatever is still running ends with it.
    """

    def __init__(self, settings=None, architecture="host", release=None, **more):
        self.directory = Path(tempfile.mkdtemp(prefix="board-"))
        # Read by an account that is not root, where a test drops to one.
        self.directory.chmod(0o755)
        self.command = command_for(architecture, release)
        self.runs = []
        self.token_file = self.directory / "state" / "tokens.json"
        self.access_token_file = self.directory / "public" / "access-token"
        self.access_token_file.parent.mkdir()
        self.socket = self.directory / "token.sock"
        self.configuration = self.directory / "devicegrant.conf"
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.directory),
                            "LC_ALL": "C.UTF-8"}
        self.settings = {"token_file": str(self.token_file), "display": "none",
                         **(settings or {}), **more}
        self.configure(self.settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for run in self.runs:
            run.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def configure(self, values):
        """Writes the configuration file: a dictionary, or its text as it is."""
        text = values if isinstance(values, str) else \
            "".join(f"{key} = {value}\n" for key, value in values.items() if value is not None)
        self.configuration.write_text(text)
        self.configuration.chmod(0o600)

    def change(self, settings):
        """Changes some keys of the configuration file; None leaves one out."""
        self.settings = {**self.settings, **settings}
        self.configure(self.settings)

    @property
    def record(self):
        """What the token file holds; None where there is none."""
        try:
            return json.loads(self.token_file.read_bytes())
        except FileNotFoundError:
            return None

    @property
    def published(self):
        """What the access token file holds; None where there is none."""
        try:
            return self.access_token_file.read_text()
        except FileNotFoundError:
            return None

    def start(self, command, *arguments, environment=None, configuration=True, **options):
        """Starts devicegrant; `arguments` follow the command."""
        words = [command, *map(str, arguments)]
        if configuration:
            words += ["--config", str(self.configuration)]
        binary = self.command
        if "user" in options:
            # The checkout may lie where another account can't reach it.
            binary = [shutil.copy(self.command[-1], self.directory / "devicegrant")]
        run = Run([*binary, *words], {**self.environment, **(environment or {})},
                  self.directory, options)
        self.runs.append(run)
        return run

    def run(self, command, *arguments, **options):
        """Runs devicegrant to its end."""
        return self.start(command, *arguments, **options).wait()

    def plain(self, *words, environment=None):
        """Runs devicegrant with exactly these words, without a configuration file."""
        run = Run([*self.command, *words], {**self.environment, **(environment or {})},
                  self.directory, {})
        self.runs.append(run)
        return run.wait()


class Run:
    """One process. Its output is read while it runs, so that a line can be awaited."""

    def __init__(self, command, environment, directory, options):
        self.started = time.monotonic()
        self.ended_by_us = False
        log, log_end = os.pipe()
        if options.pop("journal", False):
            # systemd names the very stream that the journal reads, so that others are left alone.
            facts = os.fstat(log_end)
            environment = {**environment, "JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}
        self.command = command
        standard = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": log_end,
                    "start_new_session": True}
        self._process = subprocess.Popen(
            command, env=environment, cwd=directory, **{**standard, **options})
        os.close(log_end)
        self._changed = threading.Condition()
        self._closed = 0
        self._output = {"stdout": b"", "stderr": b""}
        streams = {"stderr": open(log, "rb")}
        if self._process.stdout:
            streams["stdout"] = self._process.stdout
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in streams.items()]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self):
        return self._process.pid

    @property
    def inner(self):
        """The process number of the half of `run` that is in the sandbox, which is its first child;
        None where there is none."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
            return next(map(int, file.read().split()), None)

    @property
    def stdout(self):
        return self._output["stdout"].decode("utf-8", "backslashreplace")

    @property
    def stderr(self):
        return self._output["stderr"].decode("utf-8", "backslashreplace")

    @property
    def output(self):
        """Both streams, as bytes."""
        return self._output["stdout"] + self._output["stderr"]

    @property
    def lines(self):
        return self.stderr.splitlines()

    @property
    def code(self):
        """The exit code; negative where a signal ended it, None while it runs."""
        return self._process.poll()

    def wait(self, timeout=RUNS_END_WITHIN):
        """Waits for the end; a process that outstays it is ended and the test fails."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise TimeoutError(f"still running after {timeout} s; it said:\n"
                               f"{self.stdout}{self.stderr}") from None
        for reader in self._readers:
            reader.join(5)
        return self

    def wait_for(self, pattern, timeout=30):
        """Waits until the log matches and returns the match."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := re.search(pattern, self.stderr)):
                left = deadline - time.monotonic()
                if left <= 0 or self._closed == len(self._readers):
                    raise AssertionError(f"{pattern!r} is not in the log:\n{self.stderr}")
                self._changed.wait(left)
            return found

    def announced(self, timeout=30):
        """Waits for the line that announces a code: user_code, uri, expires_in."""
        return self.wait_for(CODE_LINE.pattern + r".*\n", timeout)

    def signal(self, number=signal.SIGTERM):
        self._process.send_signal(number)

    def end(self):
        if self._process.poll() is None:
            self.ended_by_us = True
            # Its group, which it leads, holds the child that resolves names too.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            # That child may still have what it inherited, such as the socket, for a moment.
            for reader in self._readers:
                reader.join(1)

    def _read(self, name, stream):
        with stream:
            while data := stream.read1(65536):
                with self._changed:
                    self._output[name] += data
                    self._changed.notify_all()
        with self._changed:
            self._closed += 1
            self._changed.notify_all()


def spellings(secret):
    """The forms in which a secret could leak: as it is, form-encoded, in base64."""
    raw = secret.encode()
    encoded = urllib.parse.quote_plus(secret, safe="").encode()
    return {raw, encoded, base64.b64encode(raw).rstrip(b"=")}


def find_secrets(board, known, tokens=()):
    """Where any of the `known` secrets occurs and should not; `tokens` may be in token files."""
    def occurs(secrets, data):
        return any(form in data for secret in secrets for form in spellings(secret))
    known = {secret for secret in known if len(secret) >= 8}
    found = []
    for number, run in enumerate(board.runs):
        # What `token` is for is to print one, on standard output.
        meant = {run.stdout.split()[-1]} if "token" in run.command and run.stdout.split() else set()
        if occurs(known, run.stderr.encode()) or occurs(known - meant, run.stdout.encode()):
            found.append(f"output of run {number}")
    for path in board.directory.rglob("*"):
        if not path.is_file() or path.name in (board.configuration.name, "client.secret"):
            continue
        allowed = set(tokens) if path.name.startswith(board.token_file.name) else set()
        if path.name.startswith(board.access_token_file.name):
            allowed = {path.read_text().strip()}
        if occurs(known - allowed, path.read_bytes()):
            found.append(str(path))
    return found
