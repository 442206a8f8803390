"""A client of the socket of `devicegrant run`."""

import fcntl
import os
import socket
import struct
import time


class Client:
    """One connection to the socket."""

    def __init__(self, path, timeout=20):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Blocking, since with a time limit of Python's own, connect(2) would not wait in the queue.
        limit = struct.pack("ll", timeout, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._socket.connect(str(path))
        self._socket.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def finish(self):
        """Sends no more; what comes back can still be read."""
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self):
        """Everything until the other end closes; what was cut off by a reset is empty."""
        parts = []
        try:
            while part := self._socket.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


def ask(path, line="token", timeout=20):
    """The answer to one line, as text."""
    with Client(path, timeout) as client:
        client.send(line.encode() + b"\n")
        return client.answer().decode()


def token_from(path, line="token"):
    """The token of an answer `ok EXPIRES_AT TOKEN`; None where the answer is another."""
    words = ask(path, line).split()
    return words[2] if len(words) == 3 and words[0] == "ok" else None


class Lock:
    """Holds the lock of a token file, as another process that renews it would."""

    def __init__(self, token_file):
        self._path = token_file.with_name(token_file.name + ".lock")

    def __enter__(self):
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        os.close(self._descriptor)


def eventually(condition, timeout=15, step=0.01):
    """Waits until condition() is true and returns its value: for what nothing tells of."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"it has not come true within {timeout} s")
        time.sleep(step)
    return value
