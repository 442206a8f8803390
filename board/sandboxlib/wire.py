"""The wire: TLS connections and HTTP/1.1 messages."""

import dataclasses
import json
import socket
import ssl
import struct
import time
import urllib.parse
from http import HTTPStatus

HEAD_MAX = 64 * 1024
BODY_MAX = 256 * 1024
TLS_VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
                "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def note_server_name(tls, name, _):
    """A callback of the TLS context: keeps the name that the client asks for."""
    # The name arrives in the middle of the handshake, so the socket itself has to carry it.
    tls.server_name = name


def shut(stream):
    """Ends a connection or a listener from another thread than the one that reads it."""
    try:
        # Not SSLSocket's own shutdown: it forgets the TLS state under the thread that reads.
        socket.socket.shutdown(stream, socket.SHUT_RDWR)
    except OSError:
        pass  # already gone


@dataclasses.dataclass
class Request:
    """One request as it arrived. `time` is when its last byte had been read (CLOCK_MONOTONIC)."""
    connection: int
    resumed: bool
    time: float
    method: str
    target: str
    version: str
    headers: list
    body: bytes
    raw_head: bytes
    form: dict = dataclasses.field(default_factory=dict)
    endpoint: str = None    # one of common.ENDPOINTS; None for anything else
    status: int = 0
    note: str = ""
    answered: float = 0.0

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return urllib.parse.parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def header(self, name):
        """The value of a header that may occur once; None where it is missing."""
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        return values[0] if values else None

    def line(self):
        return f"{self.time:.3f} [{self.connection}] {self.method} {self.path} " \
               f"{self.status} {self.note}"


@dataclasses.dataclass
class Answer:
    """What to send back: the message, and for scripted ones the manner of delivery."""
    status: int
    body: bytes = b""
    headers: list = dataclasses.field(default_factory=list)
    reason: str = None
    note: str = ""
    chunks: list = None
    until_close: bool = False
    close: str = None
    hang: bool = False
    delay: float = 0
    drip: float = 0
    cut_after: int = None
    raw: bytes = None

    @classmethod
    def json(cls, status, value, note="", headers=()):
        text = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, text, [("Content-Type", "application/json; charset=utf-8"),
                                  ("Cache-Control", "no-store"), *headers], note=note)

    def message(self):
        """The bytes of the whole answer, framed."""
        if self.raw is not None:
            return self.raw
        framing, body = self._framed()
        reason = HTTPStatus(self.status).phrase if self.reason is None \
            and self.status in set(HTTPStatus) else (self.reason or "")
        head = [f"HTTP/1.1 {self.status} {reason}"]
        head += [f"{name}: {value}" for name, value in [*self.headers, *framing]]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body

    def _framed(self):
        closing = [("Connection", "close")] if self.close == "announced" or self.until_close else []
        if self.until_close:
            return closing, self.body
        if self.chunks is not None:
            pieces = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in self.chunks]
            return [*closing, ("Transfer-Encoding", "chunked")], b"".join(pieces) + b"0\r\n\r\n"
        return [*closing, ("Content-Length", str(len(self.body)))], self.body


class Connection:
    """One TCP connection: its TLS handshake, then request after request."""

    def __init__(self, sandbox, plain, peer, number):
        self.sandbox, self.number, self.peer = sandbox, number, peer
        self.opened = time.monotonic()
        self.handshake = "under way"    # then "complete", or why it failed
        self.resumed, self.version, self.cipher = False, None, None
        self.server_name, self.alpn = None, None
        self.received = 0               # bytes of application data
        self.closed = None
        self._stream = plain
        self._buffer = b""

    def serve(self):
        try:
            if self._shake_hands():
                while self._serve_one():
                    pass
        except (OSError, ValueError):
            pass  # the client went away, which the record shows
        finally:
            self._end()

    def abort(self):
        shut(self._stream)

    def _shake_hands(self):
        self._stream.settimeout(30)
        self._stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self.sandbox.tls
        try:
            tls = context.wrap_socket(self._stream, server_side=True, do_handshake_on_connect=False)
            self._stream = tls
            tls.do_handshake()
        except OSError as error:
            self._note(handshake=f"failed: {error}")
            return False
        cipher, version, _ = tls.cipher()
        self._note(handshake="complete", resumed=bool(tls.session_reused), version=tls.version(),
                   cipher=cipher, alpn=tls.selected_alpn_protocol(),
                   server_name=getattr(tls, "server_name", None))
        tls.settimeout(self.sandbox.idle_timeout)
        return True

    def _note(self, **facts):
        with self.sandbox.changed:
            for name, value in facts.items():
                setattr(self, name, value)
            self.sandbox.changed.notify_all()

    def _serve_one(self):
        request = self._read_request()
        if request is None:
            return False
        if self._buffer:
            self.sandbox.violation(request, "sent more before it had the answer")
        answer = self._answer(request)
        delivered = self._deliver(answer)
        request.answered = time.monotonic()
        with self.sandbox.changed:
            self.sandbox.changed.notify_all()
        return delivered and (request.header("Connection") or "").lower() != "close"

    def _answer(self, request):
        sandbox = self.sandbox
        with sandbox.changed:
            sandbox.requests.append(request)
            try:
                answer = sandbox.answer_to(request)
            except Exception as error:  # a defect of the sandbox must not look like the client's
                sandbox.violation(request, f"the sandbox itself failed: {error!r}")
                answer = Answer(500)
            request.status, request.note = answer.status, answer.note
            sandbox.say(request.line())
            sandbox.changed.notify_all()
            return answer

    def _read(self):
        data = self._stream.recv(65536)
        self._note(received=self.received + len(data))
        self._buffer += data
        return bool(data)

    def _read_request(self):
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > HEAD_MAX:
                raise ValueError("the head does not end")
            if not self._read():
                if self._buffer:
                    self.sandbox.violation(None, "closed in the middle of a request")
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        headers = [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines[1:]]
        length = int(next((v for k, v in headers if k.lower() == "content-length"), 0))
        if length > BODY_MAX:
            raise ValueError("the body is too long")
        while len(self._buffer) < length and self._read():
            pass
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Request(self.number, self.resumed, time.monotonic(), method, target, version,
                       headers, body, head)

    def _deliver(self, answer):
        """Sends it; whether the connection stays open."""
        if answer.hang:
            self.sandbox.stopping.wait()
            return False
        if answer.delay and self.sandbox.stopping.wait(answer.delay):
            return False
        message = answer.message()
        if answer.cut_after is not None:
            self._stream.sendall(message[:answer.cut_after])
            self._reset()
            return False
        if answer.drip:
            for byte in message:
                self._stream.sendall(bytes([byte]))
                if self.sandbox.stopping.wait(answer.drip):
                    return False
        else:
            self._stream.sendall(message)
        if answer.close == "abrupt":
            shut(self._stream)
        return not (answer.close or answer.until_close)

    def _reset(self):
        # Linger 0 turns close() into a reset, which is what a dying router or server looks like.
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._stream.close()

    def _end(self):
        try:
            if isinstance(self._stream, ssl.SSLSocket) and self.handshake == "complete":
                self._stream.settimeout(0.5)
                self._stream.unwrap().close()
            else:
                self._stream.close()
        except (OSError, ValueError):
            self._stream.close()
        self._note(closed=time.monotonic())

