"""Connections and HTTP framing."""

import json
import os
import socket
import time

from acceptance import DATA, DONE, PERSONALITIES, AcceptanceTest, for_each
from sandboxlib.wire import shut

BOTH = {name: name for name in PERSONALITIES}


class Connections(AcceptanceTest):
    @for_each(BOTH)
    def test_one_handshake_for_a_whole_sign_in(self, personality):
        sandbox = self.sandbox(personality, approve_after=3)
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual(1, len(sandbox.connections), sandbox.summary())

    @for_each({"announced": "announced", "silent": "silent"})
    def test_closed_connection_is_reopened_with_a_resumed_session(self, close):
        sandbox = self.sandbox(approve_after=3, script=[{"close": close}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 1, 1])
        self.assertEqual([False] + [True] * (len(sandbox.connections) - 1),
                         [c.resumed for c in sandbox.connections])
        self.assertGreaterEqual(len(sandbox.connections), 4)

    def test_a_closed_idle_connection_costs_no_warning_and_no_delay(self):
        sandbox = self.sandbox(interval=2, idle_timeout=0.5, approve_after=2)
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertLess(max(self.assertGaps(sandbox, [2, 2])), 3)

    def test_names_the_server_in_the_handshake(self):
        sandbox = self.sandbox(approve_after=1)
        self.sign_in(sandbox)
        self.assertEqual("localhost", sandbox.connections[0].server_name)
        self.assertEqual("http/1.1", sandbox.connections[0].alpn)

    def test_uses_ipv4_where_ipv6_is_refused(self):
        sandbox = self.sandbox(approve_after=1)
        # The name has both addresses; only the second listener, IPv6, goes.
        for listener in sandbox._listeners[1:]:
            listener.close()
        self.assertExit(DONE, self.sign_in(sandbox))


    def test_a_silent_address_costs_a_quarter_of_a_second_once(self):
        sandbox = self.sandbox(approve_after=3, script=[{"close": "announced"}])
        shut(sandbox._listeners[1])
        sandbox._listeners[1].close()
        # Whoever connects to a full queue hears nothing.
        with socket.create_server(("::1", sandbox.port), family=socket.AF_INET6,
                                  backlog=0) as full:
            for _ in range(2):
                filler = self.enterContext(socket.socket(socket.AF_INET6))
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            run = self.board_that_finds(["::1", "127.0.0.1"], at=sandbox).run("sign-in")
        self.assertExit(DONE, run)
        self.assertGreaterEqual(len(sandbox.connections), 4)
        # Three pauses of a second, and the rest is for the machine.
        self.assertLess(time.monotonic() - run.started, 3 + 5)

    def test_eight_dead_addresses_of_one_family_do_not_hide_the_other(self):
        sandbox = self.sandbox(approve_after=1)
        addresses = [*(f"2001:db8::{n}" for n in range(1, 9)), "127.0.0.1"]
        run = self.board_that_finds(addresses, at=sandbox).start("sign-in")
        self.assertExit(DONE, run.wait(20))

    def board_that_finds(self, addresses, at):
        """A board where localhost has these addresses, IPv6 first."""
        board = self.board(at=at)
        # Else 127.0.0.1 would be the first where the machine has no better way.
        order = ["label ::/0 1", "precedence ::/0 100", "precedence ::ffff:0:0/96 1"]
        (board.directory / "hosts").write_text("".join(f"{a} localhost\n" for a in addresses))
        (board.directory / "gai.conf").write_text("\n".join(order) + "\n")
        board.command = ["unshare", "--mount", *["--map-root-user"] * (os.geteuid() != 0),
                         "sh", "-c", "for name in hosts gai.conf; do "
                         'mount --bind $name /etc/$name; done; exec "$@"', "sh", *board.command]
        return board


