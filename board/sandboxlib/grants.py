"""Device codes, and the tokens that come of them. Answers with the words of the RFCs."""

import dataclasses
import hashlib
import re
import time

FOREVER = float("inf")


@dataclasses.dataclass
class Grant:
    """One device code and what became of it."""
    device_code: str
    user_code: str
    mark: str           # stands for the code in verification_uri_complete
    client_id: str
    scope: str
    interval: float
    issued: float
    expires: float
    not_before: float   # no poll before that
    place: dict         # what stood in the placeholders of the endpoint's path
    state: str = "pending"
    polls: int = 0


@dataclasses.dataclass
class Family:
    """All tokens that came of one sign-in."""
    name: str
    client_id: str
    scope: str
    ended: str = None   # reuse, revoked or disconnected; None while it lives


@dataclasses.dataclass
class Token:
    """An access or a refresh token."""
    value: str
    family: Family
    scope: str
    expires: float
    state: str = "good"         # then rotated, superseded or revoked
    rotated: float = None       # when its successor was made
    successor: object = None    # the refresh token that replaced it
    used: bool = False

    @property
    def good(self):
        return self.state == "good" and not self.family.ended and time.monotonic() < self.expires


@dataclasses.dataclass(frozen=True)
class Refresh:
    """One refresh as the server decided it, whether or not its answer arrived."""
    time: float
    family: str
    presented: str
    outcome: str        # granted, or the error's word

    @property
    def granted(self):
        return self.outcome == "granted"


