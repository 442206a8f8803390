"""A peer that is bad: whatever it does to one connection after the other, byte by byte."""

import itertools
import socket
import ssl
import threading
import time

CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23


def record(kind, body, version=0x0303):
    """A TLS record (RFC 8446 section 5.1), as it goes over the wire without keys."""
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def message(kind, body=b""):
    """A handshake message in a record of its own."""
    return record(HANDSHAKE, bytes([kind]) + len(body).to_bytes(3, "big") + body)


def warning(description):
    return record(ALERT, bytes([1, description]))


def hello(suite=0xC02B, version=0x0303):
    """A ServerHello of TLS 1.2 with no extension but renegotiation_info (RFC 5746)."""
    return message(2, version.to_bytes(2, "big") + bytes(range(32)) + b"\0"
                   + suite.to_bytes(2, "big") + b"\0\0\5\xff\1\0\1\0")


def without_end(data, pause=0.0):
    """An act that sends the same for ever, as fast as it is taken or with pauses."""
    def act(stream):
        heap = data if pause else data * (64 * 1024 // len(data))
        while True:
            stream.sendall(heap)
            time.sleep(pause)
    return act


def once(data, then=lambda stream: stream.recv(65536) and time.sleep(120)):
    """An act that answers the first bytes, and is silent afterwards or does something else."""
    def act(stream):
        stream.recv(65536)
        stream.sendall(data)
        then(stream)
    return act


def drip(data, pause=1.0):
    """An act that sends one byte after the other."""
    def act(stream):
        for byte in itertools.cycle(data):
            stream.sendall(bytes([byte]))
            time.sleep(pause)
    return act


class Peer:
    """Listens on a loopback port, and does `act` to each connection, in a thread of its own."""

    def __init__(self, act):
        self.act, self.connections, self.streams = act, 0, []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        socket.socket.shutdown(self._listener, socket.SHUT_RDWR)
        self._listener.close()
        for stream in self.streams:
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass    # gone already

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.streams.append(stream)
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        try:
            with stream:
                self.act(stream)
        except OSError:
            pass    # the client has had enough


class Session:
    """The server's end of TLS over a stream, one record after the other: to be cut anywhere."""

    def __init__(self, stream, context):
        self.stream = stream
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.sent = 0
        self.limit = None
        # After that many records each byte is sent by itself, a second apart.
        self.slow_after = None

    def shake_hands(self):
        """False where the limit of records came first."""
        return self._until_done(self.tls.do_handshake) is not None

    def read(self):
        """What came of a request; empty where the client is gone."""
        return self._until_done(lambda: self.tls.read(65536)) or b""

    def answer(self, data):
        """Sends some of an answer to a request."""
        self.tls.write(data)
        return self.flush()

    def flush(self):
        """Sends what there is, record by record; false at the limit."""
        data = self._out.read()
        while data:
            if self.sent == self.limit:
                return False
            length = 5 + int.from_bytes(data[3:5], "big")
            if self.slow_after is None or self.sent < self.slow_after:
                self.stream.sendall(data[:length])
            else:
                for index in range(length):
                    self.stream.sendall(data[index:index + 1])
                    time.sleep(1)
            data = data[length:]
            self.sent += 1
        return True

    def _until_done(self, step):
        while True:
            try:
                result = step()
                if not self.flush():
                    return None
                return True if result is None else result
            except ssl.SSLWantReadError:
                if not self.flush():
                    return None
                data = self.stream.recv(65536)
                if not data:
                    return None
                self._in.write(data)
