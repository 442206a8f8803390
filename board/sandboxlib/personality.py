"""The endpoints of a provider. What differs between providers is in the table of `dialects`."""

import dataclasses
import hmac
import re
import secrets
import time
import urllib.parse

from . import discovery
from .checks import FORM, Refusal, basic_credentials, check_manners, read_form
from .common import DEVICE_GRANT
from .wire import Answer

VERBS = {"device": "asks for a code", "poll": "polls", "refresh": "refreshes",
         "revocation": "revokes"}
URLS = {"device": "device_authorization_endpoint", "poll": "token_endpoint",
        "refresh": "refresh_endpoint", "userinfo": "userinfo_endpoint",
        "revocation": "revocation_endpoint"}


class Personality:
    """One provider. Handlers run under the sandbox's lock."""

    def __init__(self, sandbox, dialect):
        self.sandbox, self.grants, self.dialect = sandbox, sandbox.grants, dialect
        self.paths = {key: path.format(**dialect.placeholders)
                      for key, path in dialect.paths.items()}
        self._places = {key: _pattern(path) for key, path in dialect.paths.items()}
        self._handlers = {"device": self._authorize, "poll": self._poll,
                          "refresh": self._refresh, "revocation": self._revoke,
                          "userinfo": self._userinfo}

    # What others ask about it

    @property
    def provider(self):
        return self.dialect.provider

    @property
    def default_scope(self):
        return self.dialect.default_scope

    @property
    def scopes(self):
        return self.dialect.scopes

    @property
    def verification_path(self):
        return self.dialect.verification_path

    @property
    def documents(self):
        """The paths of the metadata documents, by endpoint."""
        path = self.sandbox.issuer_path
        return {f"/.well-known/oauth-authorization-server{path}": "oauth_discovery",
                f"{path}/.well-known/oauth-authorization-server": "oauth_discovery",
                f"{path}/.well-known/openid-configuration": "openid_discovery"}

    def new_user_code(self):
        """A code in the provider's form."""
        example, letters = self.dialect.user_code_example, self.dialect.user_code_letters
        return "".join("-" if c == "-" else secrets.choice(letters) for c in example)

    def complete(self, uri, grant):
        """verification_uri_complete; None where the provider has none."""
        return uri + _filled(self.dialect.complete, grant) if self.dialect.complete else None

    def endpoint_of(self, request):
        """What a request is for: one of common.ENDPOINTS, or None."""
        if request.path in self.documents:
            return self.documents[request.path]
        keys = [key for key, place in self._places.items() if place.fullmatch(request.path)]
        if "token_endpoint" in keys and (request.form.get("grant_type") != "refresh_token"
                                         or "refresh_endpoint" in self.paths):
            return "poll"
        if "token_endpoint" in keys:
            return "refresh"
        return next((name for name, key in URLS.items() if key in keys), None)

    # Answers

    def answer(self, request):
        """The server's own answer to a request for one of its endpoints."""
        name = request.endpoint
        if name is None or (name == "revocation" and not self.sandbox.revocation):
            return Answer(404)
        if request.method != ("GET" if name in ("userinfo", *self.documents.values()) else "POST"):
            return Answer(405)
        if name in self.documents.values():
            return discovery.document(self.sandbox, name)
        check_manners(self.sandbox, request)
        try:
            return self._handlers[name](request)
        except Refusal as refusal:
            self.sandbox.violation(request, refusal.text)
            return self.error(request, refusal.code, refusal.text)

    def refuse(self, request, word):
        """An error that a script asks for, as the provider tells it."""
        grant = self.grants.by_device_code.get(request.form.get("device_code"))
        if word == "slow_down" and grant:
            self.grants.slow_down(grant, request.time)
        return self.error(request, word)

    def error(self, request, word, text=None):
        """An error, given by RFC 6749's or 8628's word or one of the provider's."""
        dialect = self.dialect
        told = dialect.errors.get(f"{request.endpoint} {word}") or dialect.errors.get(word)
        told = told or Told()
        status = told.status or dialect.error_status.get(word) or dialect.error_status[None]
        note = told.word or STANDARD_WORDS.get(word, word)
        if word == "authorization_pending" and dialect.bodiless_pending \
                and self.sandbox.pending == "empty":
            return Answer(status, note=note)
        value = dialect.error_shape(status, note, told.text or text, told.member)
        grant = self.grants.by_device_code.get(request.form.get("device_code"))
        if word == "slow_down" and dialect.slow_down_tells_interval and grant:
            value["interval"] = grant.interval
        challenge = [("WWW-Authenticate", 'Basic realm="sandbox"')] \
            if status == 401 and request.header("Authorization") else []
        return self._encoded(request, status, value, note, challenge)

    def _encoded(self, request, status, value, note, headers=()):
        accepts = request.header("Accept") or ""
        if self.dialect.form_unless_asked and "application/json" not in accepts:
            text = urllib.parse.urlencode(value).encode()
            return Answer(status, text, [("Content-Type", f"{FORM}; charset=utf-8"), *headers],
                          note=note)
        return Answer.json(status, value, note, headers)

    def _token_answer(self, request, answer, note):
        dialect = self.dialect
        value = {**answer, "token_type": dialect.token_type,
                 "scope": dialect.scope_form(answer["scope"])}
        lifetime = value.pop("refresh_token_expires_in", None)
        if dialect.refresh_lifetime_member and lifetime is not None:
            value[dialect.refresh_lifetime_member] = lifetime
        return self._encoded(request, 200, {**value, **dialect.more_in_tokens(answer["scope"])},
                             note)

    # Clients

    def _client(self, request, form):
        """The id of the authenticated client; None where its credentials are wrong."""
        method = self.dialect.authentication[request.endpoint]
        credentials = basic_credentials(self.sandbox, request)
        if method == "open":
            return ""
        if credentials and "client_secret" in form:
            raise Refusal("authenticates twice")
        if credentials and form.get("client_id", credentials[0]) != credentials[0]:
            raise Refusal("two different client ids")
        client_id, secret = credentials or (form.get("client_id"), form.get("client_secret"))
        if client_id is None:
            raise Refusal("names no client")
        self._check_method(request, method, credentials is not None, secret)
        public = client_id == self.sandbox.public_client_id
        if method == "registered" and public and secret is not None:
            self.sandbox.violation(request, "a public client sends a secret")
        return client_id if self._is_known(method, client_id, secret) else None

    def _check_method(self, request, method, by_header, secret):
        verb = VERBS[request.endpoint]
        if method == "basic" and not by_header:
            raise Refusal(f"{verb} without Basic", "invalid_client")
        if method == "post" and by_header:
            raise Refusal(f"{verb} with Basic, where the secret belongs in the body",
                          "invalid_client")
        if method == "none" and secret is not None:
            self.sandbox.violation(request, f"{verb} with a secret, which belongs elsewhere")

    def _is_known(self, method, client_id, secret):
        sandbox = self.sandbox
        if method == "none":
            return client_id == (sandbox.public_client_id if self.dialect.public
                                 else sandbox.client_id)
        if method == "registered" and client_id == sandbox.public_client_id:
            return True
        return client_id == sandbox.client_id and hmac.compare_digest(
            (secret or "").encode(), sandbox.client_secret.encode())

    # Endpoints

    def _place(self, request):
        key = URLS[request.endpoint]
        return self._places[key if key in self._places else "token_endpoint"] \
            .fullmatch(request.path).groupdict()

    def _form(self, request, *more):
        return read_form(request, [*more, *self.dialect.required.get(request.endpoint, ())])

    def _authorize(self, request):
        form = self._form(request)
        client_id = self._client(request, form)
        if client_id is None:
            return self.error(request, "invalid_client")
        scope = form.get(self.dialect.scope_parameter, self.default_scope)
        unknown = [word for word in scope.split(" ") if word not in self.scopes]
        if unknown:
            return self.error(request, "invalid_scope", f"unknown scope {unknown[0]}")
        if form.get("audience") not in (None, *self.dialect.audiences):
            return self.error(request, "unknown_audience", f"unknown audience {form['audience']}")
        return self._code_answer(request, self.grants.begin(client_id, scope, self._place(request)))

    def _code_answer(self, request, grant):
        sandbox, dialect = self.sandbox, self.dialect
        uri = sandbox.verification_uri + _filled(dialect.verification_query, grant)
        value = {"device_code": grant.device_code, "user_code": grant.user_code,
                 dialect.uri_member: uri, "expires_in": sandbox.expires_in,
                 "interval": sandbox.interval}
        if dialect.complete and sandbox.complete_uri:
            value["verification_uri_complete"] = self.complete(uri, grant)
        if dialect.code_message:
            value["message"] = dialect.code_message.format(uri=uri, code=grant.user_code)
        return self._encoded(request, 200, value, "code issued")

    def _poll(self, request):
        form = self._form(request, "grant_type")
        client_id = self._client(request, form)
        if client_id is None:
            return self.error(request, "invalid_client")
        if form["grant_type"] != DEVICE_GRANT:
            return self.error(request, "unsupported_grant_type")
        answer = self.grants.poll(request, _needed(form, "device_code"), client_id,
                                  self._place(request))
        if isinstance(answer, str):
            return self.error(request, answer)
        return self._token_answer(request, answer, "tokens issued")

    def _refresh(self, request):
        form = self._form(request, "grant_type")
        client_id = self._client(request, form)
        if client_id is None:
            return self.error(request, "invalid_client")
        if form["grant_type"] != "refresh_token":
            return self.error(request, "unsupported_grant_type")
        answer = self.grants.renew(_needed(form, "refresh_token"), client_id, form.get("scope"))
        if isinstance(answer, str):
            return self.error(request, answer)
        return self._token_answer(request, answer, "tokens renewed")

    def _revoke(self, request):
        form = self._form(request, "token")
        client_id = self._client(request, form)
        if client_id is None:
            return self.error(request, "invalid_client")
        known = self.grants.revoke(form["token"], client_id)
        if not known and self.dialect.revocation_knows_tokens:
            return self.error(request, "unknown_token")
        return Answer(200, note="revoked" if known else "nothing to revoke")

    def _userinfo(self, request):
        token, dialect = self.grants.bearer(request), self.dialect
        if token is None:
            facts = ' error="invalid_token"' if request.header("Authorization") else ""
            headers = [("WWW-Authenticate", f'Bearer realm="sandbox"{"," if facts else ""}{facts}')]
            if dialect.unauthorized is None:
                return Answer(401, headers=headers, note="invalid_token")
            return Answer.json(401, dialect.unauthorized(), "invalid_token", headers)
        wanted = self.sandbox.required_scope
        if not set(wanted.split()) <= set(token.scope.split()):
            challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
            return Answer.json(403, dialect.error_shape(403, "insufficient_scope", None, None),
                               "insufficient_scope", [("WWW-Authenticate", challenge)])
        return Answer.json(200, dialect.person(token, token.expires - time.monotonic()), "person")


@dataclasses.dataclass(frozen=True)
class Told:
    """How a provider tells an error, where it is not as in RFC 6749."""
    status: int = None
    word: str = None
    text: str = None
    member: str = None      # the name of the JSON member that holds the word


# Cases that RFC 6749 and 8628 have no word of their own for.
STANDARD_WORDS = {"unknown_code": "invalid_grant", "used_code": "invalid_grant",
                  "unknown_audience": "invalid_request", "unknown_token": "invalid_token"}


def _pattern(path):
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _filled(template, grant):
    return template.format(user_code=grant.user_code, mark=grant.mark)


def _needed(form, name):
    if name not in form:
        raise Refusal(f"parameter {name} is missing")
    return form[name]
