"""What people see: pictures, QR codes, the console, and text that a server may not smuggle in."""

import fcntl
import os
import re
import struct
import termios

from acceptance import CANNOT_CREATE, DATA, DENIED, DONE, AcceptanceTest, for_each
from living import read_until
from screen import Bitmap, read_qr

LAYOUTS = ("1280x800", "800x480", "480x800", "320x240", "240x240", "128x64")
URI = "https://oauth-helper-r.example.com/verify"
COMPLETE = URI + "?userCode=" + "0123456789abcdef" * 4
CODE = "729703"
HOSTILE = {
    "ansi": "AB\x1b[2J\x1b]0;owned\x07CD",
    "control": "AB\x00\x08\r\n[    0.000000] devicegrant: signed in",
    "c1": "AB\x9b31mCD",
    "bidi": "\u202eDCBA\u202c\u2066x\u2069",
    "zero_width": "A\u200bB\ufeffC",
    "non_ascii": "ÄÖÜ-漢字",
    "emoji": "\U0001f600" * 4,
    "overlong": "W" * 5000,
    "spaces": "AB  CD",
    "format": "%s%n%x",
    "log_syntax": "AB verification_uri=https://evil.example/ expires_in=1",
}


class InTheWay(AcceptanceTest):
    @for_each({"link": lambda path, victim: path.symlink_to(victim),
               "fifo": lambda path, victim: os.mkfifo(path)})
    def test_what_others_have_put_beside_the_picture(self, put):
        """In a directory where others write: what they put there is not written to."""
        board = self.board()
        path, victim = board.directory / "screen.pbm", board.directory / "victim"
        victim.write_text("precious")
        put(path.with_name("screen.pbm.new"), victim)
        run = board.plain("show", "--uri", URI, "--code", CODE, "--display", f"pbm:{path}")
        self.assertExit(DONE, run)
        self.assertEqual("precious", victim.read_text())
        Bitmap.read(path)


class Show(AcceptanceTest):
    def show(self, size, *, uri=URI, complete=COMPLETE, code=CODE, rotate=0):
        board = self.board()
        path = board.directory / "screen.pbm"
        words = ["--complete", complete] if complete else []
        run = board.plain("show", "--uri", uri, *words, "--code", code,
                          "--display", f"pbm:{path}@{size}", "--rotate", str(rotate))
        self.assertExit(DONE, run)
        bitmap = Bitmap.read(path)
        self.assertEqual(tuple(map(int, size.split("x"))), bitmap.size)
        return bitmap

    @for_each({f"{size}_rotated_{angle}": (size, angle)
               for size in LAYOUTS for angle in (0, 90, 180, 270)})
    def test_qr_code_of(self, row):
        size, angle = row
        self.assertEqual([COMPLETE.encode()], read_qr(self.show(size, rotate=angle)))

    @for_each({size: size for size in LAYOUTS})
    def test_plain_uri_where_there_is_no_complete_one_at(self, size):
        self.assertEqual([URI.encode()], read_qr(self.show(size, complete=None)))

    @for_each({size: size for size in LAYOUTS})
    def test_user_code_is_on_the_picture_at(self, size):
        # Text cannot be read back here, but the pictures of two codes can be told apart.
        self.assertNotEqual(self.show(size).digest(), self.show(size, code="729708").digest())

    @for_each({size: size for size in LAYOUTS})
    def test_rotation_is_clockwise_at(self, size):
        width, _, height = size.partition("x")
        upright = self.show(size)
        turned = self.show(f"{height}x{width}", rotate=90)
        self.assertEqual(upright.digest(), turned.turned_left().digest())

    @for_each({size: size for size in LAYOUTS})
    def test_background_is_light_at(self, size):
        bitmap = self.show(size)
        self.assertLess(bitmap.black(), bitmap.size[0] * bitmap.size[1] / 2)

    @for_each({size: size for size in LAYOUTS})
    def test_code_of_fifteen_wide_letters_at(self, size):
        # Google asks for room for that.
        code = "W" * 15
        self.assertNotEqual(self.show(size, code=code).digest(),
                            self.show(size, code="W" * 14 + "V").digest())

    @for_each({size: size for size in LAYOUTS})
    def test_uri_too_long_for_the_panel_leaves_the_code_at(self, size):
        uri = "https://example.com/" + "a" * 450
        pictures = [self.show(size, uri=uri, complete=None, code=code).digest()
                    for code in ("111111", "222222")]
        self.assertNotEqual(*pictures)

    def test_letters_that_look_alike_differ(self):
        pictures = [self.show("800x480", code=letter * 4).digest() for letter in "0O1Il5S8B2Z"]
        self.assertEqual(len(pictures), len(set(pictures)))

    @for_each({"one_pixel": "1x1", "thin": "1000x8", "narrow": "8x1000", "tiny": "84x48",
               "odd": "801x481", "full_hd": "1920x1080"})
    def test_unusual_size(self, size):
        board = self.board()
        path = board.directory / "screen.pbm"
        run = board.plain("show", "--uri", URI, "--code", CODE, "--display", f"pbm:{path}@{size}")
        self.assertIn(run.code, (DONE, 73, 78), run.stderr)

    def test_pbm_is_replaced_whole(self):
        board = self.board()
        path = board.directory / "screen.pbm"
        words = ["show", "--uri", URI, "--code", CODE, "--display", f"pbm:{path}"]
        self.assertExit(DONE, board.plain(*words))
        first = path.stat().st_ino
        self.assertExit(DONE, board.plain(*words))
        self.assertNotEqual(first, path.stat().st_ino, "was written in place")
        self.assertEqual(["screen.pbm"], [p.name for p in board.directory.glob("*screen*")])

    def test_default_size_is_800x480(self):
        board = self.board()
        path = board.directory / "screen.pbm"
        board.plain("show", "--uri", URI, "--code", CODE, "--display", f"pbm:{path}")
        self.assertEqual((800, 480), Bitmap.read(path).size)


