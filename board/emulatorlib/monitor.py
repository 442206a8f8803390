"""QEMU's control socket (QMP)."""

import json
import socket
import time


class Monitor:
    """QEMU's control socket (QMP)."""

    def __init__(self, path, process):
        deadline = time.monotonic() + 30
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise ConnectionError("QEMU did not start") from None
                # QEMU has no way to say that the socket is there.
                time.sleep(0.02)
        self._stream = self._socket.makefile("rw")
        self._stream.readline()
        self.execute("qmp_capabilities")

    def execute(self, name, **arguments):
        json.dump({"execute": name, "arguments": arguments}, self._stream)
        self._stream.write("\n")
        self._stream.flush()
        while True:
            line = self._stream.readline()
            if not line:
                raise ConnectionError(f"QEMU went away during {name}")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
