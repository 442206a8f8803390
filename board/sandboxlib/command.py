"""The command line: `board/sandbox --help`."""

import argparse
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path

from .authority import CERTIFICATES
from .common import Mistake
from .dialects import DIALECTS
from .server import Sandbox
from .settings import SETTINGS, count
from .wire import TLS_VERSIONS

CONFIGURATION = 78


def main(arguments):
    options = parse(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if options.parent:
        end_with_parent(options.parent, ended)
    if options.stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), ended.set()),
                         daemon=True).start()
    sandbox = Sandbox(
        options.personality, options.port, options.directory, certificate=options.certificate,
        tls_maximum=options.tls_maximum, ciphers=options.ciphers, client_id=options.client_id,
        client_secret=secret_from(options.client_secret_file), issuer_path=options.issuer_path,
        discover=options.discover, rotate=options.rotate, script=script_from(options.script),
        log=sys.stderr if options.log else None,
        **{name: getattr(options, name) for name in SETTINGS})
    with sandbox:
        print(f"sandbox ready: {sandbox.origin} ({options.personality}), "
              f"settings in {sandbox.directory / 'env'}", flush=True)
        ended.wait()
    return 0


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="sandbox", description="An RFC 8628 authorization server on loopback, for trying "
        "devicegrant out. DIR/devicegrant.conf is ready to use; DIR/env is for a shell. "
        "Where nothing else is said, figures are those of the provider.")
    add = parser.add_argument
    add("--personality", choices=DIALECTS, default="webex", help="dialect (webex)")
    add("--port", type=int, default=0, metavar="N", help="HTTPS port; 0, the default, takes any")
    add("--directory", metavar="DIR", help="where the CA and the settings go (a temporary one)")
    add("--certificate", choices=CERTIFICATES, default="good", metavar="KIND",
        help=f"what the server shows: {', '.join(CERTIFICATES)}")
    add("--tls-maximum", choices=TLS_VERSIONS, help="newest TLS version offered")
    add("--ciphers", metavar="LIST", help="OpenSSL's names of the suites offered up to TLS 1.2")
    add("--client-id", default="devicegrant-sandbox", metavar="ID")
    add("--client-secret-file", metavar="FILE",
        help="holds the client's secret (else one is made up, or taken from CLIENT_SECRET)")
    for name, setting in SETTINGS.items():
        add(f"--{name.replace('_', '-')}", type=setting.parse, choices=setting.words or None,
            metavar=setting.unit, help=setting.help)
    add("--rotate", action="store_true", help="the same as --rotation single-use")
    add("--issuer-path", metavar="PATH", help="path of the issuer (the provider's)")
    add("--discover", action="store_true",
        help="DIR/devicegrant.conf names the issuer only, not the provider or its endpoints")
    add("--script", metavar="FILE", help="JSON list of scripted answers")
    add("--log", action="store_true", help="say on stderr what happens")
    add("--parent", type=count, metavar="PID", help="end when that process ends")
    add("--stdin", action="store_true", help="end when standard input is closed")
    return parser.parse_args(arguments)


def secret_from(path):
    if path is None:
        return os.environ.get("CLIENT_SECRET")
    try:
        return Path(path).read_text().rstrip("\n")
    except OSError as error:
        raise Mistake(f"--client-secret-file: {error}") from None


def script_from(path):
    if path is None:
        return []
    try:
        rules = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise Mistake(f"--script {path}: {error}") from None
    if not isinstance(rules, list):
        raise Mistake(f"--script {path}: must hold a JSON list")
    return rules


def end_with_parent(pid, ended):
    try:
        parent = os.pidfd_open(pid)
    except OSError as error:
        raise Mistake(f"--parent {pid}: {error.strerror}") from None

    def watch():
        select.select([parent], [], [])
        ended.set()
    threading.Thread(target=watch, daemon=True).start()


def run(arguments):
    """main, with mistakes told in one line."""
    try:
        return main(arguments)
    except (Mistake, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return CONFIGURATION
