"""What holds for every request of a client, whoever the provider is."""

import base64
import binascii
import re
import urllib.parse

FORM = "application/x-www-form-urlencoded"


class Refusal(Exception):
    """A request that breaks a rule: refused, and a violation."""

    def __init__(self, text, code="invalid_request"):
        super().__init__(text)
        self.text, self.code = text, code


def check_manners(sandbox, request):
    """What holds for every request of a client to an endpoint."""
    complain = lambda text: sandbox.violation(request, text)
    names = [name.lower() for name, _ in request.headers]
    for name in sorted({n for n in names if names.count(n) > 1}):
        complain(f"header {name} occurs twice")
    if request.version != "HTTP/1.1":
        complain(f"is {request.version}")
    if request.header("Host") != sandbox.host:
        complain(f"Host is {request.header('Host')}")
    if request.header("Accept") != "application/json":
        complain(f"Accept is {request.header('Accept')}")
    if not request.header("User-Agent"):
        complain("has no User-Agent")
    if request.method == "POST" and request.header("Content-Length") is None:
        complain("a body without Content-Length")
    if request.query:
        complain("has parameters in the URL")


def read_form(request, required):
    """The parameters of a form body, each of them once and with a value."""
    kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refusal(f"Content-Type is {kind or 'missing'}")
    if not re.fullmatch(rb"(?:[A-Za-z0-9*._~+&=-]|%[0-9A-Fa-f]{2})+", request.body):
        raise Refusal("the body is not form-encoded")
    pairs = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True,
                                   strict_parsing=True, errors="strict")
    request.form = dict(pairs)
    for name in request.form:
        if sum(name == other for other, _ in pairs) > 1:
            raise Refusal(f"parameter {name} occurs twice")
        if request.form[name] == "":
            raise Refusal(f"parameter {name} is empty")
    for name in required:
        if name not in request.form:
            raise Refusal(f"parameter {name} is missing")
    return request.form


def basic_credentials(sandbox, request):
    """Client id and secret from Basic, decoded as RFC 6749 §2.3.1 says; None without it."""
    header = request.header("Authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Refusal(f"authenticates with {scheme}", "invalid_client")
    sandbox.secrets.add(encoded)
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("Basic is not base64 of UTF-8", "invalid_client") from None
    name, _, secret = text.partition(":")
    if secret == sandbox.client_secret != urllib.parse.quote_plus(sandbox.client_secret, safe=""):
        sandbox.violation(request, "credentials are not form-encoded before base64")
    return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)

