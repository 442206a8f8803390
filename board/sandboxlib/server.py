"""One running server: what a client is told, what it did, and what a test does with it."""

import os
import secrets
import shlex
import shutil
import socket
import ssl
import tempfile
import threading
import time
import urllib.parse
import warnings
from pathlib import Path

from . import script
from .authority import CERTIFICATES, Authority
from .common import ENDPOINTS, Mistake
from .control import control
from .dialects import DIALECTS
from .grants import Grants
from .pages import Pages
from .personality import Personality
from .script import Rule
from .settings import SETTINGS
from .wire import TLS_VERSIONS, Connection, note_server_name, shut


class Sandbox:
    """One server: start it, await what the client does, look at the record, stop it.

    `requests`, `connections` and `violations` grow as things happen; `wait_for` awaits any
    condition on them. Everything public may be called from any thread.
    """

    def __init__(self, personality="webex", port=0, directory=None, *, certificate="good",
                 tls_maximum=None, ciphers=None, client_id="devicegrant-sandbox",
                 client_secret=None, public_client_id="devicegrant-public", issuer_path=None,
                 discover=False, rotate=None, script=(), idle_timeout=None, log=None, **settings):
        """`settings` are those of `settings.SETTINGS`; `rotate` is short for single-use tokens."""
        if personality not in DIALECTS:
            raise Mistake(f"unknown personality: {personality}")
        if certificate not in CERTIFICATES:
            raise Mistake(f"unknown certificate kind: {certificate}")
        self.port = port
        self.certificate, self.tls_maximum, self.ciphers = certificate, tls_maximum, ciphers
        self.client_id, self.public_client_id = client_id, public_client_id
        # Reserved characters in the secret show whether it is form-encoded before Basic's base64.
        self.client_secret = client_secret or f"s+{secrets.token_urlsafe(18)}:%&="
        self.idle_timeout, self.discover = idle_timeout, discover
        self.script = [Rule.parse(rule) for rule in script]
        self._log = log
        self._temporary = directory is None
        self._directory = directory
        self.directory = None
        self.requests, self.connections, self.violations = [], [], []
        self.secrets = {self.client_secret}
        self.tokens = set()     # those of the secrets that a client may keep
        self.stopping = threading.Event()
        self.changed = threading.Condition(threading.RLock())
        self._listeners, self._threads = [], []
        self.grants = Grants(self)
        self.pages = Pages(self)
        dialect = DIALECTS[personality]
        self.personality = Personality(self, dialect)
        self.issuer_path = (dialect.issuer_path if issuer_path is None else issuer_path) \
            .format(**dialect.placeholders)
        defaults = {name: setting.default for name, setting in SETTINGS.items()}
        self.configure(**{**defaults, **dialect.settings})
        if rotate:
            settings["rotation"] = "single-use"
        self.configure(**{name: value for name, value in settings.items() if value is not None})

    def configure(self, **settings):
        """Changes settings, also while the server runs. They are attributes of the same names."""
        with self.changed:
            for name, value in settings.items():
                if name not in SETTINGS:
                    raise Mistake(f"unknown setting: {name}")
                setattr(self, name, SETTINGS[name].value_of(name, value))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        if self._temporary:
            self.directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        else:
            self.directory = Path(self._directory).absolute()
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.authority = Authority(self.directory / "ca")
            shutil.copy(self.authority.certificate, self.ca_file)
            self.tls = self._context()
            self._listen()
            self._write_settings()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        self.stopping.set()
        for listener in self._listeners:
            shut(listener)
        for connection in list(self.connections):
            connection.abort()
        for thread in list(self._threads):
            thread.join(5)
        for listener in self._listeners:
            listener.close()
        if self._temporary and self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    # What a client is told

    @property
    def host(self):
        return f"localhost:{self.port}"

    @property
    def origin(self):
        """Where everything is: scheme, host and port."""
        return f"https://{self.host}"

    @property
    def issuer(self):
        """The issuer that its metadata is found by."""
        return self.origin + self.issuer_path + self.personality.dialect.issuer_ending

    @property
    def ca_file(self):
        return self.directory / "ca.crt"

    @property
    def endpoints(self):
        """Absolute URLs by configuration key."""
        return {key: self.origin + path for key, path in self.personality.paths.items()
                if key != "revocation_endpoint" or self.revocation}

    @property
    def refresh_endpoint(self):
        """Where refreshes go: the token endpoint at most providers."""
        urls = self.endpoints
        return urls.get("refresh_endpoint", urls["token_endpoint"])

    @property
    def verification_uri(self):
        path = self.personality.verification_path
        return self.origin + path.format(**self.personality.dialect.placeholders)

    def settings(self, public=None, discover=None):
        """The configuration file of a client, as a dictionary.

        `public` picks the client (else the provider's usual kind); `discover` names nothing but
        the issuer.
        """
        dialect = self.personality.dialect
        public = dialect.public if public is None else public
        if self.discover if discover is None else discover:
            where = {"provider": "custom", "issuer": self.issuer}
        elif dialect.configured_by_issuer:
            where = {"provider": dialect.provider, "issuer": self.origin + self.issuer_path}
        else:
            # A preset may have a refresh endpoint of its own, which is not to be asked.
            where = {"provider": dialect.provider, **self.endpoints,
                     "refresh_endpoint": self.refresh_endpoint}
        values = {**where, "client_id": self.public_client_id if public else self.client_id,
                  "client_secret": None if public else self.client_secret,
                  "scope": dialect.default_scope, "ca_file": str(self.ca_file)}
        return {key: value for key, value in values.items() if value}

    # What a test does

    def wait_for(self, predicate, timeout=60):
        """Waits until predicate(sandbox) is true and returns its value."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not (value := predicate(self)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout} s; seen:\n{self.summary()}")
                self.changed.wait(left)
            return value

    def to(self, key):
        """The requests to one of `common.ENDPOINTS`, or to the URL with a configuration key."""
        path = self.personality.paths.get(key)
        with self.changed:
            return [r for r in self.requests if key == r.endpoint or path == r.path]

    @property
    def polls(self):
        return self.to("poll")

    @property
    def refreshes(self):
        """The refreshes that were decided: `granted`, `outcome`, `presented`, `time`."""
        with self.changed:
            return list(self.grants.refreshes)

    def summary(self):
        with self.changed:
            lines = [f"connection {c.number}: {c.handshake}, {c.received} bytes received"
                     for c in self.connections]
            return "\n".join(lines + [r.line() for r in self.requests] + self.violations)

    def answer_next(self, **rule):
        """Adds one rule to the script, in front of the others."""
        with self.changed:
            self.script.insert(0, Rule.parse(rule))

    def approve(self, user_code=None):
        return self._decide(user_code, "approved")

    def deny(self, user_code=None):
        return self._decide(user_code, "denied")

    # The life of a grant, from the server's side

    def issue_tokens(self, scope=None, public=None):
        """A token answer without a sign-in, for a test that begins after it."""
        public = self.personality.dialect.public if public is None else public
        with self.changed:
            return self.grants.tokens(self.public_client_id if public else self.client_id,
                                      scope or self.personality.default_scope,
                                      secrets.token_hex(8))

    def disconnect(self):
        """The person ends the grant at the provider: every token so far is refused from now on."""
        with self.changed:
            for family in self.grants.families.values():
                self.grants.end_family(family, "disconnected")

    def expire(self, what="access"):
        """Ends all access tokens, refresh tokens or codes so far, as their time would."""
        if what not in ("access", "refresh", "codes"):
            raise Mistake("what is access, refresh or codes")
        with self.changed:
            self.grants.expire(what)

    def age(self, seconds):
        """Makes all codes and tokens so far that much older."""
        with self.changed:
            self.grants.age(seconds, ("codes", "access", "refresh"))

    def accepts(self, access_token=None, refresh_token=None):
        """Whether it would take every token given, now."""
        with self.changed:
            access = self.grants.access.get(access_token)
            return (access_token is None or bool(access and access.good)) and \
                (refresh_token is None or self.grants.is_presentable(refresh_token))

    def state(self):
        """What it knows, ready for JSON. Times are of CLOCK_MONOTONIC."""
        with self.changed:
            grants = self.grants
            counts = {name: [r.time for r in self.to(name)] for name in ENDPOINTS}
            return {
                "time": time.monotonic(),
                "settings": {name: getattr(self, name) for name in SETTINGS},
                "families": [self._family_state(family) for family in grants.families.values()],
                "requests": {name: {"count": len(times), "times": times}
                             for name, times in counts.items()},
                "refreshes": {"granted": sum(r.granted for r in grants.refreshes),
                              "refused": sum(not r.granted for r in grants.refreshes),
                              "outcomes": [r.outcome for r in grants.refreshes],
                              "times": [r.time for r in grants.refreshes]},
                "violations": list(self.violations)}

    def _family_state(self, family):
        grants = self.grants
        return {"name": family.name, "client_id": family.client_id, "scope": family.scope,
                "ended": family.ended,
                "access_tokens": [t.value for t in grants.access.values()
                                  if t.family is family and t.good],
                "refresh_tokens": [t.value for t in grants.refresh.values()
                                   if t.family is family and grants.is_presentable(t.value)]}

    # Trouble. `endpoint` is one of common.ENDPOINTS; None means all of them.

    def answer_next(self, **rule):
        """Adds one rule to the script, in front of the others: see script.Rule."""
        with self.changed:
            self.script.insert(0, Rule.parse(rule))

    def lose(self, endpoint=None, times=1, processed=True):
        """Cuts the connection instead of answering; unless `processed`, does nothing either."""
        self.answer_next(to=endpoint, times=times, cut_after=0, raw=None if processed else "")

    def fail(self, endpoint=None, status=503, times=None, seconds=None, retry_after=None,
             processed=False):
        """Answers with that status, so many times (1) or for that long."""
        if times is None and seconds is None:
            times = 1
        headers = [] if retry_after is None else [("Retry-After", str(retry_after))]
        self.answer_next(to=endpoint, times=times, seconds=seconds, status=status, body="",
                         headers=headers, processed=processed)

    def refuse(self, endpoint=None, error="invalid_grant", times=1):
        """Answers with that error, told as the provider tells it; nothing else happens."""
        self.answer_next(to=endpoint, times=times, error=error)

    def delay(self, endpoint=None, seconds=1, times=1):
        """Does its work at once, and answers that much later."""
        self.answer_next(to=endpoint, times=times, delay=seconds)

    def hang(self, endpoint=None, times=1):
        """Does its work and never answers; the connection stays open."""
        self.answer_next(to=endpoint, times=times, hang=True)

    def calm(self):
        """Forgets all scripted answers."""
        with self.changed:
            self.script.clear()

    def go_away(self):
        """Ends every connection and refuses new ones, as a server that crashed would."""
        for listener in self._listeners:
            shut(listener)
            listener.close()
        self._listeners.clear()
        for connection in list(self.connections):
            connection.abort()

    def come_back(self):
        """Listens on the same port again; nothing is forgotten."""
        self._listen()

    def go_away_for(self, seconds):
        """Both, with that pause, once the request that is being answered has its answer."""
        def away():
            time.sleep(0.1)
            self.go_away()
            if not self.stopping.wait(seconds):
                self.come_back()
        self._spawn(away)

    def _decide(self, user_code, verdict):
        with self.changed:
            grant = self.grants.find(user_code) if user_code else self.grants.newest_pending()
            if not grant or grant.state != "pending":
                return None
            grant.state = verdict
            self.changed.notify_all()
            return grant

    # What the other parts tell it

    def answer_to(self, request):
        """The answer to a request that has just been recorded."""
        request.form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
        request.endpoint = self.personality.endpoint_of(request)
        return script.answer_to(self, request)

    def own_answer(self, request):
        """The answer without regard to the script."""
        if request.path == urllib.parse.urlsplit(self.verification_uri).path:
            return self.pages.answer(request)
        if request.path.startswith("/sandbox/"):
            return control(self, request)
        return self.personality.answer(request)

    def violation(self, request, text):
        with self.changed:
            where = f"{request.method} {request.path}" if request else "connection"
            self.violations.append(f"{where}: {text}")
            self.changed.notify_all()
        self.say(f"violation: {where}: {text}")

    def say(self, text):
        if self._log:
            print(text, file=self._log, flush=True)

    def _context(self):
        certificate, key = self.authority.issue(self.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Deliberately weak offers (old versions, short keys, SHA-1) need OpenSSL's level 0.
        level = "@SECLEVEL=0"
        context.set_ciphers(f"{self.ciphers}:{level}" if self.ciphers else f"DEFAULT:{level}")
        if self.tls_maximum:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = TLS_VERSIONS[self.tls_maximum]
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = note_server_name
        return context

    def _listen(self):
        first = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._listeners.append(first)
        self.port = first.getsockname()[1]
        try:
            self._listeners.append(socket.create_server(
                ("::1", self.port), family=socket.AF_INET6, backlog=64))
        except OSError:
            pass  # no IPv6 here, or another program's port: IPv4 suffices
        for listener in self._listeners:
            self._spawn(self._accept, listener)

    def _accept(self, listener):
        while not self.stopping.is_set():
            try:
                plain, peer = listener.accept()
            except OSError:
                return
            with self.changed:
                connection = Connection(self, plain, peer, len(self.connections) + 1)
                self.connections.append(connection)
                self.changed.notify_all()
            self._spawn(connection.serve)

    def _spawn(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _write_settings(self):
        urls = self.endpoints
        shell = {"ISSUER": self.issuer, "VERIFICATION_URI": self.verification_uri,
                 "DEVICE_AUTHORIZATION_ENDPOINT": urls["device_authorization_endpoint"],
                 "TOKEN_ENDPOINT": urls["token_endpoint"],
                 "REFRESH_ENDPOINT": self.refresh_endpoint,
                 "USERINFO_ENDPOINT": urls["userinfo_endpoint"],
                 "REVOCATION_ENDPOINT": urls.get("revocation_endpoint", ""),
                 "CA_FILE": self.ca_file, "CLIENT_ID": self.client_id,
                 "CLIENT_SECRET": self.client_secret, "PUBLIC_CLIENT_ID": self.public_client_id,
                 "SCOPE": self.personality.default_scope, "PORT": self.port}
        lines = [f"{key}={shlex.quote(str(value))}" for key, value in shell.items()]
        _write_private(self.directory / "env", lines)
        # Trying the sandbox out must not replace tokens that the person already has.
        own = {**self.settings(), "token_file": self.directory / "tokens" / "tokens.json"}
        _write_private(self.directory / "devicegrant.conf",
                       ["# Signs in at the sandbox. May hold a client secret: keep the mode 0600."]
                       + [f"{key} = {value}" for key, value in own.items()])


def _write_private(path, lines):
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
