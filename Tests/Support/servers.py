"""The authorization servers that devicegrant is tested against: the sandbox and Glewlwyd."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from binaries import ROOT
from sandboxlib.server import Sandbox


def put_tokens(board, at, public=None, **more):
    """Signs the board in at that sandbox without a sign-in: replaces its token file.

    `more` replaces members of the file; None leaves one out. Returns what the file holds.
    """
    answer, now = at.issue_tokens(public=public), int(time.time())
    ends = {f"{name}_at": now + int(answer[f"{name}_in"])
            for name in ("expires", "refresh_token_expires") if f"{name}_in" in answer}
    record = {"access_token": answer["access_token"], "token_type": "Bearer", **ends,
              "refresh_token": answer.get("refresh_token"), "scope": answer["scope"],
              "token_endpoint": at.endpoints["token_endpoint"],
              "client_id": at.settings(public)["client_id"], **more}
    record = {key: value for key, value in record.items() if value is not None}
    board.token_file.parent.mkdir(mode=0o700, exist_ok=True)
    # In one step, since `run` may be there already.
    new = board.token_file.with_name("tokens.json.other")
    new.touch(0o600)
    new.write_text(json.dumps(record))
    new.rename(board.token_file)
    return record


def free_port():
    """A loopback port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Glewlwyd:
    """Debian's Glewlwyd, started by board/glewlwyd in a directory of its own."""

    def __init__(self, **environment):
        self.environment = {**os.environ, **{k: str(v) for k, v in environment.items()}}

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="glewlwyd-"))
        # The server drops root, so it has to reach its files through this directory.
        self.directory.chmod(0o711)
        self._run(ROOT / "board" / "glewlwyd", self.directory, free_port())
        lines = (self.directory / "env").read_text().splitlines()
        self.values = {key: shlex.split(value)[0] if value != "''" else ""
                       for key, _, value in (line.partition("=") for line in lines)}
        return self

    def __exit__(self, *_):
        try:
            self._run(self.directory / "stop.sh")
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def approve(self, user_code, plugin="oidc"):
        self._run(self.directory / "approve.sh", user_code, plugin)

    def deny(self, user_code, plugin="oidc"):
        self._run(self.directory / "deny.sh", user_code, plugin)

    def settings(self, public=False, short=False):
        """The configuration of a client; `short` names the endpoints whose codes live 4 s."""
        v, prefix = self.values, "SHORT_" if short else ""
        own = {"client_id": v["PUBLIC_CLIENT_ID"]} if public else \
            {"client_id": v["CLIENT_ID"], "client_secret": v["CLIENT_SECRET"]}
        keys = ("device_authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        return {"provider": "custom", **{key: v[prefix + key.upper()] for key in keys}, **own,
                "scope": v["SCOPE"], "ca_file": v["CA_FILE"]}

    def _run(self, *command):
        done = subprocess.run([*map(str, command)], env=self.environment, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr or done.stdout}")
