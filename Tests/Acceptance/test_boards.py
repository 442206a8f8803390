"""The binaries for the boards, on Debian's kernels: booted, and looked at from outside."""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acceptance import CANNOT_CREATE, DONE, UNAVAILABLE, USAGE, AcceptanceTest, for_each
import vfb
from binaries import ROOT
from emulator import (Emulator, SimpleFramebuffer, freeze, missing_texts, on_board, painted,
                      qr_in_text, screen_of, shows_qr, shows_words, wait_for_screen, words_on)
from screen import read_qr

ARCHITECTURES = {"arm64": "arm64", "armhf": "armhf"}
# What a board starts.
AGENT = "devicegrant run"
URI = "https://example.com/device"
COMPLETE = "https://example.com/device?user_code=729703"
CODE = "729703"
PICTURE = "/run/screen.pbm"
SHOW = f"devicegrant show --uri {URI} --complete {COMPLETE} --code {CODE}"
# Every pixel format that simplefb has, with rows that are longer than the picture, and sizes
# that are no multiple of anything.
FRAMEBUFFERS = (
    ("800x480:r5g6b5", 0), ("640x480:x1r5g5b5:1344", 90), ("320x240:r8g8b8:1024", 0),
    ("1366x768:x8r8g8b8", 0), ("480x272:a8b8g8r8:2048", 180), ("1280x800:x2r10g10b10", 270),
    ("240x320:a8r8g8b8", 0), ("321x241:a1r5g5b5:660", 0), ("1366x768:r5g6b5:2816", 90),
)
# What else the kernel's virtual framebuffer has: the size, bits per pixel, the rotation and the
# rest of the mode. Its 16 bits are b5g6r5 and, with opacity, a1b5g5r5; more bits are b8g8r8.
VIRTUAL_FRAMEBUFFERS = (
    ("800x480", 8, 0, {}), ("321x241", 8, 90, {"virtual": "331x500", "offset": (5, 250)}),
    ("640x480", 8, 0, {"is_grey": True}), ("640x480", 1, 0, {}),
    ("400x300", 1, 180, {"virtual": "437x700", "offset": (13, 350)}),
    ("128x64", 1, 0, {}), ("320x240", 16, 0, {"virtual": "320x480", "offset": (0, 240)}),
    ("321x241", 16, 270, {"virtual": "400x300", "offset": (77, 59), "is_opaque": True}),
    ("321x241", 24, 0, {}), ("480x272", 24, 90, {"virtual": "501x600", "offset": (9, 1)}),
    ("800x480", 32, 0, {"virtual": "800x1440", "offset": (0, 960)}),
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
        code = board.wait_for(r"user_code=(\S+)\s")[1]
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
        wait_for_screen(board, lambda screen: "clock is not set" in words_on(screen))
        self.assertEqual([], sandbox.requests)
        # As a time service would, once the network is there.
        board.send(f"date -u -s @{int(time.time())}")
        board.wait_for("signed in;")
        wait_for_screen(board, lambda screen: "Signed in" in words_on(screen))

    @for_each(ARCHITECTURES)
    def test_slow_pixel_formats(self, architecture):
        panels = [SimpleFramebuffer.parse(text) for text, _ in FRAMEBUFFERS]
        board = self.boot(architecture, display=panels)
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

    @for_each(ARCHITECTURES)
    def test_slow_virtual_framebuffer(self, architecture):
        board = self.boot(architecture, display="none", files=vfb.files(architecture))
        board.booted()
        vfb.load(board)
        for size, bits, rotation, others in VIRTUAL_FRAMEBUFFERS:
            with self.subTest(size, bits=bits, rotate=rotation, **others):
                vfb.set_mode(board, size, bits, **others)
                self.assertEqual([], read_qr(vfb.screen_of(board)))
                code, said = board.command(f"{SHOW} --display framebuffer --rotate {rotation}")
                self.assertEqual(DONE, code, said)
                screen = vfb.screen_of(board)
                expected = painted(size, uri=URI, complete=COMPLETE, code=CODE, rotate=rotation)
                self.assertEqual(expected.digest(), screen.digest())
                self.assertEqual([COMPLETE.encode()], read_qr(screen))
        with self.subTest("a palette that nobody has set up"):
            vfb.set_mode(board, "640x480", 8)
            vfb.ask(board, "blacken")
            self.assertEqual(640 * 480, vfb.screen_of(board).black())
            self.assertEqual(DONE, board.command(f"{SHOW} --display framebuffer")[0])
            self.assertEqual([COMPLETE.encode()], read_qr(vfb.screen_of(board)))

    @for_each(ARCHITECTURES)
    def test_slow_cirrus(self, architecture):
        """A graphics card with 16 bits per pixel."""
        board = self.boot(architecture, display="cirrus", kernel_options="console=tty0")
        board.booted()
        expected = painted("1024x768", uri=URI, complete=COMPLETE, code=CODE)
        for ending, display in ((" &", "drm"), ("", "framebuffer")):
            board.command("echo '<0>disaster' >/dev/kmsg")
            wait_for_screen(board, shows_words("disaster"))
            board.send(f"{SHOW} --display {display}{ending}")
            wait_for_screen(board, lambda screen: screen == expected)
            self.assertEqual([COMPLETE.encode()], read_qr(screen_of(board)))
            board.command("killall -q devicegrant")

    @for_each(ARCHITECTURES)
    def test_slow_cursor(self, architecture):
        """The picture that stays has no cursor in it, but who sits at the console keeps theirs."""
        board = self.boot(architecture, display="none", files=vfb.files(architecture))
        board.booted()
        vfb.load(board)
        vfb.set_mode(board, "640x480", 32)
        expected = painted("640x480", uri=URI, complete=COMPLETE, code=CODE)
        board.command(f"{SHOW} --display framebuffer </dev/tty1")
        # It blinks.
        wait_for_screen(board, lambda screen: screen != expected, look=vfb.screen_of)
        board.command(f"{SHOW} --display framebuffer")
        for _ in range(5):
            self.assertEqual(expected.digest(), vfb.screen_of(board).digest())
            board.command("sleep 0.1")

    @for_each(ARCHITECTURES)
    def test_slow_mode_changes(self, architecture):
        """The agent goes on in the new mode, and the text console is back at its end."""
        sandbox = self.sandbox("webex")
        options = self.configured(sandbox)
        options["files"] |= vfb.files(architecture)
        board = self.boot(architecture, display="none", kernel_options="console=tty0", **options)
        board.booted()
        vfb.load(board)
        board.send(f"{AGENT} &")
        code = board.wait_for(r"user_code=(\S+)\s")[1]
        grant = sandbox.grants.newest_pending()
        self.assertEqual(grant.user_code, code)
        complete = sandbox.personality.complete(sandbox.verification_uri, grant)
        for size, bits, others in (
                ("800x480", 32, {}), ("800x480", 32, {"virtual": "800x960", "offset": (0, 480)}),
                ("640x480", 16, {}), ("640x480", 16, {"is_opaque": True}),
                ("640x480", 16, {"is_opaque": True, "virtual": "660x480"}),
                ("640x480", 8, {}), ("640x480", 1, {})):
            vfb.set_mode(board, size, bits, **others)
            screen = wait_for_screen(board, shows_qr(complete), look=vfb.screen_of)
            self.assertEqual(size, "x".join(map(str, screen.size)))
            if bits == 8:
                vfb.ask(board, "blacken")
                wait_for_screen(board, shows_qr(complete), look=vfb.screen_of)
        board.command(end_agent("TERM"))
        # Whose letters also show that the kernel puts the bits of a byte into the same order.
        board.command("clear >/dev/tty1; echo '<0>disaster' >/dev/kmsg")
        wait_for_screen(board, shows_words("disaster"), look=vfb.screen_of)

    @for_each(ARCHITECTURES)
    def test_slow_invitation(self, architecture):
        """The console has been switched back to text, and a prompt written over the invitation."""
        sandbox = self.sandbox("webex")
        options = self.configured(sandbox, start="on-request")
        options["files"] |= vfb.files(architecture)
        board = self.boot(architecture, display="none", kernel_options="console=tty0", **options)
        board.booted()
        vfb.load(board)
        vfb.set_mode(board, "640x480", 32)
        board.command(f"{AGENT} 2>/run/log &")
        wait_for_screen(board, shows_words("Press"), look=vfb.screen_of)
        vfb.ask(board, "text")
        board.command("echo board login: >/dev/tty1")
        wait_for_screen(board, lambda screen: "Press" in (words := words_on(screen))
                        and "login" not in words, look=vfb.screen_of)

    @for_each(ARCHITECTURES)
    def test_slow_blanked(self, architecture):
        """The panel is dark when a code comes: it is woken up."""
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, display="virtio-gpu", **self.configured(sandbox))
        board.booted()
        board.send(f"{AGENT} &")
        sandbox.approve(board.wait_for(r"user_code=(\S+)\s")[1])
        wait_for_screen(board, shows_words("Signed in"))
        board.command("echo 4 >/sys/class/graphics/fb0/blank")
        self.assertNotIn("Signed in", words_on(screen_of(board)))
        board.send("killall -USR1 devicegrant")
        board.wait_for(r"user_code=\S+\s")
        wait_for_screen(board, shows_qr(sandbox.personality.complete(
            sandbox.verification_uri, sandbox.grants.newest_pending())))

    @for_each({f"{architecture}_{device}_{driver}": (architecture, device, driver)
               for architecture in ARCHITECTURES for device in ("virtio-gpu", "bochs")
               for driver in ("framebuffer", "drm")})
    def test_slow_display(self, row):
        architecture, device, driver = row
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, display=device, kernel_options="console=tty0",
                          **self.configured(sandbox, display=f"{driver},pbm:{PICTURE}@1280x800"))
        board.booted()
        board.command("echo '<0>disaster' >/dev/kmsg")
        wait_for_screen(board, shows_words("disaster"))
        board.send(f"{AGENT} &")
        before = self.await_code(board, sandbox)

        board.command("echo meanwhile >/dev/tty1; echo '<0>another' >/dev/kmsg; sleep 0.3")
        self.assertEqual(before.digest(), screen_of(board).digest(), "something is drawn over it")
        if driver == "drm":
            code, said = board.command(f"{SHOW} --display drm:/dev/dri/card0")
            self.assertEqual(CANNOT_CREATE, code)
            self.assertEqual(1, said.count("/dev/dri/card0: another program shows on it"), said)
            self.assertEqual(1, said.count("another program"), said)
        board.command(end_agent("TERM"))
        wait_for_screen(board, shows_words("disaster", "meanwhile"))

        board.send(f"{AGENT} &")
        self.await_code(board, sandbox)
        board.command(end_agent("KILL"))
        # Nobody has given the console back: the next agent does at its end.
        board.command("echo afterwards >/dev/tty1; sleep 0.3")
        self.assertNotIn("afterwards", words_on(screen_of(board)))
        board.send(f"{AGENT} &")
        self.await_code(board, sandbox)
        board.command(end_agent("TERM"))
        wait_for_screen(board, shows_words("afterwards"))

    def await_code(self, board, sandbox):
        """Waits for a new code, and for the screen to show it; it stands still then."""
        code = board.wait_for(r"user_code=(\S+)\s")[1]
        grant = sandbox.grants.newest_pending()
        self.assertEqual(grant.user_code, code)
        wait_for_screen(board, shows_qr(
            sandbox.personality.complete(sandbox.verification_uri, grant)))
        return freeze(board, PICTURE)

    @for_each(ARCHITECTURES)
    def test_slow_no_framebuffer_device(self, architecture):
        """A kernel without fbdev: `auto` takes the graphics card."""
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, kernel_options="drm_kms_helper.fbdev_emulation=0",
                          **self.configured(sandbox, display=f"auto,pbm:{PICTURE}@1280x800"))
        self.assertEqual(DONE, board.booted())
        self.assertEqual(1, board.command("test -e /dev/fb0")[0])
        board.send(f"{AGENT} &")
        self.await_code(board, sandbox)
        self.assertNotIn("given up", board.serial)
        board.command(end_agent("TERM"))
        self.assertEqual([], read_qr(screen_of(board)), "the code is there after the end")

    @for_each({f"{architecture}_{driver}": (architecture, driver, *others)
               for architecture in ARCHITECTURES for driver, *others in (
                   ("framebuffer", "/dev/fb0", "cannot read its framebuffer mode"),
                   ("drm", "/dev/dri/card0",
                    "cannot (read what it can show|write to it)"))})
    def test_slow_unplugged(self, row):
        """The graphics card goes away and comes back, while a code is shown and afterwards."""
        architecture, display, device, failure = row
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, kernel_options="console=tty0",
                          **self.configured(sandbox, display=f"{display},console"))
        board.booted()
        driver = "/sys/bus/virtio/drivers/virtio_gpu"
        card = board.command(f"cd {driver}; echo virtio[0-9]*")[1].split()[-1]
        board.send(f"{AGENT} &")
        code = board.wait_for(r"user_code=(\S+)\s")[1]
        complete = sandbox.personality.complete(
            sandbox.verification_uri, sandbox.grants.newest_pending())
        wait_for_screen(board, shows_qr(complete))
        board.send(f"echo {card} >{driver}/unbind")
        board.wait_for(f"display {device} given up: {failure}: No such device; it is taken when")
        polls = len(sandbox.polls)
        self.assertTrue(sandbox.wait_for(lambda _: len(sandbox.polls) > polls + 1))
        board.send(f"echo {card} >{driver}/bind")
        board.wait_for(f"display {device} is there now")
        wait_for_screen(board, shows_qr(complete))
        # Where nothing changes on the screen any more.
        sandbox.approve(code)
        wait_for_screen(board, shows_words("Signed in"))
        board.send(f"echo {card} >{driver}/unbind")
        board.wait_for(f"display {device} given up: {failure}: No such device; it is taken when")
        board.send(f"echo {card} >{driver}/bind")
        board.wait_for(f"display {device} is there now")
        wait_for_screen(board, shows_words("Signed in"))
        board.command(end_agent("TERM") + "; echo '<0>disaster' >/dev/kmsg")
        wait_for_screen(board, shows_words("disaster"))

        # Where it was the only one.
        board.send(f"({AGENT} --display {display}; echo ended with $?.) &")
        wait_for_screen(board, shows_words("Signed in"))
        board.send(f"echo {card} >{driver}/unbind")
        board.wait_for(f"display {device}: {failure}: No such device")
        board.wait_for(f"ended with {CANNOT_CREATE}[.]")

    @for_each(ARCHITECTURES)
    def test_slow_monitor(self, architecture):
        """A monitor is plugged out and in, while a code is shown and afterwards."""
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, **self.configured(sandbox, display="drm"))
        board.booted()
        # The kernel announces a change that a driver sees, but not one that is forced.
        plug = ("echo {} >/sys/class/drm/card0-Virtual-1/status; "
                "echo change >/sys/class/drm/card0/uevent")
        board.send(f"{AGENT} &")
        code = board.wait_for(r"user_code=(\S+)\s")[1]
        complete = sandbox.personality.complete(
            sandbox.verification_uri, sandbox.grants.newest_pending())
        for shows in (shows_qr(complete), shows_words("Signed in")):
            wait_for_screen(board, shows)
            board.send(plug.format("off"))
            board.wait_for("display /dev/dri/card0 given up: cannot find a connected panel or "
                           "monitor: No such device; it is taken when")
            wait_for_screen(board, lambda screen: not shows(screen))
            board.send(plug.format("detect"))
            board.wait_for("display /dev/dri/card0 is there now")
            wait_for_screen(board, shows)
            if sandbox.grants.newest_pending():
                sandbox.approve(code)

    @for_each(ARCHITECTURES)
    def test_slow_busy(self, architecture):
        """Another program has the graphics card, and lets it go."""
        sandbox = self.sandbox("webex")
        board = self.boot(architecture, **self.configured(sandbox, display="drm,console"))
        board.booted()
        board.command(": holds it; exec 3</dev/dri/card0; sleep 1000 &")
        code, said = board.command(f"{SHOW} --display drm")
        self.assertEqual(CANNOT_CREATE, code)
        self.assertEqual(1, said.count("display /dev/dri/card0: another program shows on it"), said)
        self.assertEqual(1, said.count("another program"), said)
        board.send(f"{AGENT} &")
        board.wait_for("display /dev/dri/card0 given up: another program shows on it: "
                       "Device or resource busy; it is taken when it can be had")
        polls = len(sandbox.polls)
        self.assertTrue(sandbox.wait_for(lambda _: len(sandbox.polls) > polls + 1))
        self.assertEqual([], read_qr(screen_of(board)))
        board.send("killall sleep")
        board.wait_for("display /dev/dri/card0 is there now")
        wait_for_screen(board, shows_qr(sandbox.personality.complete(
            sandbox.verification_uri, sandbox.grants.newest_pending())))
        self.assertEqual(2, board.serial.count("another program shows on it"))

    @for_each(ARCHITECTURES)
    def test_slow_no_display(self, architecture):
        sandbox = self.sandbox("webex", approve_after=1)
        board = self.boot(architecture, display="none", command=f"{SHOW} --display framebuffer",
                          **self.configured(sandbox, display="framebuffer,console"))
        self.assertEqual(CANNOT_CREATE, board.booted())
        self.assertIn("/dev/fb0: cannot open it: No such file", board.serial)
        code, said = board.command(f"{SHOW} --display auto")
        self.assertEqual(DONE, code)
        self.assertIn(CODE, said)
        code, said = board.command("devicegrant sign-in")
        self.assertEqual(DONE, code)
        self.assertIn("display /dev/fb0 given up: cannot open it: No such file", said)
        # The null device.
        board.command("mknod /dev/fb0 c 1 3")
        code, said = board.command(f"{SHOW} --display framebuffer")
        self.assertEqual(CANNOT_CREATE, code)
        self.assertIn("/dev/fb0: cannot read its framebuffer mode: Inappropriate ioctl", said)

    @for_each(ARCHITECTURES)
    def test_slow_serial_console(self, architecture):
        sandbox = self.sandbox("webex", interval=4)
        board = self.boot(architecture, display="none", baud=115200, command=f"{AGENT} &",
                          kernel_options="loglevel=7",
                          **self.configured(sandbox, display="console"))
        board.booted()
        board.wait_for(r"enter the code  \S+\s")
        # A serial line does not know its size; 24 rows are too few for the code with the user code.
        self.assertEqual([sandbox.verification_uri.encode()], qr_in_text(board.serial))
        # The agent's lines tell the time as the kernel's do, whose clock starts a little earlier.
        times = [(float(line[1]), line[2]) for line in re.finditer(
            r"(?m)^\[ *([0-9]+[.][0-9]{6})\] (.*)$", board.serial)]
        self.assertIn("Booting Linux", times[0][1])
        self.assertTrue(any(text.startswith("devicegrant: ") for _, text in times))
        self.assertEqual([], [text for (before, _), (after, text) in zip(times, times[1:])
                              if after < before - 1])
        # On a line that takes three seconds for the code the polls come as on any other.
        sandbox.wait_for(lambda _: sandbox.polls)
        board.baud = 9600
        asked = len(sandbox.polls)
        board.command("killall -USR1 devicegrant")
        board.wait_for(r"enter the code  \S+\s")
        sandbox.wait_for(lambda _: len(sandbox.polls) > asked)
        issued = sandbox.to("device_authorization_endpoint")[-1]
        self.assertLess(sandbox.polls[asked].time - issued.time, 4 + 2)


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


