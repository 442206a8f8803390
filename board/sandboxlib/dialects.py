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
from http import HTTPStatus

from .common import PERSON
from .personality import Told


def oauth_error(status, word, text, member):
    """RFC 6749 §5.2."""
    return {member or "error": word, **({"error_description": text} if text else {})}


def webex_error(status, word, text, member):
    """Webex's REST shape."""
    return {"message": text or word, "errors": [{"description": word}],
            "trackingId": f"ROUTER_{uuid.uuid4()}"}


def entra_error(status, word, text, member):
    """Entra adds numbers to look up and identifiers to quote."""
    return {"error": word, "error_description": f"AADSTS00000: {text or word}.",
            "error_codes": [0], "timestamp": "2025-01-01 00:00:00Z",
            "trace_id": str(uuid.uuid4()), "correlation_id": str(uuid.uuid4())}


def twitch_error(status, word, text, member):
    """Twitch has no `error` with the word; where it has one, it is HTTP's phrase."""
    value = {"status": status, "message": word}
    return {member: HTTPStatus(status).phrase, **value} if member else value


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
    expired_code_lingers: float = None  # seconds and the interval; then it is as if never made
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
    revocation_takes_all: bool = False      # an access token takes its family with it too


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

GOOGLE = Dialect(
    provider="google",
    paths={"device_authorization_endpoint": "/device/code", "token_endpoint": "/token",
           "userinfo_endpoint": "/v1/userinfo", "revocation_endpoint": "/revoke"},
    authentication={"device": "none", "poll": "post", "refresh": "post", "revocation": "open"},
    authentication_methods=("client_secret_post",),
    required={"device": ["client_id", "scope"], "poll": ["client_id", "client_secret"],
              "refresh": ["client_id", "client_secret"]},
    user_code_example="GQVQ-JKEC", uri_member="verification_url", complete=None,
    device_code=lambda: opaque("4/4-", 64),
    default_scope="openid profile",
    scopes={"openid": "Know who you are", "profile": "Read your name",
            "email": "Read your e-mail address",
            "https://www.googleapis.com/auth/youtube.readonly": "See your YouTube account"},
    settings={"interval": 5, "expires_in": 1800, "access_lifetime": 3599, "rotation": "omit",
              "openid_discovery": "present"},
    access_token=lambda: opaque("ya29.", 160), refresh_token=lambda: opaque("1//0", 72),
    more_in_tokens=with_id_token,
    errors={"authorization_pending": Told(428, text="Precondition Required"),
            "slow_down": Told(403, text="Forbidden"),
            "access_denied": Told(403, text="Forbidden"),
            "org_internal": Told(403), "admin_policy_enforced": Told(400),
            # The documented list has no word for a code that has expired.
            "expired_token": Told(400, "invalid_grant"),
            "refresh invalid_grant": Told(400, text="Token has been expired or revoked."),
            "rate_limit_exceeded": Told(403, member="error_code")},
    unauthorized=lambda: {"error": "invalid_request", "error_description": "Invalid Credentials"},
    revocation_knows_tokens=True, revocation_takes_all=True,
    person=claims("name", "given_name", "family_name", "picture"))

ENTRA = Dialect(
    provider="entra",
    paths={"device_authorization_endpoint": "/{tenant}/oauth2/v2.0/devicecode",
           "token_endpoint": "/{tenant}/oauth2/v2.0/token", "userinfo_endpoint": "/oidc/userinfo"},
    placeholders={"tenant": "0d7e8a3c-5b1f-4c59-9a52-6f1c2f3b7e10"}, issuer_path="/{tenant}/v2.0",
    authentication=dict.fromkeys(("device", "poll", "refresh"), "none"),
    authentication_methods=("client_secret_post", "private_key_jwt", "client_secret_basic"),
    public=True, required={"device": ["client_id", "scope"], "poll": ["client_id"]},
    verification_path="/devicelogin", complete=None, user_code_example="BCDFGHJKL",
    device_code=lambda: opaque("BAQABAAEAAAD", 160), early_poll="authorization_pending",
    code_message="To sign in, use a web browser to open the page {uri} and enter the code {code} "
                 "to authenticate.",
    default_scope="openid profile offline_access",
    scopes={**OPENID, "User.Read": "Read your profile"},
    settings={"interval": 5, "expires_in": 900, "access_lifetime": 3599,
              "refresh_lifetime": 90 * DAY, "refresh_tokens": "offline_access",
              "rotation": "keep-old", "openid_discovery": "present"},
    access_token=lambda: signed_token(1200), refresh_token=lambda: opaque("0.AX", 900),
    refresh_lifetime_member=None,
    more_in_tokens=lambda scope: {"ext_expires_in": 3599, **with_id_token(scope)},
    errors={"access_denied": Told(400, "authorization_declined"),
            "unknown_code": Told(400, "bad_verification_code"),
            "device invalid_client": Told(400, "unauthorized_client",
                                          "The application was not found in the directory")},
    error_shape=entra_error,
    person=claims("name", "given_name", "family_name", "picture"))

