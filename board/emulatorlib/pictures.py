"""What displays show."""

import array
import dataclasses
import re
import struct
import zlib


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a display shows: three bytes per pixel, red, green, blue."""
    width: int
    height: int
    rgb: bytes

    @classmethod
    def read_ppm(cls, data):
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        width, height = int(head[1]), int(head[2])
        return cls(width, height, data[head.end():head.end() + 3 * width * height])

    def rows(self):
        """Each row as a tuple with 1 for a dark pixel and 0 for a light one."""
        # Green is most of the brightness.
        dark = self.rgb[1::3].translate(bytes([1] * 128 + [0] * 128))
        return tuple(tuple(dark[y * self.width:(y + 1) * self.width])
                     for y in range(self.height))

    def png(self):
        def chunk(kind, data):
            body = kind + data
            return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
        stride = 3 * self.width
        lines = b"".join(b"\0" + self.rgb[y * stride:(y + 1) * stride]
                         for y in range(self.height))
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


# The formats of the kernel's simple-framebuffer binding: bytes per pixel, and for red, green and
# blue the offset and the length of the bits.
FORMATS = {
    "r5g6b5": (2, (11, 5), (5, 6), (0, 5)),
    "x1r5g5b5": (2, (10, 5), (5, 5), (0, 5)),
    "a1r5g5b5": (2, (10, 5), (5, 5), (0, 5)),
    "r8g8b8": (3, (16, 8), (8, 8), (0, 8)),
    "x8r8g8b8": (4, (16, 8), (8, 8), (0, 8)),
    "a8r8g8b8": (4, (16, 8), (8, 8), (0, 8)),
    "a8b8g8r8": (4, (0, 8), (8, 8), (16, 8)),
    "x2r10g10b10": (4, (20, 10), (10, 10), (0, 10)),
}


@dataclasses.dataclass(frozen=True)
class SimpleFramebuffer:
    """Memory that the board's firmware would have set up as a picture (simple-framebuffer)."""
    width: int
    height: int
    format: str
    stride: int

    @classmethod
    def parse(cls, text):
        """Reads WIDTHxHEIGHT:FORMAT[:STRIDE]."""
        found = re.fullmatch(r"(\d+)x(\d+):(\w+)(?::(\d+))?", text)
        if not found or found[3] not in FORMATS:
            raise ValueError(f"{text} is not WIDTHxHEIGHT:FORMAT[:STRIDE] with one of the formats "
                             + ", ".join(FORMATS))
        width = int(found[1])
        least = width * FORMATS[found[3]][0]
        stride = int(found[4] or least)
        if stride < least:
            raise ValueError(f"{text}: a row takes {least} bytes at least")
        return cls(width, int(found[2]), found[3], stride)

    @property
    def size(self):
        """Bytes, in whole pages."""
        return (self.stride * self.height + 4095) // 4096 * 4096

    def picture(self, memory):
        size, *colours = FORMATS[self.format]
        known = {}

        def pixel(value):
            if value not in known:
                known[value] = bytes(((value >> offset) & ((1 << length) - 1)) * 255
                                     // ((1 << length) - 1) for offset, length in colours)
            return known[value]

        rows = []
        for y in range(self.height):
            row = memory[y * self.stride:y * self.stride + self.width * size]
            if size == 3:
                values = (int.from_bytes(row[x:x + 3], "little") for x in range(0, len(row), 3))
            else:
                values = array.array("H" if size == 2 else "I", row)
            rows.append(b"".join(map(pixel, values)))
        return Picture(self.width, self.height, b"".join(rows))
