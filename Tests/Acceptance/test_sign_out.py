"""`devicegrant sign-out`: nothing of the grant is left, here or at the server."""

from acceptance import DENIED, DONE, for_each
from devicegrant import spellings
from hand_out import Lock, ask
from living import LivingTest


class SignOut(LivingTest):
    def leftovers(self, board, *records):
        """Where any token of the records is still on the disk."""
        secrets = {record[name] for record in records for name in ("access_token", "refresh_token")
                   if name in record}
        return [str(path) for path in board.directory.rglob("*") if path.is_file()
                and any(form in path.read_bytes() for s in secrets for form in spellings(s))]

    def test_revokes_and_erases(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        board.access_token_file.write_text(record["access_token"] + "\n")
        run = board.run("sign-out")
        self.assertExit(DONE, run, "revoked", "signed out")
        request, = sandbox.to("revocation")
        self.assertEqual(record["refresh_token"], request.form["token"])
        self.assertEqual("refresh_token", request.form["token_type_hint"])
        self.assertFalse(sandbox.accepts(record["access_token"]))
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
        self.assertEqual([], self.leftovers(board, record))
        self.assertIsNone(board.published)

    def test_without_a_directory_takes_the_published_token_back_all_the_same(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        board.access_token_file.write_text("left over\n")
        self.assertExit(DONE, board.run("sign-out"), "not signed in")
        self.assertIsNone(board.published)
        self.assertFalse(board.token_file.parent.exists())

    def test_generation_before_and_whatever_lies_beside_goes_too(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox, expires_at=1)
        first = board.record
        self.assertExit(DONE, board.run("token"))
        second = board.record
        for suffix in (".new", ".damaged"):
            board.token_file.with_name(f"tokens.json{suffix}").write_text(first["access_token"])
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([], self.leftovers(board, first, second))
        self.assertFalse(board.token_file.with_name("tokens.json.name").exists())

    def test_record_that_run_has_retired_goes_too(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        record = board.record
        sandbox.disconnect()
        run = self.alive(board)
        run.announced()
        self.assertEnds(run)
        self.assertNotEqual([], self.leftovers(board, record))
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([], self.leftovers(board, record))

    @for_each({"status_503": {"status": 503}, "status_400": {"status": 400},
               "cut": {"cut_after": 0}, "html": {"status": 404, "body": "<html></html>"}})
    def test_revocation_that_fails_is_said_and_erases_all_the_same(self, rule):
        sandbox = self.sandbox()
        sandbox.answer_next(to="revocation", **rule)
        board = self.signed_in(sandbox)
        record = board.record
        run = board.run("sign-out")
        self.assertExit(DONE, run, "not revoked", "erased")
        self.assertEqual([], self.leftovers(board, record))

    def test_server_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        sandbox.go_away()
        run = board.run("sign-out")
        self.assertExit(DONE, run, "not revoked", "refused")
        self.assertEqual([], self.leftovers(board, record))

    def test_provider_without_a_revocation_endpoint(self):
        sandbox = self.sandbox("webex")
        board = self.signed_in(sandbox)
        record = board.record
        run = board.run("sign-out")
        self.assertExit(DONE, run, "no revocation endpoint", "signed out")
        self.assertEqual([], sandbox.requests)
        self.assertEqual([], self.leftovers(board, record))

    @for_each({name: name for name in ("google", "auth0", "okta", "keycloak", "gitlab", "twitch")})
    def test_provider(self, personality):
        sandbox = self.sandbox(personality, refresh_tokens="always", access_lifetime=1000)
        board = self.signed_in(sandbox)
        record = board.record
        self.assertExit(DONE, board.run("sign-out"), "revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"])
                         and sandbox.accepts(record["access_token"]))
        self.assertEqual([], self.leftovers(board, record))

    def test_access_token_is_revoked_where_there_is_no_other(self):
        sandbox = self.sandbox(refresh_tokens="never")
        board = self.signed_in(sandbox)
        record = board.record
        self.assertExit(DONE, board.run("sign-out"))
        request, = sandbox.to("revocation")
        self.assertEqual(record["access_token"], request.form["token"])
        self.assertEqual("access_token", request.form["token_type_hint"])
        self.assertFalse(sandbox.accepts(record["access_token"]))

    def test_twice(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        self.assertExit(DONE, board.run("sign-out"))
        self.assertExit(DONE, board.run("sign-out"), "not signed in")
        self.assertEqual(1, len(sandbox.to("revocation")))

    def test_nothing_was_ever_there(self):
        sandbox = self.sandbox()
        run = self.agent_board(sandbox).run("sign-out")
        self.assertIn(run.code, (DONE, DENIED))
        self.assertIn("not signed in", run.stderr)
        self.assertEqual([], sandbox.requests)

    def test_open_token_file_is_erased_too(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        board.token_file.chmod(0o644)
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([], self.leftovers(board, record))

    def test_damaged_token_file_is_erased_too(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        board.token_file.write_text(f'{{"refresh_token": "{record["refresh_token"]}"')
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([], self.leftovers(board, record))

    def test_status_says_not_signed_in_afterwards(self):
        board = self.signed_in(self.sandbox())
        self.assertExit(DONE, board.run("sign-out"))
        self.assertExit(DENIED, board.run("status"))
        self.assertExit(DENIED, board.run("token"))
        self.assertExit(DENIED, board.run("whoami"))

    def test_lock_is_waited_for(self):
        """A refresh that is under way would bring the grant back."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        with Lock(board.token_file):
            run = board.start("sign-out")
            with self.assertRaises(TimeoutError):
                sandbox.wait_for(lambda s: s.requests, 0.5)
            self.assertEqual(record, board.record)
        self.assertExit(DONE, run.wait())
        self.assertEqual([], self.leftovers(board, record))

    def test_while_run_renews(self):
        sandbox = self.sandbox(rotation="single-use")
        sandbox.delay("refresh", 0.5)
        board = self.signed_in(sandbox, expires_at=1)
        record = board.record
        run = self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        self.assertExit(DONE, board.run("sign-out"))
        run.announced()
        self.assertRegex(ask(board.socket), "^error login_required ")
        self.assertEqual([], [t for f in sandbox.state()["families"] for t in f["refresh_tokens"]])
        self.assertEqual([], self.leftovers(board, record))
        self.assertIsNone(board.published)