GITHUB = Dialect(
    provider="github",
    paths={"device_authorization_endpoint": "/login/device/code",
           "token_endpoint": "/login/oauth/access_token", "userinfo_endpoint": "/user"},
    authentication=dict.fromkeys(("device", "poll", "refresh"), "none"), public=True,
    required={"device": ["client_id"], "poll": ["client_id"], "refresh": ["client_id"]},
    verification_path="/login/device", complete=None, user_code_example="WDJB-MJHT",
    device_code=lambda: secrets.token_hex(20),
    default_scope="read:user",
    scopes={"read:user": "Read your profile", "user:email": "Read your e-mail addresses",
            "gist": "Create gists"},
    # An OAuth app's token has no end. A GitHub App's lasts 8 hours: access_lifetime=28800,
    # refresh_tokens="always".
    settings={"interval": 5, "expires_in": 900, "refresh_lifetime": 15897600,
              "refresh_tokens": "never", "rotation": "single-use"},
    access_token=lambda: opaque("gho_", 27), refresh_token=lambda: opaque("ghr_", 57),
    token_type="bearer", scope_form=lambda scope: scope.replace(" ", ","),
    errors={"invalid_client": Told(word="incorrect_client_credentials"),
            "unknown_code": Told(word="incorrect_device_code"),
            "used_code": Told(word="incorrect_device_code"),
            "refresh invalid_grant": Told(
                word="bad_refresh_token",
                text="The refresh token passed is incorrect or expired."),
            # Seen by clients; the page is silent.
            "device invalid_client": Told(404, "Not Found")},
    error_status={None: 200}, slow_down_tells_interval=True, form_unless_asked=True,
    unauthorized=lambda: {"message": "Bad credentials"},
    person=lambda token, _: {"login": PERSON["login"], "id": 1, "type": "User", "name": None})

AUTH0 = Dialect(
    provider="auth0",
    paths={"device_authorization_endpoint": "/oauth/device/code", "token_endpoint": "/oauth/token",
           "userinfo_endpoint": "/userinfo", "revocation_endpoint": "/oauth/revoke"},
    issuer_ending="/", configured_by_issuer=True, public=True,
    required={"device": ["client_id"], "poll": ["client_id"], "refresh": ["client_id"]},
    verification_path="/activate", audiences=("https://api.sandbox.example/",),
    default_scope="openid profile offline_access", scopes=OPENID,
    settings={"interval": 5, "expires_in": 900, "access_lifetime": DAY,
              "refresh_lifetime": 30 * DAY, "refresh_tokens": "offline_access",
              "rotation": "omit", "openid_discovery": "present"},
    access_token=lambda: signed_token(500), refresh_token=lambda: opaque("v1.", 34),
    refresh_lifetime_member=None, more_in_tokens=with_id_token,
    errors={"authorization_pending": Told(403, text="User has yet to authorize device code."),
            "slow_down": Told(429, text="You are polling faster than the specified interval of "
                                        "5 seconds."),
            "access_denied": Told(403, text="User cancelled the confirmation prompt."),
            "expired_token": Told(403, text="The code has expired."),
            "unknown_code": Told(403, "invalid_grant", "Invalid or expired device code."),
            "used_code": Told(403, "invalid_grant", "Invalid or expired device code."),
            "refresh invalid_grant": Told(403, text="Unknown or invalid refresh token."),
            "unknown_audience": Told(403, "access_denied", "Service not found.")},
    person=claims("name", "given_name", "family_name", "nickname", "picture"))

OKTA = Dialect(
    provider="okta",
    paths={"device_authorization_endpoint": "/oauth2/{server}/v1/device/authorize",
           "token_endpoint": "/oauth2/{server}/v1/token",
           "userinfo_endpoint": "/oauth2/{server}/v1/userinfo",
           "revocation_endpoint": "/oauth2/{server}/v1/revoke"},
    placeholders={"server": "default"}, issuer_path="/oauth2/{server}",
    configured_by_issuer=True, public=True,
    verification_path="/activate", user_code_example="BCDFGHJK",
    default_scope="openid profile offline_access", scopes=OPENID,
    settings={"interval": 5, "expires_in": 600, "access_lifetime": 3600,
              "refresh_lifetime": 7 * DAY, "refresh_tokens": "offline_access",
              "oauth_discovery": "present", "openid_discovery": "present"},
    access_token=lambda: signed_token(600), refresh_token=lambda: secrets.token_urlsafe(32),
    refresh_lifetime_member=None, more_in_tokens=with_id_token,
    errors={"authorization_pending": Told(400, text="The device authorization is pending. Please "
                                                    "try again later."),
            "refresh invalid_grant": Told(400, text="The refresh token is invalid or expired.")},
    person=claims("name", "given_name", "family_name", "preferred_username"))

