"""The token file."""

import json
import os
import resource
import stat
import time

from acceptance import (CANNOT_CREATE, CONFIGURATION, DENIED, DONE, FILE, PERSONALITIES,
                        AcceptanceTest, for_each)
from hand_out import Lock
from preload import preload
from servers import put_tokens

DAMAGE = {"empty": b"", "truncated": b'{"access_token": "abc', "not_json": b"hello",
          "list": b"[]", "binary": bytes(range(256)), "members_missing": b"{}",
          "wrong_type": b'{"access_token": 5, "token_type": [], "expires_at": "x"}',
          "oversize": b'{"access_token": "' + b"a" * 200000 + b'"}'}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class TokenFile(AcceptanceTest):
    @for_each({p: p for p in PERSONALITIES})
    def test_contents(self, personality):
        sandbox = self.sandbox(personality, approve_after=1)
        run = self.sign_in(sandbox)
        saved = json.loads(run.board.token_file.read_text())
        figures = {"expires_at": sandbox.access_lifetime,
                   "refresh_token_expires_at": sandbox.refresh_lifetime}
        for member, lifetime in figures.items():
            self.assertAlmostEqual(time.time() + lifetime, saved.pop(member), delta=5)
        self.assertIn(saved.pop("access_token"), sandbox.tokens)
        self.assertIn(saved.pop("refresh_token"), sandbox.tokens)
        self.assertEqual({"token_type": "Bearer", "scope": sandbox.personality.default_scope,
                          "token_endpoint": sandbox.endpoints["token_endpoint"],
                          "client_id": sandbox.client_id}, saved)

    @for_each({"usual": 0o022, "open": 0o000, "tight": 0o777})
    def test_modes_whatever_the_umask(self, umask):
        run = self.sign_in(self.sandbox(approve_after=1), umask=umask)
        self.assertExit(DONE, run)
        self.assertEqual(0o600, mode(run.board.token_file))
        self.assertEqual(0o700, mode(run.board.token_file.parent))

    def test_previous_generation_is_kept_beside_it(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        put_tokens(board, sandbox, expires_at=1)
        first = board.token_file.read_bytes()
        self.assertExit(DONE, board.run("token"))
        self.assertNotEqual(first, board.token_file.read_bytes())
        kept = [path for path in board.token_file.parent.iterdir() if path.read_bytes() == first]
        self.assertEqual(1, len(kept))
        self.assertEqual(0o600, mode(kept[0]))
        # Of another sign-in's there is nothing beside it.
        second = board.token_file.read_bytes()
        self.assertExit(DONE, board.run("sign-in"))
        kept = [path for path in board.token_file.parent.iterdir()
                if path.read_bytes() in (first, second)]
        self.assertEqual([], kept)

    def test_nothing_else_is_left_behind(self):
        board = self.board(at=self.sandbox(approve_after=1))
        self.assertExit(DONE, board.run("sign-in"))
        for path in board.token_file.parent.iterdir():
            self.assertTrue(path.name.startswith(("tokens.json", ".tokens.json")), path.name)
            self.assertEqual(0o600, mode(path), path.name)

    @for_each(DAMAGE)
    def test_damaged_file_is_reported_and_set_aside(self, content):
        board = self.board(at=self.sandbox(approve_after=1))
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.write_bytes(content)
        board.token_file.chmod(0o600)
        run = board.run("sign-in")
        self.assertExit(DONE, run, "tokens.json", "signed in")
        aside = [path for path in board.token_file.parent.iterdir()
                 if path != board.token_file and path.read_bytes() == content]
        self.assertTrue(aside or not content, "the damaged file is gone")
        json.loads(board.token_file.read_text())

    @for_each({"under_a_file": "occupied/tokens.json", "is_a_directory": "folder",
               "no_such_device": "/proc/devicegrant/tokens.json", "read_only": "/sys/tokens.json"})
    def test_unwritable_file_is_found_out_before_any_request(self, path):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        (board.directory / "occupied").touch()
        (board.directory / "folder").mkdir()
        board.token_file = board.directory / path
        run = board.run("sign-in", "--token-file", board.token_file)
        self.assertExit(FILE, run, str(board.token_file))
        self.assertNotIn("user_code=", run.stderr)
        self.assertEqual([], sandbox.requests)

    def test_unwritable_directory_of_another_user(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.directory.chmod(0o755)
        # Only root may change to another account, and only root is not stopped by modes.
        as_nobody = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        closed = board.directory / "closed"
        closed.mkdir(mode=0o555)
        board.configuration.chmod(0o644)
        sandbox.directory.chmod(0o755)
        sandbox.ca_file.chmod(0o644)
        board.token_file = closed / "deep" / "tokens.json"
        run = board.run("sign-in", "--token-file", board.token_file, **as_nobody)
        self.assertExit(FILE, run, str(closed))
        self.assertEqual([], sandbox.requests)

    def test_symbolic_link_in_its_place_is_not_followed_out(self):
        board = self.board(at=self.sandbox(approve_after=1))
        elsewhere = board.directory / "tokens.json.elsewhere"
        elsewhere.write_text("precious")
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.symlink_to(elsewhere)
        self.assertExit(DONE, board.run("sign-in"))
        self.assertEqual("precious", elsewhere.read_text())

    def test_symbolic_link_in_its_place_is_not_read_through(self):
        """What it leads to would outlive a sign-out."""
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        put_tokens(board, at=sandbox)
        elsewhere = board.token_file.rename(board.directory / "tokens.json.elsewhere")
        board.token_file.symlink_to(elsewhere)
        self.assertExit(DENIED, board.run("status"))
        self.assertExit(DENIED, board.run("token"), "not signed in")

    def test_lock_that_cannot_be_had_is_found_out_before_a_code(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.with_name("tokens.json.lock").mkdir()
        run = board.run("sign-in")
        self.assertExit(FILE, run, "locked", str(board.token_file))
        self.assertNotIn("user_code=", run.stderr)
        self.assertEqual([], sandbox.requests)

    def test_lock_that_another_holds_all_the_time_costs_no_tokens(self):
        """Here until the end of the program: waiting for it would take half a minute."""
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.token_file.parent.mkdir(mode=0o700)
        with Lock(board.token_file):
            run = board.start("run")
            sandbox.wait_for(lambda _: sandbox.grants.families)
            run.signal()
            self.assertExit(DONE, run.wait())
        self.assertTrue(sandbox.accepts(board.record["access_token"]))

    def test_largest_size_of_a_file_is_an_error_in_words(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        run = board.run("sign-in", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (0, 0)))
        self.assertExit(FILE, run, "File too large")
        self.assertEqual([], sandbox.requests)

    @for_each({"token": "token", "whoami": "whoami"})
    def test_refresh_token_is_not_sent_where_its_successor_cannot_be_kept(self, command):
        sandbox = self.sandbox(rotation="single-use")
        board = self.board(at=sandbox)
        put_tokens(board, at=sandbox, expires_at=1)
        old = board.record
        size = board.token_file.stat().st_size
        run = board.run(command, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (size, size)))
        self.assertExit(FILE, run)
        self.assertEqual([], sandbox.to("refresh"))
        self.assertEqual(old, board.record)
        self.assertEqual([], list(board.token_file.parent.glob("*.probe")))
        self.assertExit(DONE, board.run(command))

    def test_access_token_file_in_the_token_files_place(self):
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        board.change({"access_token_file": board.token_file})
        put_tokens(board, at=sandbox)
        old = board.record
        self.assertExit(CONFIGURATION, board.run("sign-in"), "access_token_file", "token file")
        self.assertEqual(old, board.record)

    def test_directory_in_the_access_token_files_place(self):
        sandbox = self.sandbox()
        board = self.board(at=sandbox)
        board.change({"access_token_file": board.access_token_file})
        board.access_token_file.mkdir()
        self.assertExit(CANNOT_CREATE, board.run("sign-in"), str(board.access_token_file))
        self.assertEqual([], sandbox.requests)

    def in_a_mount_namespace(self, board, script):
        """Has the board's programs run where a shell has mounted something, with the token file as
        `$0`."""
        board.command = ["unshare", "-rm", "sh", "-ec", f'{script}; exec "$@"', board.token_file,
                         *board.command]

    @for_each({"sign_in": "sign-in", "run": "run"})
    def test_token_file_that_is_a_mount_is_found_out_before_a_code(self, command):
        """As a container is given one file: nothing can be renamed over it."""
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.token_file.parent.mkdir(mode=0o700)
        board.token_file.touch(0o600)
        self.in_a_mount_namespace(board, 'mount --bind "$0" "$0"')
        run = board.run(command)
        self.assertExit(FILE, run, "can't be replaced", "mount its directory")
        self.assertEqual([], sandbox.requests)

    @for_each({"token": "token", "whoami": "whoami"})
    def test_refresh_token_is_not_sent_where_the_token_file_is_a_mount(self, command):
        sandbox = self.sandbox(rotation="single-use")
        board = self.board(at=sandbox)
        put_tokens(board, at=sandbox, expires_at=1)
        self.in_a_mount_namespace(board, 'mount --bind "$0" "$0"')
        self.assertExit(FILE, board.run(command), "mount its directory")
        self.assertEqual([], sandbox.to("refresh"))

    def test_access_token_file_that_is_a_mount_is_found_out_before_a_code(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.change({"access_token_file": board.access_token_file})
        board.access_token_file.touch()
        self.in_a_mount_namespace(
            board, f"mount --bind {board.access_token_file} {board.access_token_file}")
        self.assertExit(CANNOT_CREATE, board.run("sign-in"), str(board.access_token_file))
        self.assertEqual([], sandbox.requests)

    def test_file_system_without_modes_is_found_out_before_a_code(self):
        """As vfat is with its defaults: whatever is asked for, each file has mode 0755."""
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        preload(board, "vfat")
        self.assertExit(FILE, board.run("sign-in"), "mount with umask=077")
        self.assertEqual([], sandbox.requests)

    @for_each({"open": (0o777, True), "of_a_group": (0o770, True), "readable": (0o755, False)})
    def test_directory_that_others_may_change_is_told_of(self, row):
        permissions, is_told = row
        board = self.board(at=self.sandbox(approve_after=1))
        board.token_file.parent.mkdir()
        board.token_file.parent.chmod(permissions)
        for command in ("sign-in", "status"):
            run = board.run(command)
            self.assertExit(DONE, run)
            self.assertEqual(is_told, "chmod go-w" in run.stderr, run.stderr)

    def test_lock_of_another_user_is_found_out_before_a_code(self):
        """Who owns it can hold it for ever. Only root may give a file away."""
        if os.getuid() != 0:
            return
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.token_file.parent.mkdir(mode=0o777)
        board.token_file.parent.chmod(0o777)
        lock = board.token_file.with_name("tokens.json.lock")
        lock.touch()
        os.chown(lock, 65534, 65534)
        self.assertExit(FILE, board.run("sign-in"), "remove its .lock")
        self.assertEqual([], sandbox.requests)
        lock.unlink()
        self.assertExit(DONE, board.run("sign-in"))

    MEMORY = 'mount -t tmpfs -o mode=700 none "${0%/*}"; '
    # What is below is on the disk, what is written goes where {} says.
    OVERLAY = ('mkdir -p lower mem; {}mkdir -p mem/upper mem/work; mount -t overlay -o '
               'lowerdir=lower,upperdir=$PWD/mem/upper,workdir=$PWD/mem/work o "${{0%/*}}"; '
               'chmod 700 "${{0%/*}}"; ')

    @for_each({"in_memory": (MEMORY, True), "on_disk": (None, False),
               "overlay_in_memory": (OVERLAY.format("mount -t tmpfs none mem; "), True),
               "overlay_on_disk": (OVERLAY.format(""), False)})
    def test_token_file_in_memory_is_told_of(self, row):
        script, is_told = row
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        board.token_file.parent.mkdir(mode=0o700)
        if script:
            self.in_a_mount_namespace(
                board, f'{script} "$1" sign-in --config {board.configuration}')
        else:
            self.assertExit(DONE, board.run("sign-in"))
        run = board.run("status")
        self.assertExit(DONE, run)
        self.assertEqual(2 * is_told, run.stderr.count("is in memory"), run.stderr)
        # In its sandbox it can't look.
        run = board.start("run")
        run.wait_for("there is a grant|user_code=")
        self.assertEqual(is_told, "is in memory" in run.stderr)

    @for_each({"state_directory": ({"STATE_DIRECTORY": "{}/s"}, "s/tokens.json"),
               "state_directory_before_xdg": ({"STATE_DIRECTORY": "{}/s", "XDG_STATE_HOME": "{}/x"},
                                              "s/tokens.json")})
    def test_default_place(self, row):
        self.check_place(*row)

    @for_each({"xdg": ({"XDG_STATE_HOME": "{}/x"}, "x/devicegrant/tokens.json"),
               "relative_xdg": ({"XDG_STATE_HOME": "x", "HOME": "{}/h"},
                                "h/.local/state/devicegrant/tokens.json"),
               "home": ({"HOME": "{}/h"}, "h/.local/state/devicegrant/tokens.json")})
    def test_default_place_of_an_ordinary_user(self, row):
        as_nobody = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        self.check_place(*row, **as_nobody)

    def check_place(self, environment, expected, **account):
        sandbox = self.sandbox(approve_after=1)
        board = self.board()
        board.configure({**sandbox.settings(), "display": "none"})
        for path in (board.directory, sandbox.directory):
            path.chmod(0o777)
        for path in (board.configuration, sandbox.ca_file):
            path.chmod(0o644)
        filled = {k: v.format(board.directory) for k, v in environment.items()}
        board.token_file = board.directory / expected
        run = board.run("sign-in", environment=filled, **account)
        self.assertExit(DONE, run)
        self.assertTrue(board.token_file.is_file())
