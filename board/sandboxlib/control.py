"""/sandbox/: what a test does from Python, from a shell. No page in a browser may.

GET  /sandbox/state                 what the server knows, as JSON
POST /sandbox/approve, deny         the newest code, or ?user_code=
POST /sandbox/disconnect            the person ends the grant at the provider
POST /sandbox/expire                ?what=access, refresh or codes, now
POST /sandbox/age                   ?seconds=: everything is that much older
POST /sandbox/lose                  the next ?times=1 answers of ?endpoint= (poll, refresh, …);
                                    ?processed=no loses the requests
POST /sandbox/fail                  ?endpoint= &status=503 &times= or &seconds= &retry_after=
POST /sandbox/refuse                ?endpoint= &error= &times=1
POST /sandbox/delay, hang           ?endpoint= &times=1, and &seconds= for delay
POST /sandbox/script                a scripted answer, as a JSON object in the body
POST /sandbox/calm                  forgets all scripted answers
POST /sandbox/settings              ?name=value, for any of settings.SETTINGS
POST /sandbox/go-away               refuses connections for ?seconds=
"""

import json

from .common import Mistake
from .settings import count, seconds, switch
from .wire import Answer

# By command: its parameters and how they are read.
COMMANDS = {
    "disconnect": {}, "calm": {}, "expire": {"what": str}, "age": {"seconds": seconds},
    "lose": {"endpoint": str, "times": count, "processed": switch},
    "fail": {"endpoint": str, "status": count, "times": count, "seconds": seconds,
             "retry_after": str, "processed": switch},
    "refuse": {"endpoint": str, "error": str, "times": count},
    "delay": {"endpoint": str, "seconds": seconds, "times": count},
    "hang": {"endpoint": str, "times": count},
}


def control(sandbox, request):
    """The answer to a request under /sandbox/."""
    if request.header("Origin") or request.header("Sec-Fetch-Site"):
        return Answer(403)
    name = request.path.removeprefix("/sandbox/")
    if (request.method, name) == ("GET", "state"):
        return Answer.json(200, sandbox.state())
    if request.method != "POST":
        return Answer(405 if name in ("approve", "deny", "script", "settings", *COMMANDS) else 404)
    try:
        return _command(sandbox, name, request)
    except (Mistake, ValueError, TypeError, KeyError) as error:
        return Answer(400, f"{error}\n".encode())


def _command(sandbox, name, request):
    given = {key: values[0] for key, values in request.query.items()}
    if name in ("approve", "deny"):
        grant = getattr(sandbox, name)(given.get("user_code"))
        return Answer(200, f"{grant.state}\n".encode()) if grant \
            else Answer(404, b"no such code\n")
    if name == "script":
        sandbox.answer_next(**json.loads(request.body))
    elif name == "settings":
        sandbox.configure(**given)
    elif name == "go-away":
        sandbox.go_away_for(seconds(given["seconds"]))
    elif name in COMMANDS:
        getattr(sandbox, name)(**{key: COMMANDS[name][key](value)
                                  for key, value in given.items()})
    else:
        return Answer(404)
    return Answer(200, b"done\n")

