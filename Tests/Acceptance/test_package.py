"""The Debian package and the services: made, checked, and installed on emulated boards."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import DONE, AcceptanceTest, for_each
from binaries import ROOT, binary_of
from emulator import (Emulator, debian_disk, making, on_board, shows_qr, shows_words,
                      wait_for_screen)
from hand_out import eventually

ARCHITECTURES = {"arm64": "arm64", "armhf": "armhf", "amd64": "amd64"}
# What dpkg and the package's scripts call, and what boots.
SYSTEM = ("dpkg", "dash", "coreutils", "diffutils", "grep", "libc-bin", "base-passwd", "mount",
          "systemd", "udev", "libjansson4", "libqrencode4")
# What differs between the releases, by their numbers; None is this machine's. Since 13, /bin and
# /lib are links that come with base-files.
OF_RELEASE = {None: ("libmbedtls14",), "13": ("libmbedtls21", "base-files")}
MOUNT = ("umount /var/lib/devicegrant && mkdir /tree && mount /dev/vda /tree && "
         "mount --bind /dev /tree/dev && cp /*.deb /tree")
# The serial line's shell under systemd, as board/emulate-init is one.
SHELL = {
    "/shell": b"""stty -echo
echo 'emulate: ready'
while read -r line; do (eval "$line"); printf '\\nemulate: exit %s\\n' $?; done
""",
    "/shell.service": b"""[Unit]
DefaultDependencies=no
After=devicegrant.service
[Service]
ExecStart=/bin/sh /shell
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyAMA0
[Install]
WantedBy=multi-user.target
""",
}
UNIT = ROOT / "board" / "systemd" / "devicegrant.service"


def run(*command, code=0, input=None, within=120, **environment):
    """Runs a program; what it said is in the failure, or returned."""
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env={**os.environ, **environment}, cwd=ROOT, timeout=within,
                          input=input)
    if done.returncode != code:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def make_package(architecture, version="0.1.0-1", release=None):
    words = ["--debian", release] if release else []
    said = run("board/package", *words, "--binary", binary_of(architecture, release),
               architecture, DEVICEGRANT_PACKAGE_VERSION=version)
    return (ROOT / said.split()[0]).read_bytes()


def in_tree(line):
    """A line for the board's shell that runs in the Debian on its disk."""
    return f"PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot /tree /bin/sh -c '{line}'"


