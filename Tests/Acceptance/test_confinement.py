"""`run` confines itself, and what has to be outside of that is."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from acceptance import DONE, for_each
from devicegrant import spellings
from hand_out import ask, eventually, token_from
from living import LivingTest
from servers import put_tokens


def status_of(process):
    """What the kernel says of a process, by name."""
    return dict(line.split(":\t", 1)
                for line in Path(f"/proc/{process}/status").read_text().splitlines())


def confinement(process):
    return [status_of(process)[name] for name in ("NoNewPrivs", "Seccomp")]


class ConfinementTest(LivingTest):
    def note(self, board, body):
        """A hook that writes down what `body` prints, in one step."""
        hook = board.directory / "hook"
        hook.write_text(f'#!/bin/sh\n{{ {body}; }} >"$0.part" && mv "$0.part" "$0.said"\n')
        hook.chmod(0o755)
        return hook

    def said(self, hook):
        path = Path(f"{hook}.said")
        eventually(path.exists)
        return path.read_text()

    def refresh(self, board, sandbox):
        """Has a living `run` renew what it is told to hold."""
        before = put_tokens(board, at=sandbox, expires_at=1)
        eventually(lambda: board.record["access_token"] != before["access_token"])
        return board.record


class InForce(ConfinementTest):
    def test_agent_is_confined_and_hooks_and_who_starts_them_are_not(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        elsewhere = board.directory.with_name(board.directory.name + "-elsewhere")
        self.addCleanup(elsewhere.unlink, missing_ok=True)
        hook = self.note(board, f"cat /proc/$$/status; touch {elsewhere}")
        board.change({"on_refreshed": hook, "socket": board.token_file.parent / "socket"})
        run = self.alive(board)
        self.assertEqual(["1", "2"], confinement(run.inner))
        self.assertEqual(confinement(os.getpid()), confinement(run.pid))
        lines = self.said(hook).splitlines()
        self.assertEqual(confinement(os.getpid()),
                         [dict(line.split(":\t", 1) for line in lines)[name]
                          for name in ("NoNewPrivs", "Seccomp")])
        self.assertTrue(elsewhere.exists())
        run.wait_for("sandbox: landlock and seccomp")

    def test_status_names_it(self):
        board = self.signed_in(self.sandbox())
        self.alive(board)
        eventually(lambda: "signed in" in ask(board.socket, "status"))
        self.assertIn("agent: signed in\nsandbox: landlock and seccomp\n",
                      board.run("status").stdout)
        state = json.loads(board.run("status", "--json").stdout)["standing"]
        self.assertEqual("landlock and seccomp", state["sandbox"])

    @for_each({"yes": True, "no": False})
    def test_nothing_is_written_where_the_configuration_did_not_lead(self, is_sandboxed):
        """Who gets hold of the agent can turn a link round, but not follow it."""
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        places = [board.directory.with_name(f"{board.directory.name}-{name}") for name in "ab"]
        for place in places:
            place.mkdir()
            self.addCleanup(subprocess.run, ["rm", "-rf", place], check=True)
        link = board.access_token_file.parent
        link.rmdir()
        link.symlink_to(places[0])
        board.change({"sandbox": "yes" if is_sandboxed else "no",
                      "socket": board.token_file.parent / "socket"})
        run = self.alive(board)
        eventually((places[0] / "access-token").exists)
        link.unlink()
        link.symlink_to(places[1])
        written = places[1] / "access-token"
        if not is_sandboxed:
            self.refresh(board, sandbox)
        else:
            put_tokens(board, at=sandbox, expires_at=1)
            run.wait_for("access-token: Permission denied")
            self.assertFalse(written.exists())
            # It leads there once somebody who may say so has said so.
            run.signal(signal.SIGHUP)
        eventually(written.exists)
        self.assertEnds(run)

    def test_it_can_be_switched_off(self):
        board = self.signed_in(self.sandbox(), {"sandbox": "no"})
        run = self.alive(board)
        run.wait_for("sandbox: off")
        self.assertEqual(confinement(os.getpid()), confinement(run.inner))

    @for_each({
        "no_landlock": (["landlock_create_ruleset:error=ENOSYS"], "seccomp"),
        "landlock_switched_off": (["landlock_create_ruleset:error=EOPNOTSUPP"], "seccomp"),
        "no_seccomp": (["seccomp:error=EINVAL"], "landlock"),
        "neither": (["landlock_create_ruleset:error=ENOSYS", "seccomp:error=ENOSYS"],
                    "none, the kernel has none")})
    def test_kernel_that_lacks_it(self, faults):
        """A kernel that has less is served all the same."""
        injections, words = faults
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=1)
        tracer = ["strace", "-f", "-o", os.devnull, "-e", "trace=landlock_create_ruleset,seccomp"]
        board.command = [*tracer, *(f"--inject={one}" for one in injections), *board.command]
        run = board.start("run")
        run.wait_for(f"sandbox: {words}\n")
        run.wait_for("refreshed")
        eventually(lambda: token_from(board.socket) == board.record["access_token"])


class Reload(ConfinementTest):
    def test_paths_of_the_new_configuration_are_used(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        process = run.pid
        new = board.directory.with_name(board.directory.name + "-new")
        new.mkdir()
        self.addCleanup(subprocess.run, ["rm", "-rf", new], check=True)
        anchors = new / "ca" / "anchors.pem"
        anchors.parent.mkdir()
        anchors.write_bytes(Path(sandbox.ca_file).read_bytes())
        board.token_file = new / "state" / "tokens.json"
        board.access_token_file = new / "public" / "access-token"
        board.access_token_file.parent.mkdir()
        put_tokens(board, at=sandbox)
        picture = new / "picture" / "screen.pbm"
        picture.parent.mkdir()
        hook = self.note(board, "echo run")
        board.socket = new / "socket"
        board.change({"token_file": board.token_file, "ca_file": anchors, "socket": board.socket,
                      "access_token_file": board.access_token_file, "on_refreshed": hook,
                      "display": f"pbm:{picture}"})
        run.signal(signal.SIGHUP)
        self.published(board)
        eventually(picture.exists)
        self.refresh(board, sandbox)
        self.assertEqual("run\n", self.said(hook))
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        self.assertEqual((process, None), (run.pid, run.code))
        self.assertEqual(["1", "2"], confinement(run.inner))
        self.assertEnds(run)

    def test_signal_that_ends_it_is_not_lost_in_a_reload(self):
        board = self.signed_in(self.sandbox())
        for _ in range(10):
            run = self.alive(board)
            run.wait_for("signed in as")
            run.signal(signal.SIGHUP)
            self.assertEnds(run)


class Places(ConfinementTest):
    def test_directory_of_the_tokens_that_somebody_removes_is_made_again(self):
        """As a factory reset does. What the sandbox allowed is gone with it."""
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        run = board.start("run")
        run.wait_for("signed in as")
        before = board.record
        self.remove(board.token_file.parent)
        run.wait_for("(?s)(signed in as.*){2}")
        self.assertNotEqual(before["access_token"], board.record["access_token"])

    def remove(self, directory):
        """The agent may write in it meanwhile."""
        def removed():
            try:
                shutil.rmtree(directory)
            except OSError:
                return False
            return True
        eventually(removed)

    def test_certificates_behind_a_link_are_read(self):
        sandbox = self.sandbox(approve_after=1)
        board = self.board(at=sandbox)
        for name in ("certificates", "links"):
            (board.directory / name).mkdir()
        place = board.directory / "certificates/ca.pem"
        shutil.copy(sandbox.ca_file, place)
        link = board.directory / "links/ca.pem"
        link.symlink_to(place)
        board.change({"ca_file": link})
        board.start("run").wait_for("signed in as")


class Halves(ConfinementTest):
    """The two processes are one to whoever looks at them from outside."""

    def test_inner_one_does_not_outlive_the_outer_one(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        inner = run.inner
        run.ended_by_us = True
        run.signal(signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{inner}").exists()
                   or status_of(inner)["State"].startswith("Z"))
        # Whoever starts it again finds nobody in the way.
        run = self.alive(board)
        self.assertEnds(run)

    def test_outer_one_ends_as_the_inner_one_does(self):
        board = self.signed_in(self.sandbox())
        run = self.alive(board)
        run.ended_by_us = True
        os.kill(run.inner, signal.SIGKILL)
        self.assertEqual(-signal.SIGKILL, run.wait(5).code)

    def test_outer_one_knows_no_secret_and_has_no_descriptor_of_the_others(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        run.wait_for("signed in as")
        record = board.record
        self.assertEqual({}, places_of(run.pid, {
            "access": record["access_token"], "refresh": record["refresh_token"],
            "client": sandbox.client_secret}))
        names = [os.readlink(path) for path in Path(f"/proc/{run.pid}/fd").iterdir()]
        self.assertFalse([name for name in names if name.startswith(str(board.directory))])


class Memory(ConfinementTest):
    """What is over leaves no trace in the memory of who lives on. The client's secret stays: the
    next sign-in needs it."""

    def agent_with_all(self, **options):
        sandbox = self.sandbox(rotation="single-use", **options)
        board = self.agent_board(sandbox, {"log_level": "debug"})
        hook = self.note(board, "echo")
        board.change({"on_signed_in": hook, "display": f"console,pbm:{board.directory}/s.pbm"})
        run = self.alive(board)
        code = run.announced()
        sandbox.approve(code["user_code"])
        run.wait_for("signed in as")
        self.said(hook)
        token_from(board.socket)
        return sandbox, board, run

    def assertForgotten(self, run, secrets):
        for process in (run.pid, run.inner):
            try:
                eventually(lambda: not places_of(process, secrets), 5, 0.2)
            except AssertionError:
                self.fail(f"process {process} of {run.pid} has {places_of(process, secrets)}")

    def test_old_tokens_are_gone_after_a_refresh(self):
        sandbox, board, run = self.agent_with_all(access_lifetime=6)
        old = board.record
        eventually(lambda: board.record["refresh_token"] != old["refresh_token"])
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        # Who asks for it gets what is in a buffer of its own.
        self.assertForgotten(run, {"access": old["access_token"], "refresh": old["refresh_token"]})

    def test_nothing_of_the_grant_is_left_after_a_sign_out(self):
        sandbox, board, run = self.agent_with_all()
        record = board.record
        held = places_of(run.inner, {"access": record["access_token"]})
        self.assertTrue(held, "the search finds nothing where there is something")
        device_code, = sandbox.grants.by_device_code
        self.assertExit(DONE, board.run("sign-out"))
        run.wait_for("(?s)user_code.*user_code")
        self.assertForgotten(run, {
            "access": record["access_token"], "refresh": record["refresh_token"],
            "device": device_code})
        # In the configuration as it was read, and nowhere else.
        eventually(lambda: [len(places) for places in places_of(
            run.inner, {"client": sandbox.client_secret}).values()] == [1], 5)


def places_of(process, secrets):
    """Which of the secrets, by name, are in a process's memory, and where."""
    found = {}
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb") as memory:
        for line in maps:
            words = line.split()
            first, end = (int(word, 16) for word in words[0].split("-"))
            if not words[1].startswith("rw") or words[-1] in ("[vvar]", "[vsyscall]"):
                continue
            memory.seek(first)
            data = memory.read(end - first)
            for name, secret in secrets.items():
                for form in spellings(secret):
                    at = data.find(form)
                    while at >= 0:
                        around = data[max(0, at - 24):at]
                        found.setdefault(name, []).append(
                            (words[-1] if len(words) > 5 else "bss", hex(at), around))
                        at = data.find(form, at + 1)
    return found
