"""The binaries for the boards, under qemu-user."""

import json
import os

from acceptance import DONE, UNAVAILABLE, AcceptanceTest, for_each
from screen import wait_for_qr
from servers import put_tokens

ARCHITECTURES = {"aarch64": "aarch64", "armv7": "armv7"}


class OnArm(AcceptanceTest):
    @for_each({f"{a}_{p}": (a, p) for a in ARCHITECTURES for p in ("webex", "rfc")})
    def test_slow_sign_in(self, row):
        architecture, personality = row
        sandbox = self.sandbox(personality)
        board = self.board(at=sandbox, architecture=architecture)
        picture = board.directory / "screen.pbm"
        run = board.start("sign-in", "--display", f"pbm:{picture}")
        run.announced()
        grant = sandbox.grants.newest_pending()
        self.assertEqual(sandbox.personality.complete(sandbox.verification_uri, grant),
                         wait_for_qr(picture))
        sandbox.wait_for(lambda s: len(s.polls) == 2, 30)
        sandbox.approve()
        self.assertExit(DONE, run.wait(), "signed in")
        self.assertEqual(1, len(sandbox.connections))
        self.assertIn(json.loads(board.token_file.read_text())["access_token"], sandbox.tokens)

    @for_each(ARCHITECTURES)
    def test_file_of_another_century_can_be_read(self, architecture):
        """Written while the clock was far ahead; 32 bits of seconds end in 2038."""
        sandbox = self.sandbox()
        board = self.board(at=sandbox, architecture=architecture)
        put_tokens(board, at=sandbox)
        os.utime(board.token_file, (4_300_000_000, 4_300_000_000))
        self.assertExit(DONE, board.run("status"))

    @for_each(ARCHITECTURES)
    def test_wrong_host_is_refused(self, architecture):
        sandbox = self.sandbox(certificate="wrong-host")
        run = self.board(at=sandbox, architecture=architecture).run("sign-in")
        self.assertExit(UNAVAILABLE, run, "certificate")
        self.assertEqual(0, sum(c.received for c in sandbox.connections))