class PackageTest(AcceptanceTest):
    # Which Debian, "13"; else this machine's.
    release = None

    def disk(self, architecture):
        disk = Path(self.enterContext(tempfile.TemporaryDirectory())) / "disk.img"
        debian_disk(architecture, SYSTEM + OF_RELEASE[self.release], disk, self.release)
        return disk

    def make_package(self, architecture, version="0.1.0-1"):
        return make_package(architecture, version, self.release)

    def check_life(self, architecture):
        """Installs the package, upgrades it, removes and purges it."""
        files = {f"/{n}.deb": self.make_package(architecture, f"0.1.0-{n}") for n in (1, 2)}
        self.debian = self.enterContext(Emulator(
            architecture, release=self.release, display="none", disk=self.disk(architecture),
            files=files, command=MOUNT))
        self.assertEqual(0, self.debian.booted(), self.debian.serial)

        self.on_debian("dpkg -i /1.deb")
        self.assertIn("devicegrant 0.1.0", self.on_debian("devicegrant --version"))
        self.on_debian("grep -q ^devicegrant: /etc/passwd")
        for group in ("video", "tty", "input"):
            self.on_debian(f"grep -q ^{group}:.*devicegrant /etc/group")
        self.on_debian("echo client_id = mine >>/etc/devicegrant.conf")
        self.on_debian("echo secret >/etc/devicegrant/client_secret")
        self.on_debian("mkdir -p /var/lib/devicegrant; echo {} >/var/lib/devicegrant/tokens.json")

        self.on_debian("dpkg -i /2.deb")
        self.on_debian("grep -q mine /etc/devicegrant.conf")
        self.on_debian("dpkg -r devicegrant")
        self.on_debian("devicegrant --version", code=127)
        self.on_debian("grep -q mine /etc/devicegrant.conf")
        self.on_debian("test -e /var/lib/devicegrant/tokens.json")

        self.on_debian("dpkg -P devicegrant")
        for path in ("/etc/devicegrant.conf", "/etc/devicegrant", "/var/lib/devicegrant"):
            self.on_debian(f"test -e {path}", code=1)
        self.on_debian("dpkg --audit")
        self.on_debian("dpkg-query -W devicegrant", code=1)

    def on_debian(self, line, code=0):
        """Runs a line in the Debian on the board's disk."""
        ended, said = self.debian.command(in_tree(line))
        self.assertEqual(code, ended, f"{line}\n{said}")
        return said

    def check_contents(self, architecture):
        package = Path(self.enterContext(tempfile.TemporaryDirectory())) / \
            f"devicegrant_0.1.0-1_{architecture}.deb"
        package.write_bytes(self.make_package(architecture))
        self.assertEqual(architecture, run("dpkg-deb", "-f", package, "Architecture").strip())
        depends = run("dpkg-deb", "-f", package, "Depends")
        for name in ("libc6", "libjansson4", OF_RELEASE[self.release][0], "libqrencode4"):
            self.assertIn(f"{name} ", depends)
        self.assertNotIn("libgcc", depends)
        self.assertEqual("/etc/devicegrant.conf",
                         run("dpkg-deb", "-I", package, "conffiles").strip())
        run("lintian", "--no-cfg", "--fail-on", "error", "--allow-root", package)
        return package


class Package(PackageTest):
    @for_each(ARCHITECTURES)
    def test_slow_install_upgrade_remove_purge_on(self, architecture):
        self.check_life(architecture)

    @for_each(ARCHITECTURES)
    def test_contents_for(self, architecture):
        self.check_contents(architecture)

    def test_same_sources_make_the_same_package(self):
        self.assertEqual(make_package("arm64", "0.1.0-7"), make_package("arm64", "0.1.0-7"))

    def test_missing_binary_is_said_in_one_line(self):
        said = run("board/package", "--binary", "/nowhere", "arm64", code=69)
        self.assertEqual("package: there is no binary /nowhere\n", said)