class Framing(AcceptanceTest):
    ALWAYS = {
        "chunked": {"chunks": []},
        "close_delimited": {"until_close": True},
        "connection_close": {"close": "announced"},
        "many_headers": {"headers": [(f"X-Filler-{i}", "y" * 100) for i in range(60)]},
        "no_reason": {"reason": ""},
        "byte_by_byte": {"drip": 0.0005},
        "unknown_members": {"merge": {"extra": {"a": [1, 2.5, None, True]}, "é": "ü"}},
    }

    @for_each({f"{name}_{p}": (p, rule) for name, rule in ALWAYS.items() for p in PERSONALITIES})
    def test_sign_in_with_answers(self, row):
        personality, rule = row
        if "merge" in rule:
            # An empty 428 has no JSON to add to.
            rule = {**rule, "path": "/device_authorization" if personality == "rfc"
                    else "/v1/device/authorize"}
        sandbox = self.sandbox(personality, approve_after=2, script=[rule])
        self.assertExit(DONE, self.sign_in(sandbox), "signed in")
        self.assertEqual(2, len(sandbox.polls))

    def test_informational_answer_before_the_final_one(self):
        sandbox = self.sandbox(approve_after=1)
        body = b'{"error":"authorization_pending"}'
        sandbox.answer_next(path="/token", nth=1, raw="HTTP/1.1 103 Early Hints\r\n\r\n"
                            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n{body.decode()}")
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 1])

    @for_each({"change_of_protocols": ("HTTP/1.1 101 Yes\r\n\r\nHTTP/1.1 200 OK\r\n", "101"),
               "reset": ("HTTP/1.1 205 Reset\r\n", "205"),
               "part": ("HTTP/1.1 206 Partial\r\n", "206"),
               "zero": ("HTTP/1.1 200 OK\r\nX: \0\r\n", "malformed header"),
               "return": ("HTTP/1.1 200 OK\r\nX: a\rY: b\r\n", "malformed header"),
               "zero_in_json": ("HTTP/1.1 200 OK\r\n", "JSON")})
    def test_answer_that_is_not_what_it_seems(self, row):
        head, words = row
        body = json.dumps({"device_code": "d", "user_code": "u", "verification_uri": "https://a/",
                           "expires_in": 900}).replace("900", "900\0" if "JSON" in words else "900")
        sandbox = self.sandbox()
        sandbox.answer_next(to="device", raw=f"{head}Content-Length: {len(body)}\r\n\r\n{body}")
        self.assertExit(DATA, self.sign_in(sandbox), words)

    def test_chunk_extensions_and_trailers(self):
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(path="/token", nth=1, raw="HTTP/1.1 400 Bad Request\r\n"
                            "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
                            '10;name="value"\r\n{"error":"author\r\n'
                            '11\r\nization_pending"}\r\n0\r\nX-Trailer: yes\r\n\r\n')
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 1])
        self.assertEqual(1, len(sandbox.connections))

    @for_each({"poll": "/token", "code": "/device_authorization"})
    def test_compressed_answer_is_named(self, path):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": path, "headers": {"Content-Encoding": "gzip"}}])
        self.assertExit(DATA, self.sign_in(sandbox), "compressed")
        self.assertEqual(1, len([r for r in sandbox.requests if r.path == path]))

    def test_identity_is_no_compression_and_a_gateway_may_compress(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": 502, "body": "?",
             "headers": {"Content-Encoding": "br"}},
            {"headers": {"Content-Encoding": "identity"}}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual(2, len(sandbox.polls))

    @for_each({"one_read": 4096, "two_reads": 8192})
    def test_what_follows_an_answer_is_not_the_next_answer(self, size):
        # The answer ends where the program's reading does.
        body = '{"error":"authorization_pending"}'
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\nX: %s\r\n\r\n"
        answer = head % ("x" * (size - len(body) - len(head) + 2)) + body
        self.assertEqual(size, len(answer))
        forged = '{"error":"access_denied"}'
        sandbox = self.sandbox(approve_after=2)
        sandbox.answer_next(path="/token", nth=1, raw=f"{answer}HTTP/1.1 400 Bad Request\r\n"
                            f"Content-Length: {len(forged)}\r\n\r\n{forged}")
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertEqual(2, len(sandbox.connections))

    def test_folded_header_lines(self):
        body = '{"error":"authorization_pending"}'
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(path="/token", nth=1, raw="HTTP/1.1 400 Bad Request\r\nX: a\r\n b\r\n"
                            f"Content-Length:\r\n\t{len(body)}\r\n\r\n{body}")
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertNotIn("poll failed", run.stderr)

    def test_length_beyond_the_limit_is_not_waited_for(self):
        sandbox = self.sandbox(expires_in=60)
        sandbox.answer_next(path="/device_authorization",
                            raw="HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n")
        run = self.board(at=sandbox).start("sign-in")
        self.assertExit(DATA, run.wait(10), "larger than 64 KiB")

    @for_each({"reset": {"cut_after": 10 ** 6}, "closed": {"close": "abrupt"}})
    def test_close_delimited_answer_cut_without_goodbye_is_not_trusted(self, how):
        # Without TLS's close_notify nobody knows whether the body is whole.
        sandbox = self.sandbox(approve_after=2, script=[
            {"path": "/token", "nth": 1, "status": 400, "json": {"error": "access_denied"},
             "until_close": True, **how}])
        self.assertExit(DONE, self.sign_in(sandbox))

    def test_largest_token_of_the_contract(self):
        token = "t" * 16384
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "merge": {"access_token": token, "refresh_token": "r" * 16384}}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertIn(token, run.board.token_file.read_text())

    @for_each({"access_token": "access_token", "refresh_token": "refresh_token"})
    def test_larger_token_is_refused(self, member):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "merge": {member: "t" * 16385}}])
        run = self.sign_in(sandbox)
        self.assertExit(DATA, run, member)

    @for_each({str(status): status for status in (301, 302, 303, 307, 308)})
    def test_redirect_of_the_first_request_is_not_followed(self, status):
        sandbox = self.sandbox()
        sandbox.answer_next(path="/device_authorization", status=status,
                            headers={"Location": f"{sandbox.issuer}/elsewhere"})
        run = self.sign_in(sandbox)
        self.assertExit(DATA, run, f"{status} and no reason (it points to {sandbox.issuer}/else")
        self.assertEqual(["/device_authorization"], [r.path for r in sandbox.requests])

    @for_each({str(status): status for status in (302, 307)})
    def test_redirect_of_a_poll_is_not_followed(self, status):
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(path="/token", nth=1, status=status,
                            headers={"Location": f"{sandbox.issuer}/elsewhere"})
        self.assertIn(self.sign_in(sandbox).code, (DONE, DATA))
        self.assertNotIn("/elsewhere", [r.path for r in sandbox.requests])

    def test_proxy_of_the_environment_is_not_used(self):
        sandbox = self.sandbox(approve_after=1)
        names = ("https_proxy", "HTTPS_PROXY", "all_proxy")
        proxies = {name: "http://127.0.0.1:9" for name in names}
        self.assertExit(DONE, self.sign_in(sandbox, environment=proxies))
