#!/usr/bin/env python3
"""The board's network: carries one connection of the board to this machine's loopback.

QEMU starts it for each connection, with the port: relay.py PORT.
"""

import contextlib
import os
import select
import socket
import sys

# What the network of the board calls this machine's loopback.
ADDRESS = "10.0.2.100"


def relay(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
        ways = {0: server.fileno(), server.fileno(): 1}
        while True:
            for source in select.select(list(ways), [], [])[0]:
                data = os.read(source, 65536)
                if not data:
                    return
                while data:
                    data = data[os.write(ways[source], data):]


if __name__ == "__main__":
    relay(int(sys.argv[1]))
