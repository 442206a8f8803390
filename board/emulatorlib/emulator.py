"""One emulated board, booted."""

import fcntl
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from binaries import Missing, binary_of, build_words

from . import devicetree, relay
from .debian import fetch
from .disk import make_disk
from .initramfs import initramfs
from .machine import DEVICES, MACHINES, check_tools
from .monitor import Monitor
from .pictures import Picture, SimpleFramebuffer

BOOTS_WITHIN = 300


class Emulator:
    """One board: booted on entering, its power cut on leaving.

    `display` is virtio-gpu, bochs, cirrus, none, or up to eight simple framebuffers as a list of
    SimpleFramebuffer. `port` is the port of this machine's loopback that the board reaches as
    localhost. `date` is what its clock says at power-on, as 2000-01-31T12:00:00; else the time now.
    `baud` is how fast the serial line is, in bits per second; else as fast as the board can send.
    `release` is whose kernel and libraries it has, "13"; else this machine's.
    """

    def __init__(self, architecture, *, release=None, binary=None, display="virtio-gpu", disk=None,
                 port=None, date=None, command=":", files=None, kernel_options="", baud=None,
                 echo=None):
        self.architecture, self.machine = architecture, MACHINES[architecture]
        self.release = release
        check_tools(self.machine)
        self.binary = Path(binary or binary_of(architecture, release))
        if not self.binary.is_file():
            words = build_words(architecture, release)
            raise Missing(f"{self.binary} is missing: run board/build {' '.join(words)}")
        self.display, self.disk, self.port, self.date = display, disk, port, date
        self.boot_command, self.files = command, files or {}
        self.kernel_options, self.baud = kernel_options, baud
        self.process = None
        self._echo = echo
        self._serial = b""
        self._position = 0
        self._changed = threading.Condition()
        self._ended = False

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="emulate-"))
        try:
            self._start()
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.cut_power()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cut_power(self):
        """Ends the board at this very instant: what has not reached the disk is lost."""
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def serial(self):
        """All that came over the serial line."""
        return self._serial.decode("utf-8", "backslashreplace").replace("\r", "")

    def wait_for(self, pattern, timeout=BOOTS_WITHIN):
        """Waits until something new on the serial line matches, and returns the match."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := re.compile(pattern).search(self.serial, self._position)):
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the board is off" if self._ended else f"not within {timeout} s"
                    raise TimeoutError(f"{pattern!r} is not on the serial line ({why}):\n"
                                       f"{self.serial[-4000:]}")
                self._changed.wait(left)
            self._position = found.end()
            return found

    def send(self, line):
        """Types a line at the serial console."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def booted(self):
        """Waits until the command given at boot has ended, and returns its exit code."""
        return int(self.wait_for(r"\nemulate: exit (\d+)\n", BOOTS_WITHIN)[1])

    def command(self, line, timeout=BOOTS_WITHIN):
        """Runs a line in the board's shell: its exit code, and what came over the serial line."""
        start = self._position
        self.send(line)
        found = self.wait_for(r"\nemulate: exit (\d+)\n", timeout)
        return int(found[1]), self.serial[start:found.start()]

    def picture(self, number=0):
        """What the display shows, seen from outside the board."""
        if isinstance(self.display, list):
            panel = self.display[number]
            return panel.picture(self.memory(self._framebuffer_address(number), panel.size))
        if self.display == "cirrus":
            # Its driver knows one mode. The card's own output takes ports that ARM does not have.
            panel = SimpleFramebuffer(1024, 768, "r5g6b5", 2048)
            return panel.picture(self.memory(self._card_address(), panel.size))
        path = self.directory / "screen.ppm"
        self._qmp.execute("screendump", filename=str(path))
        return Picture.read_ppm(path.read_bytes())

    def memory(self, address, size):
        """Bytes of the board's memory, seen from outside the board."""
        path = self.directory / "memory"
        self._qmp.execute("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()

    def _start(self):
        archive = self.directory / "initramfs"
        archive.write_bytes(initramfs(self.architecture, self.binary, self.boot_command,
                                      self.files, self.release))
        machine = self.machine
        options = [machine.qemu, *machine.options, "-accel", "tcg", "-m", "256",
                   "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                   "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
                   "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
                   *self._network(), *self._disk(), *self._displays(),
                   "-kernel", fetch(self.architecture, self.release) / "vmlinuz",
                   "-initrd", archive,
                   # The last console is the one that the first process talks to.
                   "-append", f"quiet panic=-1 {self.kernel_options} console={machine.console}"]
        if self.date:
            options += ["-rtc", f"base={self.date}"]
        if isinstance(self.display, list):
            options += ["-dtb", self._device_tree(options)]
        self.process = subprocess.Popen(
            # Ends with this process, whatever ends it.
            ["setpriv", "--pdeathsig", "KILL", *map(str, options)], cwd=self.directory,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        # A slow line must not be read ahead of by much.
        fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, 4096)

    def _connect(self):
        try:
            self._qmp = Monitor(self.directory / "qmp", self.process)
        except ConnectionError:
            self.process.wait()
            reason = self.process.stdout.read().decode("utf-8", "replace").strip().splitlines()
            raise Missing(f"{self.machine.qemu} did not start: {(reason or ['no reason'])[0]}"
                          ) from None
        threading.Thread(target=self._read, daemon=True).start()

    def _network(self):
        forward = ""
        if self.port:
            # QEMU starts it for each connection, in its working directory.
            (self.directory / "relay").symlink_to(relay.__file__)
            forward = f",guestfwd=tcp:{relay.ADDRESS}:{self.port}-cmd:./relay {self.port}"
        return ["-netdev", f"user,id=net,restrict=on{forward}",
                "-device", "virtio-net-pci,netdev=net,romfile="]

    def _disk(self):
        if not self.disk:
            return []
        if not Path(self.disk).exists():
            make_disk(self.disk)
        # A comma in a path would begin the next option.
        path = str(Path(self.disk).absolute()).replace(",", ",,")
        return ["-drive", f"if=none,id=disk,format=raw,file={path}",
                "-device", "virtio-blk-pci,drive=disk"]

    def _displays(self):
        device = None if isinstance(self.display, list) else DEVICES[self.display]
        return ["-device", device] if device else []

    def _framebuffer_address(self, number):
        # The upper end of the memory, far from the kernel.
        before = sum(panel.size for panel in self.display[:number])
        return self.machine.memory_start + (192 << 20) + before

    def _card_address(self):
        """Where the graphics card's memory is, by what the kernel has set up."""
        for bus in self._qmp.execute("query-pci"):
            for device in bus["devices"]:
                # "VGA controller", as PCI numbers them.
                if device["class_info"]["class"] == 0x300:
                    return device["regions"][0]["address"]
        raise RuntimeError("there is no graphics card on the bus")

    def _device_tree(self, options):
        """The board's device tree with the framebuffers in it."""
        path = devicetree.dump(options, self.machine, self.directory)
        devicetree.add_framebuffers(path, [(self._framebuffer_address(number), panel)
                                           for number, panel in enumerate(self.display)])
        return path

    def _read(self):
        while data := self.process.stdout.read1(256 if self.baud else 65536):
            if self.baud:
                # A byte takes ten bits, with start and stop.
                time.sleep(10 * len(data) / self.baud)
            if self._echo:
                self._echo.write(data)
                self._echo.flush()
            with self._changed:
                self._serial += data
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def on_board(settings, changes):
    """The files that configure the board: those settings with the changes, and the CA beside."""
    authority = Path(settings["ca_file"]).read_bytes()
    settings = {**settings, "ca_file": "/etc/devicegrant.ca", "token_file": None, **changes}
    text = "".join(f"{key} = {value}\n" for key, value in settings.items() if value)
    return {"/etc/devicegrant.conf": text.encode(), "/etc/devicegrant.ca": authority}
