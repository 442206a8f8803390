"""Emulated boards, in parts: `board/emulate` starts one.

emulator    one board: booted, talked to over its serial line, looked at from outside, powered off
machine     how the architectures differ for QEMU; `devicetree` is what firmware would have set up
debian      the kernel, its modules and the libraries, out of Debian's packages
initramfs   what the kernel starts with; `disk` is what keeps the board's state
pictures    what displays show; `monitor` is QEMU's control socket, `relay` the board's network
command     the command line
"""
