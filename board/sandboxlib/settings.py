"""What can be set from Python, on the command line and, while the server runs, over HTTPS."""

import dataclasses
from collections.abc import Callable

from .common import Mistake

ROTATIONS = ("same", "omit", "single-use", "keep-old")
LIFETIME_FORMS = ("number", "string", "absent", "zero", "epoch")
DISCOVERY_MODES = ("present", "absent", "wrong-issuer", "http-endpoints", "without-device")


def count(text):
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def seconds(text):
    """A time of at least 0 seconds; a fraction is welcome."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError
    return int(value) if value == int(value) else value


def switch(text):
    """on or off."""
    return {"on": True, "off": False, "yes": True, "no": False}[text]


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting. Its default is the personality's where that has one."""
    help: str
    parse: Callable = str
    default: object = None
    words: tuple = ()
    unit: str = None

    def value_of(self, name, given):
        """The value of what was given, text or not; Mistake where it is none."""
        try:
            value = self.parse(given) if isinstance(given, str) else given
        except (ValueError, KeyError):
            raise Mistake(f"{name}: not a value: {given}") from None
        if self.words and value not in self.words:
            raise Mistake(f"{name} is one of {', '.join(self.words)}, not: {value}")
        return value


SETTINGS = {
    "interval": Setting("between polls", count, unit="SECONDS"),
    "expires_in": Setting("life of a code", count, unit="SECONDS"),
    "access_lifetime": Setting("life of an access token", count, unit="SECONDS"),
    "refresh_lifetime": Setting("life of a refresh token", count, unit="SECONDS"),
    "expires_in_form": Setting("how an access token's expires_in is told",
                               default="number", words=LIFETIME_FORMS),
    "refresh_expires_in_form": Setting("the same for refresh_token_expires_in",
                                       default="number", words=LIFETIME_FORMS),
    "rotation": Setting("what a refresh does to the refresh token: answers the same, leaves it "
                        "out, gives a new one and ends the old, or keeps the old too",
                        default="same", words=ROTATIONS),
    "reuse_detection": Setting("whether a replaced refresh token, presented again, ends all that "
                               "came of the same sign-in", switch, default=True, unit="on|off"),
    "reuse_grace": Setting("how long a replaced refresh token may be presented again, as long as "
                           "its successor has not been", seconds, default=0, unit="SECONDS"),
    "refresh_ends_access": Setting("whether a refresh ends the older access tokens", switch,
                                   default=False, unit="on|off"),
    "refresh_tokens": Setting("when there is one at all", default="always",
                              words=("always", "offline_access", "never")),
    "required_scope": Setting("what the userinfo endpoint asks for; else 403", default="",
                              unit="SCOPE"),
    "revocation": Setting("whether there is a revocation endpoint, where the provider has one",
                          switch, default=True, unit="on|off"),
    "oauth_discovery": Setting("RFC 8414's document", words=DISCOVERY_MODES, default="absent"),
    "openid_discovery": Setting("OpenID Connect's document", words=DISCOVERY_MODES,
                                default="absent"),
    "approve_after": Setting("approve by itself at the N-th poll", count, unit="N"),
    "deny_after": Setting("deny by itself at the N-th poll", count, unit="N"),
    "pending": Setting("body of webex's 428: none, or errors[]", default="empty",
                       words=("empty", "errors")),
    "complete_uri": Setting("whether codes come with verification_uri_complete, where the "
                            "provider has it", switch, default=True, unit="on|off"),
}
