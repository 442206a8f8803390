"""The kernel, its modules and the libraries of a board, out of Debian's packages.

Nothing of them is installed on this machine, nor run but for the dynamic linker.
"""

import lzma
import os
import re
import shutil
import tempfile
import zlib
from pathlib import Path

from binaries import ROOT, Missing, board_directory, is_native, named, user_emulator

from .common import making, run
from .machine import MACHINES

# ext4 asks for its checksum by the name of the algorithm, and vfat for its two tables of letters, so
# that no dependency tells of them.
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "vfat", "nls_cp437", "nls_ascii",
           "virtio_net", "virtio-gpu", "bochs", "cirrus")


def apt(release, architecture):
    """What an apt command begins with: nothing for the release that this machine has."""
    return [ROOT / "board" / "apt", release, architecture] if release else []


def download(packages, architecture, directory, release=None):
    """Fetches packages into the directory without installing them, and returns their files."""
    try:
        run(*apt(release, architecture), "apt-get", "download", "-q",
            *(f"{name}:{architecture}" for name in packages), cwd=directory)
    except Missing as error:
        raise Missing(f"cannot fetch packages of {architecture} ({error}): "
                      "run board/dependencies cross emulate") from None
    return sorted(directory.glob("*.deb"))


def fetch(architecture, release=None):
    """Debian's kernel with the modules that are used, and its BusyBox; returns their directory."""
    # Other modules are another system.
    name = f"system-{zlib.crc32(' '.join(MODULES).encode()):08x}"
    place = board_directory(architecture) / named(name, release)
    with making(place) as is_missing:
        if is_missing:
            fetch_into(place, architecture, release)
    return place


def fetch_into(place, architecture, release):
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        work = Path(name)
        meta = MACHINES[architecture].kernel_package
        # The meta package names the newest image of its branch.
        names = re.findall(r"Depends: (linux-image-[^\s:]+)",
                           run(*apt(release, architecture), "apt-cache", "depends",
                               f"{meta}:{architecture}"))
        if not names:
            raise Missing(f"apt knows no {meta}:{architecture}: run board/dependencies cross "
                          "emulate")
        for package in download((names[0], "busybox-static"), architecture, work, release):
            run("dpkg-deb", "-x", package, work / "tree")
        ready = work / "system"
        ready.mkdir()
        gather(work / "tree", ready)
        ready.rename(place)


def gather(tree, ready):
    """Takes the kernel, BusyBox and the modules with all they depend on out of the packages."""
    shutil.copy(next(tree.glob("boot/vmlinuz-*")), ready / "vmlinuz")
    # Since Debian 13 there is nothing in /bin and /lib but by their links.
    if (tree / "usr/lib/modules").is_dir():
        tree = tree / "usr"
    shutil.copy(next(tree.glob("*bin/busybox")), ready / "busybox")
    modules = next(tree.glob("lib/modules/*"))
    run("/sbin/depmod", "-b", tree, modules.name)
    depends = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        depends[path] = others.split()
    names = {Path(path).name.partition(".")[0].replace("-", "_"): path for path in depends}
    for module in MODULES:
        # One that is not there is built into the kernel, or not in this one.
        path = names.get(module.replace("-", "_"))
        for needed in [path, *depends[path]] if path else []:
            target = ready / "lib/modules" / modules.name / needed
            target.parent.mkdir(parents=True, exist_ok=True)
            data = (modules / needed).read_bytes()
            if target.suffix == ".xz":
                target, data = target.with_suffix(""), lzma.decompress(data)
            target.write_bytes(data)
    shutil.copy(modules / "modules.builtin", ready / "lib/modules" / modules.name)
    shutil.copy(modules / "modules.order", ready / "lib/modules" / modules.name)
    run("/sbin/depmod", "-b", ready, modules.name)


def libraries(architecture, binary, release=None):
    """The shared libraries that the binary takes, with the dynamic linker: by their paths on the
    board, where they are on this machine."""
    runner = [] if is_native(architecture) else [user_emulator(architecture)]
    root = run(ROOT / "board" / "sysroot", release, architecture).strip() if release else ""
    # The dynamic linker itself says what it would load.
    if release:
        linker = next(Path(root).glob("lib*/ld-linux*"))
        path = next(Path(root).glob("lib/*/libc.so.6")).parent
        listed = run(*runner, linker, "--library-path", path, "--list", binary)
    else:
        listed = run(*runner, *(["-E", "LD_TRACE_LOADED_OBJECTS=1"] if runner else []), binary,
                     env={**os.environ, "LD_TRACE_LOADED_OBJECTS": "1"} if not runner else None)
    if "not found" in listed:
        raise Missing(f"libraries of {architecture} are missing: run board/dependencies cross")
    return {path.removeprefix(root): path for path in re.findall(r"(/\S+) \(0x", listed)}
