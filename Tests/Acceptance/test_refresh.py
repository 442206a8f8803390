"""Renewing the grant: rotation, lost answers, outages, other processes."""

import shutil
import signal
import time

from acceptance import DONE, UNAVAILABLE, for_each
from hand_out import Lock, ask, eventually, token_from
from living import LivingTest
from servers import put_tokens
from test_polling import GATEWAY

EXPIRED_LONG_AGO = 1


class Rotation(LivingTest):
    """At every look the file holds a pair that the server accepts."""

    @for_each({"same": ("rfc", "same"), "omitted": ("rfc", "omit"),
               "single_use": ("rfc", "single-use"), "old_stays": ("rfc", "keep-old"),
               "webex_single_use": ("webex", "single-use"), "gitlab": ("gitlab", "single-use"),
               "keycloak": ("keycloak", "keep-old")})
    def test_slow_four_in_a_row(self, row):
        personality, rotation = row
        sandbox = self.sandbox(personality, access_lifetime=2, rotation=rotation)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        deadline = time.monotonic() + 40
        while sum(r.granted for r in sandbox.refreshes) < 4 and time.monotonic() < deadline:
            self.assertHolds(board, sandbox)
            self.assertTrue(board.published or run.code is None)
        self.assertHolds(board, sandbox)
        self.assertEqual(["granted"] * 4, [r.outcome for r in sandbox.refreshes][:4])
        self.assertNotReused(sandbox)
        self.assertEqual([], sandbox.to("device"))
        self.assertEnds(run)

    def test_slow_refresh_comes_before_the_end_by_a_margin(self):
        sandbox = self.sandbox(access_lifetime=8)
        board = self.agent_board(sandbox)
        run = self.alive(board)
        sandbox.approve(run.announced()["user_code"])
        run.wait_for("signed in")
        issued = sandbox.wait_for(lambda s: [p for p in s.polls if p.status == 200])[0].time
        refresh = sandbox.wait_for(lambda s: s.refreshes, 12)[0]
        # An eighth of its life, and up to half of that again so that a fleet does not act as one.
        self.assertGreaterEqual(refresh.time - issued, 6.5)
        self.assertLess(refresh.time - issued, 8)

    def test_slow_refresh_does_not_go_out_on_a_connection_that_was_idle(self):
        # A router that has forgotten it would cost the answer, and with it maybe the grant.
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 9)
        run = self.alive(board)
        run.wait_for("signed in as")
        sandbox.wait_for(lambda s: s.refreshes, 12)
        run.wait_for("refreshed")
        self.assertEqual([False, True], [c.resumed for c in sandbox.connections])
        self.assertEnds(run)

    def test_refresh_after_a_refusal_takes_the_connection_that_is_there(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.expire()
        self.assertExit(DONE, board.run("whoami"), "refreshing")
        self.assertEqual(1, len(sandbox.connections))

    def test_old_refresh_token_stays_where_the_answer_has_none(self):
        sandbox = self.sandbox(rotation="omit")
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        before = board.record
        self.alive(board).wait_for("refreshed")
        self.assertEqual(before["refresh_token"], board.record["refresh_token"])
        self.assertEqual(before["scope"], board.record["scope"])
        self.assertNotEqual(before["access_token"], board.record["access_token"])

    def test_refresh_token_that_ends_first_is_used_in_time(self):
        sandbox = self.sandbox(access_lifetime=3600, refresh_lifetime=3, rotation="single-use")
        board = self.signed_in(sandbox)
        self.alive(board)
        sandbox.wait_for(lambda s: s.refreshes)
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)

    def test_slow_random_restarts(self):
        sandbox = self.sandbox(access_lifetime=2, rotation="single-use")
        board = self.signed_in(sandbox)
        moments = self.dice()
        for _ in range(8):
            run = self.alive(board)
            try:
                run.wait(moments.uniform(0.01, 2.2))
            except TimeoutError:
                pass
            if moments.random() < 0.5 and run.code is None:
                self.assertEnds(run)
            run.end()
            record = board.record
            if not sandbox.accepts(refresh_token=record["refresh_token"]):
                # Killed between the server's decision and the disk: only a new sign-in helps.
                break
        is_good = sandbox.accepts(refresh_token=board.record["refresh_token"])
        run = self.alive(board)
        if is_good:
            sandbox.wait_for(lambda s: s.state()["refreshes"]["granted"] > 0)
            self.assertHolds(board, sandbox)
            self.assertNotReused(sandbox)
            self.assertEqual([], sandbox.to("device"))
        else:
            run.announced()


