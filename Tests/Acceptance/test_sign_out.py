"""`devicegrant sign-out`: nothing of the grant is left, here or at the server."""

import json
import os
import resource
import signal
import time

from acceptance import DENIED, DONE, UNAVAILABLE, USAGE, for_each
from devicegrant import spellings
from hand_out import Client, Lock, ask, eventually
from living import LivingTest
from servers import put_tokens

SERVICE = 65534


class SigningOut(LivingTest):
    def leftovers(self, board, *records):
        """Where any token of the records is still on the disk."""
        secrets = {record[name] for record in records for name in ("access_token", "refresh_token")
                   if name in record}
        return [str(path) for path in board.directory.rglob("*") if path.is_file()
                and any(form in path.read_bytes() for s in secrets for form in spellings(s))]

    def waiting(self, board):
        """The files in which tokens wait to be revoked."""
        return sorted(board.token_file.parent.glob("tokens.json.revoke?"))

    def assertWaits(self, board, record):
        """Nothing of the record is left but its refresh token, which waits."""
        path, = self.waiting(board)
        self.assertEqual([str(path)], self.leftovers(board, record))
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        found = json.loads(path.read_bytes())
        self.assertEqual(record["refresh_token"], found["refresh_token"])
        self.assertEqual(record["client_id"], found["client_id"])
        self.assertNotIn("access_token", found)
        return path


