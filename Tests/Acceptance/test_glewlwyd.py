"""Sign-in at a real authorization server: Debian's Glewlwyd."""

import json

from acceptance import DENIED, DONE, EXPIRED, AcceptanceTest, for_each
from devicegrant import find_secrets
from screen import wait_for_qr
from servers import Glewlwyd

CLIENTS = {"confidential": False, "public": True}


class AtGlewlwyd(AcceptanceTest):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Glewlwyd(INTERVAL=1))

    def check_secrets(self, board):
        known = [self.server.values["CLIENT_SECRET"]]
        if board.token_file.exists():
            saved = json.loads(board.token_file.read_text())
            tokens = [saved["access_token"], saved["refresh_token"]]
            self.assertEqual([], find_secrets(board, [*known, *tokens], tokens))
        self.assertEqual([], find_secrets(board, known))

    @for_each(CLIENTS)
    def test_approval(self, public):
        board = self.board(self.server.settings(public))
        picture = board.directory / "screen.pbm"
        run = board.start("sign-in", "--display", f"pbm:{picture}")
        code = run.announced()["user_code"]
        self.assertEqual(f"{self.server.values['ISSUER']}/device?code={code}", wait_for_qr(picture))
        self.server.approve(code)
        self.assertExit(DONE, run.wait(), "signed in")
        saved = json.loads(board.token_file.read_text())
        self.assertEqual("bearer", saved["token_type"].lower())
        self.assertEqual(set(self.server.values["SCOPE"].split()), set(saved["scope"].split()))
        self.check_secrets(board)

    @for_each(CLIENTS)
    def test_expiry(self, public):
        board = self.board(self.server.settings(public, short=True))
        self.assertExit(EXPIRED, board.run("sign-in"), "expired")
        self.assertFalse(board.token_file.exists())
        self.check_secrets(board)

    @for_each(CLIENTS)
    def test_denial(self, public):
        board = self.board(self.server.settings(public))
        run = board.start("sign-in")
        self.server.deny(run.announced()["user_code"])
        self.assertExit(DENIED, run.wait())
        self.check_secrets(board)

    def test_client_without_the_device_grant(self):
        settings = self.server.settings(public=True)
        settings["client_id"] = self.server.values["NO_DEVICE_GRANT_CLIENT_ID"]
        run = self.board(settings).run("sign-in")
        self.assertNotIn(run.code, (DONE, 70), run.stderr)
        self.assertNotIn("user_code=", run.stderr)

    def test_wrong_secret(self):
        run = self.board({**self.server.settings(), "client_secret": "wrong-secret"}).run("sign-in")
        self.assertNotIn(run.code, (DONE, 70), run.stderr)