class LostAnswer(LivingTest):
    """Whether the server has used up the refresh token, nobody here knows."""

    def lose(self, processed=True, **options):
        sandbox = self.sandbox(access_lifetime=4, rotation="single-use", **options)
        sandbox.lose("refresh", processed=processed)
        board = self.signed_in(sandbox, {"lost_answer": "wait"})
        run = self.alive(board)
        old = self.published(board)
        run.wait_for("refresh failed.*next attempt in [1-4] s")
        return sandbox, board, run, old

    def check_not_repeated_early(self, sandbox, board, old, ends):
        """The old access token is served, and nothing is sent, until shortly before its end."""
        while time.time() < ends - 1:
            self.assertEqual(1, len(sandbox.to("refresh")))
            self.assertEqual(old, token_from(board.socket, "token 0"))

    @for_each({"request": False, "answer": True})
    def test_with_a_grace_period_costs_nothing(self, processed):
        sandbox, board, run, old = self.lose(processed, reuse_grace=60)
        self.check_not_repeated_early(sandbox, board, old, board.record["expires_at"])
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)
        self.assertEqual(2, len(sandbox.to("refresh")))
        self.assertEqual([], sandbox.to("device"))

    def test_without_grace_leads_to_a_code_at_the_end_not_before(self):
        sandbox, board, run, old = self.lose()
        self.check_not_repeated_early(sandbox, board, old, board.record["expires_at"])
        run.announced()
        self.assertEqual(2, len(sandbox.to("refresh")))
        self.assertEqual("reuse", sandbox.state()["families"][0]["ended"])
        self.assertIsNone(board.published)

    def test_lost_request_without_grace_costs_nothing(self):
        sandbox, board, run, old = self.lose(processed=False)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)


class LostAnswerOfServersWithGrace(LivingTest):
    """They take the last refresh token again for some seconds: that is when it is asked for."""

    def begin(self, left=10, **settings):
        sandbox = self.sandbox("okta", rotation="single-use", access_lifetime=96, reuse_grace=4)
        sandbox.lose("refresh", processed=True)
        return sandbox, self.signed_in(sandbox, settings, expires_at=int(time.time()) + left)

    def test_is_asked_for_again_within_seconds(self):
        sandbox, board = self.begin()
        run = self.alive(board)
        run.wait_for("refresh failed.*next attempt in [12] s")
        run.wait_for("refreshed")
        first, second = (request.time for request in sandbox.to("refresh"))
        self.assertGreaterEqual(second - first, 1)
        self.assertNotEqual(*[r.connection for r in sandbox.to("refresh")])
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)

    def test_by_a_command_too(self):
        sandbox, board = self.begin()
        self.assertExit(DONE, board.run("token", "--min-ttl", "60"), "refreshed")
        self.assertHolds(board, sandbox)
        self.assertFalse(board.token_file.with_name("tokens.json.sent").exists())

    def test_next_process_knows_what_was_sent(self):
        sandbox, board = self.begin(100, lost_answer="wait")
        self.assertExit(UNAVAILABLE, board.run("token", "--min-ttl", "600"))
        note = board.token_file.with_name("tokens.json.sent").read_text()
        self.assertNotIn(board.record["refresh_token"], note)
        self.assertExit(UNAVAILABLE, board.run("token", "--min-ttl", "600"), "lost_answer")
        self.assertEqual(1, len(sandbox.to("refresh")))
        # Too few seconds are left for who asks for ten minutes, enough for who asks for less.
        self.assertExit(DONE, board.run("token", "--min-ttl", "10"))

    def test_restarted_run_knows_what_was_sent(self):
        sandbox, board = self.begin(lost_answer="wait")
        run = self.alive(board)
        run.wait_for("refresh failed")
        run.end()
        ends = board.record["expires_at"]
        run = self.alive(board)
        sandbox.wait_for(lambda s: len(s.to("refresh")) == 2)
        self.assertGreaterEqual(time.time(), ends - 2)


