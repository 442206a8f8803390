"""`devicegrant run`: from power-on to the grant, and when a code is asked for."""

import fcntl
import os
import pty
import signal
import stat
import struct
import subprocess
import termios
import time
from pathlib import Path

from acceptance import CANNOT_CREATE, DONE, FILE, PERSONALITIES, for_each
from hand_out import ask, eventually, token_from
from living import LivingTest, read_until
from screen import Bitmap, wait_for_qr
from servers import put_tokens

BOTH = {name: name for name in PERSONALITIES}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class Secrecy(LivingTest):
    def test_memory_is_written_nowhere(self):
        """There are secrets in it: no other process looks into it, and no crash leaves it behind."""
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        for path in (board.directory, sandbox.directory):
            path.chmod(0o777)
        for path in (board.configuration, sandbox.ca_file):
            path.chmod(0o644)
        as_nobody = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        run = board.start("run", **as_nobody)
        run.announced()
        for process in (Path(f"/proc/{run.pid}"), Path(f"/proc/{run.inner}")):
            # The kernel gives what is not to be dumped to root.
            self.assertEqual(0, (process / "environ").stat().st_uid)
            self.assertRegex((process / "limits").read_text(), r"Max core file size +0 +0 ")
        self.assertEnds(run)


class Boot(LivingTest):
    @for_each(BOTH)
    def test_without_a_grant(self, personality):
        sandbox = self.sandbox(personality)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        code = run.announced()["user_code"]
        self.assertIsNone(board.published)
        sandbox.approve(code)
        run.wait_for("signed in")
        token = self.published(board)
        self.assertTrue(sandbox.accepts(token))
        self.assertEqual(token, board.record["access_token"])
        self.assertEqual(token, token_from(board.socket))
        run.wait_for("signed in as Alice Example")
        self.assertEnds(run)
        self.assertEqual(1, len(sandbox.to("device")))

    @for_each(BOTH)
    def test_with_a_grant_there_is_no_code(self, personality):
        sandbox = self.sandbox(personality)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.assertEqual(board.record["access_token"], self.published(board))
        sandbox.wait_for(lambda s: s.to("userinfo"))
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEnds(run)
        self.assertEqual(([], []), (sandbox.to("device"), sandbox.refreshes))

    @for_each(BOTH)
    def test_expired_access_token_is_renewed(self, personality):
        sandbox = self.sandbox(personality)
        board = self.signed_in(sandbox, expires_at=int(time.time()) - 100)
        old = board.record["access_token"]
        run = self.alive(board)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotEqual(old, self.published(board))
        self.assertEqual([], sandbox.to("device"))

    def test_dead_grant_leads_to_a_code(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=int(time.time()) - 100)
        board.access_token_file.write_text("left over")
        sandbox.disconnect()
        run = self.alive(board)
        code = run.announced()["user_code"]
        self.assertIn("invalid_grant", run.stderr)
        self.assertIsNone(board.published)
        self.assertIsNone(board.record)
        sandbox.approve(code)
        run.wait_for("signed in")
        self.assertHolds(board, sandbox)

    def test_published_token_of_a_grant_that_is_gone_is_withdrawn(self):
        board = self.agent_board(self.sandbox())
        board.access_token_file.write_text("left over")
        self.alive(board).announced()
        self.assertIsNone(board.published)

    @for_each({"group_reads": 0o640, "others_write": 0o602, "all": 0o666})
    def test_token_file_open_to_others_is_refused_with_the_remedy(self, bits):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        board.token_file.chmod(bits)
        before = board.record
        self.assertExit(FILE, board.run("run"), "chmod 600", str(board.token_file))
        self.assertEqual(before, board.record)
        self.assertEqual([], sandbox.requests)

    def test_token_file_of_another_user_is_refused_with_the_remedy(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        os.chown(board.token_file, 65534, 65534)
        self.assertExit(FILE, board.run("run"), "chown", str(board.token_file))
        self.assertEqual([], sandbox.requests)

    @for_each({"empty": b"", "half": b'{"access_token": "abc', "another": b"[]"})
    def test_damaged_token_file_is_set_aside(self, content):
        board = self.agent_board(self.sandbox())
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.write_bytes(content)
        board.token_file.chmod(0o600)
        run = self.alive(board)
        run.announced()
        self.assertIn("damaged", run.stderr)
        aside = board.token_file.with_name("tokens.json.damaged")
        self.assertEqual(content, aside.read_bytes())

    def test_server_away_at_first(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox, {"display": "console"})
        sandbox.go_away()
        run = self.alive(board)
        line = run.wait_for(r"no code: .*\n")[0]
        self.assertRegex(line, r"localhost.*next attempt in [23] s")
        # What a person can do something about; the cause is in the log.
        eventually(lambda: "Please wait: There is no connection yet to localhost. Next attempt in"
                   in run.stdout)
        self.assertRegex(ask(board.socket), "^error login_required ")
        sandbox.come_back()
        run.announced()

    def test_refused_client_is_told_why_and_tried_again_later(self):
        sandbox = self.sandbox()
        sandbox.refuse("device", "invalid_client", times=None)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        line = run.wait_for(r"no code: .*invalid_client.*\n")[0]
        # Nothing that will mend itself in seconds, and no reason to give up.
        self.assertRegex(line, r"next attempt in 1[5-9] s")
        self.assertIsNone(run.code)
        self.assertEqual(1, len(sandbox.to("device")))

    def test_token_file_that_cannot_be_written(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        board.change({"token_file": "/proc/devicegrant/tokens.json"})
        self.assertExit(FILE, board.run("run"), "/proc/devicegrant")
        self.assertEqual([], sandbox.requests)

    def test_access_token_file_that_cannot_be_written(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox, {"access_token_file": "/nonexistent/access"})
        self.assertExit(CANNOT_CREATE, board.run("run"), "/nonexistent/access")
        self.assertEqual([], sandbox.requests)

    def test_name_is_cached_for_a_start_without_the_server(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        name = board.token_file.with_name("tokens.json.name")
        run = self.alive(board)
        eventually(name.exists)
        self.assertEqual("Alice Example", name.read_text())
        self.assertEnds(run)
        sandbox.go_away()
        pictures = []
        for contents in ("Alice Example", "Another Name"):
            name.write_text(contents)
            picture = board.directory / f"{contents[:3]}.pbm"
            run = self.alive(board_with(board, display=f"pbm:{picture}@320x240"))
            eventually(picture.exists)
            wait_for_words(picture)
            pictures.append(Bitmap.read(picture).digest())
            self.assertEnds(run)
        self.assertEqual(2, len(set(pictures)), "the screen does not show the name")


def board_with(board, **settings):
    board.change(settings)
    return board


def wait_for_words(picture):
    """Waits for a screen that is not blank; the file is there from the first one on."""
    eventually(lambda: Bitmap.read(picture).black())


class AccessTokenFile(LivingTest):
    @for_each({"usual": 0o022, "open": 0o000, "tight": 0o777})
    def test_mode_whatever_the_umask(self, umask):
        board = self.signed_in(self.sandbox())
        self.alive(board, umask=umask)
        self.published(board)
        self.assertEqual(0o640, mode(board.access_token_file))

    @for_each({"by_name": "nogroup", "by_number": "65534"})
    def test_group(self, group):
        board = self.signed_in(self.sandbox(), {"access_token_group": group})
        self.alive(board)
        self.published(board)
        self.assertEqual(65534, board.access_token_file.stat().st_gid)

    def test_unknown_group(self):
        board = self.signed_in(self.sandbox(), {"access_token_group": "no-such-group"})
        self.assertExit(78, board.run("run"), "access_token_group")

    def test_is_replaced_never_rewritten(self):
        sandbox = self.sandbox(access_lifetime=2)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        with open(board.access_token_file) as first:
            run.wait_for("refreshed")
            eventually(lambda: board.published.strip() == board.record["access_token"])
            self.assertNotEqual(first.read(), board.published)
        self.assertEqual([board.access_token_file], list(board.access_token_file.parent.iterdir()))

    def test_symbolic_link_in_its_place_is_not_followed(self):
        board = self.signed_in(self.sandbox())
        elsewhere = board.directory / "elsewhere"
        elsewhere.write_text("precious")
        board.access_token_file.symlink_to(elsewhere)
        self.alive(board)
        eventually(lambda: not board.access_token_file.is_symlink())
        self.assertEqual("precious", elsewhere.read_text())

    def test_new_token_is_in_the_token_file_before_it_is_published(self):
        sandbox = self.sandbox(access_lifetime=2)
        board = self.signed_in(sandbox)
        self.alive(board)
        self.published(board)
        seen, deadline = set(), time.monotonic() + 20
        while len(seen) < 3:
            self.assertLess(time.monotonic(), deadline, "the token is not renewed")
            published = board.published.strip()
            self.assertEqual(published, self.saved_at_some_time(board, published))
            seen.add(published)

    @staticmethod
    def saved_at_some_time(board, token):
        """The token if the file holds it now, or held it before it was replaced."""
        previous = board.token_file.with_name("tokens.json.previous")
        texts = [path.read_text() for path in (board.token_file, previous, board.token_file)
                 if path.exists()]
        return next((token for text in texts if token in text), None)


class Codes(LivingTest):
    def test_slow_pause_between_unapproved_codes_grows(self):
        sandbox = self.sandbox(expires_in=1)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        sandbox.wait_for(lambda s: len(s.to("device")) == 4, 30)
        times = [request.time for request in sandbox.to("device")]
        gaps = [after - before for before, after in zip(times, times[1:])]
        # The code's life and 2, 4, 8 s.
        for gap, least in zip(gaps, (3, 5, 9)):
            self.assertGreaterEqual(gap, least - 0.2, gaps)
        self.assertRegex(run.stderr, "expired[^$]*new code in 2 s")
        self.assertRegex(run.stderr, "expired[^$]*new code in 4 s")
        codes = [grant.user_code for grant in sandbox.grants.by_device_code.values()]
        for code in codes:
            run.wait_for(f"user_code={code}")

    def test_pause_is_counted_down_on_the_screen(self):
        sandbox = self.sandbox(expires_in=1)
        board = self.agent_board(sandbox)
        picture = board.directory / "screen.pbm"
        board.change({"display": f"pbm:{picture}@320x240"})
        run = self.alive(board)
        run.announced()
        wait_for_qr(picture)
        run.wait_for("new code in 2 s")
        digests = set()
        while len(sandbox.to("device")) < 2:
            digests.add(Bitmap.read(picture).digest())
        # The code's, 2 s left, 1 s left.
        self.assertGreaterEqual(len(digests), 2)

    @for_each(BOTH)
    def test_denial_is_said_and_a_new_code_follows(self, personality):
        sandbox = self.sandbox(personality)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        first = run.announced()["user_code"]
        sandbox.deny(first)
        run.wait_for("denied[^$]*new code in 2 s")
        sandbox.wait_for(lambda s: len(s.to("device")) == 2)
        second = sandbox.grants.newest_pending().user_code
        run.wait_for(f"user_code={second}")
        sandbox.approve(second)
        run.wait_for("signed in")

    def test_polls_that_fail_do_not_cost_the_code(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        sandbox.fail("poll", 503)
        sandbox.lose("poll", processed=False)
        run = self.alive(board)
        code = run.announced()["user_code"]
        run.wait_for("poll failed.*next attempt")
        sandbox.approve(code)
        run.wait_for("signed in")
        self.assertEqual(1, len(sandbox.to("device")))

    def test_signal_brings_a_new_code_in_place_of_the_old(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        first = run.announced()["user_code"]
        run.signal(signal.SIGUSR1)
        sandbox.wait_for(lambda s: len(s.to("device")) == 2)
        second = sandbox.grants.newest_pending().user_code
        run.wait_for(f"user_code={second}")
        self.assertNotEqual(first, second)
        sandbox.approve(second)
        run.wait_for("signed in")

    def test_signal_brings_a_code_while_a_grant_is_held_which_stays(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        old = self.published(board)
        run.signal(signal.SIGUSR1)
        code = run.announced()["user_code"]
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, self.published(board))
        sandbox.approve(code)
        run.wait_for(r"\] devicegrant: signed in; |signed in; the tokens")
        new = eventually(lambda: (t := self.published(board)) != old and t)
        self.assertEqual(new, token_from(board.socket))
        self.assertHolds(board, sandbox)

    @for_each({"poll": "poll", "code": "device"})
    def test_signal_brings_a_code_though_the_server_does_not_answer_for_a(self, endpoint):
        """At once, not when the exchange is given up after 30 s."""
        sandbox = self.sandbox()
        sandbox.hang(endpoint)
        run = self.alive(self.agent_board(sandbox))
        sandbox.wait_for(lambda s: s.to(endpoint))
        before = len(sandbox.to("device"))
        run.signal(signal.SIGUSR1)
        sandbox.wait_for(lambda s: len(s.to("device")) > before, 10)

    def test_unapproved_code_beside_a_grant_costs_nothing(self):
        sandbox = self.sandbox(expires_in=1)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        old = self.published(board)
        run.signal(signal.SIGUSR1)
        run.wait_for("the code expired")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, self.published(board))
        self.assertEqual(1, len(sandbox.to("device")))


class OnRequest(LivingTest):
    def start_on_request(self, **options):
        sandbox = self.sandbox(**options)
        return sandbox, self.agent_board(sandbox, {"start": "on-request"})

    def test_nothing_is_asked_for_before_the_signal(self):
        sandbox, board = self.start_on_request()
        run = self.alive(board)
        # An answer of the loop: it has come to its first wait.
        self.assertRegex(ask(board.socket), "^error login_required ")
        self.assertEqual([], sandbox.connections)
        run.signal(signal.SIGUSR1)
        sandbox.approve(run.announced()["user_code"])
        run.wait_for("signed in")
        self.assertHolds(board, sandbox)

    def test_nothing_is_asked_for_after_a_code_that_nobody_approved(self):
        sandbox, board = self.start_on_request(expires_in=1)
        run = self.alive(board)
        run.signal(signal.SIGUSR1)
        run.wait_for("the code expired")
        # Longer than the pause that `start = automatic` makes.
        with self.assertRaises(TimeoutError):
            sandbox.wait_for(lambda s: len(s.to("device")) > 1, 3)
        run.signal(signal.SIGUSR1)
        sandbox.wait_for(lambda s: len(s.to("device")) == 2)

    def test_invitation_is_on_the_screen(self):
        _, board = self.start_on_request()
        picture = board.directory / "screen.pbm"
        board.change({"display": f"pbm:{picture}@320x240"})
        self.alive(board)
        eventually(picture.exists)
        wait_for_words(picture)

    def test_lost_grant_waits_for_a_person_too(self):
        sandbox, board = self.start_on_request()
        put_tokens(board, at=sandbox, expires_at=1)
        sandbox.disconnect()
        run = self.alive(board)
        run.wait_for("the grant is lost")
        self.assertRegex(ask(board.socket), "^error login_required ")
        self.assertEqual([], sandbox.to("device"))
        run.signal(signal.SIGUSR1)
        run.announced()

    @for_each({"newline": b"\n", "after_words": b"hello\n"})
    def test_enter_on_the_terminal(self, typed):
        sandbox, board = self.start_on_request()
        person, terminal = pty.openpty()
        self.addCleanup(os.close, person)
        run = self.alive(board, stdin=terminal, preexec_fn=lambda: take(terminal))
        os.close(terminal)
        self.assertRegex(ask(board.socket), "^error login_required ")
        self.assertEqual([], sandbox.connections)
        os.write(person, typed)
        run.announced()

    # A FIFO in the place of the device, in a /dev of the program's own.
    WITH_INPUT = '''
        mount --rbind /dev /mnt && mount -t tmpfs none /dev && mkdir /dev/input
        for name in null random urandom; do >/dev/$name && mount --bind /mnt/$name /dev/$name; done
        mount --bind "$0" /dev/input && exec "$@"'''

    def test_contact_at_a_touch_panel_without_buttons(self):
        sandbox, board = self.start_on_request()
        devices = board.directory / "input"
        devices.mkdir()
        os.mkfifo(devices / "event3")
        with open(devices / "event3", "r+b", buffering=0) as panel:
            board.command = ["unshare", "-m", "sh", "-c", self.WITH_INPUT, devices, *board.command]
            run = self.alive(board)
            self.assertRegex(ask(board.socket), "^error login_required ")
            self.assertEqual([], sandbox.connections)
            for type, code, value in ((3, 0x2F, 0), (3, 0x39, 7), (3, 0x35, 320), (0, 0, 0)):
                panel.write(struct.pack("llHHi", 0, 0, type, code, value))
            run.announced()

    def test_enter_without_a_pause(self):
        """As on a serial line whose other end is broken."""
        sandbox, board = self.start_on_request()
        person, terminal = pty.openpty()
        run = self.alive(board, stdin=terminal, preexec_fn=lambda: take(terminal))
        os.close(terminal)
        broken = subprocess.Popen(["yes", ""], stdout=person, stderr=subprocess.DEVNULL)
        drain = subprocess.Popen(["cat"], stdin=person, stdout=subprocess.DEVNULL)
        for process in (broken, drain):
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        os.close(person)
        run.announced()
        self.assertRegex(ask(board.socket, timeout=3), "^error login_required ")
        self.assertEnds(run)

    def hammered(self, sandbox, board, seconds):
        """Enter, twenty times a second, for so long; the times at which a code was asked for."""
        person, terminal = pty.openpty()
        self.addCleanup(os.close, person)
        run = self.alive(board, stdin=terminal, preexec_fn=lambda: take(terminal))
        os.close(terminal)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            os.write(person, b"\n")
            time.sleep(0.05)
        self.assertEnds(run)
        return [request.time for request in sandbox.to("device")]

    def test_enter_does_not_beat_retry_after(self):
        sandbox, board = self.start_on_request()
        sandbox.fail("device", 503, retry_after=600)
        self.assertEqual(1, len(self.hammered(sandbox, board, 3)))

    def test_requests_by_hand_have_a_pause(self):
        sandbox, board = self.start_on_request()
        sandbox.fail("device", 503)
        times = self.hammered(sandbox, board, 6.5)
        self.assertEqual(2, len(times))
        self.assertGreaterEqual(times[1] - times[0], 4.9)

    def test_letters_without_enter_are_no_request(self):
        sandbox, board = self.start_on_request()
        person, terminal = pty.openpty()
        self.addCleanup(os.close, person)
        run = self.alive(board, stdin=terminal, preexec_fn=lambda: take(terminal))
        os.close(terminal)
        os.write(person, b"ls")
        self.assertRegex(ask(board.socket), "^error login_required ")
        self.assertEqual([], sandbox.connections)
        self.assertEnds(run)


def take(terminal):
    """Makes it the controlling terminal of the new session, as getty would."""
    TIOCSCTTY = 0x540E
    fcntl.ioctl(0, TIOCSCTTY, 0)


class Reload(LivingTest):
    def test_good_configuration_is_taken_by_the_same_process(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        elsewhere = board.access_token_file.with_name("moved")
        board.change({"access_token_file": elsewhere})
        board.access_token_file.unlink()
        board.access_token_file = elsewhere
        run.signal(signal.SIGHUP)
        self.published(board)
        self.assertIn("beginning anew", run.stderr)
        self.assertIsNone(run.code)
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEnds(run)
        self.assertEqual([], sandbox.to("device"))

    @for_each({"unknown_key": "colour = blue\n", "bad_value": "rotate = 45\n", "noise": "\x01\n"})
    def test_bad_configuration_is_refused_and_the_old_one_stays(self, line):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        token = self.published(board)
        good = board.configuration.read_text()
        board.configure(good + line)
        run.signal(signal.SIGHUP)
        said = run.wait_for(r"stays as it was: .*\n")[0]
        self.assertIn(f"{board.configuration}:{good.count(chr(10)) + 1}", said)
        self.assertEqual(token, token_from(board.socket))
        board.configure(good)
        run.signal(signal.SIGHUP)
        run.wait_for("beginning anew")
        self.assertEnds(run)

    def test_bad_client_is_refused_too(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        board.change({"token_endpoint": "http://localhost/token"})
        run.signal(signal.SIGHUP)
        self.assertIn("token_endpoint", run.wait_for(r"stays as it was: .*\n")[0])
        self.assertEqual(board.record["access_token"], token_from(board.socket))

    def test_signal_while_a_code_is_shown(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        run.announced()
        run.signal(signal.SIGHUP)
        sandbox.wait_for(lambda s: len(s.to("device")) == 2)
        code = sandbox.grants.newest_pending().user_code
        run.wait_for(f"user_code={code}")
        sandbox.approve(code)
        run.wait_for("signed in")

    def test_reload_is_not_held_up_by_a_server_that_does_not_answer(self):
        sandbox = self.sandbox()
        sandbox.hang("poll")
        run = self.alive(self.agent_board(sandbox))
        sandbox.wait_for(lambda s: s.to("poll"))
        run.signal(signal.SIGHUP)
        run.wait_for("beginning anew", 10)

    def test_signals_do_not_pile_up(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        for _ in range(20):
            run.signal(signal.SIGHUP)
        run.wait_for("beginning anew")
        eventually(lambda: answers(board.socket))
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEnds(run)


def answers(socket):
    try:
        return token_from(socket)
    except OSError:
        return None


class Care(LivingTest):
    @for_each({"kernel_style": False, "journal": True})
    def test_most_talkative_log_holds_no_secret(self, journal):
        """The search at the end of each test looks for them."""
        sandbox = self.sandbox("webex", access_lifetime=2, rotation="single-use")
        board = self.agent_board(sandbox, {"log_level": "debug"})
        run = self.alive(board, journal=journal)
        sandbox.approve(run.announced()["user_code"])
        run.wait_for("refreshed")
        token_from(board.socket)
        sandbox.disconnect()
        run.wait_for("the grant is lost")
        self.assertEnds(run)
        arguments = " ".join(run.command)
        self.assertFalse([secret for secret in sandbox.secrets if secret in arguments])

    def test_reloads_leak_no_descriptor(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        counts = []
        for number in range(5):
            run.wait_for(f"(?s)(signed in as.*){{{number + 1}}}")
            self.assertTrue(token_from(board.socket))
            counts.append([len(os.listdir(f"/proc/{process}/fd"))
                           for process in (run.pid, run.inner)])
            run.signal(signal.SIGHUP)
        self.assertEqual(counts[0], counts[-1], counts)

    def test_nothing_wakes_it_while_it_is_signed_in(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        run.wait_for("signed in as")
        self.assertTrue(token_from(board.socket))
        before = switches(run)
        with self.assertRaises(TimeoutError):
            sandbox.wait_for(lambda s: len(s.requests) > 1, 3)
        self.assertLessEqual(switches(run) - before, 1)

    def test_it_leaves_no_child_behind(self):
        board = self.signed_in(self.sandbox(), {"on_refreshed": "/bin/true"}, expires_at=1)
        run = self.alive(board)
        run.wait_for("signed in as")
        eventually(lambda: children(run.pid) == [str(run.inner)] and not children(run.inner))


def switches(run):
    """How often its processes have gone to sleep, so how often they were woken."""
    return sum(int(line.split()[1]) for process in (run.pid, run.inner)
               for line in Path(f"/proc/{process}/status").read_text().splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def children(process):
    with open(f"/proc/{process}/task/{process}/children") as file:
        return file.read().split()


class Gone(LivingTest):
    """What is written to has gone away."""

    def test_console_that_is_closed_at_the_approval_costs_no_tokens(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox, {"display": "console"})
        reader, writer = os.pipe()
        run = board.start("run", stdout=writer)
        os.close(writer)
        code = run.announced()["user_code"]
        read_until(reader, code.encode())
        os.close(reader)
        sandbox.approve(code)
        self.assertExit(CANNOT_CREATE, run.wait())
        self.assertTrue(sandbox.accepts(board.record["access_token"]))

    @for_each({"sign_in": "sign-in", "token": "token", "whoami": "whoami", "sign_out": "sign-out"})
    def test_closed_descriptors_are_not_taken_for_the_log(self, command):
        """Else log lines go to the server, or into the lock."""
        sandbox = self.sandbox(approve_after=1)
        board = self.agent_board(sandbox)
        if command != "sign-in":
            put_tokens(board, at=sandbox, expires_at=1)
        run = board.start(command, preexec_fn=lambda: [os.close(number) for number in (0, 1, 2)])
        self.assertEqual(CANNOT_CREATE if command in ("token", "whoami") else DONE,
                         run.wait().code)
        self.assertEqual(b"", board.token_file.with_name("tokens.json.lock").read_bytes())
        if command in ("sign-in", "token"):
            self.assertTrue(sandbox.accepts(board.record["access_token"]))

    @for_each({"help": ["--help"], "status": ["status"], "token": ["token"]})
    def test_output_that_nobody_takes_is_an_error_in_words(self, words):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        run = board.start(words[0], *words[1:], stdout=writer, configuration=words != ["--help"])
        self.assertExit(CANNOT_CREATE, run.wait(), "standard output", "Broken pipe")


class Stopped(LivingTest):
    """Nobody takes what it says, and it goes on all the same."""

    def full_pipe(self):
        """A pipe that has room for nothing, until it is read: reader, writer, what is in it."""
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            self.addCleanup(os.close, descriptor)
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, bytes(size))
        return reader, writer, size

    def test_log_that_nobody_reads(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        _, writer, _ = self.full_pipe()
        run = board.start("run", stderr=writer)
        sandbox.wait_for(lambda _: len(sandbox.polls) > 1)
        self.assertRegex(ask(board.socket, "status"), "^ok ")
        self.assertEnds(run)

    def test_log_that_is_read_again_says_what_is_missing(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        reader, writer, size = self.full_pipe()
        run = board.start("run", stderr=writer)
        sandbox.wait_for(lambda _: sandbox.polls)
        self.assertEqual(bytes(size), os.read(reader, size))
        sandbox.approve()
        said = read_until(reader, b"signed in;")
        self.assertRegex(said.decode(), r"\A\ndevicegrant: lines of the log that were left out: \d\n")
        self.assertEnds(run)

    def on_stopped_console(self, sandbox):
        """As by Ctrl-S, or a serial line without its other end and with flow control: the board,
        its run, both ends of the terminal."""
        board = self.agent_board(sandbox, {"display": "console"})
        terminal, console = os.openpty()
        for descriptor in (terminal, console):
            self.addCleanup(os.close, descriptor)
        termios.tcflow(console, termios.TCOOFF)
        return board, self.alive(board, stdout=console), terminal, console

    def test_console_that_is_stopped(self):
        board, run, *_ = self.on_stopped_console(self.sandbox())
        self.assertIn("login_required", ask(board.socket))
        self.assertEnds(run)

    def test_console_that_goes_on(self):
        sandbox = self.sandbox()
        _, run, terminal, console = self.on_stopped_console(sandbox)
        run.wait_for("display console is stopped")
        code = run.announced()["user_code"]
        sandbox.wait_for(lambda _: sandbox.polls)
        termios.tcflow(console, termios.TCOON)
        sandbox.deny(code)
        read_until(terminal, b"denied")
        self.assertEnds(run)


class End(LivingTest):
    """A signal ends it within a second, whatever it is at, and clears the screen."""

    SIGNALS = {"term": signal.SIGTERM, "interrupt": signal.SIGINT}

    def check(self, board, sandbox, wait_for_phase, number=signal.SIGTERM):
        picture = board.directory / "screen.pbm"
        board.change({"display": f"pbm:{picture}@320x240"})
        run = self.alive(board)
        wait_for_phase(run)
        self.assertEnds(run, number)
        self.assertEqual(0, Bitmap.read(picture).black(), "the screen is not cleared")
        self.assertFalse(board.socket.exists(), "the socket is left behind")
        return run

    @for_each(SIGNALS)
    def test_while_a_code_is_shown(self, number):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        picture = board.directory / "screen.pbm"
        self.check(board, sandbox, lambda run: wait_for_qr(picture), number)

    @for_each(SIGNALS)
    def test_while_signed_in(self, number):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        self.check(board, sandbox, lambda run: run.wait_for("signed in as"), number)
        self.assertEqual(board.record["access_token"], self.published(board))

    @for_each({"code": "device", "poll": "poll"})
    def test_while_the_server_does_not_answer_for_a(self, endpoint):
        sandbox = self.sandbox()
        sandbox.hang(endpoint)
        self.check(self.agent_board(sandbox), sandbox,
                   lambda run: sandbox.wait_for(lambda s: s.to(endpoint)))

    def test_while_the_server_does_not_answer_for_a_refresh(self):
        sandbox = self.sandbox()
        sandbox.hang("refresh")
        board = self.signed_in(sandbox, expires_at=1)
        self.check(board, sandbox, lambda run: sandbox.wait_for(lambda s: s.to("refresh")))

    def test_while_the_server_does_not_answer_for_the_name(self):
        sandbox = self.sandbox()
        sandbox.hang("userinfo")
        board = self.signed_in(sandbox)
        self.check(board, sandbox, lambda run: sandbox.wait_for(lambda s: s.to("userinfo")))

    def test_while_it_waits_to_try_again(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        sandbox.go_away()
        self.check(board, sandbox, lambda run: run.wait_for("no code: "))

    def test_while_it_waits_for_a_person(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox, {"start": "on-request"})
        self.check(board, sandbox, lambda run: ask(board.socket))

    def test_during_a_refresh_that_is_answered_in_time_saves_the_answer(self):
        """The server has given out what only this process will ever be told."""
        sandbox = self.sandbox(rotation="single-use")
        sandbox.delay("refresh", 0.3)
        board = self.signed_in(sandbox, expires_at=1)
        run = self.alive(board)
        sandbox.wait_for(lambda s: s.refreshes)
        self.assertEnds(run)
        self.assertHolds(board, sandbox)

    def test_during_a_poll_that_brings_the_tokens_saves_them(self):
        """The code is used up, and nobody approves a second time."""
        sandbox = self.sandbox(approve_after=1, interval=1)
        sandbox.delay("poll", 0.3)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        sandbox.wait_for(lambda s: s.polls)
        self.assertEnds(run)
        self.assertHolds(board, sandbox)

    def test_status_says_what_the_file_does(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        self.published(board)
        self.assertExit(DONE, board.run("status"))
        self.assertEnds(run)
        self.assertExit(DONE, board.run("status"))


class WhatComesLate(LivingTest):
    """A network, or a name server, that is there when the back-off has grown."""

    # In a network of its own, whose loopback comes up when somebody writes to a FIFO.
    NETWORK = """(python3 -c 'import fcntl, socket, struct
open("come").read()
request = struct.pack("16sh14x", b"lo", 1)
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, request)' &)
exec "$@"
"""
    NAME_SERVERS = 'mount --bind resolv.conf /etc/resolv.conf; exec "$@"'

    def enclosed(self, board, kind, script):
        mapping = ["--map-root-user"] * (os.geteuid() != 0)
        board.command = ["unshare", kind, *mapping, "sh", "-ec", script, "sh", *board.command]
        return board

    def assertTriedSoon(self, run, event, pattern):
        """Within two seconds of an event, which comes where the next attempt is far."""
        seconds = int(run.wait_for(r"next attempt in ([89]|\d\d+) s")[1])
        before = run.stderr.count("no code: ")
        event()
        start = time.monotonic()
        run.wait_for(pattern)
        self.assertLess(time.monotonic() - start, min(seconds - 3, 3.5))
        self.assertEqual(before + 1, run.stderr.count("no code: "))

    def test_network_is_tried_within_two_seconds(self):
        board = self.enclosed(self.agent_board(self.sandbox()), "--net", self.NETWORK)
        fifo = board.directory / "come"
        os.mkfifo(fifo)
        run = board.start("run")
        run.wait_for("Network is unreachable")
        self.assertTriedSoon(run, lambda: fifo.write_text("now"), "Connection refused")

    def test_name_server_is_asked_within_two_seconds(self):
        board = self.agent_board(self.sandbox())
        board.change({"device_authorization_endpoint": "https://as.example.invalid/device"})
        self.enclosed(board, "--mount", self.NAME_SERVERS)
        resolver = board.directory / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n")
        run = board.start("run")
        self.assertTriedSoon(
            run, lambda: resolver.write_text("nameserver 127.0.0.2\n"), "(?s)(no code:.*){4}")


class Hindered(LivingTest):
    def test_full_disk_at_the_start_hands_a_good_token_out(self):
        """What the disk lacks is not needed for that."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        # Where the probe is written there is a directory that nothing removes.
        probe = board.token_file.with_name("tokens.json.probe")
        probe.mkdir()
        (probe / "occupied").touch()
        run = self.alive(board)
        run.wait_for("nothing can be written.*handing out the access token")
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertRegex(ask(board.socket, "state"), '"state":"not_renewed"')

    def test_waits_have_no_relative_time(self):
        """It stands still while a board is suspended, and would begin anew."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        run.wait_for("signed in as")

        def waits():
            words = Path(f"/proc/{run.inner}/syscall").read_text().split()
            # poll(2), or ppoll(2) without a time.
            return words[0] == "7" and int(words[3], 16) & 0xffffffff == 0xffffffff \
                or words[0] in ("73", "168", "336") and int(words[3], 16) in (0, 0xffffffff)
        eventually(waits)