class SignOut(SigningOut):

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
        self.assertExit(UNAVAILABLE, run, "not revoked", "erased", "waits", "sign-out once more")
        self.assertWaits(board, record)

    def test_server_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        sandbox.go_away()
        run = board.run("sign-out")
        self.assertExit(UNAVAILABLE, run, "not revoked", "refused", "sign-out --local")
        self.assertWaits(board, record)
        self.assertExit(DENIED, board.run("token"))
        run = board.run("status")
        self.assertExit(DENIED, run)
        self.assertIn("waiting to be revoked: 1\n", run.stdout)
        self.assertEqual(1, json.loads(board.run("status", "--json").stdout)
                         ["waiting_to_be_revoked"])
        # Once more, without and with the server.
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked")
        self.assertWaits(board, record)
        sandbox.come_back()
        self.assertExit(DONE, board.run("sign-out"), "revoked at the server")
        self.assertEqual(record["refresh_token"], sandbox.to("revocation")[-1].form["token"])
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
        self.assertEqual([], self.leftovers(board, record))
        self.assertNotIn("revoked", board.run("status").stdout)

    @for_each({"invalid": "invalid_token", "unsupported": "unsupported_token_type"})
    def test_server_that_revokes_no_such_token_is_asked_once(self, word):
        sandbox = self.sandbox()
        sandbox.refuse("revocation", error=word)
        board = self.signed_in(sandbox)
        record = board.record
        self.assertExit(DONE, board.run("sign-out"), "revokes no such token")
        self.assertEqual([], self.leftovers(board, record))

    def test_local_asks_nobody_and_lets_nothing_wait(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        first = board.record
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("sign-out"))
        second = put_tokens(board, at=sandbox)
        sandbox.come_back()
        self.assertExit(DONE, board.run("sign-out", "--local"), "not revoked", "erased")
        self.assertEqual([], sandbox.requests)
        self.assertEqual([], self.leftovers(board, first, second))
        self.assertExit(USAGE, board.run("status", "--local"))

    def test_one_more_than_there_are_places_takes_the_oldest_ones(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        records = []
        for age in (50, 40, 30, 20, 10):
            records.append(put_tokens(board, at=sandbox))
            sandbox.fail("revocation", times=5)
            self.assertExit(UNAVAILABLE, board.run("sign-out"))
            newest = max(self.waiting(board), key=lambda path: path.stat().st_mtime)
            os.utime(newest, (time.time() - age,) * 2)
        self.assertEqual(4, len(self.waiting(board)))
        sandbox.calm()
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([True] + 4 * [False], [
            sandbox.accepts(refresh_token=record["refresh_token"]) for record in records])
        self.assertEqual([], self.leftovers(board, *records))

    @for_each({"client_id": {"client_id": "another"},
               "server": {"token_endpoint": "https://elsewhere.example/token"}})
    def test_only_the_server_that_it_is_from_is_told(self, other):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, **other)
        record = board.record
        run = board.run("sign-out")
        self.assertExit(UNAVAILABLE, run, "not for this configuration", "waits")
        self.assertEqual([], sandbox.to("revocation"))
        self.assertWaits(board, record)
        self.assertExit(DONE, board.run("sign-out", "--local"))
        self.assertEqual([], self.leftovers(board, record))

    def test_what_has_ended_waits_no_longer(self):
        sandbox = self.sandbox()
        sandbox.fail("revocation", times=5)
        board = self.signed_in(sandbox, refresh_token_expires_at=int(time.time()) + 2)
        record = board.record
        self.assertExit(UNAVAILABLE, board.run("sign-out"))
        path = self.assertWaits(board, record)
        eventually(lambda: time.time() > record["refresh_token_expires_at"])
        self.assertTrue(path.exists())
        self.assertExit(DONE, board.run("sign-out"), "has ended")
        self.assertEqual([], self.leftovers(board, record))

    def test_token_that_is_the_grants_still_is_not_revoked(self):
        """The power went when it was set aside, and the record was still there."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        aside = board.token_file.with_name("tokens.json.revoke0")
        aside.touch(0o600)
        aside.write_text(json.dumps({
            name: record[name] for name in ("refresh_token", "token_endpoint", "client_id")}))
        run = self.alive(board)
        eventually(lambda: not aside.exists())
        self.assertEqual([], sandbox.to("revocation"))
        self.assertHolds(board, sandbox)
        self.assertEnds(run)

    def test_what_is_damaged_or_a_link_waits_for_nothing(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.with_name("tokens.json.revoke0").write_text("{")
        board.token_file.with_name("tokens.json.revoke1").symlink_to("/etc/passwd")
        board.token_file.with_name("tokens.json.revoke2").write_text('{"client_id":"x"}')
        self.assertExit(DONE, board.run("sign-out"))
        self.assertEqual([], self.waiting(board))
        self.assertEqual([], sandbox.requests)

    def test_without_a_refresh_token_nothing_waits(self):
        sandbox = self.sandbox(refresh_tokens="never")
        sandbox.fail("revocation")
        board = self.signed_in(sandbox)
        record = board.record
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked", "good until it ends")
        self.assertEqual([], self.leftovers(board, record))

    def test_full_disk(self):
        """What can't be written to can be renamed."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        sandbox.go_away()
        run = board.start("sign-out", preexec_fn=no_file_grows)
        self.assertExit(UNAVAILABLE, run.wait(), "not revoked", "waits")
        self.assertIsNone(board.record)
        path, = self.waiting(board)
        self.assertEqual(record, json.loads(path.read_bytes()))
        sandbox.come_back()
        self.assertExit(DONE, board.run("sign-out"), "revoked at the server")
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

    def test_open_token_file_is_revoked_and_erased_too(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        board.token_file.chmod(0o644)
        self.assertExit(DONE, board.run("sign-out"), "revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
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


class BesideRun(SigningOut):
    """`run` lives: it signs out, and revokes later what can't be revoked now."""

    def test_run_signs_out(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        run = self.alive(board)
        self.published(board)
        self.assertExit(DONE, board.run("sign-out"), "by devicegrant run")
        self.assertIn("revoked at the server", run.stderr)
        self.assertIn("the grant is lost: signed out", run.stderr)
        self.assertEqual(record["refresh_token"], sandbox.to("revocation")[0].form["token"])
        self.assertEqual([], self.leftovers(board, record))
        self.assertIsNone(board.published)
        run.announced()

    def test_run_revokes_once_the_server_is_there(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        run = self.alive(board)
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked", "sign-out once more")
        self.assertWaits(board, record)
        self.assertNotIn(record["access_token"], ask(board.socket))
        sandbox.come_back()
        run.wait_for("revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
        eventually(lambda: not self.leftovers(board, record))
        self.assertEqual([], sandbox.to("refresh"))

    def test_run_revokes_at_its_start_what_waits(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("sign-out"))
        sandbox.come_back()
        run = self.alive(board)
        run.wait_for("revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
        eventually(lambda: not self.leftovers(board, record))

    def test_only_root_and_the_agents_user_sign_out_at_the_socket(self):
        if os.getuid() != 0:
            return
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        board.socket.chmod(0o666)
        child = os.fork()
        if child == 0:
            os.setuid(12345)
            os._exit(0 if ask(board.socket, "sign-out").startswith("error usage") else 1)
        self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        self.assertHolds(board, sandbox)
        self.assertRegex(ask(board.socket, "sign-out"), "^ok ")
        run.announced()

    def test_client_that_does_not_wait_has_signed_out_all_the_same(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        run = self.alive(board)
        with Client(board.socket) as client:
            client.send(b"sign-out\n")
        run.wait_for("revoked at the server")
        eventually(lambda: not self.leftovers(board, record))
        self.assertTrue(run.announced())

    def test_a_sign_in_meanwhile_is_another_grant(self):
        """Some servers end all of a person's grants with one: what waits is theirs, and is not."""
        sandbox = self.sandbox(approve_after=1)
        board = self.signed_in(sandbox)
        first = board.record
        run = self.alive(board)
        sandbox.fail("revocation", times=3)
        self.assertExit(UNAVAILABLE, board.run("sign-out"))
        run.wait_for("signed in; ")
        run.wait_for("that might end this one too|revoked at the server")
        self.assertHolds(board, sandbox)
        eventually(lambda: not self.waiting(board))
        self.assertEqual([], self.leftovers(board, first))


class SignInOverAGrant(SigningOut):
    """The grant before is erased, and revoked where that leaves the new one alone."""

    def over(self, personality="rfc", people=("alice", "bob"), **options):
        """Two sign-ins one after the other, by these people; returns both records."""
        sandbox = self.sandbox(personality, approve_after=1, **options)
        board = self.agent_board(sandbox)
        records = []
        for person in people:
            sandbox.answer_next(to="userinfo", times=1, status=200, json={"sub": person})
            self.assertExit(DONE, board.run("sign-in"), "signed in")
            records.append(board.record)
        self.assertEqual([], self.leftovers(board, records[0]))
        self.assertTrue(sandbox.accepts(refresh_token=records[1]["refresh_token"]))
        return sandbox, records

    def test_another_persons_is_revoked(self):
        sandbox, (first, _) = self.over()
        request, = sandbox.to("revocation")
        self.assertEqual(first["refresh_token"], request.form["token"])
        self.assertFalse(sandbox.accepts(refresh_token=first["refresh_token"]))

    def test_the_same_persons_is_erased_alone(self):
        """Some servers end all of a person's grants with one."""
        sandbox, _ = self.over(people=("alice", "alice"))
        self.assertEqual([], sandbox.to("revocation"))

    def test_the_same_persons_is_revoked_where_that_ends_no_other(self):
        sandbox, (first, _) = self.over("okta", people=("alice", "alice"))
        self.assertEqual([first["refresh_token"]],
                         [request.form["token"] for request in sandbox.to("revocation")])

    @for_each({"before": ("", "bob"), "now": ("alice", "")})
    def test_of_somebody_unknown_it_is_erased_alone(self, people):
        sandbox, _ = self.over(people=people)
        self.assertEqual([], sandbox.to("revocation"))

    def test_without_a_revocation_endpoint(self):
        sandbox, _ = self.over("webex")
        self.assertEqual([], sandbox.to("revocation"))

    def test_what_cannot_be_revoked_waits(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.signed_in(sandbox)
        first = board.record
        board.token_file.with_name("tokens.json.person").write_text("1")
        board.token_file.with_name("tokens.json.person").chmod(0o600)
        sandbox.fail("revocation", times=1)
        self.assertExit(DONE, board.run("sign-in"), "signed in", "not revoked")
        self.assertWaits(board, first)
        self.assertHolds(board, sandbox)
        run = self.alive(board)
        run.wait_for("revoked at the server")
        self.assertHolds(board, sandbox)
        self.assertFalse(sandbox.accepts(refresh_token=first["refresh_token"]))
        eventually(lambda: not self.leftovers(board, first))

    def test_at_run(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=200, json={"sub": "alice"}, times=1)
        board = self.signed_in(sandbox)
        first = board.record
        run = self.alive(board)
        eventually(lambda: board.token_file.with_name("tokens.json.person").exists())
        run.signal(signal.SIGUSR1)
        code = run.announced()
        sandbox.answer_next(to="userinfo", status=200, json={"sub": "bob"}, times=1)
        sandbox.approve(code["user_code"])
        run.wait_for("revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=first["refresh_token"]))
        self.assertHolds(board, sandbox)
        eventually(lambda: not self.leftovers(board, first))


class AsRoot(SigningOut):
    """The token file is the service's, and root signs out; where root runs the tests."""

    def services(self, board):
        owner = SERVICE if os.getuid() == 0 else os.getuid()
        for path in (board.token_file.parent, *board.token_file.parent.iterdir()):
            os.chown(path, owner, -1)
        return owner

    def test_revokes(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        self.services(board)
        self.assertExit(DONE, board.run("sign-out"), "revoked at the server")
        self.assertFalse(sandbox.accepts(refresh_token=record["refresh_token"]))
        self.assertEqual([], self.leftovers(board, record))

    def test_what_waits_is_the_services_still(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        record = board.record
        owner = self.services(board)
        sandbox.go_away()
        self.assertExit(UNAVAILABLE, board.run("sign-out"), "not revoked")
        path = self.assertWaits(board, record)
        self.assertEqual(owner, path.stat().st_uid)


def no_file_grows():
    """As on a full disk: what is written to a file fails, and the log is none."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