class Grants:
    """All that the server remembers of codes and tokens."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.by_device_code, self.families = {}, {}
        self.access, self.refresh = {}, {}      # Token by its value; none is ever forgotten
        self.refreshes = []

    # Device codes

    def begin(self, client_id, scope, place=None):
        """A new code for that client."""
        sandbox, now = self.sandbox, time.monotonic()
        device_code = sandbox.personality.dialect.device_code()
        mark = hashlib.sha256(device_code.encode() + b" mark").hexdigest()
        grant = Grant(device_code, self._new_user_code(), mark, client_id, scope,
                      sandbox.interval, now, now + sandbox.expires_in, now + sandbox.interval,
                      place or {})
        self.by_device_code[device_code] = grant
        sandbox.secrets.add(device_code)
        return grant

    def _new_user_code(self):
        taken = {g.user_code for g in self.by_device_code.values()}
        while (code := self.sandbox.personality.new_user_code()) in taken:
            pass
        return code

    def find(self, text):
        """The grant of a user code as a person types it, or of the mark in the complete URI."""
        plain = re.sub(r"[\s-]", "", text or "").upper()
        return next((g for g in self.by_device_code.values()
                     if plain in (g.user_code.replace("-", ""), g.mark.upper())), None)

    def newest_pending(self):
        """The newest code that can still be decided."""
        pending = [g for g in self.by_device_code.values()
                   if g.state == "pending" and time.monotonic() < g.expires]
        return pending[-1] if pending else None

    def poll(self, request, device_code, client_id, place=None):
        """An error word, or the token answer."""
        sandbox, now = self.sandbox, request.time
        grant = self.by_device_code.get(device_code)
        if grant is None or grant.client_id != client_id:
            sandbox.violation(request, "unknown device code, or another client's")
            return "unknown_code"
        if grant.place != (place or {}):
            sandbox.violation(request, f"another {', '.join(place)} than where the code came from")
            return "unknown_code"
        if grant.state == "ended":
            sandbox.violation(request, "polled after the final answer")
            return "used_code"
        grant.polls += 1
        early, grant.not_before = now < grant.not_before, now + grant.interval
        if early:
            sandbox.violation(request, "polled before its time")
            return self.slow_down(grant, now)
        return self._verdict(request, grant)

    def slow_down(self, grant, now):
        """The word for an early poll. RFC 8628 has the interval grow, for this poll and later."""
        word = self.sandbox.personality.dialect.early_poll
        if word == "slow_down":
            grant.interval += 5
            grant.not_before = now + grant.interval
        return word

    def _verdict(self, request, grant):
        sandbox = self.sandbox
        if request.time >= grant.expires:
            # The client learns of the code a moment later than the server makes it.
            if request.time > grant.expires + 1:
                sandbox.violation(request, "polled after the code had expired")
            grant.state = "ended"
            lingers = sandbox.personality.dialect.expired_code_lingers
            gone = lingers is not None and request.time > grant.expires + grant.interval + lingers
            return "used_code" if gone else "expired_token"
        if sandbox.approve_after and grant.polls >= sandbox.approve_after:
            grant.state = "approved"
        if sandbox.deny_after and grant.polls >= sandbox.deny_after:
            grant.state = "denied"
        if grant.state == "pending":
            return "authorization_pending"
        verdict, grant.state = grant.state, "ended"
        return "access_denied" if verdict == "denied" else \
            self.tokens(grant.client_id, grant.scope, family=grant.mark)

    # Tokens

    def tokens(self, client_id, scope, family):
        """A token answer, for a new family of that name."""
        kin = self.families[family] = Family(family, client_id, scope)
        when = self.sandbox.refresh_tokens
        has_refresh_token = when == "always" or when in scope.split()
        return self._answer(kin, scope, self._new_refresh_token(kin) if has_refresh_token else None)

    def renew(self, presented, client_id, scope=None):
        """An error word, or the token answer."""
        token = self.refresh.get(presented)
        answer = self._renewed(token, client_id, scope)
        self.refreshes.append(Refresh(
            time.monotonic(), token.family.name if token else None, presented,
            answer if isinstance(answer, str) else "granted"))
        return answer

    def _renewed(self, token, client_id, scope):
        if token is None or token.family.client_id != client_id:
            return "invalid_grant"
        replaced = token.state in ("rotated", "superseded") and not self._within_grace(token)
        if replaced and self.sandbox.reuse_detection:
            # RFC 9700 §4.14.2: whoever presents a replaced token may be its thief.
            self.end_family(token.family, "reuse")
        if not (token.good or self._within_grace(token)):
            return "invalid_grant"
        if scope and not set(scope.split()) <= set(token.family.scope.split()):
            return "invalid_scope"
        token.used = True
        if self.sandbox.refresh_ends_access:
            self._end_access(token.family)
        return self._answer(token.family, scope or token.family.scope, self._replaced(token))

    def _within_grace(self, token):
        now = time.monotonic()
        return (token.state == "rotated" and not token.family.ended and now < token.expires
                and now - token.rotated < self.sandbox.reuse_grace and not token.successor.used)

    def _replaced(self, token):
        """The refresh token for the answer to a refresh; None where there is none in it."""
        rotation = self.sandbox.rotation
        if rotation == "omit":
            return None
        if rotation == "same":
            token.expires = time.monotonic() + self._refresh_lifetime
            return token
        if token.successor and token.state == "rotated":
            token.successor.state = "superseded"    # its answer was lost, as it seems
        successor = self._new_refresh_token(token.family)
        if rotation == "single-use":
            token.rotated = token.rotated or time.monotonic()
            token.state, token.successor = "rotated", successor
        return successor

    @property
    def _refresh_lifetime(self):
        return self.sandbox.refresh_lifetime or FOREVER

    def _new_refresh_token(self, family):
        value = self.sandbox.personality.dialect.refresh_token()
        token = Token(value, family, family.scope, time.monotonic() + self._refresh_lifetime)
        self.refresh[value] = token
        return self._kept(token)

    def _answer(self, family, scope, refresh_token):
        sandbox = self.sandbox
        lifetime = sandbox.access_lifetime
        access = Token(sandbox.personality.dialect.access_token(), family, scope,
                       time.monotonic() + (lifetime or FOREVER))
        self.access[access.value] = self._kept(access)
        answer = {"access_token": access.value, "token_type": "Bearer",
                  "expires_in": told(lifetime, sandbox.expires_in_form)}
        if refresh_token:
            answer["refresh_token"] = refresh_token.value
            answer["refresh_token_expires_in"] = told(sandbox.refresh_lifetime,
                                                      sandbox.refresh_expires_in_form)
        answer["scope"] = scope
        return {name: value for name, value in answer.items() if value is not None}

    def _kept(self, token):
        self.sandbox.secrets.add(token.value)
        self.sandbox.tokens.add(token.value)
        return token

    def _end_access(self, family):
        for token in self.access.values():
            if token.family is family:
                token.state = "revoked"

    def end_family(self, family, why):
        """Ends all that came of the same sign-in; the first reason stays on record."""
        family.ended = family.ended or why

    def revoke(self, value, client_id=None):
        """RFC 7009 §2.1: a refresh token takes its family with it. Whether it was known."""
        token = self.refresh.get(value) or self.access.get(value)
        if token is None or client_id not in (None, "", token.family.client_id):
            return False
        known, token.state = token.good, "revoked"
        if value in self.refresh or self.sandbox.personality.dialect.revocation_takes_all:
            self.end_family(token.family, "revoked")
        return known

    def bearer(self, request):
        """The good access token in the Authorization header, or None."""
        scheme, _, value = (request.header("Authorization") or "").partition(" ")
        token = self.access.get(value) \
            if scheme.lower() in self.sandbox.personality.dialect.bearer_schemes else None
        return token if token and token.good else None

    def is_presentable(self, value):
        """Whether a refresh with that token would be granted now."""
        token = self.refresh.get(value)
        return bool(token) and (token.good or self._within_grace(token))

    def age(self, seconds, kinds):
        """Makes codes and tokens that much older; kinds: codes, access, refresh."""
        for thing in self._all(kinds):
            thing.expires -= seconds

    def expire(self, kind):
        """Ends all codes or tokens of that kind, as their time would."""
        for thing in self._all([kind]):
            thing.expires = min(thing.expires, time.monotonic())

    def _all(self, kinds):
        of = {"codes": self.by_device_code, "access": self.access, "refresh": self.refresh}
        return [thing for kind in kinds for thing in of[kind].values()]


def told(lifetime, form):
    """A lifetime as a server may tell it; None for not at all."""
    if lifetime is None:
        return None
    return {"number": lifetime, "string": str(lifetime), "absent": None, "zero": 0,
            "epoch": int(time.time()) + lifetime}[form]
