"""`devicegrant token`: the access token for another program."""

import os
import resource
import shutil
import socket
import subprocess
import time
from urllib.parse import quote_plus

from acceptance import CONFIGURATION, DATA, DENIED, DONE, FILE, UNAVAILABLE, for_each
from hand_out import Lock
from living import LivingTest
from servers import put_tokens

# A name for no socket, so that the token comes from the file.
ALONE = {"DEVICEGRANT_SOCKET": "/nonexistent/token.sock"}


class Repeated(LivingTest):
    """A server's words may hold what was sent to it; the log is searched when a test ends."""

    def words(self, sandbox, secret):
        secrets = (secret, sandbox.client_secret, quote_plus(secret),
                   quote_plus(sandbox.client_secret), secret[:12])
        return {"error": "invalid_request", "error_description": " ".join(secrets)[:250]}

    def test_refresh_token(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        old = board.record["refresh_token"]
        sandbox.answer_next(to="refresh", status=400, times=9, json=self.words(sandbox, old))
        run = board.run("token", environment=ALONE)
        self.assertNotEqual(DONE, run.code)
        self.assertIn("***", run.stderr)
        self.assertNotIn(old[:12], run.stderr)

    def test_device_code(self):
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        run = board.start("sign-in")
        run.announced()
        code = sandbox.grants.newest_pending().device_code
        sandbox.answer_next(to="poll", status=400, times=9, json=self.words(sandbox, code))
        self.assertIn("***", run.wait().stderr)
        self.assertNotIn(code[:12], run.stderr)

    def test_clients_secret(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="device", status=400, times=1,
                            json=self.words(sandbox, sandbox.client_secret))
        run = self.board(at=sandbox).run("sign-in")
        self.assertIn("***", run.stderr)
        self.assertNotIn(sandbox.client_secret[:12], run.stderr)


class FromTheFile(LivingTest):
    def token(self, board, *arguments, **options):
        return board.run("token", *arguments, environment=ALONE, **options)

    def test_fresh_token_takes_no_network(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.token(board)
        self.assertExit(DONE, run)
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)
        self.assertEqual("", run.stderr)
        self.assertEqual([], sandbox.connections)

    def test_fresh_token_needs_no_server(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.go_away()
        self.assertExit(DONE, self.token(board))

    def test_fresh_token_takes_less_than_10_ms_of_the_processor(self):
        board = self.signed_in(self.sandbox())
        self.assertLess(min(processor_seconds(board) for _ in range(10)), 0.010)

    def test_expired_token_is_renewed_first(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox, expires_at=1)
        run = self.token(board)
        self.assertExit(DONE, run)
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)
        self.assertEqual(board.published, run.stdout)
        self.assertHolds(board, sandbox)
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertEqual([], sandbox.to("device"))

    @for_each({"line_break": {"access_token": "a\r\nX-Header: of an editor's"},
               "blank": {"access_token": "a b"}, "refresh_token": {"refresh_token": "r\n"},
               "type": {"token_type": "mac"}, "time_in_words": {"expires_at": "soon"},
               "true": {"expires_at": True}})
    def test_file_that_somebody_spoilt_is_damaged(self, change):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, **change)
        for command in (("token", "--header"), ("whoami",)):
            run = board.run(*command, environment=ALONE)
            self.assertExit(DENIED, run, "not signed in")
            self.assertEqual("", run.stdout)
        self.assertEqual([], sandbox.requests)

    def test_time_with_a_fraction_is_one(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=time.time() - 1000)
        run = self.token(board)
        self.assertExit(DONE, run)
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertTrue(sandbox.accepts(run.stdout.strip()))

    @for_each({"standard_59": ([], 59, 1), "standard_90": ([], 90, 0),
               "zero": (["--min-ttl", "0"], 30, 0), "more": (["--min-ttl", "600"], 500, 1),
               "less": (["--min-ttl", "20"], 50, 0), "joined": (["--min-ttl=600"], 500, 1)})
    def test_shortest_life(self, row):
        arguments, left, refreshes = row
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=int(time.time()) + left)
        run = self.token(board, *arguments)
        self.assertExit(DONE, run)
        self.assertEqual(refreshes, len(sandbox.to("refresh")))
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)

    def test_life_that_no_token_has_is_one_refresh_and_no_failure(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.token(board, "--min-ttl", "100000")
        self.assertExit(DONE, run)
        self.assertTrue(sandbox.accepts(run.stdout.strip()))
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_header_is_for_curl(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.token(board, "--header")
        self.assertEqual(f"Authorization: Bearer {board.record['access_token']}\n", run.stdout)
        done = subprocess.run(
            ["curl", "-sS", "--cacert", sandbox.ca_file, "-H", "Accept: application/json",
             "-H", "@-", sandbox.endpoints["userinfo_endpoint"]],
            input=run.stdout, capture_output=True, text=True)
        self.assertIn("Alice Example", done.stdout, done.stderr)

    def test_not_signed_in(self):
        sandbox = self.sandbox()
        run = self.token(self.agent_board(sandbox))
        self.assertExit(DENIED, run, "not signed in", "sign-in")
        self.assertEqual("", run.stdout)
        self.assertEqual([], sandbox.connections)

    def test_grant_of_another_client(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        board.change({"client_id": "another"})
        run = self.token(board)
        self.assertExit(DENIED, run, "not for this configuration")
        self.assertEqual("", run.stdout)
        status = board.run("status")
        self.assertExit(DENIED, status, "another client's")
        self.assertIn("not signed in", status.stdout)

    def test_dead_grant(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        sandbox.disconnect()
        run = self.token(board)
        self.assertExit(DENIED, run, "invalid_grant", "sign in")
        self.assertEqual("", run.stdout)
        # Out of the way, so that nobody tries it again.
        self.assertIsNone(board.record)
        self.assertExit(DENIED, self.token(board), "not signed in")
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_dead_refresh_token_that_somebody_has_replaced_meanwhile(self):
        """By a program that does not know of the lock."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        sandbox.answer_next(to="refresh", times=1, error="invalid_grant", delay=1)
        run = board.start("token")
        sandbox.wait_for(lambda _: sandbox.to("refresh"))
        put_tokens(board, at=sandbox)
        self.assertExit(DONE, run.wait())
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)

    def test_expired_without_a_refresh_token(self):
        sandbox = self.sandbox(refresh_tokens="never")
        run = self.token(self.signed_in(sandbox, expires_at=1))
        self.assertExit(DENIED, run, "no refresh token")
        self.assertEqual([], sandbox.connections)

    def test_short_life_without_a_refresh_token_is_handed_out_while_it_lasts(self):
        """There is nothing better to be had, and it is still good."""
        sandbox = self.sandbox(refresh_tokens="never")
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 40)
        run = self.token(board, "--min-ttl", "0")
        self.assertExit(DONE, run)
        self.assertExit(DENIED, self.token(board))

    def test_server_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        before = board.record
        sandbox.go_away()
        run = self.token(board)
        self.assertExit(UNAVAILABLE, run, "localhost", "refused")
        self.assertEqual("", run.stdout)
        self.assertEqual(before, board.record)

    @for_each({"503": {"status": 503}, "html": {"status": 200, "body": "<html></html>"},
               "cut": {"cut_after": 30}})
    def test_server_in_trouble(self, rule):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"lost_answer": "wait"}, expires_at=1)
        before = board.record
        sandbox.answer_next(to="refresh", times=1, **rule)
        run = self.token(board)
        self.assertIn(run.code, (UNAVAILABLE, DATA), run.stderr)
        self.assertEqual("", run.stdout)
        self.assertEqual(before, board.record)
        self.assertEqual(1, len(sandbox.to("refresh")), "sent twice")

    def test_token_that_is_still_good_is_handed_out_though_the_server_is_away(self):
        """Asked for more than it has left: what is there is better than nothing at 69."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 30)
        sandbox.go_away()
        self.assertExit(DONE, self.token(board, "--min-ttl", "20"))
        self.assertExit(UNAVAILABLE, self.token(board, "--min-ttl", "40"))

    @for_each({"wrong_type": {"token_type": "mac"}, "huge": {"access_token": "a" * 20000}})
    def test_unusable_answer(self, merge):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        sandbox.answer_next(to="refresh", times=1, merge=merge)
        run = self.token(board)
        self.assertExit(DATA, run, "localhost")
        self.assertEqual("", run.stdout)

    def test_wrong_client_secret_costs_no_grant(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"client_secret": "another"}, expires_at=1)
        before = board.record
        run = self.token(board)
        self.assertNotIn(run.code, (DONE, DENIED), run.stderr)
        self.assertIn("invalid_client", run.stderr)
        self.assertEqual(before, board.record)

    def test_open_token_file(self):
        board = self.signed_in(self.sandbox())
        board.token_file.chmod(0o644)
        run = self.token(board)
        self.assertExit(FILE, run, "chmod 600")
        self.assertEqual("", run.stdout)

    def test_lock_is_waited_for_and_what_another_did_is_used(self):
        sandbox = self.sandbox(rotation="single-use")
        sandbox.delay("refresh", 0.5)
        board = self.signed_in(sandbox, expires_at=1)
        first, second = (board.start("token", environment=ALONE) for _ in range(2))
        self.assertExit(DONE, first.wait())
        self.assertExit(DONE, second.wait())
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_fresh_token_does_not_wait_for_the_lock(self):
        board = self.signed_in(self.sandbox())
        with Lock(board.token_file):
            self.assertExit(DONE, self.token(board))

    def test_full_standard_output_is_an_error(self):
        board = self.signed_in(self.sandbox())
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [*board.command, "token", "--config", str(board.configuration)], stdout=full,
                stderr=subprocess.PIPE, env={**board.environment, **ALONE})
        self.assertNotEqual(DONE, done.returncode)

    def test_configuration_without_a_client_will_do_while_the_token_is_fresh(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        board.configure({"token_file": board.token_file})
        self.assertIn(self.token(board).code, (DONE, CONFIGURATION))


def processor_seconds(board):
    """User and system time of one `token`, as the kernel counted it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*board.command, "token", "--config", str(board.configuration)], check=True,
                   env={**board.environment, **ALONE}, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class ThroughTheSocket(LivingTest):
    def test_token_of_run(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        token = board.run("token")
        self.assertExit(DONE, token)
        self.assertEqual(board.record["access_token"] + "\n", token.stdout)
        run.wait_for(rf"client pid={token.pid} uid={os.getuid()}")

    @for_each({"group_of_the_socket": (["--regid", "65534", "--clear-groups"], DONE),
               "further_group": (["--regid", "1", "--groups", "65534"], DONE),
               "another_group": (["--regid", "1", "--clear-groups"], None)})
    def test_as_another_user(self, row):
        identity, code = row
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"socket_group": "nogroup"})
        self.alive(board)
        board.configuration.chmod(0o644)
        token = self.other_user(board, identity)
        if code == DONE:
            self.assertExit(DONE, token)
            self.assertEqual(board.record["access_token"] + "\n", token.stdout)
        else:
            # Neither the socket nor the file is open to it.
            self.assertExit(FILE, token)
            self.assertEqual("", token.stdout)

    def other_user(self, board, identity):
        """`token` by user 2, who has nothing to do with the rest."""
        # The checkout may lie where another account can't reach it.
        own = shutil.copy(board.command[-1], board.directory / "devicegrant")
        board.command = ["setpriv", "--reuid", "2", *identity, own]
        return board.run("token")

    def test_unprivileged_program_sees_no_refresh_token(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"socket_group": "nogroup"})
        self.alive(board)
        board.configuration.chmod(0o644)
        token = self.other_user(board, ["--regid", "65534", "--clear-groups"])
        self.assertNotIn(board.record["refresh_token"].encode(), token.output)

    def test_header(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        run = board.run("token", "--header")
        self.assertEqual(f"Authorization: Bearer {board.record['access_token']}\n", run.stdout)

    def test_longer_life_is_a_refresh_by_run(self):
        sandbox = self.sandbox(access_lifetime=100)
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 8)
        run = self.alive(board)
        time_of_first_eighth(board)
        token = board.run("token", "--min-ttl", "50")
        self.assertExit(DONE, token)
        run.wait_for("refreshed")
        self.assertEqual(board.record["access_token"] + "\n", token.stdout)
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_demands_for_more_than_any_token_has_are_one_request(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        self.alive(board)
        for _ in range(5):
            self.assertExit(DONE, board.run("token", "--min-ttl", "100000"))
        # How long a token from the file had lived, nobody knew; how long the new one lives, all do.
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_sign_in_is_needed(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        code = run.announced()
        token = board.run("token")
        self.assertExit(DENIED, token, code["user_code"], code["uri"])
        self.assertEqual("", token.stdout)

    def test_server_is_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        sandbox.go_away()
        run = self.alive(board)
        run.wait_for("refresh failed")
        token = board.run("token")
        self.assertExit(UNAVAILABLE, token, "localhost")
        self.assertEqual("", token.stdout)

    @for_each({"stale": "stale", "missing": "missing", "file": "file", "directory": "directory"})
    def test_without_run_the_file_is_read(self, kind):
        board = self.signed_in(self.sandbox())
        if kind == "stale":
            with socket.socket(socket.AF_UNIX) as gone:
                gone.bind(str(board.socket))
        elif kind == "file":
            board.socket.touch()
        elif kind == "directory":
            board.socket.mkdir()
        run = board.run("token")
        self.assertExit(DONE, run)
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)

    def test_run_that_ends_in_the_middle_is_as_none(self):
        board = self.signed_in(self.sandbox())
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(board.socket))
            listener.listen()
            run = board.start("token")
            listener.accept()[0].close()
        run.wait()
        self.assertExit(DONE, run)
        self.assertEqual(board.record["access_token"] + "\n", run.stdout)

    @for_each({"half_a_line": b"ok 5 ab", "noise": b"\xff\xfe\x00\n",
               "another_protocol": b"220 mail.example.com ESMTP\r\n", "only_ok": b"ok\n",
               "no_token": b"ok 5 \n", "endless": b"x" * 60000})
    def test_socket_of_something_else(self, answer):
        board = self.signed_in(self.sandbox())
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(board.socket))
            listener.listen()
            run = board.start("token")
            connection, _ = listener.accept()
            with connection:
                connection.recv(64)
                try:
                    connection.sendall(answer)
                except OSError:
                    pass
        run.wait()
        self.assertExit(UNAVAILABLE, run, str(board.socket))
        self.assertEqual("", run.stdout)
        self.assertNotRegex(run.output, rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")


def time_of_first_eighth(board):
    """Waits until the token has had so much of its 8 s that a refresh is worth a request."""
    while time.time() < board.record["expires_at"] - 5.5:
        time.sleep(0.05)