class Outage(LivingTest):
    """Neither a server that fails nor one that is away costs the grant."""

    def begin(self, settings=None, **trouble):
        """A token that the server has ended, though it looks good: it is renewed at once."""
        sandbox = self.sandbox(**trouble)
        board = self.signed_in(sandbox, settings)
        sandbox.expire("access")
        return sandbox, board, board.record["access_token"]

    @for_each({str(status): status for status in (500, 502, 504)})
    def test_status_that_leaves_it_open_whether_the_token_is_used(self, status):
        sandbox, board, old = self.begin({"lost_answer": "wait"})
        sandbox.fail("refresh", status, processed=True)
        run = self.alive(board)
        # A quarter of an hour at least: the hour less what a busy machine takes.
        run.wait_for(f"refresh failed.*{status}.*next attempt in [1-3][0-9]{{3}} s")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertNotReused(sandbox)

    @for_each({str(status): status for status in (408, 429, 503)})
    def test_status(self, status):
        sandbox, board, old = self.begin()
        sandbox.fail("refresh", status)
        run = self.alive(board)
        run.wait_for(f"refresh failed.*{status}.*next attempt in [23] s")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, self.published(board))
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertEqual([], sandbox.to("device"))

    def test_slow_pauses_double(self):
        sandbox, board, _ = self.begin()
        sandbox.fail("refresh", 503, times=3)
        run = self.alive(board)
        run.wait_for("refreshed", 40)
        times = [request.time for request in sandbox.to("refresh")]
        gaps = [after - before for before, after in zip(times, times[1:])]
        for gap, least in zip(gaps, (2, 4, 8), strict=True):
            self.assertGreaterEqual(gap, least, gaps)

    def test_lives_of_a_second_are_renewed_ever_more_seldom(self):
        sandbox = self.sandbox(access_lifetime=1)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        sandbox.wait_for(lambda s: len(s.to("refresh")) >= 4, 20)
        times = [request.time for request in sandbox.to("refresh")]
        gaps = [after - before for before, after in zip(times, times[1:])]
        for gap, least in zip(gaps, (0.7, 1.4, 2.9)):
            self.assertGreaterEqual(gap, least, gaps)
        self.assertEnds(run)

    def test_demand_for_a_whole_life_is_met_once(self):
        """A program that insists gets the newest token that there is, without a refresh for each."""
        sandbox = self.sandbox(access_lifetime=3600)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            self.assertRegex(ask(board.socket, "token 3599"), r"^ok \d+ \S+\n$")
            time.sleep(0.2)
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertEnds(run)

    def test_retry_after_is_kept(self):
        sandbox, board, _ = self.begin()
        sandbox.fail("refresh", 503, retry_after=4)
        run = self.alive(board)
        run.wait_for("refreshed")
        first, second = (request.time for request in sandbox.to("refresh"))
        self.assertGreaterEqual(second - first, 4)

    def test_connection_refused(self):
        sandbox = self.sandbox(access_lifetime=8)
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 8)
        run = self.alive(board)
        old = self.published(board)
        sandbox.wait_for(lambda s: s.to("userinfo"))
        sandbox.go_away()
        run.wait_for("refresh failed.*(?i:refused).*next attempt in [23] s")
        sandbox.come_back()
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotEqual(old, self.published(board))
        self.assertEqual([], sandbox.to("device"))

    def test_access_token_that_ends_meanwhile_is_not_handed_out_and_the_grant_stays(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        sandbox.fail("refresh", 503)
        run = self.alive(board)
        run.wait_for("refresh failed")
        self.assertRegex(ask(board.socket), "^error unavailable .*503")
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)

    @for_each({"html": {"status": 200, "body": "<html>Log in to the hotel</html>",
                        "headers": {"Content-Type": "text/html"}},
               "html_400": {"status": 400, "body": "<html>400 Bad Request: nginx</html>",
                            "headers": {"Content-Type": "text/html"}},
               "text_400": {"status": 400, "body": "Bad Request",
                            "headers": {"Content-Type": "text/plain"}},
               "words_of_html_400": {"status": 400, "body": "bad request",
                                     "headers": {"Content-Type": "text/html"}},
               "list_400": {"status": 400, "json": [{"error": "invalid_grant"}]},
               "object_400": {"status": 400, "json": {}},
               "byte_order_mark": {"status": 400,
                                   "body": "\ufeff{\"error\":\"temporarily_unavailable\"}"},
               "rate_limit": {"status": 400, "json": {"error": "rate_limit_exceeded"}},
               "large_503": {"status": 503, "body": "<html>" + "x" * 70000},
               "temporarily_unavailable": {"status": 400,
                                           "json": {"error": "temporarily_unavailable"}},
               "server_error": {"status": 400, "json": {"error": "server_error"}},
               "empty": {"status": 200, "body": ""}, "list": {"status": 200, "json": []},
               "no_token": {"status": 200, "json": {"token_type": "Bearer"}},
               "cut": {"cut_after": 40}, "not_http": {"raw": "SSH-2.0-OpenSSH\r\n"},
               "oversize": {"status": 200, "body": "{" + " " * 70000 + "}"}})
    def test_answer_that_is_none(self, rule):
        sandbox, board, old = self.begin()
        sandbox.answer_next(to="refresh", times=1, **rule)
        run = self.alive(board)
        run.wait_for("refresh failed.*next attempt in")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, board.record["access_token"])
        self.assertEqual([], sandbox.to("device"))

    @for_each({f"{status}_{name}": {"status": status, **rule}
               for status in (400, 401, 403, 404) for name, rule in GATEWAY.items()})
    def test_word_of_a_gateway_ends_no_grant(self, rule):
        sandbox, board, old = self.begin()
        sandbox.answer_next(to="refresh", times=1, **rule)
        run = self.alive(board)
        run.wait_for(f"refresh failed.*{rule['status']}.*next attempt in")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, board.record["access_token"])
        self.assertNotIn("lost", run.stderr)

    @for_each({"wrong_type": {"token_type": "mac"}, "huge_token": {"access_token": "a" * 20000},
               "huge_refresh_token": {"refresh_token": "a" * 20000},
               "number_for_token": {"access_token": 5},
               "line_break_in_token": {"access_token": "abc\r\nX-Header: of the server's"},
               "control_in_token": {"access_token": "abc\x1b[2J"},
               "blank_in_token": {"access_token": "abc def"}})
    def test_tokens_that_cannot_be_used(self, merge):
        sandbox, board, old = self.begin()
        sandbox.answer_next(to="refresh", times=1, merge=merge)
        run = self.alive(board)
        run.wait_for("refresh failed.*next attempt in")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, board.record["access_token"])
        self.assertFalse([r for r in sandbox.requests if r.header("X-Header")])

    @for_each({"client": ("rfc", "invalid_client"), "scope": ("rfc", "invalid_scope"),
               "request": ("rfc", "invalid_request"), "webex": ("webex", "invalid_client"),
               "google": ("google", "invalid_client"), "keycloak": ("keycloak", "invalid_client"),
               "github": ("github", "invalid_client"), "twitch": ("twitch", "invalid_client")})
    def test_refusal_of_the_client_is_not_the_end_of_the_grant(self, row):
        personality, word = row
        sandbox, board, old = self.begin(personality=personality, refresh_tokens="always",
                                         access_lifetime=1000)
        sandbox.refuse("refresh", word)
        run = self.alive(board)
        run.wait_for("refresh failed.*next attempt in 1[5-9] s")
        self.assertEqual(old, token_from(board.socket))
        self.assertEqual(old, board.record["access_token"])


