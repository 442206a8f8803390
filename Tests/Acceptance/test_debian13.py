"""The release for Debian 13, with Debian 13's libraries: mbedTLS 3.6, which speaks TLS 1.3.

The tests of what the library has a part in run again here, most of them over both versions of TLS.
"""

import json
import ssl

import test_architectures
import test_package
import test_peer
import test_refresh
import test_sign_in
import test_transport
import test_trust
from acceptance import DONE, UNAVAILABLE, AcceptanceTest, for_each
from emulator import (Emulator, missing_texts, on_board, shows_qr, shows_words, wait_for_screen)

VERSIONS = {"tls_1_3": None, "tls_1_2": "1.2"}
NAMES = {None: "TLSv1.3", "1.2": "TLSv1.2"}


class OnDebian13(AcceptanceTest):
    # What the servers offer at most, unless a test says otherwise; None is TLS 1.3.
    tls_maximum = None

    def board(self, settings=None, **options):
        return super().board(settings, release="13", **options)

    def sandbox(self, personality="rfc", **options):
        options.setdefault("tls_maximum", self.tls_maximum)
        return super().sandbox(personality, **options)


class Certificates(OnDebian13, test_trust.Certificates):
    pass


class CertificatesOverTLS12(Certificates):
    tls_maximum = "1.2"


class Anchors(OnDebian13, test_trust.Anchors):
    pass


class Addresses(OnDebian13, test_trust.Addresses):
    pass


class BeforeACertificate(OnDebian13, test_peer.BeforeACertificate):
    pass


class Connections(OnDebian13, test_transport.Connections):
    pass


class ConnectionsOverTLS12(Connections):
    tls_maximum = "1.2"


class Framing(OnDebian13, test_transport.Framing):
    pass


class SignIn(OnDebian13, test_sign_in.SignIn):
    pass


class Rotation(OnDebian13, test_refresh.Rotation):
    pass


class OnArm(test_architectures.OnArm):
    def board(self, settings=None, *, architecture, **options):
        return super().board(settings, architecture=architecture, release="13", **options)


class Package(test_package.PackageTest):
    release = "13"

    @for_each(test_package.ARCHITECTURES)
    def test_contents_for(self, architecture):
        package = self.check_contents(architecture)
        version = test_package.run("dpkg-deb", "-f", package, "Version").strip()
        self.assertEqual("0.1.0-1+deb13", version)
        # A board that comes from Debian 12 is offered it.
        test_package.run("dpkg", "--compare-versions", version, "gt", "0.1.0-1")
        test_package.run("dpkg", "--compare-versions", version, "lt", "0.1.0-2")

    def test_slow_install_upgrade_remove_purge_on_arm64(self):
        self.check_life("arm64")


class OnItsKernel(AcceptanceTest):
    """Emulated boards with Debian 13's kernel, 6.12, and its libraries, looked at from outside."""

    @for_each({"arm64": "arm64", "armhf": "armhf"})
    def test_slow_sign_in_on(self, architecture):
        sandbox = self.sandbox("webex")
        board = self.enterContext(Emulator(
            architecture, release="13", port=sandbox.port, command="devicegrant run &",
            files=on_board(sandbox.settings(), {"display": "framebuffer"})))
        self.assertEqual(DONE, board.booted())
        code = board.wait_for(r"user_code=(\S+)\s")[1]
        grant = sandbox.grants.newest_pending()
        self.assertEqual(grant.user_code, code)
        screen = wait_for_screen(board, shows_qr(
            sandbox.personality.complete(sandbox.verification_uri, grant)))
        self.assertEqual([], missing_texts(screen, uri=sandbox.verification_uri, code=code))
        sandbox.approve(code)
        board.wait_for("signed in")
        wait_for_screen(board, shows_words("Signed in"))
        self.assertIn("6.12.", board.command("uname -r")[1])
        self.assertEqual({"TLSv1.3"}, {c.version for c in sandbox.connections})
        for secret in sandbox.secrets:
            self.assertNotIn(secret, board.serial)


