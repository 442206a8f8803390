"""What a board's kernel starts with."""

from pathlib import Path

from binaries import ROOT

from . import relay
from .debian import MODULES, fetch, libraries


class Initramfs:
    """A cpio archive in the kernel's `newc` form."""

    def __init__(self):
        self._data = bytearray()
        self._names = set()

    def directory(self, name):
        if name in self._names or name in ("", "."):
            return
        self.directory(str(Path(name).parent).lstrip("."))
        self._add(name, 0o040755)

    def file(self, name, content, mode=0o644):
        self.directory(str(Path(name).parent).lstrip("."))
        self._add(name, 0o100000 | mode, content)

    def link(self, name, target):
        self.directory(str(Path(name).parent))
        self._add(name, 0o120777, target.encode())

    def device(self, name, major, minor):
        self.directory(str(Path(name).parent))
        self._add(name, 0o020600, device=(major, minor))

    def end(self):
        self._add("TRAILER!!!", 0)
        return bytes(self._data)

    def _add(self, name, mode, content=b"", device=(0, 0)):
        self._names.add(name)
        encoded = name.encode() + b"\0"
        fields = (len(self._names), mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._data += content
        self._pad()

    def _pad(self):
        self._data += bytes(-len(self._data) % 4)


def initramfs(architecture, binary, command, files, release=None):
    """What the kernel starts with; `files` are more files by their path on the board."""
    system = fetch(architecture, release)
    archive = Initramfs()
    for name in ("proc", "sys", "dev", "run", "tmp", "root"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.file("init", (ROOT / "board" / "emulate-init").read_bytes(), 0o755)
    archive.file("bin/busybox", (system / "busybox").read_bytes(), 0o755)
    archive.link("bin/sh", "busybox")
    for path in sorted((system / "lib").rglob("*")):
        if path.is_file():
            archive.file(str(path.relative_to(system)), path.read_bytes())
    for name, path in libraries(architecture, binary, release).items():
        archive.file(name.lstrip("/"), Path(path).read_bytes(), 0o755)
    archive.file("usr/bin/devicegrant", binary.read_bytes(), 0o755)
    archive.file("etc/hosts", f"{relay.ADDRESS} localhost\n127.0.0.1 board\n".encode())
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\n")
    archive.file("board/modules", "".join(f"{name}\n" for name in MODULES).encode())
    archive.file("board/command", f"{command}\n".encode())
    for path, content in files.items():
        archive.file(path.lstrip("/"), content, 0o600)
    return archive.end()
