"""How providers differ: one table, read by `personality`.

Figures and shapes are those of the providers' documents, or of several of their clients where a
document is silent; those that nobody documents are marked with a comment.
"""

import base64
import dataclasses
import json
import secrets
import time
import uuid
from collections.abc import Callable

from .common import PERSON
from .personality import Told


def oauth_error(status, word, text, member):
    """RFC 6749 §5.2."""
    return {member or "error": word, **({"error_description": text} if text else {})}


def webex_error(status, word, text, member):
    """Webex's REST shape."""
    return {"message": text or word, "errors": [{"description": word}],
            "trackingId": f"ROUTER_{uuid.uuid4()}"}


def twitch_error(status, word, text, member):
    """Twitch has no `error` with the word, only a status and a message."""
    return {"status": status, "message": word}


def signed_token(size):
    """Looks like a JWT with `size` bytes of claims and is none."""
    parts = [json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), secrets.token_bytes(size),
             secrets.token_bytes(256)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def opaque(before, size):
    """A token of random letters with what the provider puts in front."""
    return before + secrets.token_urlsafe(size)


def with_id_token(scope):
    """OpenID Connect adds an ID token where it was asked for."""
    return {"id_token": signed_token(500)} if "openid" in scope.split() else {}


def claims(*names):
    """The userinfo document of OpenID Connect, cut to these claims and the scopes'."""
    known = {"name": PERSON["name"], "given_name": PERSON["given"],
             "family_name": PERSON["family"], "preferred_username": PERSON["login"],
             "nickname": PERSON["login"], "picture": "https://pictures.example/alice"}

    def person(token, _):
        value = {"sub": "alice", **{name: known[name] for name in names}}
        return {**value, "email": PERSON["email"]} if "email" in token.scope.split() else value
    return person


@dataclasses.dataclass(frozen=True)
class Dialect:
    """What sets one provider apart. The defaults are RFC 8628 and RFC 6749 to the letter."""
    provider: str           # the value of devicegrant's key
    paths: dict             # by configuration key; {placeholders} take any one path segment
    scopes: dict            # word: what the page says it is for
    default_scope: str
    settings: dict          # defaults of `settings.SETTINGS` that are this provider's own
    person: Callable        # (token, seconds left) -> the userinfo document
    placeholders: dict = dataclasses.field(default_factory=dict)    # their usual values
    issuer_path: str = ""
    issuer_ending: str = ""         # what its metadata's issuer has after that
    configured_by_issuer: bool = False      # devicegrant's preset makes the endpoints of it
    metadata: dict = dataclasses.field(default_factory=dict)        # members of its own
    verification_path: str = "/device"
    # Clients: by endpoint registered (a public one, or a confidential one by Basic or body),
    # basic, post, either, none (client_id only) or open (names no client at all).
    authentication: dict = dataclasses.field(default_factory=lambda: dict.fromkeys(
        ("device", "poll", "refresh", "revocation"), "registered"))
    authentication_methods: tuple = ("client_secret_basic", "client_secret_post", "none")
    public: bool = False            # the usual client has no secret
    required: dict = dataclasses.field(default_factory=dict)    # parameters by endpoint
    scope_parameter: str = "scope"
    audiences: tuple = ()
    # Codes. RFC 8628 §6.1: consonants only make no words and are hard to mistake for digits.
    user_code_letters: str = "BCDFGHJKLMNPQRSTVWXZ"
    user_code_example: str = "BCDF-GHJK"
    device_code: Callable = lambda: secrets.token_urlsafe(32)
    uri_member: str = "verification_uri"
    verification_query: str = ""
    complete: str = "?user_code={user_code}"    # after the URI; None: there is no complete one
    code_message: str = None
    early_poll: str = "slow_down"
    expired_code_known_for: float = None        # seconds; then a code is as if never made
    # Tokens
    access_token: Callable = lambda: secrets.token_urlsafe(48)
    refresh_token: Callable = lambda: secrets.token_urlsafe(64)
    token_type: str = "Bearer"
    scope_form: Callable = lambda scope: scope
    refresh_lifetime_member: str = "refresh_token_expires_in"
    more_in_tokens: Callable = lambda scope: {}
    bearer_schemes: tuple = ("bearer",)
    # Errors: by the RFC's word, or by endpoint and word where it matters
    errors: dict = dataclasses.field(default_factory=dict)
    error_shape: Callable = oauth_error
    error_status: dict = dataclasses.field(
        default_factory=lambda: {None: 400, "invalid_client": 401})
    bodiless_pending: bool = False
    slow_down_tells_interval: bool = False
    form_unless_asked: bool = False
    unauthorized: Callable = None       # the body beside WWW-Authenticate
    revocation_knows_tokens: bool = False   # it refuses tokens that it does not know


