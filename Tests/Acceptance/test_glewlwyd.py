"""Sign-in at a real authorization server: Debian's Glewlwyd."""

import json
import signal

from acceptance import DENIED, DONE, EXPIRED, UNAVAILABLE, for_each
from devicegrant import find_secrets
from hand_out import ask, eventually, token_from
from living import LivingTest
from screen import wait_for_qr
from servers import Glewlwyd

CLIENTS = {"confidential": False, "public": True}


class GlewlwydTest(LivingTest):
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


class AtGlewlwyd(GlewlwydTest):
    @classmethod
    def setUpClass(cls):    # again, so that the runner keeps the class whole
        super().setUpClass()

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

    @for_each(CLIENTS)
    def test_endpoints_from_its_metadata(self, public):
        settings = self.server.settings(public)
        keys = ("device_authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        board = self.board({**settings, **dict.fromkeys(keys),
                            "issuer": self.server.values["ISSUER"]})
        run = board.start("sign-in")
        self.server.approve(run.announced()["user_code"])
        self.assertExit(DONE, run.wait(), "signed in as Alice Example")
        self.check_secrets(board)


class LifeAtGlewlwyd(GlewlwydTest):
    """Its second plugin issues access tokens of 3 s. The public client's refresh tokens are good
    for one use, the confidential one's for many and not repeated in the answer."""

    @classmethod
    def setUpClass(cls):    # as above
        super().setUpClass()

    def start(self, public, short=True):
        board = self.board(self.server.settings(public, short))
        board.change({"socket": board.socket, "access_token_file": board.access_token_file})
        run = self.alive(board)
        self.server.approve(run.announced()["user_code"], "oidcshort" if short else "oidc")
        run.wait_for("signed in; ")
        return board, run

    @for_each(CLIENTS)
    def test_slow_refresh(self, public):
        board, run = self.start(public)
        run.wait_for("signed in as Alice Example")
        access, refresh = set(), set()

        def seen_enough():
            record = board.record
            access.add(record["access_token"])
            refresh.add(record["refresh_token"])
            return len(access) == 4
        eventually(seen_enough, 30)
        self.assertEqual(4 if public else 1, len(refresh))
        self.assertTrue(token_from(board.socket, "token 0"))
        self.assertExit(DONE, board.run("whoami"))
        self.assertNotIn("lost", run.stderr)
        self.assertEnds(run)
        self.check_secrets(board)

    def test_slow_used_refresh_token_leads_to_a_code(self):
        board, run = self.start(public=True)
        first = board.token_file.read_bytes()
        run.wait_for("refreshed")
        self.assertEnds(run)
        board.token_file.write_bytes(first)
        run = self.alive(board)
        # It answers 400 with nothing, which a gateway could have said: no verdict, so nothing is
        # erased, but after a second such answer, a minute later, only a person can help.
        run.wait_for("refresh failed")
        self.assertTrue(run.announced(100))
        self.assertEqual(json.loads(first)["refresh_token"], board.record["refresh_token"])
        self.assertTrue(ask(board.socket, "token 0").startswith("error login_required"))

    def make_revocable(self, board, run):
        board.change({"revocation_endpoint": self.server.values["REVOCATION_ENDPOINT"]})
        run.signal(signal.SIGHUP)
        run.wait_for(r"beginning anew(?s:.)*there is a grant")

    def test_sign_out(self):
        board, run = self.start(public=False, short=False)
        record = board.record
        self.make_revocable(board, run)
        self.assertExit(DONE, board.run("sign-out"), "by devicegrant run")
        run.wait_for("the grant is lost")
        run.wait_for("revoked at the server")
        self.assertEnds(run)
        board.token_file.touch(0o600)
        board.token_file.write_text(json.dumps({**record, "expires_at": 1}))
        self.assertExit(UNAVAILABLE, board.run("token"), "no answer to go by, HTTP status 400")

    def test_sign_out_of_a_client_that_the_server_lets_revoke_nothing(self):
        board, run = self.start(public=True, short=False)
        record = board.record
        self.make_revocable(board, run)
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked", "401", "sign-out --local")
        run.wait_for("the grant is lost")
        self.assertExit(DONE, board.run("sign-out", "--local"))
        self.assertEqual([], find_secrets(board, [record["access_token"],
                                                  record["refresh_token"]]))
