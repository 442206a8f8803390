"""When devicegrant polls, and what it lives through meanwhile."""

from acceptance import DATA, DONE, EXPIRED, PERSONALITIES, AcceptanceTest, for_each

SLOW_DOWN = {
    "rfc": {"status": 400, "json": {"error": "slow_down"}},
    "webex": {"status": 400, "json": {"message": "slow_down",
                                      "errors": [{"description": "slow_down"}]}},
}
HTML = "<!DOCTYPE html><html><body><h1>Log in to the hotel's network</h1></body></html>"
TROUBLE = {
    "status_500": {"status": 500}, "status_502_html": {"status": 502, "body": HTML},
    "status_503": {"status": 503}, "status_408": {"status": 408}, "status_429": {"status": 429},
    "status_401_html": {"status": 401, "body": "\n" + HTML},
    "html_instead_of_json": {"status": 200, "body": HTML, "headers": {"Content-Type": "text/html"}},
    "empty_answer": {"status": 200, "body": ""},
    "truncated_json": {"status": 200, "body": '{"access_token": "abc'},
    "json_list": {"status": 200, "json": []},
    "deep_json": {"status": 200, "body": "[" * 20000},
    "oversize_page": {"status": 200, "body": "<html>" + " " * 70000,
                      "headers": {"Content-Type": "text/html"}},
    "oversize_400": {"status": 400, "body": "{" + " " * 70000 + "}"},
    "oversize_header": {"status": 200, "headers": {"X-Filler": "x" * 20000}, "body": "{}"},
    "endless_headers": {"status": 200, "headers": [(f"X-{i}", "y") for i in range(2000)]},
    "not_http": {"raw": "220 mail.example.com ESMTP\r\n"},
    "http_2_preface": {"raw_base64": "AAAAEgQAAAAAAA==", "close": "silent"},
    "bad_chunk_size": {"raw": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
    "two_lengths": {"raw": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"},
    "negative_length": {"raw": "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"},
    "cut_before_the_answer": {"status": 200, "json": {}, "cut_after": 0},
    "cut_in_the_headers": {"status": 200, "json": {}, "cut_after": 30},
    "cut_in_the_body": {"status": 200, "body": "x" * 100, "cut_after": 120},
}


class Schedule(AcceptanceTest):
    @for_each({f"{p}_{interval}_s": (p, interval) for p in PERSONALITIES for interval in (1, 3)})
    def test_interval_of_the_server_is_kept(self, row):
        personality, interval = row
        sandbox = self.sandbox(personality, interval=interval, approve_after=2)
        self.assertExit(DONE, self.sign_in(sandbox))
        gaps = self.assertGaps(sandbox, [interval] * 2)
        self.assertLess(max(gaps), interval + 1, "polls came late")

    def test_slow_interval_is_five_seconds_where_the_server_names_none(self):
        sandbox = self.sandbox(approve_after=2, script=[
            {"path": "/device_authorization", "merge": {"interval": None}}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [5, 5])

    @for_each({p: p for p in PERSONALITIES})
    def test_slow_down_adds_five_seconds_each_time_and_stays(self, personality):
        sandbox = self.sandbox(personality, approve_after=2)
        path = sandbox.personality.paths["token_endpoint"]
        sandbox.answer_next(path=path, nth=[1, 2], **SLOW_DOWN[personality])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "6 s", "11 s")
        self.assertGaps(sandbox, [1, 6, 11, 11])

    def test_slow_down_with_a_larger_interval_of_the_server(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": 400,
             "json": {"error": "slow_down", "interval": 9}}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 9])

    def test_slow_down_with_a_smaller_interval_of_the_server(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": 400,
             "json": {"error": "slow_down", "interval": 2}}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 6])

    @for_each({"zero": 0, "negative": -3, "tiny": 0.001})
    def test_absurdly_short_interval_is_clamped_and_said(self, interval):
        sandbox = self.sandbox(approve_after=2, script=[
            {"path": "/device_authorization", "merge": {"interval": interval}}])
        run = self.sign_in(sandbox)
        if run.code != DATA:
            self.assertExit(DONE, run, "interval")
            self.assertGaps(sandbox, [1, 1])

    @for_each({"fraction": (0.5, 60.5, [1, 1]), "beyond_64_bits": (10 ** 30, 8, [4]),
               "real": (1e30, 1e30, None), "text": ("1", "60", [1, 1]),
               "as_long_as_the_code": (8, 8, [4])})
    def test_figures_of_the_server(self, row):
        interval, expires_in, gaps = row
        sandbox = self.sandbox(approve_after=len(gaps or [1]), script=[
            {"path": "/device_authorization",
             "merge": {"interval": interval, "expires_in": expires_in}}])
        if gaps is None:
            # The code lives half an hour then, and is polled after half of that.
            run = self.board(at=sandbox).start("sign-in")
            run.wait_for("interval = 1e30 .*polling every 900 s")
            run.wait_for("expires_in = 1e30 .*1800 s")
            return
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertGaps(sandbox, gaps)
        self.assertEqual(not isinstance(interval, str), "interval = " in run.stderr)
        self.assertEqual(expires_in == 60.5, "expires_in = 60.5" in run.stderr)

    def test_absurdly_long_interval_does_not_hang(self):
        sandbox = self.sandbox(expires_in=3, script=[
            {"path": "/device_authorization", "merge": {"interval": 10 ** 12}}])
        self.assertIn(self.sign_in(sandbox).code, (EXPIRED, DATA))

    @for_each({"an_epoch": 1684955360, "beyond_64_bits": 10 ** 30})
    def test_absurdly_long_life_of_the_code(self, expires_in):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": {"expires_in": expires_in}}])
        run = self.sign_in(sandbox)
        if run.code != DATA:
            self.assertExit(DONE, run, "expires_in")

    @for_each({"zero": 0, "negative": -1})
    def test_code_that_is_dead_on_arrival(self, expires_in):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/device_authorization", "merge": {"expires_in": expires_in}}])
        run = self.sign_in(sandbox)
        self.assertIn(run.code, (DONE, DATA, EXPIRED))
        self.assertIn("expires_in", run.stderr)


