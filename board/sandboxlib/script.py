"""Scripted answers: what to say, or what to do to the server's own answer, and for how long."""

import base64
import dataclasses
import json
import time

from .common import ENDPOINTS, Mistake
from .wire import Answer


@dataclasses.dataclass
class Rule:
    """One scripted answer. Without status, body, json, error or raw it changes the server's own.

    It applies to the requests that `path`, `method`, `to` (one of common.ENDPOINTS) and `nth`
    (one number or [first, last], counted from the start for its path or endpoint) select,
    `times` times, for `seconds` after it was added.
    """
    path: str = None
    method: str = None
    to: str = None
    nth: object = None
    times: int = None
    seconds: float = None
    processed: bool = False     # the server does its work before the answer is replaced
    status: int = None
    reason: str = None
    headers: object = ()
    body: str = None
    body_base64: str = None
    json: object = None
    error: str = None           # a word of RFC 6749 or 8628, told as the provider tells it
    merge: dict = None
    chunks: list = None
    until_close: bool = False
    close: str = None
    hang: bool = False          # no answer, and the connection stays open
    delay: float = 0
    drip: float = 0
    cut_after: int = None
    raw: str = None
    raw_base64: str = None

    def __post_init__(self):
        self.until = None if self.seconds is None else time.monotonic() + self.seconds

    @classmethod
    def parse(cls, values):
        if isinstance(values, cls):
            return values
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, dict) or not set(values) <= known:
            raise Mistake(f"a scripted answer may have {', '.join(sorted(known))}, not: {values}")
        rule = cls(**values)
        if rule.close not in (None, "announced", "silent", "abrupt"):
            raise Mistake("close is announced, silent or, without TLS's close_notify, abrupt")
        if rule.to not in (None, *ENDPOINTS):
            raise Mistake(f"to is one of {', '.join(ENDPOINTS)}")
        return rule

    @property
    def changes_own_answer(self):
        made_up = (self.status, self.body, self.body_base64, self.json, self.error, self.raw,
                   self.raw_base64)
        return self.processed or self.merge is not None or all(part is None for part in made_up)

    @property
    def is_over(self):
        return self.times == 0 or (self.until is not None and time.monotonic() >= self.until)

    def selects(self, request, earlier):
        """Whether it applies to this request; `earlier` are all that came so far, with it."""
        if self.path is None and request.path.startswith("/sandbox/"):
            return False    # whoever scripts "everything" still wants to control it
        if not (self.path in (None, request.path) and self.method in (None, request.method)
                and self.to in (None, request.endpoint)):
            return False
        if self.nth is None:
            return True
        nth = sum(r.endpoint == request.endpoint if self.to else r.path == request.path
                  for r in earlier)
        first, last = self.nth if isinstance(self.nth, (list, tuple)) else (self.nth, self.nth)
        return first <= nth <= (last or nth)

    def applied(self, answer):
        if self.merge is not None:
            value = {**json.loads(answer.body or b"{}"), **self.merge}
            answer.body = json.dumps({k: v for k, v in value.items() if v is not None},
                                     ensure_ascii=False).encode()
        if self.json is not None:
            answer.body = json.dumps(self.json, ensure_ascii=False).encode()
            answer.headers = [("Content-Type", "application/json")]
        if self.body is not None:
            answer.body = self.body.encode()
        if self.body_base64 is not None:
            answer.body = base64.b64decode(self.body_base64)
        extra = self.headers.items() if isinstance(self.headers, dict) else self.headers
        answer.headers = [*answer.headers, *(tuple(pair) for pair in extra)]
        self._deliver_as_told(answer)
        return answer

    def _deliver_as_told(self, answer):
        if self.chunks is not None:
            # An empty list splits the server's own body, so that tokens can arrive chunked too.
            answer.chunks = [c.encode() for c in self.chunks] or _split(answer.body, 7)
        if self.raw is not None or self.raw_base64 is not None:
            answer.raw = self.raw.encode() if self.raw is not None \
                else base64.b64decode(self.raw_base64)
        answer.status = self.status or answer.status
        answer.reason, answer.until_close, answer.close = self.reason, self.until_close, self.close
        answer.hang = self.hang
        answer.delay, answer.drip, answer.cut_after = self.delay, self.drip, self.cut_after
        answer.note = f"scripted {answer.note}".strip()


def _split(data, pieces):
    size = max(1, -(-len(data) // pieces))
    return [data[i:i + size] for i in range(0, len(data), size)]


def answer_to(sandbox, request):
    """The script's answer where a rule applies, else the server's own."""
    sandbox.script[:] = [rule for rule in sandbox.script if not rule.is_over]
    rule = next((r for r in sandbox.script if r.selects(request, sandbox.requests)), None)
    if rule is None:
        return sandbox.own_answer(request)
    if rule.times is not None:
        rule.times -= 1
    if rule.changes_own_answer:
        return rule.applied(sandbox.own_answer(request))
    if rule.error is not None:
        return rule.applied(sandbox.personality.refuse(request, rule.error))
    return rule.applied(Answer(200))
