"""Reads the pictures that devicegrant paints: PBM files, and the QR codes in them."""

import ctypes
import dataclasses
import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time


@dataclasses.dataclass(frozen=True)
class Bitmap:
    """Rows of pixels; 1 is black."""
    rows: tuple

    @classmethod
    def read(cls, path):
        data = path.read_bytes()
        head = re.match(rb"P4\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s", data)
        if not head:
            raise ValueError(f"{path} is not a raw PBM file")
        width, height = int(head[1]), int(head[2])
        stride, start = (width + 7) // 8, head.end()
        if len(data) != start + stride * height:
            raise ValueError(f"{path} holds {len(data)} bytes, not {start + stride * height}")
        rows = []
        for y in range(height):
            line = data[start + y * stride:start + (y + 1) * stride]
            rows.append(tuple(line[x >> 3] >> (7 - (x & 7)) & 1 for x in range(width)))
        return cls(tuple(rows))

    @property
    def size(self):
        return len(self.rows[0]), len(self.rows)

    def turned_left(self):
        """Rotated by 90 degrees against the clock."""
        return Bitmap(tuple(zip(*(tuple(reversed(row)) for row in self.rows))))

    def black(self):
        return sum(map(sum, self.rows))

    def digest(self):
        """Tells pictures apart without filling a failure's message with pixels."""
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()[:16]

    def pbm(self):
        """The picture as a raw PBM file."""
        stride = (self.size[0] + 7) // 8
        lines = (int("".join(map(str, row)).ljust(8 * stride, "0"), 2) for row in self.rows)
        return b"P4\n%d %d\n" % self.size + b"".join(l.to_bytes(stride, "big") for l in lines)

    def pgm(self, scale, border):
        """The picture in grey levels, enlarged by whole pixels and put on white paper."""
        width = self.size[0] * scale + 2 * border
        edge, side = bytes([255]) * width, bytes([255]) * border
        lines = [edge] * border
        for row in self.rows:
            line = b"".join((b"\0" if pixel else b"\xff") * scale for pixel in row)
            lines += [side + line + side] * scale
        lines += [edge] * border
        return b"P5\n%d %d\n255\n" % (width, len(lines)) + b"".join(lines)


def read_qr(bitmap):
    """The payloads, as bytes, of all QR codes that zbarimg finds in the picture."""
    if not shutil.which("zbarimg"):
        raise RuntimeError("zbarimg is missing: install the package zbar-tools")
    # A camera sees a panel with many pixels per module: so must zbar, on the smallest panels.
    # No paper is added around it, so that a missing quiet zone is not made up for.
    scale = max(1, min(6, 1200 // max(bitmap.size)))
    with tempfile.NamedTemporaryFile(suffix=".pgm") as file:
        file.write(bitmap.pgm(scale, 0))
        file.flush()
        done = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "--nodbus", "--set", "disable",
             "--set", "qrcode.enable", "--oneshot", file.name],
            capture_output=True, timeout=60, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
    if done.returncode not in (0, 4):
        raise RuntimeError(f"zbarimg failed: {done.stderr.decode()}")
    return [done.stdout.removesuffix(b"\n")] if done.stdout else []


def qr_of(path):
    """The one payload shown in a PBM file, as text; None where there is no code or file yet."""
    found = read_qr(Bitmap.read(path)) if path.exists() else []
    return found[0].decode() if found else None


def wait_for_qr(path, timeout=20):
    """Waits until a QR code is painted into the file, and returns its payload."""
    deadline = time.monotonic() + timeout
    with Watch(path.parent) as watch:
        while (text := qr_of(path)) is None:
            if not watch.wait(deadline - time.monotonic()):
                raise AssertionError(f"no QR code in {path} within {timeout} s")
        return text


class Watch:
    """Awaits that a file of a directory is written or renamed into place."""
    IN_CLOSE_WRITE, IN_MOVED_TO = 0x08, 0x80

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_CLOEXEC)
        events = self.IN_CLOSE_WRITE | self.IN_MOVED_TO
        if self.descriptor < 0 or libc.inotify_add_watch(
                self.descriptor, os.fsencode(self.directory), events) < 0:
            raise OSError(ctypes.get_errno(), f"cannot watch {self.directory}")
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def wait(self, timeout):
        ready, _, _ = select.select([self.descriptor], [], [], max(0, timeout))
        return bool(ready and os.read(self.descriptor, 65536))
