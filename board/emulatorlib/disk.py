"""The disk that keeps a board's state."""

from .common import run


def make_disk(path, megabytes=16, tree=None):
    """A disk with an ext4 that belongs to root, empty unless there is a tree of files for it."""
    with open(path, "wb") as file:
        file.truncate(megabytes << 20)
    filled = ["-d", tree] if tree else []
    run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", *filled, path)