class Survival(AcceptanceTest):
    """Trouble while polling never costs an issued code."""

    @for_each({f"{name}_{p}": (p, rule) for name, rule in TROUBLE.items() for p in PERSONALITIES})
    def test_sign_in_survives(self, row):
        personality, rule = row
        sandbox = self.sandbox(personality, approve_after=1)
        sandbox.answer_next(path=sandbox.personality.paths["token_endpoint"], nth=1, **rule)
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run, "signed in")
        self.assertEqual(1, len(sandbox.to("device_authorization_endpoint")))
        self.assertGaps(sandbox, [1, 2])

    def test_slow_back_off_doubles(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": [1, 3], "status": 503}])
        self.assertExit(DONE, self.sign_in(sandbox), "503")
        self.assertGaps(sandbox, [1, 2, 4, 8])

    @for_each({"429": 429, "503": 503})
    def test_slow_retry_after_is_honoured(self, status):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": status, "headers": {"Retry-After": "5"}}])
        self.assertExit(DONE, self.sign_in(sandbox))
        self.assertGaps(sandbox, [1, 5])

    @for_each({"date": "Fri, 31 Dec 2049 23:59:59 GMT", "huge": "9" * 30, "words": "later",
               "negative": "-5"})
    def test_slow_absurd_retry_after_does_not_cost_the_code(self, value):
        sandbox = self.sandbox(expires_in=12, approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": 429, "headers": {"Retry-After": value}}])
        run = self.sign_in(sandbox)
        # A server may ask to wait longer than the code lives; then its end is its expiry.
        self.assertIn(run.code, (DONE, EXPIRED), run.stderr)

    def test_slow_server_that_never_answers_is_given_up(self):
        sandbox = self.sandbox(approve_after=1, expires_in=80, script=[
            {"path": "/token", "nth": 1, "status": 200, "delay": 600}])
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertGaps(sandbox, [1, 2])

    HUNG = {"no_answer": {"hang": True},
            "no_length": {"raw": "HTTP/1.1 428 Precondition Required\r\n\r\n"}}

    @for_each(HUNG)
    def test_slow_poll_without_an_answer_ends_with_the_code(self, rule):
        sandbox = self.sandbox(expires_in=4, script=[{"path": "/token", **rule}])
        run = self.board(at=sandbox).start("sign-in")
        run.announced()
        self.assertExit(EXPIRED, run.wait(7), "no answer in time")
        self.assertEqual(1, len(sandbox.polls))

    @for_each(HUNG)
    def test_slow_poll_without_an_answer_does_not_keep_a_new_code_away(self, rule):
        sandbox = self.sandbox(expires_in=3, script=[{"path": "/token", **rule}])
        self.board(at=sandbox).start("run")
        sandbox.wait_for(lambda s: len(s.to("device_authorization_endpoint")) == 2, 10)

    def test_slow_server_away_for_a_while(self):
        sandbox = self.sandbox(approve_after=3)
        run = self.board(at=sandbox).start("sign-in")
        sandbox.wait_for(lambda s: s.polls)
        sandbox.go_away()
        run.wait_for("(?i)refused|connection")
        sandbox.come_back()
        self.assertExit(DONE, run.wait())
        self.assertEqual(1, len(sandbox.to("device_authorization_endpoint")))

    def test_failure_is_logged_with_its_cause_and_the_next_attempt(self):
        sandbox = self.sandbox(approve_after=1, script=[
            {"path": "/token", "nth": 1, "status": 503}])
        run = self.sign_in(sandbox)
        line = next(line for line in run.lines if "503" in line)
        self.assertRegex(line, r"\b[2-9](\.\d+)? ?s")


GATEWAY = {"message": {"json": {"message": "Bad Request"}}, "empty": {},
           "phrase": {"json": {"status": 400, "error": "Bad Request", "path": "/token"}}}


class Gateway(AcceptanceTest):
    """A word that is not the server's ends no code."""

    @for_each({f"{status}_{name}": {"status": status, **rule}
               for status in (400, 401, 403, 404) for name, rule in GATEWAY.items()})
    def test_poll(self, rule):
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(to="poll", nth=1, **rule)
        self.assertExit(DONE, self.sign_in(sandbox), "poll failed", str(rule["status"]))
        self.assertEqual(1, len(sandbox.to("device")))


class Unusable(AcceptanceTest):
    """Tokens that have been issued and can't be used won't come again: that is told at once."""

    @for_each({"missing": ({"merge": {"access_token": None}}, "no usable access_token"),
               "with_a_nul": ({"merge": {"access_token": "a\0b"}}, "no usable access_token"),
               "of_wrong_type": ({"merge": {"access_token": 5}}, "no usable access_token"),
               "oversize": ({"status": 200, "body": "{" + " " * 70000 + "}"}, "64 KiB")})
    def test_tokens(self, row):
        rule, word = row
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(to="poll", nth=1, **rule)
        self.assertExit(DATA, self.sign_in(sandbox), word)
        self.assertEqual(1, len(sandbox.polls))

    def test_type_that_is_not_told_is_bearer(self):
        sandbox = self.sandbox(approve_after=1)
        sandbox.answer_next(to="poll", nth=1, merge={"token_type": None})
        run = self.sign_in(sandbox)
        self.assertExit(DONE, run)
        self.assertEqual("Bearer", run.board.record["token_type"])


class Help(AcceptanceTest):
    @for_each({"google": ("google", "Limited Input"), "webex": ("webex", "redirect URIs")})
    def test_follows_a_refusal_of_the_client_at_a_poll(self, row):
        personality, words = row
        sandbox = self.sandbox(personality)
        sandbox.refuse("poll", "invalid_client")
        self.assertExit(DATA, self.sign_in(sandbox), "refused the poll", words)


class BadStart(AcceptanceTest):
    """Trouble before a code is shown ends the sign-in."""

    @for_each({f"{name}_missing": {name: None} for name in
               ("device_code", "user_code", "verification_uri", "expires_in")} | {
               f"{name}_of_wrong_type": {name: value} for name, value in
               {"device_code": 7, "user_code": ["a"], "verification_uri": {},
                "expires_in": "soon", "interval": []}.items()} | {
               f"{name}_empty": {name: ""} for name in
               ("device_code", "user_code", "verification_uri")} | {
               f"{name}_with_controls": {name: "https://example.com/\x1b[2J"} for name in
               ("device_code", "user_code", "verification_uri")} | {
               f"address_{name}": {"verification_uri": value} for name, value in
               {"wifi": "WIFI:T:WPA;S:x;P:y;;", "tel": "tel:+4912345", "path": "/device"}.items()})
    def test_member(self, merge):
        sandbox = self.sandbox(script=[{"path": "/device_authorization", "merge": {
            **({"verification_uri_complete": None} if "verification_uri" in merge else {}),
            **merge}}])
        run = self.sign_in(sandbox)
        self.assertExit(DATA, run, next(iter(merge)))
        self.assertNotIn("user_code=", run.stderr)
        self.assertEqual([], sandbox.polls)

    @for_each({name: TROUBLE[name] for name in TROUBLE
               if not name.startswith(("status", "cut", "http_2", "oversize_400"))})
    def test_unusable_answer(self, rule):
        sandbox = self.sandbox(script=[{"path": "/device_authorization", **rule}])
        run = self.sign_in(sandbox)
        self.assertExit(DATA, run, "localhost")
        self.assertNotIn("user_code=", run.stderr)

    @for_each({str(status): status for status in (408, 429, 500, 503)})
    def test_server_in_trouble_whatever_it_says(self, status):
        sandbox = self.sandbox(script=[
            {"path": "/device_authorization", "status": status, "body": "<html>" + "x" * 70000}])
        self.assertExit(69, self.sign_in(sandbox), f"HTTP status {status}")

    @for_each({str(status): status for status in (400, 403, 404, 500, 503)})
    def test_error_status_is_named(self, status):
        sandbox = self.sandbox(script=[{"path": "/device_authorization", "status": status}])
        run = self.sign_in(sandbox)
        self.assertIn(run.code, (DATA, 69), run.stderr)
        self.assertIn(str(status), run.stderr)