class Service(PackageTest):
    """The package on a Debian that boots, with systemd, the unit and its user."""

    @for_each({"arm64": "arm64", "armhf": "armhf"})
    def test_slow_systemd_on(self, architecture):
        sandbox = self.sandbox("webex")
        board = self.debian = self.booted(architecture, sandbox)
        sandbox.wait_for(lambda _: sandbox.grants.newest_pending(), 300)
        wait_for_screen(board, self.shows_newest_code(sandbox))
        # It has said that it is ready when it painted its first screen.
        self.assertEqual("active", self.systemctl("is-active devicegrant"))
        process = self.systemctl("show -P MainPID devicegrant")
        _, said = board.command(f"grep -E '^(Uid|CapEff):' /proc/{process}/status")
        self.assertNotRegex(said, r"Uid:\s+0\s")
        # CAP_SYS_TTY_CONFIG and nothing else.
        self.assertIn("CapEff:\t0000000004000000", said)

        board.command(f"kill -KILL {process}; echo still here >/dev/tty1")
        wait_for_screen(board, shows_words("still here"))
        # After RestartSec.
        codes = len(sandbox.to("device_authorization_endpoint"))
        sandbox.wait_for(lambda _: len(sandbox.to("device_authorization_endpoint")) > codes, 300)
        wait_for_screen(board, self.shows_newest_code(sandbox))
        sandbox.approve()
        wait_for_screen(board, shows_words("Signed in"))
        self.assertEqual(DONE, board.command("test -s /var/lib/devicegrant/tokens.json")[0])
        self.systemctl("stop devicegrant")
        wait_for_screen(board, shows_words("still here"))
        self.assertEqual("success", self.systemctl("show -P Result devicegrant"))

    def booted(self, architecture, sandbox):
        """A board that has installed the package, is configured, and has started systemd."""
        settings = sandbox.settings()
        secret = settings.pop("client_secret").encode()
        files = {**on_board(settings, {
            "display": "framebuffer", "client_secret_file":
            "/run/credentials/devicegrant.service/devicegrant_client_secret"}),
            "/devicegrant.deb": self.make_package(architecture), "/client_secret": secret,
            **SHELL}
        board = self.enterContext(Emulator(
            architecture, release=self.release, disk=self.disk(architecture), port=sandbox.port,
            files=files, command=MOUNT,
            kernel_options="systemd.firstboot=off systemd.show_status=0 "
            "systemd.mask=serial-getty@ttyAMA0.service"))
        self.assertEqual(DONE, board.booted(), board.serial)
        for line in (in_tree("systemd-sysusers; dpkg -i /devicegrant.deb"),
                     "cp /etc/devicegrant.* /etc/hosts /tree/etc",
                     "chmod 644 /tree/etc/devicegrant.*",
                     "cp /client_secret /tree/etc/devicegrant; cp /shell /tree",
                     "cp /shell.service /tree/etc/systemd/system",
                     in_tree("systemctl enable shell devicegrant"), "umount /tree/dev"):
            code, said = board.command(line)
            self.assertEqual(DONE, code, said)
        board.send("exec switch_root /tree /lib/systemd/systemd")
        # systemd starts much more than the program does, on an emulated processor.
        board.wait_for("emulate: ready", 600)
        return board

    def systemctl(self, words):
        return self.debian.command(f"systemctl {words}")[1].strip()

    @staticmethod
    def shows_newest_code(sandbox):
        return lambda screen: shows_qr(sandbox.personality.complete(
            sandbox.verification_uri, sandbox.grants.newest_pending()))(screen)


class Static(AcceptanceTest):
    """The variant for boards without Debian's libraries, built here."""

    @for_each({"arm64": ("arm64", "qemu-aarch64-static"), "armhf": ("armhf", "qemu-arm-static")})
    def test_slow_sign_in_with_only_the_c_library(self, row):
        architecture, runner = row
        # The builds share a directory, so they follow each other.
        with making(ROOT / ".build" / "board" / "static-build"):
            binary = ROOT / run("board/build", "--static", architecture,
                                within=600).splitlines()[-1].split()[0]
        needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", binary))
        self.assertEqual({"libc.so.6"}, {name for name in needed if not name.startswith("ld-")})
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.command = [runner, str(binary)]
        picture = board.directory / "screen.pbm"
        self.assertExit(DONE, board.run("sign-in", "--display", f"pbm:{picture}"), "signed in")


class Recipes(AcceptanceTest):
    """Buildroot's and Yocto's, as far as their form goes: neither is built here."""

    def test_name_what_they_build_from(self):
        made = {"buildroot": ROOT / "board/buildroot/devicegrant.mk",
                "yocto": next((ROOT / "board/yocto").glob("devicegrant_*.bb"))}
        version = re.search(r'"(.*?)"', (ROOT / "Sources/Board/Version.swift").read_text())[1]
        for name, path in made.items():
            with self.subTest(name):
                text = path.read_text()
                self.assertIn(version, text + path.name)
                for library in ("mbedtls", "jansson", "qrencode"):
                    self.assertIn(library, text)
                for file in re.findall(r"board/[\w./-]+", text):
                    self.assertTrue((ROOT / file).exists(), f"{path.name} names {file}")

    def test_make_reads_buildroots(self):
        run("make", "-n", "-f", "-", "all", input="generic-package =\nall: ;\ninclude "
            f"{ROOT}/board/buildroot/devicegrant.mk\n")


