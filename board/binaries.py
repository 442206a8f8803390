"""The binaries that board/build makes: for which machines, where they lie, and what runs them here.

The one table of it for what is written in Python; board/build has it as a shell function.
"""

import dataclasses
import platform
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build"


class Missing(Exception):
    """Something this machine has to have first; the text says what, and where to get it."""


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One architecture by the names that others have for it."""
    # As board/build and the toolsets have it, the toolset board/SWIFT.json.
    swift: str
    # As apt, dpkg and board/emulate have it.
    debian: str
    # As compilers and directories of libraries begin.
    gnu: str
    # As the kernel has it.
    uname: str
    # Runs its programs on another machine.
    qemu: str
    # Where the release binary is built against this machine's libraries.
    built: str


ARCHITECTURES = (
    Architecture("x86_64", "amd64", "x86_64-linux-gnu", "x86_64", "qemu-x86_64-static",
                 "embedded-host/x86_64-unknown-linux-gnu/release/devicegrant"),
    Architecture("aarch64", "arm64", "aarch64-linux-gnu", "aarch64", "qemu-aarch64-static",
                 "aarch64-none-none-elf/release/devicegrant"),
    Architecture("armv7", "armhf", "arm-linux-gnueabihf", "armv7l", "qemu-arm-static",
                 "armv7-none-none-eabi/release/devicegrant"),
)


def architecture_of(name="host"):
    """The row of the table that has this name for anybody; `host` is this machine."""
    name = platform.machine() if name == "host" else name
    for row in ARCHITECTURES:
        if name in (row.swift, row.debian, row.uname):
            return row
    raise KeyError(f"{name} is no architecture that devicegrant is built for")


def board_directory(name):
    """Where everything lies that is made for boards of an architecture."""
    return BUILD / "board" / architecture_of(name).debian


def named(name, release):
    """A name for what there is once for each release."""
    return f"{name}-debian{release}" if release else name


def binary_of(name="host", release=None):
    """Where board/build leaves the binary: for Debian's release, else for this machine's."""
    if release:
        return board_directory(name) / named("devicegrant", release)
    return BUILD / architecture_of(name).built


def build_words(name, release=None):
    """What board/build is called with to make it."""
    row = architecture_of(name)
    return ["--debian", release, row.debian] if release else [row.swift]


def is_native(name):
    return platform.machine() == architecture_of(name).uname


def user_emulator(name):
    """The program that runs those of another machine; a clear failure where it is missing."""
    qemu = architecture_of(name).qemu
    if not shutil.which(qemu):
        raise Missing(f"{qemu} is missing: run board/dependencies cross")
    return qemu


def linker_of(name, release):
    """The dynamic linker of a release, told to take its libraries: how a command begins."""
    row = architecture_of(name)
    root = BUILD / "board" / f"debian-{release}" / row.debian
    if not root.is_dir():
        raise Missing(f"{root} is missing: run board/sysroot {release} {row.debian}")
    return [str(next(root.glob("lib*/ld-linux*"))), "--library-path", str(root / "lib" / row.gnu)]


def runner_of(name="host", release=None):
    """What a command begins with that runs the binary here.

    Debian 13's have their own dynamic linker and libraries. For this machine's release there is no
    `-L` for qemu: the dynamic linker of Debian's cross packages and the libc of the foreign
    architecture are of different releases, and with the two mixed, every fork(2) ends in a crash.
    """
    if is_native(name):
        return linker_of(name, release) if release else []
    if not release:
        return [user_emulator(name)]
    root = Path(linker_of(name, release)[0]).parents[1]
    return [user_emulator(name), "-L", str(root)]