OPENID = {"openid": "Know who you are", "profile": "Read your name",
          "email": "Read your e-mail address", "offline_access": "Stay signed in"}
DAY = 24 * 60 * 60

WEBEX = Dialect(
    provider="webex",
    paths={"device_authorization_endpoint": "/v1/device/authorize",
           "token_endpoint": "/v1/device/token", "refresh_endpoint": "/v1/access_token",
           "userinfo_endpoint": "/v1/people/me"},
    # Its metadata names another issuer than the address it is at, and no device endpoint.
    issuer_path="/v1", metadata={"issuer": "https://idbroker-b-us.webex.com/idb"},
    authentication={"device": "none", "poll": "basic", "refresh": "either"},
    authentication_methods=("client_secret_basic",),
    required={"device": ["client_id", "scope"], "poll": ["client_id"]},
    verification_path="/verify", complete="?userCode={mark}",
    user_code_letters="0123456789", user_code_example="123456",
    device_code=lambda: str(uuid.uuid4()),
    default_scope="spark:people_read",
    scopes={"spark:people_read": "Read your name, e-mail address and picture",
            "spark:kms": "Use keys to read encrypted content",
            "spark:all": "Do in Webex whatever you can do",
            "meeting:recordings_read": "Read the recordings of your meetings"},
    settings={"interval": 2, "expires_in": 300, "access_lifetime": 64799,
              "refresh_lifetime": 7697037, "openid_discovery": "without-device"},
    # The real ones are signed tokens of more than 1.5 kB.
    access_token=lambda: signed_token(1000),
    errors={"authorization_pending": Told(428),
            "device invalid_client": Told(400, "Client Id is invalid",
                                          "The request was malformed.")},
    error_shape=webex_error, bodiless_pending=True,
    unauthorized=lambda: webex_error(401, "The request requires a valid access token set in the "
                                          "Authorization header.", None, None),
    person=lambda token, _: {
        "id": "Y2lzY29zcGFyazovL3NhbmRib3gvUEVPUExFL2FsaWNl", "emails": [PERSON["email"]],
        "displayName": PERSON["name"], "nickName": PERSON["given"],
        "firstName": PERSON["given"], "lastName": PERSON["family"], "type": "person",
        "orgId": "Y2lzY29zcGFyazovL3NhbmRib3gvT1JHQU5JWkFUSU9OL2V4YW1wbGU",
        "status": "active", "created": "2024-05-07T08:00:00.000Z"})

RFC = Dialect(
    provider="custom",
    paths={"device_authorization_endpoint": "/device_authorization", "token_endpoint": "/token",
           "userinfo_endpoint": "/userinfo", "revocation_endpoint": "/revoke"},
    default_scope="openid profile", scopes={**OPENID, "sensor": "Upload sensor readings"},
    settings={"interval": 5, "expires_in": 600, "access_lifetime": 3600,
              "refresh_lifetime": 14 * DAY, "oauth_discovery": "present",
              "openid_discovery": "present"},
    person=claims("name", "given_name", "family_name"))

DIALECTS = {"webex": WEBEX, "rfc": RFC}