DEAD = {"word": {"error": "invalid_request"}, "bare_401": {"status": 401},
        "forbidden": {"status": 403}, "gone": {"status": 410},
        "own_word": {"status": 200, "json": {"error": "session_gone"}}}


class DeadInOtherWords(LivingTest):
    """A refresh token that is dead, in words that may be a gateway's: nothing is erased, and
    nobody is kept from signing in."""

    def begin(self, rule, **settings):
        sandbox = self.sandbox()
        sandbox.answer_next(to="refresh", **rule)
        board = self.signed_in(sandbox, settings, expires_at=EXPIRED_LONG_AGO)
        run = self.alive(board)
        run.wait_for("refresh failed")
        return sandbox, board, run

    @for_each(DEAD)
    def test_slow_brings_a_code_beside_the_grant(self, rule):
        sandbox, board, run = self.begin(rule)
        self.assertRegex(ask(board.socket), "^error unavailable ")
        old = board.record
        run.wait_for("sign in with user_code", 75)
        code = run.announced()
        self.assertRegex(ask(board.socket), f"^error login_required .*{code['user_code']}")
        self.assertEqual(old, board.record)
        first, *_, last = (request.time for request in sandbox.to("refresh"))
        self.assertGreaterEqual(last - first, 60)
        sandbox.approve(code["user_code"])
        run.wait_for("signed in; ")
        self.assertHolds(board, sandbox)

    def test_signal_brings_one_at_once(self):
        sandbox, board, run = self.begin(DEAD["bare_401"])
        run.signal(signal.SIGUSR1)
        run.announced()


