"""Whom devicegrant talks to: a request never leaves over a connection that it did not verify."""

import socket
import threading

from acceptance import CONFIGURATION, DONE, UNAVAILABLE, AcceptanceTest, for_each
from servers import free_port

SUITES = {
    "static_rsa": ("AES128-GCM-SHA256", "rsa"),
    "static_rsa_cbc": ("AES128-SHA", "rsa"),
    "ecdhe_cbc": ("ECDHE-ECDSA-AES128-SHA", "good"),
    "ecdhe_cbc_sha256": ("ECDHE-ECDSA-AES128-SHA256", "good"),
    "anonymous": ("AECDH-AES128-SHA", "good"),
}


class Certificates(AcceptanceTest):
    @for_each({kind.replace("-", "_"): kind for kind in (
        "good", "rsa", "p384", "chain", "chain-disordered", "chain-with-root", "largest-key")})
    def test_accepts(self, kind):
        self.assertExit(DONE, self.sign_in(self.sandbox(certificate=kind, approve_after=1)))

    @for_each({kind.replace("-", "_"): (kind, words) for kind, words in {
        "chain-incomplete": [], "under-a-leaf": [], "wrong-host": ["name"],
        "common-name": ["name"], "expired": ["expired"], "not-yet-valid": ["valid", "yet"],
        "self-signed": [], "unknown-ca": [], "weak-key": ["key"], "large-key": ["key", "large"],
        "chain-large-key": ["key", "large"], "chain-constrained": ["not supported"], "sha1": [],
        "for-clients": []}.items()})
    def test_refuses(self, row):
        kind, words = row
        sandbox = self.sandbox(certificate=kind, approve_after=1)
        self.assertRefused(sandbox, "TLS", "localhost", "certificate", *words)

    @for_each({v.replace(".", "_"): v for v in ("1.0", "1.1")})
    def test_refuses_tls(self, version):
        sandbox = self.sandbox(tls_maximum=version, approve_after=1)
        self.assertRefused(sandbox, "TLS", "localhost")

    @for_each(SUITES)
    def test_refuses_suite(self, row):
        ciphers, certificate = row
        sandbox = self.sandbox(ciphers=ciphers, certificate=certificate, tls_maximum="1.2",
                               approve_after=1)
        self.assertRefused(sandbox, "TLS", "localhost")

    def test_certificate_that_goes_bad_between_two_polls(self):
        sandbox = self.sandbox(approve_after=3, expires_in=6, script=[{"close": "announced"}])
        run = self.board(at=sandbox).start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        sandbox.certificate = "wrong-host"
        sandbox.tls = sandbox._context()
        before = len(sandbox.requests)
        # A resumed session would show no certificate: the new context knows no tickets.
        self.assertNotEqual(DONE, run.wait().code)
        self.assertLessEqual(len(sandbox.requests), before + 1)

    def assertRefused(self, sandbox, *words):
        run = self.sign_in(sandbox)
        self.assertExit(UNAVAILABLE, run, *words)
        self.assertTrue(sandbox.connections, "nobody connected")
        self.assertEqual(0, sum(c.received for c in sandbox.connections))
        self.assertEqual([], sandbox.requests)