class SystemdUnit(AcceptanceTest):
    def test_verify(self):
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # The program is not installed on this machine.
        text = UNIT.read_text().replace("ExecStart=/usr/bin/devicegrant", "ExecStart=/bin/true")
        (directory / UNIT.name).write_text(text)
        self.assertEqual("", run("systemd-analyze", "verify", "--man=no", directory / UNIT.name))

    def test_exposure_is_at_most_2(self):
        said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", UNIT)
        self.assertIn("Overall exposure level", said)


class InitScript(AcceptanceTest):
    """Under BusyBox's shell and tools only, as Buildroot has it."""

    def setUp(self):
        super().setUp()
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.daemon = self.place / "devicegrant"
        self.daemon.write_text("#!/bin/sh\necho $$ >started\ntrap 'exit 0' TERM\n"
                               "trap 'echo reloaded >>console' HUP\n"
                               "while :; do sleep 0.05; done\n")
        self.daemon.chmod(0o755)
        tools = self.place / "bin"
        tools.mkdir()
        busybox = shutil.which("busybox")
        for name in ("sh", "cat", "grep", "sleep", "rm", "tr", "kill"):
            (tools / name).symlink_to(busybox)
        self.addCleanup(self.script, "stop")

    def script(self, word):
        done = subprocess.run(
            [self.place / "bin" / "sh", ROOT / "board/init/devicegrant", word], cwd=self.place,
            capture_output=True, text=True, timeout=60,
            env={"PATH": str(self.place / "bin"), "DAEMON": str(self.daemon), "PATIENCE": "3",
                 "PIDFILE": str(self.place / "pid"), "CONSOLE": str(self.place / "console")})
        return done.returncode, done.stdout + done.stderr

    def pid(self):
        return int((self.place / "pid").read_text())

    def is_there(self, pid):
        # A process that has ended may wait to be fetched by its parent.
        stat = Path(f"/proc/{pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

    def await_start(self):
        deadline = time.monotonic() + 20
        while not (self.place / "started").exists():
            self.assertLess(time.monotonic(), deadline, "the daemon was not started")
            time.sleep(0.02)

    def test_start_status_stop(self):
        self.assertEqual(3, self.script("status")[0])
        self.assertEqual((DONE, "devicegrant: started\n"), self.script("start"))
        self.await_start()
        pid = self.pid()
        self.assertEqual(DONE, self.script("status")[0])
        self.assertEqual((DONE, "devicegrant: already running\n"), self.script("start"))
        self.assertEqual(pid, self.pid())
        self.assertEqual(DONE, self.script("reload")[0])
        self.assertEqual(DONE, self.script("stop")[0])
        self.assertFalse(self.is_there(pid))
        self.assertEqual(3, self.script("status")[0])
        self.assertEqual(DONE, self.script("stop")[0])

    def test_restart(self):
        self.script("start")
        self.await_start()
        pid = self.pid()
        self.assertEqual(DONE, self.script("restart")[0])
        self.assertNotEqual(pid, self.pid())
        self.assertFalse(self.is_there(pid))

    def test_one_that_does_not_end_is_killed(self):
        self.daemon.write_text("#!/bin/sh\ntrap '' TERM\necho $$ >started\n"
                               "while :; do sleep 0.05; done\n")
        self.script("start")
        self.await_start()
        pid = self.pid()
        self.assertEqual(DONE, self.script("stop")[0])
        # The kernel may take a moment to end what has been killed.
        eventually(lambda: not self.is_there(pid), 5)

    def test_process_file_of_another_life(self):
        (self.place / "pid").write_text(f"{os.getpid()}\n")
        self.assertEqual(1, self.script("status")[0])
        self.assertEqual(DONE, self.script("start")[0])
        self.assertNotEqual(os.getpid(), self.pid())

    def test_missing_program(self):
        self.daemon.unlink()
        code, said = self.script("start")
        self.assertEqual(5, code)
        self.assertIn("is missing", said)

    def test_unknown_word(self):
        self.assertEqual(2, self.script("dance")[0])
