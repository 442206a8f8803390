"""The page a person sees: type the code, or compare it, then approve or deny."""

import html
import re
import secrets
import time
import urllib.parse

from .common import PERSON
from .wire import Answer

# What providers call the code in verification_uri_complete; the form below says `code`.
CODE_NAMES = ("userCode", "user_code", "device-code", "code")
PAGE_HEADERS = [
    ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; "
                                "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")]

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #767676; --go: #0b6b3a; --stop: #a4262c }}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; padding: 1.5rem; max-width: 30rem;
        font: 1.125rem/1.5 system-ui, sans-serif }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }}
.who {{ margin: 0 0 1.5rem; opacity: .8; font-size: 1rem }}
.code {{ font: 700 2.25rem/1.2 ui-monospace, monospace; letter-spacing: .12em; text-align: center;
         border: 2px solid var(--line); border-radius: .75rem; padding: 1rem .25rem;
         margin: 1rem 0 }}
ul {{ padding-left: 1.25rem }}
li {{ margin: .5rem 0 }}
small {{ opacity: .75; overflow-wrap: anywhere }}
label {{ display: block; font-weight: 600 }}
input {{ width: 100%; min-height: 3.5rem; padding: .5rem 1rem; margin: .5rem 0 1rem;
         font: 700 1.5rem ui-monospace, monospace; letter-spacing: .12em;
         border: 2px solid var(--line); border-radius: .75rem; text-transform: uppercase }}
button {{ display: block; width: 100%; min-height: 3.5rem; margin: .75rem 0; padding: .5rem 1rem;
          font: 600 1.25rem system-ui, sans-serif; border: 2px solid; border-radius: .75rem }}
.go {{ color: #fff; background: var(--go); border-color: var(--go) }}
.stop {{ color: var(--stop); background: #fff; border-color: var(--stop) }}
:focus-visible {{ outline: 4px solid #1a73e8; outline-offset: 3px }}
.problem {{ border-left: .4rem solid var(--stop); padding: .25rem 0 .25rem 1rem }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="who">Sandbox &middot; signed in as <b>{person}</b></p>
{content}
</main>
</body>
</html>
"""


def page(status, text, headers=()):
    """An answer that a browser shows."""
    return Answer(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"),
                                          *PAGE_HEADERS, *headers])


class Pages:
    """The verification page: type the code, or compare it, then approve or deny."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.tickets = {}   # CSRF token: (browser, grant); each is good for one decision

    def answer(self, request):
        if request.method == "POST":
            return self.post(request)
        if request.method != "GET":
            return Answer(405)
        typed = next((request.query[name][0] for name in CODE_NAMES
                      if name in request.query), None)
        return self.code_form() if typed is None else self.for_code(request, typed)

    def for_code(self, request, typed):
        grant = self.sandbox.grants.find(typed)
        if grant is None or not typed.strip():
            return self.code_form("There is no such code. Compare it with the one on the device's "
                                  "screen, or start again there.", 404)
        if time.monotonic() >= grant.expires:
            return self.code_form("This code has expired. Start again on the device to get a "
                                  "new one.", 410)
        if grant.state != "pending":
            return self.code_form("This code has been used already.", 410)
        return self.question(request, grant)

    def code_form(self, problem=None, status=200):
        example = self.sandbox.personality.dialect.user_code_example
        keyboard = "numeric" if example.isdigit() else "text"
        notice = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
        return page(status, self.filled("Connect a device", f"""{notice}
<form method="get">
<label for="code">Code on the device's screen</label>
<input id="code" name="code" inputmode="{keyboard}" autocomplete="one-time-code"
 autocapitalize="characters" spellcheck="false" maxlength="16" required autofocus
 aria-describedby="hint">
<p id="hint"><small>It looks like {example}.</small></p>
<button class="go" type="submit">Continue</button>
</form>"""))

    def question(self, request, grant):
        browser = self.browser(request) or secrets.token_urlsafe(24)
        ticket = secrets.token_urlsafe(24)
        self.tickets[ticket] = (browser, grant)
        scopes = self.sandbox.personality.scopes
        asked = "\n".join(f"<li>{html.escape(scopes[word])}<br><small>{html.escape(word)}</small>"
                          for word in grant.scope.split())
        content = f"""<p><b>{html.escape(grant.client_id)}</b> asks to:</p>
<ul>
{asked}
</ul>
<p id="compare">Is this the code on your device?</p>
<p class="code" aria-label="{' '.join(grant.user_code)}">{html.escape(grant.user_code)}</p>
<p>If it is not, somebody else may be trying to sign in as you: deny.</p>
<form method="post">
<input type="hidden" name="ticket" value="{ticket}">
<button class="go" name="decision" value="approve" aria-describedby="compare">Approve</button>
<button class="stop" name="decision" value="deny">Deny</button>
</form>"""
        cookie = f"sandbox={browser}; Path=/; Secure; HttpOnly; SameSite=Strict"
        return page(200, self.filled("Connect this device?", content),
                           [("Set-Cookie", cookie)])

    def post(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
        browser, grant = self.tickets.pop(form.get("ticket"), (None, None))
        if grant is None or browser != self.browser(request):
            return self.code_form("This page is out of date. Type the code again.", 403)
        decide = {"approve": self.sandbox.approve, "deny": self.sandbox.deny}
        if form.get("decision") not in decide:
            return self.code_form("Neither approved nor denied. Type the code again.", 400)
        if time.monotonic() >= grant.expires or not decide[form["decision"]](grant.user_code):
            return self.for_code(request, grant.user_code)
        if form["decision"] == "approve":
            return page(200, self.filled("Device connected", "<p>The device goes on by "
                               "itself. You may close this page.</p>"))
        return page(200, self.filled("Denied", "<p>The device got no access. You may "
                           "close this page.</p>"))

    @staticmethod
    def browser(request):
        found = re.search(r"(?:^|; )sandbox=([\w-]+)", request.header("Cookie") or "")
        return found and found[1]

    @staticmethod
    def filled(title, content):
        return PAGE.format(title=html.escape(title), person=html.escape(PERSON["name"]),
                           content=content)

