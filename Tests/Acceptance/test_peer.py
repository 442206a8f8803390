"""A TLS peer that is bad in every way: it holds nobody up, and learns nothing.

Whoever is on the way can be one, before there is a certificate to look at.
"""

import subprocess
import time

from acceptance import UNAVAILABLE, for_each
from hand_out import ask
from living import LivingTest
from peer import (CHANGE, DATA, HANDSHAKE, Peer, drip, hello, message, once, record, warning,
                  without_end, Session)

ACTS = {
    "warnings": without_end(warning(90)),
    "warnings_after_a_hello": once(hello(), without_end(warning(90))),
    "slow_warnings": without_end(warning(90), 0.2),
    "hello_requests": without_end(message(0)),
    "empty_handshake_records": without_end(record(HANDSHAKE, b"")),
    "changes_of_cipher": without_end(record(CHANGE, b"\1")),
    "changes_after_a_hello": once(hello(), without_end(record(CHANGE, b"\1"))),
    "empty_data": without_end(record(DATA, b"")),
    "noise": without_end(bytes(range(256))),
    "one_byte_a_second": drip(hello()),
    "a_message_in_pieces": once(b"".join(
        record(HANDSHAKE, hello()[5:][i:i + 1]) for i in range(len(hello()) - 5))),
    "a_message_of_16_mib": once(b"\x16\3\3\x40\0\2\xff\xff\xff" + bytes(16380)),
    "silence": lambda stream: time.sleep(120),
}


def answered(session, data, pause=0.0):
    """Takes a request, and answers with the same for ever."""
    session.read()
    while session.answer(data):
        time.sleep(pause)


# What is done after the handshake, with a certificate that is trusted.
HEAD = b"HTTP/1.1 200 OK\r\n"
LATER = {
    "silence": lambda session: time.sleep(120),
    "silence_after_the_request": lambda session: session.read() and time.sleep(120),
    "interim_answers": lambda session: answered(session, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "slow_interim_answers":
        lambda session: answered(session, b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.2),
    "header_fields": lambda session: answered(session, HEAD + b"X-A: b\r\n" * 20),
    "one_byte_a_second": lambda session: answered(session, b" ", 1),
    "a_body_without_end": lambda session: answered(
        session, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000),
    "records_in_the_clear": lambda session: session.read() and without_end(warning(90))(
        session.stream),
}


class PeerTest(LivingTest):
    def endpoints(self, peer):
        return {"device_authorization_endpoint": f"{peer.url}/d", "token_endpoint": f"{peer.url}/t"}

    def check_promptness(self, sandbox, peer):
        board = self.agent_board(sandbox, self.endpoints(peer))
        run = self.alive(board)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            started = time.monotonic()
            self.assertIn("login_required", ask(board.socket))
            self.assertLess(time.monotonic() - started, 1)
            time.sleep(0.2)
        self.assertGreater(peer.connections, 0)
        self.assertEnds(run)


class BeforeACertificate(PeerTest):
    @for_each(ACTS)
    def test_the_socket_answers_and_a_signal_is_heeded(self, act):
        with Peer(act) as peer:
            self.check_promptness(self.sandbox(), peer)

    def test_endless_warnings_are_given_up(self):
        sandbox = self.sandbox()
        with Peer(without_end(warning(90))) as peer:
            run = self.board(self.endpoints(peer), at=sandbox).start("sign-in")
            self.assertExit(UNAVAILABLE, run.wait(10), "TLS failed", "localhost")

    def test_a_certificate_of_an_unknown_algorithm_is_refused(self):
        # In TLS 1.2 mbedTLS passes such ones over: nothing is left to be judged.
        der = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=localhost",
             "-keyout", "/dev/null", "-outform", "DER"], check=True, capture_output=True).stdout
        chain = len(der).to_bytes(3, "big") + der
        answer = hello() + message(11, len(chain).to_bytes(3, "big") + chain)
        with Peer(once(answer)) as peer:
            run = self.board(self.endpoints(peer), at=self.sandbox()).start("sign-in")
            self.assertExit(UNAVAILABLE, run.wait(20), "certificate", "localhost")

    def test_an_answer_that_was_not_offered_is_asked_for_again_once_at_most(self):
        with Peer(once(hello(suite=0x0005))) as peer:
            run = self.board(self.endpoints(peer), at=self.sandbox()).start("sign-in")
            self.assertExit(UNAVAILABLE, run.wait(20), "localhost")
        self.assertLessEqual(peer.connections, 2)

    @for_each({str(records): records for records in range(5)})
    def test_a_handshake_that_is_cut_gets_no_request(self, records):
        # Behind each record of the server's: four, and what ends the handshake.
        sandbox = self.sandbox(tls_maximum="1.2")
        heard = []

        def act(stream):
            session = Session(stream, sandbox.tls)
            session.limit = records
            if session.shake_hands():
                heard.append(session.read())
        with Peer(act) as peer:
            run = self.board(self.endpoints(peer), at=sandbox).start("sign-in")
            self.assertExit(UNAVAILABLE, run.wait(20), "localhost")
        self.assertEqual([], heard)


class WithACertificate(PeerTest):
    """The same by a peer whose certificate is good, at each later moment."""

    @for_each({str(records): records for records in range(1, 5)})
    def test_slow_rest_of_the_handshake(self, records):
        sandbox = self.sandbox(tls_maximum="1.2")

        def act(stream):
            session = Session(stream, sandbox.tls)
            session.slow_after = records
            session.shake_hands()
        with Peer(act) as peer:
            self.check_promptness(sandbox, peer)

    @for_each(LATER)
    def test_the_socket_answers_and_a_signal_is_heeded(self, later):
        sandbox = self.sandbox()

        def act(stream):
            session = Session(stream, sandbox.tls)
            session.shake_hands()
            later(session)
        with Peer(act) as peer:
            self.check_promptness(sandbox, peer)
