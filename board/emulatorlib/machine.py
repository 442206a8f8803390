"""What QEMU has to know of each architecture."""

import dataclasses
import shutil

from binaries import Missing


@dataclasses.dataclass(frozen=True)
class Machine:
    """What differs between the architectures."""
    kernel_package: str
    qemu: str
    options: tuple
    console: str
    memory_start: int


MACHINES = {
    "arm64": Machine("linux-image-arm64", "qemu-system-aarch64",
                     ("-machine", "virt", "-cpu", "cortex-a53"), "ttyAMA0", 0x4000_0000),
    "armhf": Machine("linux-image-armmp", "qemu-system-arm",
                     ("-machine", "virt,highmem=off", "-cpu", "cortex-a15"), "ttyAMA0",
                     0x4000_0000),
    "amd64": Machine("linux-image-amd64", "qemu-system-x86_64",
                     ("-machine", "q35", "-cpu", "max"), "ttyS0", 0),
}
# By the words of the command line.
DEVICES = {"virtio-gpu": "virtio-gpu-pci", "bochs": "bochs-display", "cirrus": "cirrus-vga",
           "none": None}


def check_tools(machine):
    for name in (machine.qemu, "setpriv", "fdtput", "/sbin/mke2fs", "/sbin/depmod"):
        if not shutil.which(name):
            raise Missing(f"{name} is missing: run board/dependencies emulate")