class Console(AcceptanceTest):
    def console(self, **environment):
        run = self.board().plain("show", "--uri", URI, "--complete", COMPLETE, "--code", CODE,
                                 "--display", "console", environment=environment)
        self.assertExit(DONE, run)
        return run.stdout

    @for_each({"utf_8": "C.UTF-8", "plain": "C"})
    def test_uri_and_code_come_after_the_qr_code(self, locale):
        text = self.console(LC_ALL=locale)
        last = [line for line in text.splitlines() if line.strip()][-4:]
        self.assertIn(URI, "\n".join(last))
        self.assertIn(CODE, "\n".join(last))

    def test_half_blocks_on_utf_8(self):
        text = self.console(LC_ALL="C.UTF-8")
        self.assertRegex(text, "[▀▄█]")
        self.assertEqual([COMPLETE.encode()], read_qr(from_characters(text)))

    @for_each({"utf_8": ("C.UTF-8", "linux"), "another": ("C", "vt220"), "dumb": ("C", "dumb")})
    def test_terminal_that_ignores_colours(self, row):
        locale, term = row
        terminal, console = os.openpty()
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(console, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 132, 0, 0))
        run = self.board().start(
            "show", "--uri", URI, "--complete", COMPLETE, "--code", CODE, "--display", "console",
            stdout=console, environment={"LC_ALL": locale, "TERM": term})
        text = read_until(terminal, b"enter the code").decode()
        os.close(console)
        self.assertExit(DONE, run.wait())
        self.assertEqual([COMPLETE.encode()], read_qr(from_characters(text)))

    def test_no_utf_8_otherwise(self):
        self.assertTrue(self.console(LC_ALL="C").isascii())


class Names(AcceptanceTest):
    @for_each({"plain": ("Ann Lee", " as Ann Lee"), "polish": ("Łukasz Żak", " as Lukasz Zak"),
               "german": ("Jörg Straße", " as Jorg Strasse"), "japanese": ("山田 太郎", ""),
               "vietnamese": ("Nguyễn Đào", " as Nguyen Dao"), "mixed": ("Ann 山", "")})
    def test_name_is_in_letters_or_not_there(self, row):
        name, shown = row
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(to="userinfo", merge={"name": name})
        run = self.board(at=sandbox).run("sign-in", "--display", "console")
        self.assertExit(DONE, run)
        self.assertEqual(f"Signed in{shown}", re.findall("^Signed in.*", run.stdout, re.M)[-1])


def from_characters(text):
    """The picture that characters make, on a terminal with light text on dark."""
    cells = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    # Two in a row are as wide as one is high.
    plain = re.sub("##|  ", lambda pair: "█" if pair[0] == "##" else " ", plain) \
        if "##" in plain else plain
    lines = [line for line in plain.splitlines() if set(line) <= set(cells) and "█" in line]
    width = max(map(len, lines))
    rows = []
    for line in lines:
        for half in (0, 1) if "▀" in plain else (0,):
            rows.append(tuple(cells[c][half] for c in line.ljust(width)))
    return Bitmap(tuple(rows))


