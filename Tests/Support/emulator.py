"""Boots emulated boards (board/emulate) and looks at their screens from outside."""

import hashlib
import math
import re
import shutil
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

from binaries import board_directory
from devicegrant import command_for
from emulatorlib.common import making, run
from emulatorlib.debian import apt, download
from emulatorlib.disk import make_disk
from emulatorlib.emulator import Emulator, on_board  # noqa: F401  (for the tests)
from emulatorlib.pictures import SimpleFramebuffer  # noqa: F401  (for the tests)
from screen import Bitmap, read_qr


def debian_disk(architecture, packages, path, release=None):
    """A disk that holds a Debian with these packages and what they need, all of them installed.

    They are unpacked, and none of their scripts has run: enough for another package's. `release` is
    which Debian, "13"; else this machine's.
    """
    # Another list of packages is another disk.
    name = f"debian{release or ''}-{zlib.crc32(' '.join(packages).encode()):08x}.img"
    place = board_directory(architecture) / name
    with making(place) as is_missing:
        if is_missing:
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                _make_debian(architecture, packages, Path(work), release)
                (Path(work) / "disk").rename(place)
    shutil.copy(place, path)


def _make_debian(architecture, packages, work, release):
    listed = run(
        *apt(release, architecture), "apt-cache", "depends", "--recurse",
        "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
        "--no-enhances",
        *(f"{package}:{architecture}" for package in packages))
    # Only this machine's own architecture is left out behind a name.
    suffix = f":{architecture}" if f"dpkg:{architecture}" in listed else ""
    names = set(re.findall(rf"(?m)^([a-z0-9.+-]+){suffix}$", listed))
    tree, status = work / "tree", []
    tree.mkdir()
    for package in download(sorted(names), architecture, work, release):
        run("dpkg-deb", "-x", package, tree)
        control = run("dpkg-deb", "-f", package)
        status.append(control.rstrip() + "\nStatus: install ok installed\n")
    (tree / "var/lib/dpkg/status").write_text("\n".join(status))
    for name in ("dev", "proc"):
        (tree / name).mkdir(exist_ok=True)
    for name in ("passwd", "group"):
        shutil.copy(tree / f"usr/share/base-passwd/{name}.master", tree / "etc" / name)
    link = tree / "bin/sh"
    if not link.exists():
        link.symlink_to("dash")
    make_disk(work / "disk", 256, tree)


def screen_of(board, number=0):
    """The board's screen in black and white, as a person or a phone sees it."""
    return Bitmap(board.picture(number).rows())


def wait_for_screen(board, matches, timeout=120, look=screen_of):
    """Waits until the screen is as `matches` wants it, and returns it.

    Nothing tells from outside that a screen has changed, so it is looked at again and again.
    """
    deadline = time.monotonic() + timeout
    while not matches(screen := look(board)):
        if time.monotonic() > deadline:
            raise AssertionError(f"the screen did not come within {timeout} s; on the serial line:"
                                 f"\n{board.serial[-4000:]}")
        time.sleep(0.2)
    return screen


def shows_qr(payload):
    """For wait_for_screen: a QR code with that payload."""
    return lambda screen: read_qr(screen) == [payload.encode()]


def shows_words(*words):
    """For wait_for_screen: all of these words, in black on white or the other way round."""
    def shows(screen):
        said = words_on(screen)
        return all(text in said for text in words)
    return shows


def freeze(board, path, timeout=120):
    """Stops the agent (SIGSTOP) when the screen is what it has painted into that PBM file there.

    It paints one after the other and again each second, so it may be stopped between the two.
    """
    deadline = time.monotonic() + timeout
    while True:
        _, said = board.command(f"killall -STOP devicegrant; md5sum {path}")
        # The kernel copies what was written to /dev/fb0 to the card every 50 ms.
        time.sleep(0.2)
        screen = screen_of(board)
        if hashlib.md5(screen.pbm()).hexdigest() in said:
            return screen
        if time.monotonic() > deadline:
            raise AssertionError(f"the screen is not what {path} is")
        board.command("killall -CONT devicegrant")


def qr_in_text(text):
    """The payload of the QR code in half blocks of a colour console, as a phone would read it."""
    lines = re.findall(r"\x1b\[0;37;97;40m([ \u2580\u2584\u2588]+)\x1b\[0m", text)
    # A character of a terminal is about as wide as half its height: so are two modules.
    rows = [tuple(int(letter not in light) for letter in line)
            for line in lines for light in ("\u2580\u2588", "\u2584\u2588")]
    return read_qr(Bitmap(tuple(rows)))


def painted(size, *, uri, code, complete=None, rotate=0):
    """The picture that `devicegrant show` makes of a sign-in screen on this machine."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "screen.pbm"
        words = ["--complete", complete] if complete else []
        subprocess.run([*command_for(), "show", "--uri", uri, *words, "--code", code, "--rotate",
                        str(rotate), "--display", f"pbm:{path}@{size}"], check=True)
        return Bitmap.read(path)


def words_on(screen):
    """The larger words on a screen, read by Tesseract: it is not to be trusted with digits."""
    if not shutil.which("tesseract"):
        raise RuntimeError("tesseract is missing: run board/dependencies emulate")
    done = subprocess.run(["tesseract", "-", "-", "--psm", "11"], input=screen.pgm(1, 0),
                          capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def missing_texts(screen, **texts):
    """Which of the `code` and the `uri` the screen does not show as `devicegrant show` does.

    Where they stand and how large they are is open; where the lines break is not.
    """
    size = "x".join(map(str, screen.size))
    lines = [bytes(row) for row in screen.rows]
    mirrored = {name: re.sub(r"[0-9A-Za-z]", another, text) for name, text in texts.items()}
    missing = []
    for name in texts:
        expected, other = (painted(size, complete="https://example.com/", **chosen)
                           for chosen in (texts, {**texts, name: mirrored[name]}))
        patches = text_lines(expected, other)
        if not patches or not all(occurs(patch, lines) for patch in patches):
            missing.append(name)
    return missing


def another(letter):
    """A different letter or digit."""
    return "1" if letter[0] == "2" else "2"


def text_lines(expected, other):
    """The lines of text in which two pictures differ, each cut out and at the least size."""
    differing = [y for y, rows in enumerate(zip(expected.rows, other.rows)) if rows[0] != rows[1]]
    if not differing:
        return []
    columns = [x for y in differing for x, (a, b) in enumerate(zip(expected.rows[y], other.rows[y]))
               if a != b]
    left, right = min(columns), max(columns) + 1
    patches, lines = [], []
    for y in range(differing[0], differing[-1] + 2):
        row = bytes(expected.rows[y][left:right])
        if any(row) and y <= differing[-1]:
            lines.append(row)
        elif lines:
            patches.append(least(lines))
            lines = []
    return patches


def least(lines):
    """A cut-out without what whole pixels enlarge it by."""
    pixels = [len(run) for line in lines for run in re.findall(b"\0+|\1+", line)]
    scale = math.gcd(*pixels)
    return [line[::scale] for line in lines[::scale]]


def occurs(patch, lines):
    """Whether the cut-out is there, enlarged by any whole factor."""
    for scale in range(1, len(lines) // len(patch) + 1):
        enlarged = [b"".join(bytes([pixel]) * scale for pixel in line)
                    for line in patch for _ in range(scale)]
        for y in range(len(lines) - len(enlarged) + 1):
            x = lines[y].find(enlarged[0])
            while x >= 0:
                if all(lines[y + dy].startswith(row, x) for dy, row in enumerate(enlarged)):
                    return True
                x = lines[y].find(enlarged[0], x + 1)
    return False