class Mirror(AcceptanceTest):
    """Debian is taken from where this machine's apt takes it."""

    # As apt tells it, of all archives and of those with Debian's own label.
    APT = """#!/bin/sh
case "$*" in
  *Label:*) echo "$OWN" ;;
  *) printf '%s\\n' cdrom:/disc http://a.example/debian-security/ "$OTHER" ;;
esac
"""

    def mirror(self, own="", other=""):
        with tempfile.TemporaryDirectory() as directory:
            apt = Path(directory) / "apt-get"
            apt.write_text(self.APT)
            apt.chmod(0o755)
            return subprocess.run([ROOT / "board" / "mirror"], capture_output=True, text=True,
                                  env={"PATH": f"{directory}:/usr/bin:/bin", "OWN": own,
                                       "OTHER": other})

    def test_own_archive_comes_first(self):
        done = self.mirror("http://mirror.example:3142/debian/", "http://b.example/x/")
        self.assertEqual((0, "http://mirror.example:3142/debian\n"), (done.returncode, done.stdout))

    def test_any_archive_but_for_discs_and_security_updates(self):
        self.assertEqual("http://b.example/x\n", self.mirror(other="http://b.example/x/").stdout)

    def test_none(self):
        done = self.mirror()
        self.assertEqual((UNAVAILABLE, ""), (done.returncode, done.stdout))
        self.assertIn("sources.list", done.stderr)

    def test_no_script_names_one(self):
        for path in (ROOT / "board").rglob("*"):
            if path.is_file() and "debian" not in path.relative_to(ROOT / "board").parts:
                self.assertNotRegex(path.read_bytes(), rb"https?://[a-z.]*debian[.]org", path)


def end_agent(signal):
    """A line for the board's shell that ends the agent and waits until it is gone."""
    return (f"killall -{signal} devicegrant; killall -q -CONT devicegrant; "
            "while pidof devicegrant >/run/pid; do :; done")


def token_on(disk):
    """The access token on a disk that lost its power, read after what the kernel would repair."""
    subprocess.run(["/sbin/e2fsck", "-fp", disk], check=False, capture_output=True)
    content = subprocess.run(["/sbin/debugfs", "-R", "cat tokens.json", disk], check=True,
                             capture_output=True).stdout
    return json.loads(content)["access_token"]