class Lifetimes(LivingTest):
    """What a refresh's answer says of the new token's life."""

    def renewed(self, **options):
        sandbox = self.sandbox(access_lifetime=1000, **options)
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        self.alive(board).wait_for("refreshed")
        self.assertHolds(board, sandbox)
        return board, board.record

    @for_each({form: form for form in ("number", "string", "epoch")})
    def test_told(self, form):
        board, record = self.renewed(expires_in_form=form)
        self.assertAlmostEqual(time.time() + 1000, record["expires_at"], delta=5)
        self.assertAlmostEqual(time.time() + 1000, int(ask(board.socket).split()[1]), delta=5)

    def test_nothing_left_is_not_handed_out(self):
        """Near a session's end a server says 0 for the life of what it has just issued."""
        board, record = self.renewed(expires_in_form="zero")
        self.assertLessEqual(record["expires_at"], time.time())
        self.assertRegex(ask(board.socket, "token 0"), "^error unavailable ")
        self.assertIsNone(board.published)

    def test_keycloaks_name_for_the_life_of_the_refresh_token(self):
        sandbox = self.sandbox("keycloak", refresh_lifetime=5000)
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        self.alive(board).wait_for("refreshed")
        self.assertAlmostEqual(time.time() + 5000, board.record["refresh_token_expires_at"],
                               delta=5)

    @for_each({form: form for form in ("absent", "zero")})
    def test_not_told(self, form):
        sandbox = self.sandbox(access_lifetime=1000, expires_in_form=form)
        board = self.signed_in(sandbox, expires_at=None)
        self.alive(board).wait_for("signed in as")
        sandbox.expire("access")
        self.assertExit(DONE, board.run("whoami"), "refreshing")
        record = board.record
        eventually(lambda: token_from(board.socket) == record["access_token"])
        self.assertNotIn("expires_at", record)
        self.assertEqual(f"ok 0 {record['access_token']}\n", ask(board.socket))
        self.assertExit(DONE, board.run("token"))

    @for_each({"absent": "absent", "zero": "zero"})
    def test_not_told_is_no_reason_to_ask_at_once(self, form):
        sandbox = self.sandbox(access_lifetime=1000, expires_in_form=form)
        board = self.signed_in(sandbox, expires_at=None)
        self.alive(board).wait_for("signed in as")
        sandbox.expire("access")
        self.assertExit(DONE, board.run("whoami"), "refreshing")
        for _ in range(5):
            self.assertRegex(ask(board.socket, "token 100000"), "^ok ")
        self.assertEqual(1, len(sandbox.to("refresh")))

    @for_each({"huge": 10 ** 30, "fraction": 1000.5, "words": "soon", "null": None})
    def test_absurd(self, value):
        sandbox = self.sandbox(access_lifetime=1000)
        sandbox.answer_next(to="refresh", times=1, merge={"expires_in": value})
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        run = self.alive(board)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertRegex(ask(board.socket), "^ok ")