class Lost(AcceptanceTest):
    """Displays that stop working on the way."""

    def test_denial_is_what_is_said_also_where_the_screen_is_gone(self):
        # The answer waits until the picture's directory is gone, so that the first picture that
        # can't be written is the one that shows the denial.
        sandbox = self.sandbox(script=[{"path": "/token", "status": 400, "delay": 3,
                                        "json": {"error": "access_denied"}}])
        board = self.board(at=sandbox)
        directory = board.directory / "pictures"
        directory.mkdir()
        run = board.start("sign-in", "--display", f"pbm:{directory}/screen.pbm")
        run.announced()
        sandbox.wait_for(lambda seen: seen.polls)
        # At once: the program may write into it meanwhile.
        directory.rename(board.directory / "away")
        self.assertExit(DENIED, run.wait())
        self.assertIn("denied by the user", run.lines[-1])
        self.assertRegex(run.stderr, "display .*screen.pbm given up: cannot create")

    @for_each({"framebuffer": "framebuffer:/nonexistent/fb0", "drm": "drm:/nonexistent/card0"})
    def test_device_that_is_not_there(self, display):
        run = self.board().plain("show", "--uri", URI, "--code", CODE, "--display",
                                 f"{display},console")
        self.assertExit(CANNOT_CREATE, run, "/nonexistent/", "cannot open it", "no such file")
        self.assertIn(CODE, run.stdout)

    @for_each({"framebuffer": "framebuffer:/dev/null", "drm": "drm:/dev/null"})
    def test_device_of_another_kind(self, display):
        run = self.board().plain("show", "--uri", URI, "--code", CODE, "--display", display)
        self.assertExit(CANNOT_CREATE, run, "/dev/null", "inappropriate ioctl")

    def test_device_that_only_root_may_open(self):
        if os.geteuid() != 0:
            self.skipTest("takes root, to make a device file")
        board = self.board()
        device = board.directory / "fb0"
        device.touch(0o600)
        run = board.start("show", "--uri", URI, "--code", CODE, "--display",
                          f"framebuffer:{device}", user=65534, configuration=False).wait()
        self.assertExit(CANNOT_CREATE, run, "permission denied", "group video")

    def test_others_go_on(self):
        sandbox = self.sandbox(approve_after=3)
        board = self.board(at=sandbox)
        directory = board.directory / "pictures"
        directory.mkdir()
        run = board.start("sign-in", "--display", f"pbm:{directory}/screen.pbm,console")
        run.announced()
        # At once: the program may write into it meanwhile.
        directory.rename(board.directory / "away")
        self.assertExit(DONE, run.wait(), "given up")
        self.assertIn("Signed in", run.stdout)


class Hostile(AcceptanceTest):
    """Texts of the server reach neither log nor console as they are."""

    def check(self, merge):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": merge}])
        board = self.board(at=sandbox)
        picture = board.directory / "screen.pbm"
        run = board.run("sign-in", "--display", f"pbm:{picture},console",
                        environment={"LC_ALL": "C"})
        self.assertIn(run.code, (DONE, DATA), run.stderr)
        self.assertNotRegex(run.stderr.encode(), rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")
        text = run.stdout
        for piece in ("\x1b[2J", "\x1b]0", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff"):
            self.assertNotIn(piece, text)
        for line in run.lines:
            self.assertTrue(line.startswith("["), line)
            self.assertLess(len(line), 4096)
        return run

    @for_each(HOSTILE)
    def test_user_code(self, text):
        self.check({"user_code": text})

    @for_each(HOSTILE)
    def test_verification_uri(self, text):
        self.check({"verification_uri": "https://example.com/" + text,
                    "verification_uri_complete": None})

    @for_each(HOSTILE)
    def test_verification_uri_complete(self, text):
        self.check({"verification_uri_complete": "https://example.com/" + text})

    @for_each({"script": "javascript:alert(1)", "plain_http": "http://example.com/device",
               "file": "file:///etc/passwd", "no_uri": "device"})
    def test_uri_of_another_kind_does_not_break_anything(self, uri):
        self.check({"verification_uri": uri, "verification_uri_complete": None})

    @for_each(HOSTILE)
    def test_error_description(self, text):
        sandbox = self.sandbox(script=[{"path": "/device_authorization", "status": 400, "json": {
            "error": "invalid_request" + text, "error_description": text}}])
        run = self.sign_in(sandbox)
        self.assertNotRegex(run.stderr.encode(), rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")
        self.assertNotIn(run.code, (DONE, 70))

    def test_code_is_shown_exactly_as_sent(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": {"user_code": "wDjb-mJht 0O"}}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "user_code=")
        self.assertIn("wDjb-mJht", run.stderr)


class HostileScope(AcceptanceTest):
    # An answer that cannot be read costs the tokens in it; the next poll then finds none.
    tolerates = ("polled after the final answer",)

    @for_each(HOSTILE)
    def test_scope_of_the_answer(self, text):
        sandbox = self.sandbox(approve_after=1, script=[{"path": "/token", "nth": 1, "merge": {
            "scope": text}}])
        run = self.sign_in(sandbox)
        self.assertNotRegex(run.stderr.encode(), rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")
