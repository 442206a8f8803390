"""What a board's firmware would have set up: framebuffers in the device tree."""

import subprocess

from .common import run


def dump(options, machine, directory):
    """The device tree that QEMU makes for the board that these options start; returns its path."""
    path = directory / "board.dtb"
    dumping = [f"{word},dumpdtb={path}" if word == machine.options[1] else word
               for word in options]
    run(*dumping, cwd=directory, stdin=subprocess.DEVNULL)
    return path


def add_framebuffers(path, panels):
    """Adds simple framebuffers to a device tree: pairs of an address and a SimpleFramebuffer."""
    def put(node, name, kind, *values):
        run("fdtput", "-p", "-t", kind, path, node, name, *values)

    reserved = "/reserved-memory"
    put(reserved, "#address-cells", "u", 2)
    put(reserved, "#size-cells", "u", 2)
    run("fdtput", "-t", "x", path, reserved, "ranges")
    # Each node goes in front of the others, and the kernel counts them as it finds them.
    for address, panel in reversed(panels):
        region = ("0", f"{address:x}", "0", f"{panel.size:x}")
        put(f"{reserved}/picture@{address:x}", "reg", "x", *region)
        run("fdtput", "-t", "x", path, f"{reserved}/picture@{address:x}", "no-map")
        node = f"/framebuffer@{address:x}"
        put(node, "compatible", "s", "simple-framebuffer")
        put(node, "reg", "x", *region)
        put(node, "width", "u", panel.width)
        put(node, "height", "u", panel.height)
        put(node, "stride", "u", panel.stride)
        put(node, "format", "s", panel.format)