KEYCLOAK = Dialect(
    provider="keycloak",
    paths={key: "/realms/{realm}/protocol/openid-connect/" + end for key, end in {
        "device_authorization_endpoint": "auth/device", "token_endpoint": "token",
        "userinfo_endpoint": "userinfo", "revocation_endpoint": "revoke"}.items()},
    placeholders={"realm": "sandbox"}, issuer_path="/realms/{realm}", configured_by_issuer=True,
    authentication_methods=("private_key_jwt", "client_secret_basic", "client_secret_post"),
    verification_path="/realms/{realm}/device", expired_code_lingers=10,
    default_scope="openid profile", scopes=OPENID,
    # With the realm's "Revoke Refresh Token" off, as it is at first.
    settings={"interval": 5, "expires_in": 600, "access_lifetime": 300, "refresh_lifetime": 1800,
              "rotation": "keep-old", "oauth_discovery": "present",
              "openid_discovery": "present"},
    access_token=lambda: signed_token(700), refresh_token=lambda: signed_token(300),
    refresh_lifetime_member="refresh_expires_in",
    more_in_tokens=lambda scope: {"not-before-policy": 0, "session_state": str(uuid.uuid4()),
                                  **with_id_token(scope)},
    errors={"authorization_pending": Told(text="The authorization request is still pending"),
            "slow_down": Told(text="Slow down"),
            "access_denied": Told(text="The end user denied the authorization request"),
            "expired_token": Told(text="Device code is expired"),
            "unknown_code": Told(400, "invalid_grant", "Device code not valid"),
            "used_code": Told(400, "invalid_grant", "Device code not valid"),
            "refresh invalid_grant": Told(400, text="Token is not active"),
            "invalid_client": Told(401, "unauthorized_client",
                                   "Invalid client or Invalid client credentials")},
    # A person without a name: only the user name is sure to be there.
    person=claims("preferred_username"))

GITLAB = Dialect(
    provider="gitlab",
    paths={"device_authorization_endpoint": "/oauth/authorize_device",
           "token_endpoint": "/oauth/token", "userinfo_endpoint": "/oauth/userinfo",
           "revocation_endpoint": "/oauth/revoke"},
    configured_by_issuer=True, public=True,
    required={"device": ["client_id", "scope"], "poll": ["client_id"]},
    verification_path="/oauth/device",
    user_code_letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", user_code_example="0A44L90H",
    default_scope="openid profile", scopes={**OPENID, "read_user": "Read your profile"},
    settings={"interval": 5, "expires_in": 300, "access_lifetime": 7200, "rotation": "single-use",
              "refresh_ends_access": True, "openid_discovery": "without-device"},
    access_token=lambda: secrets.token_hex(32), refresh_token=lambda: secrets.token_hex(32),
    more_in_tokens=lambda scope: {"created_at": int(time.time()), **with_id_token(scope)},
    errors={"revocation invalid_client": Told(
        403, "unauthorized_client", "You are not authorized to revoke this token")},
    person=claims("name", "nickname", "preferred_username", "picture"))

TWITCH = Dialect(
    provider="twitch",
    paths={"device_authorization_endpoint": "/oauth2/device", "token_endpoint": "/oauth2/token",
           "userinfo_endpoint": "/oauth2/validate", "revocation_endpoint": "/oauth2/revoke"},
    authentication=dict.fromkeys(("device", "poll", "refresh", "revocation"), "none"),
    public=True, scope_parameter="scopes",
    required={"device": ["client_id", "scopes"], "poll": ["client_id", "scopes"],
              "refresh": ["client_id"]},
    verification_path="/activate", verification_query="?public=true&device-code={user_code}",
    complete=None, user_code_example="BCDFGHJK", early_poll="authorization_pending",
    device_code=lambda: secrets.token_hex(20),
    default_scope="user:read:email", scopes={"user:read:email": "Read your e-mail address",
                                             "chat:read": "Read chat"},
    settings={"interval": 5, "expires_in": 1800, "access_lifetime": 14400,
              "refresh_lifetime": 30 * DAY, "rotation": "single-use"},
    access_token=lambda: secrets.token_hex(15),
    refresh_token=lambda: opaque("eyJfaWQiOiI3MyJ9%", 24) + "/3Aj=",
    token_type="bearer", scope_form=lambda scope: scope.split(), refresh_lifetime_member=None,
    bearer_schemes=("bearer", "oauth"),
    errors={"invalid_client": Told(400, "invalid client"),
            "unknown_code": Told(400, "invalid device code"),
            "used_code": Told(400, "invalid device code"),
            "expired_token": Told(400, "invalid device code"),
            "refresh invalid_grant": Told(400, "Invalid refresh token", member="error"),
            "unknown_token": Told(400, "Invalid token")},
    error_shape=twitch_error, revocation_knows_tokens=True,
    unauthorized=lambda: twitch_error(401, "invalid access token", None, None),
    person=lambda token, left: {
        "client_id": token.family.client_id, "login": PERSON["login"], "user_id": "1",
        "scopes": token.scope.split(), "expires_in": int(left)})

DIALECTS = {"webex": WEBEX, "rfc": RFC, "google": GOOGLE, "entra": ENTRA, "github": GITHUB,
            "auth0": AUTH0, "okta": OKTA, "keycloak": KEYCLOAK, "gitlab": GITLAB,
            "twitch": TWITCH}
