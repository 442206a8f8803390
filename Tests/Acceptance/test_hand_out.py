"""The socket of `run`, with good clients and with others."""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from acceptance import (CANNOT_CREATE, CONFIGURATION, DONE, UNAVAILABLE, AcceptanceTest,
                        for_each)
from hand_out import Client, ask, eventually, token_from
from living import LivingTest
from servers import put_tokens


class Protocol(LivingTest):
    def test_token(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        record = board.record
        found = re.fullmatch(r"ok (\d+) (\S+)\n", ask(board.socket))
        self.assertEqual(record["access_token"], found[2])
        self.assertAlmostEqual(record["expires_at"], int(found[1]), delta=2)

    @for_each({"plain": "token", "with_seconds": "token 5", "none_at_all": "token 0",
               "carriage_return": "token\r", "blanks_around": " token 5 "})
    def test_good_line(self, line):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        self.assertEqual(board.record["access_token"], token_from(board.socket, line))

    @for_each({"nothing": "", "unknown": "give me", "capitals": "TOKEN", "joined": "tokens",
               "words": "token soon", "negative": "token -5", "two_numbers": "token 5 5",
               "huge_number": "token " + "9" * 40, "http": "GET / HTTP/1.1",
               "controls": "\x1b[2J", "zero_byte": "token\0", "longest": "x" * 63,
               "too_long": "x" * 64, "far_too_long": "token " + "5" * 5000})
    def test_bad_line(self, line):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        with Client(board.socket) as client:
            try:
                client.send(line.encode() + b"\n")
            except BrokenPipeError:
                pass    # cut off in the middle
            answer = client.answer().decode()
        # Where more came than fits, the kernel may reset the connection under the answer.
        self.assertRegex(answer, r"\A(error usage [^\n]+\n)?\Z")
        if len(line) < 64:
            self.assertTrue(answer)
        self.assertNotIn("\x1b", run.stderr)
        self.assertTrue(token_from(board.socket))

    @for_each({"half": b"tok", "whole_without_its_end": b"token", "nothing": b""})
    def test_line_that_does_not_end(self, data):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        with Client(board.socket) as client:
            client.send(data)
            client.finish()
            self.assertRegex(client.answer().decode(), r"\A(error usage .*\n)?\Z")

    def test_line_in_pieces(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        with Client(board.socket) as client:
            for byte in b"token 5\n":
                client.send(bytes([byte]))
            self.assertTrue(client.answer().startswith(b"ok "))

    def test_more_after_the_line_is_ignored(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        with Client(board.socket) as client:
            client.send(b"token\ntoken\n")
            self.assertLessEqual(client.answer().count(b"\n"), 1)

    def test_status_in_every_state(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        code = run.announced()["user_code"]
        self.assertRegex(ask(board.socket, "status"), rf"\Aok .*{code}.*\n\Z")
        sandbox.approve(code)
        run.wait_for("signed in; ")
        eventually(lambda: ask(board.socket, "status").startswith("ok signed in"))
        self.assertNotIn(board.record["access_token"], ask(board.socket, "status"))

    def test_sign_in_that_is_needed_is_told_with_code_and_uri(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        code = self.alive(board).announced()
        answer = eventually(lambda: "code follows" not in (a := ask(board.socket)) and a)
        self.assertRegex(answer, r"\Aerror login_required [^\n]+\n\Z")
        self.assertIn(f"{code['user_code']} at {code['uri']}", answer)

    def test_hostile_words_of_the_server_are_escaped(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="device", times=1, status=400,
                            json={"error": "\x1b[2Jbad\nok 5 forged", "error_description": "\r\n"})
        board = self.agent_board(sandbox)
        run = self.alive(board)
        run.wait_for("no code: ")
        answer = eventually(lambda: "bad" in (a := ask(board.socket)) and a)
        self.assertEqual(1, answer.count("\n"))
        self.assertNotRegex(answer, "[\x00-\x09\x0b-\x1f\x7f]")
        self.assertNotIn("\x1b", run.stderr)

    def test_client_that_needs_a_renewed_token_waits_for_it(self):
        sandbox = self.sandbox()
        sandbox.delay("refresh", 0.5)
        board = self.signed_in(sandbox, expires_at=1)
        self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        token = token_from(board.socket)
        self.assertTrue(sandbox.accepts(token))
        self.assertEqual(1, len(sandbox.to("refresh")))


class Stranger(AcceptanceTest):
    """Somebody else listens where `run` is to. Only root can have a test do that."""

    @contextlib.contextmanager
    def listener(self, path, user, answer=b"ok 0 \x1b[2Jstolen\n"):
        body = ("import os, socket, sys\n"
                "os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2])); os.umask(0)\n"
                "listener = socket.socket(socket.AF_UNIX)\n"
                "listener.bind(sys.argv[1])\n"
                "listener.listen()\n"
                "print(flush=True)\n"
                "while True:\n"
                "    with listener.accept()[0] as connection:\n"
                "        try:\n"
                "            connection.recv(64), connection.sendall(eval(sys.argv[3]))\n"
                "        except OSError: pass\n")
        with subprocess.Popen([sys.executable, "-c", body, path, str(user), repr(answer)],
                              stdout=subprocess.PIPE) as child:
            try:
                child.stdout.readline()
                yield
            finally:
                child.kill()

    def test_is_not_believed(self):
        if os.getuid() != 0:
            return
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        board.directory.chmod(0o777)
        board.change({"socket": board.socket})
        put_tokens(board, at=sandbox)
        with self.listener(board.socket, 65534):
            run = board.run("token")
            self.assertExit(UNAVAILABLE, run, str(board.socket), "another user's program")
            self.assertEqual("", run.stdout)
            run = board.run("status", "--json")
            self.assertExit(DONE, run)
            self.assertNotIn("stolen", run.stdout + run.stderr)
            # What takes no word of its is done all the same.
            self.assertExit(DONE, board.run("sign-out"), "revoked at the server")

    @for_each({"of_the_service": (65534, DONE), "of_another": (65533, UNAVAILABLE)})
    def test_at_the_packages_path_its_directorys_owner_is_believed(self, row):
        user, code = row
        if os.getuid() != 0:
            return
        board = self.board(at=self.sandbox())
        place = board.directory / "place"
        place.mkdir()
        place.chmod(0o777)
        os.chown(place, 65534, 65534)
        board.change({"socket": "/run/devicegrant/token.sock"})
        board.command = ["unshare", "-m", "sh", "-ec",
                         "mount -t tmpfs none /run; mkdir /run/devicegrant; "
                         f'mount --bind {place} /run/devicegrant; exec "$@"', "sh", *board.command]
        with self.listener(place / "token.sock", user, b"ok 0 token\n"):
            run = board.run("token")
        self.assertExit(code, run)
        self.assertEqual("token\n" * (code == DONE), run.stdout)

    def test_what_is_no_token_is_not_printed(self):
        board = self.board(at=self.sandbox())
        board.change({"socket": board.socket})
        with self.listener(board.socket, os.getuid()):
            run = board.run("token")
        self.assertExit(UNAVAILABLE, run, "no answer of devicegrant run")
        self.assertEqual("", run.stdout)


class Access(LivingTest):
    def test_mode_and_group(self):
        board = self.signed_in(self.sandbox(), {"socket_group": "nogroup"})
        self.alive(board)
        facts = board.socket.stat()
        self.assertTrue(stat.S_ISSOCK(facts.st_mode))
        self.assertEqual((0o660, 65534), (stat.S_IMODE(facts.st_mode), facts.st_gid))

    @for_each({"open": 0o000, "tight": 0o777})
    def test_mode_whatever_the_umask(self, umask):
        board = self.signed_in(self.sandbox())
        self.alive(board, umask=umask)
        self.assertEqual(0o660, stat.S_IMODE(board.socket.stat().st_mode))

    def test_unknown_group(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, {"socket_group": "no-such-group"})
        run = board.run("run")
        self.assertExit(CONFIGURATION, run, "socket_group", "devicegrant.conf")
        self.assertEqual([], sandbox.requests)

    @for_each({"relative": "token.sock", "too_long": "/" + "x" * 107})
    def test_path_that_is_none(self, path):
        board = self.signed_in(self.sandbox(), {"socket": path})
        self.assertExit(CONFIGURATION, board.run("run"), "socket")

    def test_longest_path(self):
        board = self.signed_in(self.sandbox())
        board.socket = board.directory / ("x" * (106 - len(str(board.directory))))
        board.change({"socket": board.socket})
        self.alive(board)
        self.assertTrue(token_from(board.socket))

    def test_clients_are_named_in_the_log(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        ask(board.socket)
        run.wait_for(rf"client pid={os.getpid()} uid={os.getuid()} gid={os.getgid()}\b")

    @for_each({"info": 1, "debug": 5})
    def test_clients_of_one_user_are_one_line_but_at_debug(self, level):
        board = self.signed_in(self.sandbox(), {"log_level": "debug" if level > 1 else "info"})
        run = self.alive(board)
        for _ in range(5):
            ask(board.socket)
        self.assertEnds(run)
        lines = run.stderr.count(f"uid={os.getuid()} ")
        self.assertEqual(1, lines) if level == 1 else self.assertGreaterEqual(lines, level)

    def test_stale_socket_is_replaced(self):
        board = self.signed_in(self.sandbox())
        with socket.socket(socket.AF_UNIX) as gone:
            gone.bind(str(board.socket))
        self.alive(board)
        self.assertTrue(token_from(board.socket))

    def test_socket_of_a_run_that_was_killed_is_replaced(self):
        board = self.signed_in(self.sandbox())
        self.alive(board).end()
        self.assertTrue(board.socket.exists())
        self.alive(board)
        self.assertTrue(token_from(board.socket))

    def test_run_that_was_killed_is_followed_at_once(self):
        """The half that is left is on its way out."""
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        for _ in range(20):
            run.ended_by_us = True
            run.signal(signal.SIGKILL)
            run.wait()
            run = self.alive(board)
        self.assertTrue(token_from(board.socket))

    def test_socket_of_another_run_is_left_alone(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        first = self.alive(board)
        self.published(board)
        second = board.run("run")
        self.assertExit(CANNOT_CREATE, second, str(board.socket), "another")
        self.assertTrue(token_from(board.socket))
        self.assertEqual(board.record["access_token"], self.published(board))
        self.assertEnds(first)

    def test_file_in_its_place_is_left_alone(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        board.socket.write_text("precious")
        self.assertExit(CANNOT_CREATE, board.run("run"), str(board.socket))
        self.assertEqual("precious", board.socket.read_text())

    def test_directory_is_made_where_it_is_missing(self):
        board = self.signed_in(self.sandbox())
        board.socket = board.directory / "run" / "token.sock"
        board.change({"socket": board.socket})
        self.alive(board)
        self.assertEqual(0o755, stat.S_IMODE(board.socket.parent.stat().st_mode))

    def test_is_gone_after_the_end(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        self.assertTrue(token_from(board.socket))
        self.assertEnds(run)
        self.assertFalse(board.socket.exists())


class Crowd(LivingTest):
    """Nobody keeps others from their token."""

    def idle(self, board, count):
        clients = [self.enterContext(Client(board.socket)) for _ in range(count)]
        return clients

    def test_a_thousand_idle_clients(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        self.idle(board, 1000)
        began = time.monotonic()
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        # Before an idle one would have lost its slot by itself.
        self.assertLess(time.monotonic() - began, 5)
        self.assertExit(DONE, board.run("token"))
        self.assertIsNone(run.code)

    def test_idle_client_is_cut_off(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        with Client(board.socket) as client:
            self.assertEqual(b"", client.answer())

    def test_client_that_sends_a_byte_now_and_then_is_cut_off_too(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        with Client(board.socket) as client, self.assertRaises((BrokenPipeError, ConnectionError)):
            for _ in range(100):
                client.send(b"t")
                time.sleep(0.2)

    def test_client_that_does_not_read_holds_nobody_up(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        for client in self.idle(board, 80):
            with contextlib.suppress(BrokenPipeError):      # Some of them may have been cut off.
                client.send(b"token\n")
        self.assertEqual(board.record["access_token"], token_from(board.socket))

    def test_clients_that_leave_at_once(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        for _ in range(300):
            with Client(board.socket) as client:
                client.send(b"token\n")
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertIsNone(run.code)

    def test_descriptors_do_not_leak(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        self.published(board)
        run.wait_for("signed in as")

        def descriptors():
            return len(os.listdir(f"/proc/{run.inner}/fd"))
        ask(board.socket)
        before = descriptors()
        for _ in range(50):
            ask(board.socket)
        eventually(lambda: descriptors() <= before)

    @for_each({"each_by_itself": False, "all_connected_first": True})
    def test_sixty_four_at_once(self, are_connected):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        self.published(board)
        clients = self.idle(board, 64) if are_connected else []

        def answer(number):
            if not are_connected:
                return ask(board.socket)
            clients[number].send(b"token\n")
            return clients[number].answer().decode()
        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(answer, range(64)))
        self.assertEqual(["ok"] * 64, [a.partition(" ")[0] for a in answers])

    def test_request_is_read_before_its_slot_is_taken(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        early = self.idle(board, 64)
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        os.kill(run.inner, signal.SIGSTOP)
        waiting = [self.enterContext(Client(board.socket)) for _ in range(40)]
        for client in waiting:
            client.send(b"token\n")
        for client in early[2:]:
            client.send(b"token\n")
        time.sleep(6)       # longer than a client has
        os.kill(run.inner, signal.SIGCONT)
        for client in early[2:] + waiting:
            self.assertRegex(client.answer().decode(), "^ok ")

    FLOOD = """
import os, socket, sys
os.setgid(65534)
os.setuid(65534)
held = []
while True:
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
    del held[:-int(sys.argv[2])]
"""

    @for_each({"that_leave_at_once": 1, "that_stay": 500})
    def test_flood_of_clients_of_another_user(self, kept):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            board = self.signed_in(self.sandbox(), {"socket_group": "nogroup", "log_level": "debug"})
            board.socket = Path(directory) / "socket"
            board.change({"socket": board.socket})
            run = self.alive(board)
            self.published(board)
            began = time.monotonic()
            flood = subprocess.Popen(
                [sys.executable, "-c", self.FLOOD, str(board.socket), str(kept)],
                stderr=subprocess.DEVNULL)
            self.addCleanup(flood.wait)
            self.addCleanup(flood.kill)
            run.wait_for("uid=65534")
            time.sleep(1)
            slow = self.enterContext(Client(board.socket))
            slow.send(b"tok")
            for _ in range(3):
                self.assertEqual(board.record["access_token"], token_from(board.socket))
            # Who is not of the crowd keeps its slot.
            slow.send(b"en\n")
            self.assertRegex(slow.answer().decode(), "^ok ")
            self.assertIsNone(flood.poll())
            self.assertEnds(run)
            took = time.monotonic() - began
        self.assertLess(took, 12)
        lines = run.stderr.count("socket: ")
        # As many whole seconds of the log's as that time can touch.
        self.assertLessEqual(lines, 50 * (took + 2))
        self.assertIn("lines of the log that were left out: ", run.stderr)

    def test_few_descriptors(self):
        """More clients than it may have descriptors for."""
        board = self.signed_in(self.sandbox())
        board.command = ["prlimit", "--nofile=16", *board.command]
        run = self.alive(board)
        clients = self.idle(board, 40)
        for client in clients:
            client.__exit__()
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertIsNone(run.code)

    def test_more_waiting_for_a_refresh_than_there_is_room_for(self):
        sandbox = self.sandbox()
        sandbox.hang("refresh")
        board = self.signed_in(sandbox, expires_at=1)
        self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        clients = []
        for _ in range(65):
            clients += self.idle(board, 1)
            clients[-1].send(b"token\n")
        self.assertRegex(ask(board.socket, "status"), "^ok ")


class Promptness(LivingTest):
    """Whatever the server does not do, clients are answered at once."""

    @for_each({"code": "device", "poll": "poll"})
    def test_while_the_server_does_not_answer_for_a(self, endpoint):
        sandbox = self.sandbox()
        sandbox.hang(endpoint)
        board = self.agent_board(sandbox)
        self.alive(board)
        sandbox.wait_for(lambda s: s.to(endpoint))
        self.assertRegex(ask(board.socket, timeout=3), "^error login_required ")
        self.assertEqual(1, len(sandbox.to(endpoint)))

    def test_while_the_server_does_not_answer_for_a_refresh(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        sandbox.hang("refresh")
        self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        self.assertEqual(board.record["access_token"], token_from(board.socket, "token 5"))

    def test_while_the_server_does_not_answer_for_the_name(self):
        sandbox = self.sandbox()
        sandbox.hang("userinfo")
        board = self.signed_in(sandbox)
        self.alive(board)
        sandbox.wait_for(lambda s: s.to("userinfo"))
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertExit(DONE, board.run("token"))

    def test_while_the_grant_is_dead_and_the_server_away(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        sandbox.disconnect()
        run = self.alive(board)
        run.wait_for("the grant is lost")
        sandbox.go_away()
        self.assertRegex(ask(board.socket, timeout=3), "^error login_required ")
