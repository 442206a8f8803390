"""The binaries for the boards, on Debian's kernels: booted, and looked at from outside."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acceptance import CANNOT_CREATE, DONE, UNAVAILABLE, USAGE, AcceptanceTest, for_each
from devicegrant import ROOT
from emulator import (Emulator, SimpleFramebuffer, missing_texts, on_board, painted, screen_of,
                      shows_qr, wait_for_screen, words_on)
from screen import read_qr

ARCHITECTURES = {"arm64": "arm64", "armhf": "armhf"}
# What a board starts.
AGENT = "devicegrant run"
URI = "https://example.com/device"
COMPLETE = "https://example.com/device?user_code=729703"
CODE = "729703"
SHOW = f"devicegrant show --uri {URI} --complete {COMPLETE} --code {CODE}"
# Every pixel format that simplefb has, with rows that are longer than the picture, and sizes
# that are no multiple of anything.
FRAMEBUFFERS = (
    ("800x480:r5g6b5", 0), ("640x480:x1r5g5b5:1344", 90), ("320x240:r8g8b8:1024", 0),
    ("1366x768:x8r8g8b8", 0), ("480x272:a8b8g8r8:2048", 180), ("1280x800:x2r10g10b10", 270),
    ("240x320:a8r8g8b8", 0), ("321x241:a1r5g5b5:660", 0), ("1366x768:r5g6b5:2816", 90),
)


class OnDebiansKernel(AcceptanceTest):
    def boot(self, architecture, **options):
        return self.enterContext(Emulator(architecture, **options))

    def disk(self):
        return Path(self.enterContext(tempfile.TemporaryDirectory())) / "disk.img"

    def configured(self, sandbox, **settings):
        return {"port": sandbox.port,
                "files": on_board(sandbox.settings(), {"display": "framebuffer", **settings})}

    def check_serial(self, board, sandbox):
        """No secret came over the serial line."""
        for secret in sandbox.secrets:
            self.assertNotIn(secret, board.serial)

    @for_each(ARCHITECTURES)
    def test_slow_sign_in_and_power_cut(self, architecture):
        sandbox, disk = self.sandbox("webex"), self.disk()
        options = {"disk": disk, **self.configured(sandbox)}
        board = self.boot(architecture, command=AGENT, **options)
        code = board.wait_for(r"user_code=(\S+)", 120)[1]
        grant = sandbox.grants.newest_pending()
        self.assertEqual(grant.user_code, code)
        screen = wait_for_screen(board, shows_qr(
            sandbox.personality.complete(sandbox.verification_uri, grant)))
        self.assertEqual((1280, 800), screen.size)
        self.assertEqual([], missing_texts(screen, uri=sandbox.verification_uri, code=code))
        # The check above can fail.
        self.assertEqual(["code"], missing_texts(
            screen, uri=sandbox.verification_uri, code=code[:-1] + "Q"))
        sandbox.approve(code)
        board.wait_for("signed in")
        board.cut_power()
        self.check_serial(board, sandbox)
        self.assertIn(token_on(disk), sandbox.tokens)

        asked = len(sandbox.to("device_authorization_endpoint"))
        board = self.boot(architecture, command=f"{AGENT} &", **options)
        self.assertEqual(DONE, board.booted())
        wait_for_screen(board, lambda screen: "Signed in" in words_on(screen))
        code, said = board.command("devicegrant status")
        self.assertEqual(DONE, code)
        self.assertIn("signed in\n", said)
        self.assertEqual(asked, len(sandbox.to("device_authorization_endpoint")))
        self.check_serial(board, sandbox)

    @for_each(ARCHITECTURES)
    def test_slow_clock_not_set(self, architecture):
        sandbox = self.sandbox("webex", approve_after=1)
        board = self.boot(architecture, date="1970-01-01T00:00:00", disk=self.disk(),
                          command=f"{AGENT} &", **self.configured(sandbox))
        board.booted()
        board.wait_for("clock not set")
        wait_for_screen(board, lambda screen: "clock not set" in words_on(screen))
        self.assertEqual([], sandbox.requests)
        # As a time service would, once the network is there.
        board.send(f"date -u -s @{int(time.time())}")
        board.wait_for("signed in;")
        wait_for_screen(board, lambda screen: "Signed in" in words_on(screen))

    @for_each(ARCHITECTURES)
    def test_slow_pixel_formats(self, architecture):
        panels = [SimpleFramebuffer.parse(text) for text, _ in FRAMEBUFFERS]
        board = self.boot(architecture, display=panels,
                          kernel_options="vt.global_cursor_default=0")
        board.booted()
        for number, (text, rotation) in enumerate(FRAMEBUFFERS):
            with self.subTest(text, rotate=rotation):
                code, said = board.command(
                    f"{SHOW} --display framebuffer:/dev/fb{number} --rotate {rotation}")
                self.assertEqual(DONE, code, said)
                screen = screen_of(board, number)
                expected = painted(text.partition(":")[0], uri=URI, complete=COMPLETE, code=CODE,
                                   rotate=rotation)
                self.assertEqual(expected.digest(), screen.digest())
                self.assertEqual([COMPLETE.encode()], read_qr(screen))

    @for_each({f"{a}_{d}": (a, d) for a in ARCHITECTURES for d in ("virtio-gpu", "bochs")})
    def test_slow_display(self, row):
        architecture, display = row
        board = self.boot(architecture, display=display, command=f"{SHOW} --display framebuffer",
                          kernel_options="vt.global_cursor_default=0")
        self.assertEqual(DONE, board.booted())
        screen = wait_for_screen(board, shows_qr(COMPLETE))
        size = "x".join(map(str, screen.size))
        self.assertEqual(painted(size, uri=URI, complete=COMPLETE, code=CODE).digest(),
                         screen.digest())

    @for_each(ARCHITECTURES)
    def test_slow_no_display(self, architecture):
        board = self.boot(architecture, display="none", command=f"{SHOW} --display framebuffer")
        self.assertEqual(CANNOT_CREATE, board.booted())
        self.assertIn("/dev/fb0", board.serial)
        code, said = board.command(f"{SHOW} --display auto")
        self.assertEqual(DONE, code)
        self.assertIn(CODE, said)


class Command(AcceptanceTest):
    def emulate(self, *words, **environment):
        done = subprocess.run([sys.executable, ROOT / "board" / "emulate", *words], env=environment,
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_missing_qemu_is_said_in_one_line(self):
        self.assertEqual(
            (UNAVAILABLE,
             "emulate: qemu-system-aarch64 is missing: run board/dependencies emulate\n"),
            self.emulate("arm64", PATH="/nowhere"))

    @for_each({"architecture": ["sparc"], "none": [], "display": ["arm64", "--display", "crt"],
               "stride": ["arm64", "--display", "320x240:r5g6b5:639"]})
    def test_bad(self, words):
        code, said = self.emulate(*words)
        self.assertEqual((USAGE, 1), (code, said.count("\n")), said)


def token_on(disk):
    """The access token on a disk that lost its power, read after what the kernel would repair."""
    subprocess.run(["/sbin/e2fsck", "-fp", disk], check=False, capture_output=True)
    content = subprocess.run(["/sbin/debugfs", "-R", "cat tokens.json", disk], check=True,
                             capture_output=True).stdout
    return json.loads(content)["access_token"]
