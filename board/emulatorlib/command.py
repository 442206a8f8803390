"""The command line: `board/emulate --help`."""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from binaries import ROOT, Missing, board_directory, build_words

from .common import run
from .debian import fetch
from .emulator import BOOTS_WITHIN, Emulator, on_board
from .machine import DEVICES, MACHINES, check_tools
from .pictures import FORMATS, SimpleFramebuffer

USAGE, UNAVAILABLE = 64, 69


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"emulate: {message}; board/emulate --help says more\n")


def parse(arguments):
    words = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, words = arguments[:split], arguments[split + 1:]
    parser = Parser(
        prog="emulate", usage="board/emulate [option ...] {arm64,armhf,amd64} [-- word ...]",
        description="Boots an emulated board with devicegrant on it and a sandbox "
        "authorization server that only the board reaches. The board's serial console is this "
        "terminal: each line typed runs in its shell. Ctrl-C cuts the power. The words are a "
        "command of devicegrant with its options; run unless given.",
        epilog="What needs the network or root is in board/dependencies cross emulate.")
    add = parser.add_argument
    add("architecture", choices=MACHINES)
    add("--debian", choices=("13",), metavar="RELEASE", help="the kernel and the libraries of "
        "Debian 13; else of the release that this machine has")
    add("--display", default="virtio-gpu", metavar="DISPLAY",
        help="virtio-gpu (the default), bochs, cirrus, none, or a framebuffer set up by firmware "
        "as WIDTHxHEIGHT:FORMAT[:STRIDE], several with commas between them; formats: "
        + ", ".join(FORMATS))
    add("--date", metavar="DATE", help="what the clock says at power-on: 1970-01-01T00:00:00")
    add("--disk", metavar="FILE", help="an ext4 image for /var/lib/devicegrant, made where there "
        "is none and kept (.build/board/ARCH/disk.img)")
    add("--binary", metavar="FILE", help="a devicegrant of that architecture; else one is built")
    add("--approve", action="store_true", help="the sandbox approves by itself")
    add("--time", action="store_true", help="print how long the code took to be on the screen, "
        "and end")
    add("--picture", metavar="FILE", type=Path, help="write what the screen shows to a PNG file "
        "once there is a code, or with --approve once the board is signed in, and end")
    options = parser.parse_args(arguments)
    options.words = words or ["run"]
    if options.display not in DEVICES:
        try:
            options.display = [SimpleFramebuffer.parse(text)
                               for text in options.display.split(",")]
        except ValueError as error:
            parser.error(str(error))
    return options


def start_sandbox(directory, approves):
    """An authorization server that ends with this program: its settings."""
    shutil.rmtree(directory, ignore_errors=True)
    words = ["--approve-after", "2", "--interval", "1"] if approves else []
    server = subprocess.Popen(
        [ROOT / "board" / "sandbox", "--personality", "webex", "--directory", directory,
         "--parent", str(os.getpid()), *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, start_new_session=True)
    if not server.stdout.readline():
        raise Missing("the sandbox did not start")
    lines = (directory / "devicegrant.conf").read_text().splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def keep_picture(board, path):
    """Writes what the screen shows to a file, once a second."""
    with contextlib.suppress(OSError, RuntimeError):
        while board.process.poll() is None:
            new = path.with_suffix(".new")
            new.write_bytes(board.picture().png())
            new.rename(path)
            time.sleep(1)


def measure(board):
    """Prints the times from kernel start and from execve to the painted code, in ms."""
    pattern = r"emulate: {} at ([\d.]+) s"
    started = float(board.wait_for(pattern.format("started"), BOOTS_WITHIN)[1])
    painted = float(board.wait_for(pattern.format("painted"))[1])
    for title, seconds in (("execve to code", painted - started), ("kernel to code", painted)):
        print(f"{f'{title}, {board.architecture}, ms':28}{1000 * seconds:14,.0f}")


def take_picture(board, options):
    # The console is painted after the screen.
    board.wait_for("[Ss]igned in" if options.approve else "enter the code", BOOTS_WITHIN)
    # The kernel copies what was written to /dev/fb0 to the card every 50 ms.
    time.sleep(0.5)
    options.picture.write_bytes(board.picture().png())
    print(options.picture)


def converse(board, picture):
    """Carries lines from this terminal to the board until either ends."""
    if board.display != "none":
        threading.Thread(target=keep_picture, args=(board, picture), daemon=True).start()
        print(f"emulate: the screen is in {picture}", flush=True)

    def type_lines():
        # What comes before the shell is there would be lost.
        with contextlib.suppress(TimeoutError):
            board.wait_for("emulate: ready", BOOTS_WITHIN)
        with contextlib.suppress(OSError):
            for line in sys.stdin:
                board.send(line.rstrip("\n"))

    threading.Thread(target=type_lines, daemon=True).start()
    board.process.wait()


def prepare(options):
    """Checks and makes what the board takes, so that nothing is missing once it is started."""
    check_tools(MACHINES[options.architecture])
    if not options.binary:
        run(ROOT / "board" / "build", *build_words(options.architecture, options.debian))
    fetch(options.architecture, options.debian)


def board_for(options, directory, is_short):
    """The board that the words of the command line describe, with a sandbox for it."""
    settings = start_sandbox(directory / "sandbox", options.approve)
    display = "framebuffer,console" if options.display != "none" else "console"
    command = shlex.join(["devicegrant", *options.words])
    return Emulator(
        options.architecture, release=options.debian, binary=options.binary,
        display=options.display, date=options.date, files=on_board(settings, {"display": display}),
        port=int(re.search(r":(\d+)/", settings["token_endpoint"])[1]),
        # A measurement and a picture begin with a board that is not signed in.
        disk=options.disk or (None if is_short else directory / "disk.img"),
        command=f"timed {command}" if options.time else command,
        echo=None if is_short else sys.stdout.buffer)


def main(arguments):
    options = parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    directory = board_directory(options.architecture)
    try:
        prepare(options)
        with board_for(options, directory, bool(options.time or options.picture)) as board:
            if options.time:
                measure(board)
            elif options.picture:
                take_picture(board, options)
            else:
                converse(board, directory / "screen.png")
    except (Missing, TimeoutError) as error:
        print(f"emulate: {error}", file=sys.stderr)
        return UNAVAILABLE
    except KeyboardInterrupt:
        print("\nemulate: power cut")
    return 0
