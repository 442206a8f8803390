"""The kernel's virtual framebuffer (vfb) on emulated boards, for layouts that no other device has.

Debian's kernels leave it out, so it is built for the kernel that is booted: from the one file of
Debian's kernel source, with the headers that belong to that kernel.
"""

import functools
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from binaries import ROOT, architecture_of, board_directory
from emulatorlib.common import making, run
from emulatorlib.debian import download, fetch
from screen import Bitmap

SOURCE = "drivers/video/fbdev/vfb.c"
MEMORY = 8 << 20
# The kernel's FB_VISUAL_…
BLACK_ON_ZERO, TRUE_COLOUR, PALETTE = 0, 2, 3
# A pixel that is neither dark nor light.
SEE_THROUGH = 2


def files(architecture):
    """What a board needs besides: the module, and what sets and describes its modes."""
    return {"/vfb/vfb.ko": module(architecture).read_bytes(),
            "/vfb/framebuffer": tool(architecture).read_bytes()}


def load(board):
    """Loads the module: /dev/fb0 is there then."""
    code, said = board.command("chmod +x /vfb/framebuffer && insmod /vfb/vfb.ko vfb_enable=1 "
                               f"videomemorysize={MEMORY}")
    if code:
        raise RuntimeError(f"vfb could not be loaded: {said}")


def set_mode(board, size, bits, *, virtual=None, offset=(0, 0), is_grey=False, is_opaque=False):
    """Sets the mode as fbset(8) would: sizes as 800x480."""
    x, y = offset
    ask(board, f"mode {size} {bits} {virtual or size}+{x}+{y} {int(is_grey)} {int(is_opaque)}")


def ask(board, words):
    code, said = board.command(f"/vfb/framebuffer {words}")
    if code:
        raise RuntimeError(said)
    return said


def screen_of(board):
    """The picture in black and white, read from the board's memory outside of it."""
    return Screen(ask(board, "describe")).picture(board)


class Screen:
    """What the kernel says about the mode, and which memory of the board holds the picture."""

    def __init__(self, described):
        def number_lists(name):
            return [[*map(int, line.split())]
                    for line in re.findall(rf"(?m)^{name} ([\d ]+)$", described)]
        (self.width, self.height), = number_lists("size")
        (self.x, self.y), = number_lists("offset")
        (self.bits,), = number_lists("bits")
        (self.stride,), = number_lists("stride")
        (self.visual,), = number_lists("visual")
        (self.is_grey,), = number_lists("grey")
        (fields,) = number_lists("fields")
        self.fields = [*zip(fields[::2], fields[1::2])]
        self.palette = number_lists("colour")
        self.frames = number_lists("frames")

    def picture(self, board):
        memory = b"".join(board.memory(4096 * first, 4096 * count) for first, count in self.frames)
        return Bitmap(tuple(self._row(memory, self.y + y) for y in range(self.height)))

    def _row(self, memory, y):
        line = memory[y * self.stride:(y + 1) * self.stride]
        if self.bits == 1:
            # As the kernel draws its own text there: the leftmost pixel in the lowest bit.
            values = [line[x >> 3] >> (x & 7) & 1 for x in range(self.x, self.x + self.width)]
        else:
            size = self.bits // 8
            values = [int.from_bytes(line[x:x + size], "little")
                      for x in range(self.x * size, (self.x + self.width) * size, size)]
        return tuple(map(self._is_dark, values))

    @functools.cached_property
    def _is_dark(self):
        return functools.cache(self._look)

    def _look(self, value):
        """1 for a pixel that is seen as dark, 0 for a light one."""
        if self.visual == BLACK_ON_ZERO:
            return value
        if self.visual == PALETTE:
            colours = [level / 0xFFFF for level in self.palette[value]]
        else:
            assert self.visual == TRUE_COLOUR, self.visual
            *colours, opacity = [(value >> offset & (1 << length) - 1) / ((1 << length) - 1)
                                 if length else 1 for offset, length in self.fields]
            if opacity < 1:
                return SEE_THROUGH
        red, green, blue = colours
        return int(0.3 * red + 0.59 * green + 0.11 * blue < 0.5)


# --- What is built ------------------------------------------------------------------------

def tool(architecture):
    """The program of the tests that runs on the board."""
    source = ROOT / "Tests" / "Support" / "framebuffer.c"
    place = board_directory(architecture) / "framebuffer"
    with making(place) as is_missing:
        if is_missing or place.stat().st_mtime < source.stat().st_mtime:
            run(f"{architecture_of(architecture).gnu}-gcc", "-O1", "-static", "-Wall", "-Wextra",
                "-Werror", "-o", place, source)
    return place


def module(architecture):
    """The driver for the kernel that board/emulate boots."""
    release = next((fetch(architecture) / "lib" / "modules").iterdir()).name
    place = board_directory(architecture) / f"vfb-{release}.ko"
    with making(place) as is_missing:
        if is_missing:
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                build(architecture, release, Path(work)).rename(place)
    return place


def build(architecture, release, work):
    branch, abi = re.match(r"((\d+\.\d+)\.\d+-\d+)-", release).group(2, 1)
    machine = run("dpkg", "--print-architecture").strip()
    for package in (f"linux-headers-{release}:{architecture}", f"linux-headers-{abi}-common:all",
                    f"linux-kbuild-{branch}:{machine}"):
        name, _, of = package.partition(":")
        download([name], of, work)
    tree = work / "tree"
    for package in work.glob("*.deb"):
        run("dpkg-deb", "-x", package, tree)
    headers = tree / "usr" / "src" / f"linux-headers-{release}"
    # It names its other half by where it would be installed.
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src", str(tree / "usr" / "src")))
    module = work / "module"
    module.mkdir()
    (module / "Makefile").write_text("obj-m := vfb.o\n")
    (module / "vfb.c").write_bytes(source(branch).read_bytes())
    run("make", "-s", "-C", headers, f"M={module}",
        f"CROSS_COMPILE={architecture_of(architecture).gnu}-", "modules")
    return module / "vfb.ko"


def source(branch):
    """The driver's source, out of that of the whole kernel."""
    place = ROOT / ".build" / "board" / f"vfb-{branch}.c"
    with making(place) as is_missing:
        if is_missing:
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                package, = download([f"linux-source-{branch}"], "all", Path(work))
                # It ends as soon as the file is found.
                text = subprocess.run(
                    f"dpkg-deb --fsys-tarfile {shlex.quote(str(package))}"
                    f" | tar -xO --wildcards './usr/src/*.tar.xz' | xz -dc"
                    f" | tar -xO --occurrence=1 linux-source-{branch}/{SOURCE}",
                    shell=True, capture_output=True, check=True).stdout
                new = Path(work) / "vfb.c"
                new.write_bytes(text)
                new.rename(place)
    return place