class Versions(OnDebian13):
    @for_each(VERSIONS)
    def test_a_sign_in_speaks(self, maximum):
        sandbox = self.sandbox(tls_maximum=maximum, approve_after=2)
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "signed in")
        self.assertEqual([NAMES[maximum]], [c.version for c in sandbox.connections])
        self.assertIn(json.loads(run.board.token_file.read_text())["access_token"], sandbox.tokens)

    @for_each({"p256": "prime256v1", "p384": "secp384r1", "p521": "secp521r1", "x25519": "X25519"})
    def test_key_exchange_that_the_server_insists_on(self, group):
        # In TLS 1.3, the first guess is answered with a HelloRetryRequest.
        sandbox = self.sandbox(approve_after=1)
        sandbox.tls.set_ecdh_curve(group)
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual(1, len(sandbox.connections))

    def test_key_exchange_that_is_not_offered_is_refused(self):
        sandbox = self.sandbox(approve_after=1)
        sandbox.tls.set_ecdh_curve("brainpoolP256r1")
        self.assertExit(UNAVAILABLE, self.sign_in(sandbox), "TLS", "localhost")
        self.assertEqual([], sandbox.requests)


class Tickets(OnDebian13):
    """TLS 1.3 resumes a session by a ticket, which comes after the handshake."""

    def reconnecting(self, **options):
        return self.sandbox(approve_after=3, script=[{"close": "announced"}], **options)

    @for_each({"none": 0, "one": 1, "ten": 10})
    def test_server_that_sends(self, count):
        sandbox = self.reconnecting()
        sandbox.tls.num_tickets = count
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGreaterEqual(len(sandbox.connections), 4)
        self.assertEqual([False] + [count > 0] * (len(sandbox.connections) - 1),
                         [c.resumed for c in sandbox.connections])

    def test_server_that_has_forgotten_its_keys_is_verified_again(self):
        sandbox = self.reconnecting()
        board = self.board(at=sandbox)
        run = board.start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        sandbox.tls = sandbox._context()
        self.assertExit(DONE, run.wait())
        self.assertEqual(2, [c.resumed for c in sandbox.connections].count(False))

    @for_each({kind.replace("-", "_"): kind for kind in ("wrong-host", "unknown-ca", "expired")})
    def test_ticket_does_not_vouch_for_a_server_that_cannot_use_it(self, kind):
        sandbox = self.reconnecting()
        run = self.board(at=sandbox).start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        sandbox.certificate = kind
        sandbox.tls = sandbox._context()
        run.wait_for("certificate was refused")
        served = {c.number for c in sandbox.connections if not c.received}
        bad = [c for c in sandbox.connections if c.number in served]
        self.assertTrue(bad, "nobody came back")
        run.end()

    def test_session_of_one_version_is_no_obstacle_to_the_other(self):
        sandbox = self.reconnecting()
        run = self.board(at=sandbox).start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        sandbox.tls_maximum = "1.2"
        sandbox.tls = sandbox._context()
        self.assertExit(DONE, run.wait())
        # The handshake that offers the session of the other version may fail; the next offers none.
        self.assertEqual({"TLSv1.2", "TLSv1.3"},
                         {c.version for c in sandbox.connections if c.received})


class PSSInTLS12(OnDebian13):
    """mbedTLS 3.6.6 offers RSA-PSS, and refuses it in TLS 1.2: what prefers it is asked again."""

    def test_server_that_prefers_it(self):
        sandbox = self.sandbox(certificate="rsa", tls_maximum="1.2", approve_after=3,
                               script=[{"close": "announced"}])
        self.assertExit(DONE, self.sign_in(sandbox))
        # It costs one handshake, not one for each connection.
        self.assertEqual([None] + ["TLSv1.2"] * (len(sandbox.connections) - 1),
                         [c.version for c in sandbox.connections])
        self.assertEqual([False, False] + [True] * (len(sandbox.connections) - 2),
                         [c.resumed for c in sandbox.connections])

    def test_server_that_goes_by_the_order_of_the_client(self):
        sandbox = self.sandbox(certificate="rsa", tls_maximum="1.2", approve_after=1)
        sandbox.tls.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual(["TLSv1.2"], [c.version for c in sandbox.connections])

    def test_it_is_no_way_to_make_a_server_speak_an_older_version_than_it_can(self):
        sandbox = self.sandbox(certificate="rsa", tls_maximum="1.2", approve_after=1)
        sandbox.tls_maximum = None
        modern = sandbox._context()

        def change(*_):
            sandbox.tls = modern
        # Whoever is between the two answers the first handshake.
        sandbox.tls.sni_callback = change
        self.assertExit(UNAVAILABLE, self.sign_in(sandbox), "TLS", "localhost")
        self.assertEqual([None, "TLSv1.2"], [c.version for c in sandbox.connections])
        self.assertEqual(0, sum(c.received for c in sandbox.connections))
