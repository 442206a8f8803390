"""The programs that `run` starts when something happens."""

import os
import time
from pathlib import Path

from acceptance import for_each
from hand_out import eventually, token_from
from living import LivingTest

# Writes its environment, which is there whole or not at all.
NOTE = 'env > "$0.$DEVICEGRANT_EVENT.part" && mv "$0.$DEVICEGRANT_EVENT.part" ' \
       '"$0.$DEVICEGRANT_EVENT"\n'


class HookTest(LivingTest):
    def program(self, board, body=NOTE, name="hook"):
        path = board.directory / name
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)
        return path

    def all_hooks(self, board, body=NOTE):
        path = self.program(board, body)
        board.change({key: path for key in ("on_code", "on_signed_in", "on_refreshed", "on_lost")})
        return path

    def facts(self, path, event):
        """The environment of the program at that event, once it has run."""
        note = Path(f"{path}.{event}")
        eventually(note.exists)
        return dict(line.partition("=")[::2] for line in note.read_text().splitlines())


class Facts(HookTest):
    def test_code_and_sign_in(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        path = self.all_hooks(board)
        run = self.alive(board)
        code = run.announced()
        facts = self.facts(path, "code")
        self.assertEqual(code["user_code"], facts["DEVICEGRANT_USER_CODE"])
        self.assertEqual(code["uri"], facts["DEVICEGRANT_VERIFICATION_URI"])
        self.assertEqual(f"{code['uri']}?user_code={code['user_code']}",
                         facts["DEVICEGRANT_VERIFICATION_URI_COMPLETE"])
        self.assertEqual(code["expires_in"], facts["DEVICEGRANT_EXPIRES_IN"])
        sandbox.approve(code["user_code"])
        facts = self.facts(path, "signed_in")
        self.assertEqual("openid profile", facts["DEVICEGRANT_SCOPE"])
        self.assertEqual(str(board.record["expires_at"]), facts["DEVICEGRANT_EXPIRES_AT"])
        self.assertNotIn("DEVICEGRANT_USER_CODE", facts)

    def test_refresh(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        path = self.all_hooks(board)
        self.alive(board)
        facts = self.facts(path, "refreshed")
        self.assertEqual(str(board.record["expires_at"]), facts["DEVICEGRANT_EXPIRES_AT"])
        self.assertFalse(Path(f"{path}.signed_in").exists())

    def test_loss(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        path = self.all_hooks(board)
        sandbox.disconnect()
        self.alive(board)
        self.assertIn("invalid_grant", self.facts(path, "lost")["DEVICEGRANT_REASON"])
        self.facts(path, "code")

    def test_it_has_no_capability_and_no_descriptor_but_three(self):
        """What `run` itself was given, by systemd or by whoever has started it, stays with it."""
        board = self.agent_board(self.sandbox())
        path = self.all_hooks(board, 'grep ^Cap /proc/self/status > "$0.caps"\n'
                                     'ls /proc/self/fd/77 > "$0.open" 2>&1\n' + NOTE)
        with open(os.devnull) as file:
            os.dup2(file.fileno(), 77)
        self.addCleanup(os.close, 77)
        self.alive(board, pass_fds=(77,))
        self.facts(path, "code")
        self.assertIn("No such file", Path(f"{path}.open").read_text())
        sets = dict(line.split(":\t") for line in Path(f"{path}.caps").read_text().splitlines())
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(0, int(sets[name], 16), name)

    def test_published_token_is_there_already(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        path = self.all_hooks(
            board, f'stat -c %s {board.access_token_file} > "$0.size"\n{NOTE}')
        self.alive(board)
        self.facts(path, "refreshed")
        self.assertEqual(len(board.published), int(Path(f"{path}.size").read_text()))

    def test_grant_that_is_there_at_the_start_is_no_event(self):
        board = self.signed_in(self.sandbox())
        path = self.all_hooks(board)
        run = self.alive(board)
        run.wait_for("signed in as")
        self.assertEnds(run)
        self.assertEqual([], list(board.directory.glob(f"{path.name}.*")))

    @for_each({"webex": "webex", "rfc": "rfc"})
    def test_no_secret_is_in_any_environment(self, personality):
        """The search at the end of each test finds it, since the notes are files."""
        sandbox = self.sandbox(personality, access_lifetime=2, rotation="single-use")
        board = self.agent_board(sandbox)
        board.environment["DEVICEGRANT_CLIENT_SECRET"] = sandbox.client_secret
        board.environment["CLIENT_SECRET"] = sandbox.client_secret
        path = self.all_hooks(
            board, f'tr "\\0" "\\n" < /proc/$$/environ > "$0.$DEVICEGRANT_EVENT.environ"\n'
                   f'tr "\\0" " " < /proc/$$/cmdline > "$0.$DEVICEGRANT_EVENT.cmdline"\n'
                   f'tr "\\0" " " < /proc/$PPID/cmdline > "$0.$DEVICEGRANT_EVENT.parent"\n{NOTE}')
        run = self.alive(board)
        sandbox.approve(run.announced()["user_code"])
        self.facts(path, "signed_in")
        self.facts(path, "refreshed")
        sandbox.disconnect()
        facts = self.facts(path, "lost")
        self.assertNotIn("CLIENT_SECRET", facts)
        self.assertNotIn("DEVICEGRANT_CLIENT_SECRET", facts)
        self.assertEqual(board.environment["HOME"], facts["HOME"])

    def test_it_inherits_no_descriptor_and_no_terminal(self):
        board = self.signed_in(self.sandbox(), expires_at=1)
        path = self.all_hooks(board, f'ls -l /proc/$$/fd > "$0.fds"\n{NOTE}')
        self.alive(board)
        self.facts(path, "refreshed")
        listed = Path(f"{path}.fds").read_text()
        for word in ("socket:", "anon_inode", "tokens.json", "state"):
            self.assertNotIn(word, listed)

    def test_hostile_words_of_the_server_are_data(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="device", merge={"user_code": "$(touch hacked) `x` ; y"})
        board = self.agent_board(sandbox)
        path = self.all_hooks(board)
        self.alive(board)
        self.assertIn("$(touch hacked)", self.facts(path, "code")["DEVICEGRANT_USER_CODE"])
        self.assertFalse((board.directory / "hacked").exists())


class Trouble(HookTest):
    """Whatever a program does, `run` goes on."""

    def renewed_with(self, **change):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        board.change(change)
        run = self.alive(board)
        run.wait_for("refreshed")
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        return board, run

    @for_each({"missing": None, "not_executable": 0o644, "no_program": 0o755})
    def test_that_cannot_be_run(self, mode):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        path = board.directory / "hook"
        if mode:
            path.write_bytes(b"\x00\x01\x02 no program")
            path.chmod(mode)
        board.change({"on_refreshed": path})
        run = self.alive(board)
        line = run.wait_for(r"on_refreshed: cannot run .*\n")[0]
        self.assertIn(str(path), line)
        self.assertEqual(board.record["access_token"], token_from(board.socket))

    def test_exit_code_is_logged(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        board.change({"on_refreshed": self.program(board, "exit 3\n")})
        self.alive(board).wait_for("on_refreshed.*exit code 3")

    def test_signal_is_logged(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        board.change({"on_refreshed": self.program(board, "kill -9 $$\n")})
        self.alive(board).wait_for("on_refreshed.*signal 9")

    def test_output_goes_to_the_log(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        board.change({"on_refreshed": self.program(board, "echo one; echo two >&2\n")})
        run = self.alive(board)
        run.wait_for("one\n")
        run.wait_for("two\n")
        self.assertEqual("", run.stdout)

    def test_slow_hanging_program_is_ended_with_its_children(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        body = 'trap "" TERM HUP\nsleep 100 &\necho $! > "$0.child"\necho $$ > "$0.pid"\nwait\n'
        path = self.program(board, body)
        board.change({"on_refreshed": path})
        run = self.alive(board)
        eventually(lambda: Path(f"{path}.pid").exists() and Path(f"{path}.pid").read_text())
        began = time.monotonic()
        processes = [int(Path(f"{path}.{name}").read_text()) for name in ("child", "pid")]
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertTrue(all(is_alive(process) for process in processes))
        run.wait_for("on_refreshed.*time limit", 20)
        self.assertGreater(time.monotonic() - began, 8)
        eventually(lambda: not any(is_alive(process) for process in processes))
        self.assertEqual(board.record["access_token"], token_from(board.socket))

    def test_running_program_ends_with_run(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        path = self.program(board, 'echo $$ > "$0.pid"\nexec sleep 100\n')
        board.change({"on_refreshed": path})
        run = self.alive(board)
        eventually(lambda: Path(f"{path}.pid").exists() and Path(f"{path}.pid").read_text())
        process = int(Path(f"{path}.pid").read_text())
        self.assertEnds(run)
        eventually(lambda: not is_alive(process))

    def test_many_at_once_are_bounded(self):
        sandbox = self.sandbox(expires_in=600)
        board = self.signed_in(sandbox)
        path = self.program(board, 'echo x >> "$0.count"\nexec sleep 100\n')
        board.change({"on_code": path})
        run = self.alive(board)
        for number in range(1, 13):
            run.signal(10)      # SIGUSR1
            eventually(lambda: run.stderr.count("sign in with user_code") == number)
        run.wait_for("too many programs")
        self.assertLessEqual(Path(f"{path}.count").read_text().count("x"), 8)
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEnds(run)

    def test_relative_path_is_a_mistake(self):
        board = self.signed_in(self.sandbox())
        board.change({"on_lost": "hook"})
        self.assertExit(78, board.run("run"), "on_lost")


def is_alive(process):
    """Whether it runs; a zombie, which nobody has waited for yet, does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