class Loss(LivingTest):
    @for_each({name: name for name in ("rfc", "webex", "google", "entra", "github", "auth0",
                                       "okta", "keycloak", "gitlab", "twitch")})
    def test_disconnected_at_the_provider(self, personality):
        settings = {"refresh_tokens": "always", "access_lifetime": 1000}
        sandbox = self.sandbox(personality, **settings)
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        old = board.record
        sandbox.disconnect()
        run = self.alive(board)
        code = run.announced()
        self.assertIn("the grant is lost", run.stderr)
        self.assertIsNone(board.published)
        answer = ask(board.socket)
        self.assertRegex(answer, "^error login_required ")
        self.assertIn(code["user_code"], answer)
        self.assertIn(code["uri"], answer)
        self.assertNotIn(old["access_token"], answer)
        self.assertEqual(1, len(sandbox.to("refresh")))

    def test_profile_that_refuses_a_good_looking_token_leads_to_one_refresh(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        run = self.alive(board)
        run.wait_for("signed in as Alice Example")
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertEqual(2, len(sandbox.to("userinfo")))
        self.assertHolds(board, sandbox)

    def test_name_that_could_not_be_had_is_asked_for_with_the_next_token(self):
        sandbox = self.sandbox(access_lifetime=8)
        sandbox.fail("userinfo", 503)
        board = self.signed_in(sandbox, expires_at=int(time.time()) + 8)
        run = self.alive(board)
        run.wait_for("refreshed;(.*\n)+.*signed in as Alice Example")
        self.assertEqual(2, len(sandbox.to("userinfo")))

    def test_profile_that_refuses_every_token_is_no_loop(self):
        sandbox = self.sandbox()
        sandbox.answer_next(to="userinfo", status=401, body="")
        board = self.signed_in(sandbox)
        run = self.alive(board)
        run.wait_for("refreshed")
        sandbox.wait_for(lambda s: len(s.to("userinfo")) == 2)
        # An answer of the loop after that one: it is back at its wait.
        self.assertRegex(ask(board.socket), "^ok ")
        with self.assertRaises(TimeoutError):
            sandbox.wait_for(lambda s: len(s.to("userinfo")) > 2 or len(s.to("refresh")) > 1, 1)

    def test_grant_without_a_refresh_token_ends_with_its_access_token(self):
        sandbox = self.sandbox(refresh_tokens="never", access_lifetime=2)
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        run.announced()
        self.assertIn("no refresh token", run.stderr)
        self.assertIsNone(board.published)
        self.assertEqual([], sandbox.to("refresh"))

    def test_sign_out_beside_it_leads_to_a_code(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        self.assertExit(DONE, board.run("sign-out"))
        code = run.announced()
        self.assertIsNone(board.published)
        self.assertIn(code["user_code"], ask(board.socket))
        sandbox.approve(code["user_code"])
        run.wait_for("signed in; ")
        self.assertHolds(board, sandbox)

    @for_each({"file": False, "directory": True})
    def test_token_file_that_somebody_removes(self, whole):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox)
        run = self.alive(board)
        self.published(board)
        run.wait_for("signed in as")
        if whole:
            eventually(lambda: not board.token_file.with_name("tokens.json.name.new").exists())
            # The agent, which notices at once, tries whether it can write there.
            while board.token_file.parent.exists():
                shutil.rmtree(board.token_file.parent, ignore_errors=True)
        else:
            board.token_file.unlink()
        run.announced()
        self.assertIsNone(board.published)


class Company(LivingTest):
    """Other processes with the same token file."""

    def test_refresh_by_another_process_is_adopted(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox)
        run = self.alive(board)
        old = self.published(board)
        other = board.run("token", "--min-ttl", "100000", environment={"DEVICEGRANT_SOCKET": "/no"})
        self.assertExit(DONE, other)
        new = eventually(lambda: (t := self.published(board)) != old and t)
        self.assertEqual(other.stdout.strip(), new)
        eventually(lambda: token_from(board.socket) == new)
        self.assertEqual(1, len(sandbox.to("refresh")))
        self.assertNotReused(sandbox)
        self.assertEqual([], sandbox.to("device"))
        self.assertIsNone(run.code)

    def test_sign_in_by_another_process_takes_the_code_off_the_screen(self):
        sandbox = self.sandbox()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        run.announced()
        put_tokens(board, at=sandbox)
        self.assertEqual(board.record["access_token"], self.published(board))
        self.assertEqual(board.record["access_token"], token_from(board.socket))
        polls = len(sandbox.polls)
        with self.assertRaises(TimeoutError):
            sandbox.wait_for(lambda s: len(s.polls) > polls + 1, 3)

    def test_file_that_is_being_copied_into_place_is_left_alone(self):
        """As `cp backup tokens.json` does: the file is there before it is whole."""
        sandbox = self.sandbox()
        other = self.signed_in(sandbox)
        contents = other.token_file.read_bytes()
        board = self.agent_board(sandbox)
        run = self.alive(board)
        run.announced()
        board.token_file.touch(0o600)
        with open(board.token_file, "wb", buffering=0) as file:
            file.write(contents[:50])
            for _ in range(3):
                ask(board.socket, "status")
            file.write(contents[50:])
        self.assertEqual(contents, eventually(lambda: board.token_file.exists()
                                              and board.token_file.read_bytes()))
        self.assertEqual(board.record["access_token"], self.published(board))

    def test_dead_refresh_token_is_looked_up_again_before_it_counts(self):
        """Somebody who does not know of the lock may have been faster."""
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        sandbox.answer_next(to="refresh", times=1, error="invalid_grant", delay=1)
        run = self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        record = put_tokens(board, at=sandbox)
        eventually(lambda: board.published == record["access_token"] + "\n")
        self.assertEqual(record["access_token"], token_from(board.socket))
        self.assertEqual([], sandbox.to("device"))
        self.assertNotIn("the grant is lost", run.stderr)

    def test_two_callers_and_run_at_once_cause_one_refresh(self):
        sandbox = self.sandbox(rotation="single-use")
        sandbox.delay("refresh", 0.5)
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        callers = [board.start("token", environment={"DEVICEGRANT_SOCKET": "/no"})
                   for _ in range(2)]
        self.alive(board)
        for caller in callers:
            self.assertExit(DONE, caller.wait())
        token, = {caller.stdout for caller in callers}
        eventually(lambda: board.published == token)
        self.assertEqual(["granted"], [r.outcome for r in sandbox.refreshes])
        self.assertNotReused(sandbox)

    def test_slow_two_agents_share_one_grant(self):
        sandbox = self.sandbox(access_lifetime=2, rotation="single-use")
        board = self.signed_in(sandbox)
        runs = []
        for name in ("one.sock", "two.sock"):
            board.change({"socket": board.directory / name})
            runs.append(self.alive(board))
        sandbox.wait_for(lambda s: s.state()["refreshes"]["granted"] >= 4, 30)
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)
        self.assertEqual(0, sandbox.state()["refreshes"]["refused"])
        self.assertEqual([], sandbox.to("device"))
        for run in runs:
            self.assertEnds(run)

    def test_ten_callers_through_the_socket_cause_one_refresh(self):
        sandbox = self.sandbox(rotation="single-use")
        sandbox.delay("refresh", 0.5)
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        run = self.alive(board)
        callers = [board.start("token") for _ in range(10)]
        run.wait_for("refreshed")
        for caller in callers:
            self.assertExit(DONE, caller.wait())
        self.assertEqual({board.published}, {caller.stdout for caller in callers})
        self.assertEqual(["granted"], [r.outcome for r in sandbox.refreshes])

    def test_lock_of_another_program_delays_and_breaks_nothing(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        with Lock(board.token_file):
            run = self.alive(board)
            # The loop answers while it waits for the lock.
            self.assertRegex(ask(board.socket, "status"), "^ok ")
            with self.assertRaises(TimeoutError):
                sandbox.wait_for(lambda s: s.to("refresh"), 0.5)
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)

    def test_lock_is_waited_for_interruptibly(self):
        sandbox = self.sandbox()
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        with Lock(board.token_file):
            run = self.alive(board)
            ask(board.socket, "status")
            self.assertEnds(run)
        self.assertEqual([], sandbox.to("refresh"))

    def test_what_another_process_did_under_the_lock_is_used(self):
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox, expires_at=EXPIRED_LONG_AGO)
        with Lock(board.token_file):
            run = self.alive(board)
            ask(board.socket, "status")
            record = put_tokens(board, at=sandbox)
        self.assertEqual(record["access_token"], self.published_soon(board, record))
        self.assertEqual([], sandbox.to("refresh"))
        self.assertEqual([], sandbox.to("device"))
        self.assertIsNone(run.code)

    def published_soon(self, board, record):
        return eventually(lambda: board.published == record["access_token"] + "\n"
                          and record["access_token"])

    def test_full_disk_loses_nothing(self):
        """The answer to a refresh is kept in memory until it can be saved."""
        sandbox = self.sandbox(rotation="single-use")
        board = self.signed_in(sandbox)
        sandbox.expire("access")
        sandbox.delay("refresh", 0.5)
        run = self.alive(board)
        sandbox.wait_for(lambda s: s.to("refresh"))
        # Where the new file is written first there is now a directory.
        new = board.token_file.with_name("tokens.json.new")
        new.mkdir()
        (new / "occupied").touch()
        run.wait_for("not saved.*next attempt")
        self.assertNotIn(board.record["access_token"] + "x", board.published or "")
        (new / "occupied").unlink()
        new.rmdir()
        run.wait_for("refreshed")
        self.assertHolds(board, sandbox)
        self.assertNotReused(sandbox)