class Anchors(AcceptanceTest):
    @for_each({name: name for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
                                       "SSL_CERT_DIR")})
    def test_environment_does_not_replace_the_system_bundle(self, name):
        sandbox = self.sandbox(approve_after=1)
        settings = {**sandbox.settings(), "ca_file": None}
        run = self.board(settings).run("sign-in", environment={name: str(sandbox.ca_file)})
        self.assertExit(UNAVAILABLE, run, "certificate")
        self.assertEqual([], sandbox.requests)

    def test_anchor_that_is_renewed_while_run_lives(self):
        # The same name and key, as when a company's CA gets a new date: the old file has expired.
        sandbox = self.sandbox(script=[{"close": "announced"}])
        board = self.board(at=sandbox)
        anchors = board.directory / "anchors.pem"
        good = sandbox.ca_file.read_text()
        anchors.write_text(sandbox.authority.renewed(days=(-20, -10)))
        board.change({"ca_file": anchors})
        run = board.start("run")
        run.wait_for("certificate was refused: it has expired")
        anchors.write_text(good)
        run.announced(90)
        run.signal()
        self.assertExit(DONE, run.wait())

    @for_each({"kept": None, "resumed": "announced"})
    def test_anchor_that_is_withdrawn_between_two_polls(self, close):
        sandbox = self.sandbox(script=[{"close": close}] if close else [], expires_in=60)
        board = self.board(at=sandbox)
        anchors = board.directory / "anchors.pem"
        good = sandbox.ca_file.read_text()
        anchors.write_text(good)
        run = board.start("sign-in", "--ca-file", anchors)
        sandbox.wait_for(lambda s: s.polls)
        new = anchors.with_suffix(".new")
        new.write_text(self.sandbox().ca_file.read_text())
        new.rename(anchors)
        before = len(sandbox.polls)
        run.wait_for("certificate was refused: no trust anchor")
        self.assertLessEqual(len(sandbox.polls), before + 1)
        # And back again, in place.
        anchors.write_text(good)
        sandbox.approve()
        self.assertExit(DONE, run.wait())

    def test_finds_its_anchor_among_many(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        bundle = board.directory / "bundle.pem"
        system = open("/etc/ssl/certs/ca-certificates.crt").read()
        bundle.write_text(f"{system}\n# a comment\n{sandbox.ca_file.read_text()}\n")
        run = board.run("sign-in", "--ca-file", bundle)
        self.assertExit(DONE, run)

    def test_last_certificate_needs_no_newline(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        bundle = board.directory / "bundle.pem"
        bundle.write_text(self.sandbox().ca_file.read_text() + sandbox.ca_file.read_text().strip())
        self.assertExit(DONE, board.run("sign-in", "--ca-file", bundle))

    def test_anchor_of_the_same_name_and_another_key_is_not_enough(self):
        stranger = self.sandbox()
        sandbox = self.sandbox(approve_after=1)
        run = self.sign_in(sandbox, {"ca_file": stranger.ca_file})
        self.assertExit(UNAVAILABLE, run, "certificate")
        self.assertEqual([], sandbox.requests)

    @for_each({"missing": None, "empty": "", "no_certificate": "hello\n",
               "damaged": "-----BEGIN CERTIFICATE-----\nMIIB!!!!\n-----END CERTIFICATE-----\n"})
    def test_unusable_ca_file(self, content):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        path = board.directory / "anchors.pem"
        if content is not None:
            path.write_text(content)
        run = board.run("sign-in", "--ca-file", path)
        self.assertIn(run.code, (CONFIGURATION, UNAVAILABLE), run.stderr)
        self.assertEqual([], sandbox.requests)
        if content is None or "BEGIN" not in content:
            self.assertRegex(run.stderr, "anchors.pem|ca.file")


class Addresses(AcceptanceTest):
    """Compared by the program itself, since mbedTLS 2.28 knows no addresses in certificates."""

    def at_address(self, kind, address="127.0.0.1"):
        sandbox = self.sandbox(certificate=kind, approve_after=1)
        urls = {key: url.replace("localhost", address) for key, url in sandbox.endpoints.items()}
        return sandbox, self.sign_in(sandbox, urls)

    tolerates = ("Host is",)

    @for_each({"ipv4": "127.0.0.1", "ipv6": "[::1]"})
    def test_address_in_the_certificate(self, address):
        self.assertExit(DONE, self.at_address("good", address)[1])

    @for_each({"spelled_as_a_name": "address-as-name", "missing": "wrong-host",
               "in_no_san": "common-name"})
    def test_address_not_in_the_certificate(self, kind):
        sandbox, run = self.at_address(kind)
        self.assertIn(run.code, (UNAVAILABLE, CONFIGURATION), run.stderr)
        self.assertEqual([], sandbox.requests)


class Layers(AcceptanceTest):
    """The message names the layer that failed."""

    def sign_in_at(self, url, **options):
        return self.board({"provider": "custom", "client_id": "x",
                           "device_authorization_endpoint": url + "/device_authorization",
                           "token_endpoint": url + "/token"}).run("sign-in", **options)

    def test_unknown_name(self):
        run = self.sign_in_at("https://nowhere.invalid")
        self.assertExit(UNAVAILABLE, run, "name", "nowhere.invalid")

    def test_refused_connection(self):
        port = free_port()
        run = self.sign_in_at(f"https://localhost:{port}")
        self.assertExit(UNAVAILABLE, run, "refused", f"localhost:{port}")

    def test_plain_http_behind_the_port(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self.answer_in_plain, args=(listener,), daemon=True).start()
            run = self.sign_in_at(f"https://localhost:{listener.getsockname()[1]}")
        self.assertExit(UNAVAILABLE, run, "TLS", "localhost")

    @staticmethod
    def answer_in_plain(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            connection.recv(65536)

    def test_slow_handshake_that_never_ends_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            run = self.sign_in_at(f"https://localhost:{listener.getsockname()[1]}")
        self.assertExit(UNAVAILABLE, run, "TLS", "localhost")

    def test_clock_not_set(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.command = ["faketime", "1970-01-01 00:05:00", *board.command]
        run = board.run("sign-in")
        self.assertExit(UNAVAILABLE, run, "clock not set")
        self.assertEqual([], sandbox.requests)
