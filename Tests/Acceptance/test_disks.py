"""What a board's disk keeps of the grant: when the power is cut, on vfat, when the disk is full."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import DONE, FILE, AcceptanceTest, for_each
from emulator import Emulator, on_board

STATE = "/var/lib/devicegrant"
# A token lives a second, so that each program that asks for one refreshes it.
ASK = "devicegrant token >/run/token"
REFRESH_FOR_EVER = f"while :; do {ASK}; done"
# What there may be once a program has got its token.
KEPT = {"tokens.json" + end for end in ("", ".lock", ".previous", ".name", ".person", ".sent")}
KEPT |= {"lost+found"}
# Cuts in a test. What is not on armhf has less time.
CUTS = {"arm64": 3, "armhf": 20}


class OnDisks(AcceptanceTest):
    def setUp(self):
        super().setUp()
        # What was sent and not kept counts again, as at servers that are made for such boards.
        self.server = self.sandbox(approve_after=1, rotation="single-use", reuse_grace=600,
                                   access_lifetime=1)
        self.disk = Path(self.enterContext(tempfile.TemporaryDirectory())) / "disk.img"

    def boot(self, architecture, command):
        files = on_board(self.server.settings(), {"display": "none"})
        return self.enterContext(Emulator(architecture, disk=self.disk, port=self.server.port,
                                          display="none", files=files, command=command))

    def record(self):
        """What the token file holds, after what the kernel would repair."""
        subprocess.run(["/sbin/e2fsck", "-fp", self.disk], check=False, capture_output=True)
        return json.loads(subprocess.run(
            ["/sbin/debugfs", "-R", "cat tokens.json", self.disk], check=True,
            capture_output=True).stdout)

    def check_success(self, board):
        """A program gets its token, and nothing is left of what was cut off."""
        code, said = board.command(ASK)
        self.assertEqual(DONE, code, said)
        names = board.command(f"ls -A {STATE}")[1].split()
        self.assertIn("tokens.json", names)
        self.assertLessEqual(set(names), KEPT)

    def check_full_disk(self, board):
        """What can't be kept is not asked for; with room again, all goes on."""
        board.command(f"dd if=/dev/zero of={STATE}/fill bs=4096 2>/run/dd; sleep 2")
        asked = len(self.server.to("refresh"))
        self.assertEqual(FILE, board.command(ASK)[0])
        self.assertEqual(asked, len(self.server.to("refresh")))
        board.command(f"rm {STATE}/fill")
        self.check_success(board)

    def check_serial(self, board):
        for secret in self.server.secrets:
            self.assertNotIn(secret, board.serial)

    @for_each({architecture: architecture for architecture in CUTS})
    def test_slow_power_cuts_in_a_loop_of_refreshes(self, architecture):
        dice, beginning = self.dice(), "devicegrant sign-in; "
        for _ in range(CUTS[architecture]):
            board = self.boot(architecture, beginning + REFRESH_FOR_EVER)
            beginning = ""
            board.wait_for("refreshed")
            time.sleep(dice.uniform(0, 3))
            board.cut_power()
            self.check_serial(board)
            self.assertIn(self.record()["access_token"], self.server.tokens)
            self.assertIn(self.record()["refresh_token"], self.server.tokens)
        board = self.boot(architecture, ":")
        self.assertEqual(DONE, board.booted())
        self.check_success(board)
        self.check_full_disk(board)

    @for_each({"arm64": "arm64", "armhf": "armhf"})
    def test_slow_kills_on_vfat(self, architecture):
        dice = self.dice()
        with open(self.disk, "wb") as file:
            file.truncate(16 << 20)
        board = self.boot(architecture, f"mkdosfs /dev/vda && mount -t vfat -o umask=077 /dev/vda "
                                        f"{STATE} && devicegrant sign-in")
        self.assertEqual(DONE, board.booted())
        for _ in range(15):
            # A record ends with a brace and the end of its line.
            code, said = board.command(
                f"{ASK} & sleep {dice.uniform(0.02, 1.5):.2f}; kill -9 $!; wait $!; "
                f"tail -c 2 {STATE}/tokens.json | grep -q '}}'")
            self.assertEqual(DONE, code, said)
        self.check_success(board)
        self.check_full_disk(board)
        self.check_serial(board)
