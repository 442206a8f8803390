"""The throw-away certificate authority, and the certificates that a server may show."""

import datetime
import shutil
import subprocess

from .common import Mistake

SAN = "DNS:localhost,IP:127.0.0.1,IP:::1"
# Per kind, what differs from a good certificate. `under` names who signs it.
CERTIFICATES = {
    "good": {},
    "rsa": {"key": "rsa:2048"},
    "p384": {"key": "ec:P-384"},
    "chain": {"under": "intermediate"},
    "chain-disordered": {"under": "lower", "send": ("upper", "lower")},
    "chain-with-root": {"under": "lower", "send": ("ca", "upper", "lower")},
    "chain-large-key": {"under": "intermediate", "above": {"key": "rsa:5120"}},
    "chain-constrained": {"under": "intermediate", "above": {"constraints": "DNS:localhost"}},
    "chain-incomplete": {"under": "intermediate", "send_intermediate": False},
    "under-a-leaf": {"under": "leaf"},
    "wrong-host": {"san": "DNS:elsewhere.example"},
    "address-as-name": {"san": "DNS:127.0.0.1,DNS:localhost"},
    "common-name": {"san": None},
    "expired": {"days": (-20, -1)},
    "not-yet-valid": {"days": (1, 20)},
    "self-signed": {"under": "itself"},
    "unknown-ca": {"under": "stranger"},
    "largest-key": {"key": "rsa:4096"},
    "large-key": {"key": "rsa:5120"},
    "weak-key": {"key": "rsa:1024"},
    "sha1": {"digest": "sha1"},
    "for-clients": {"usage": "clientAuth"},
}


class Authority:
    """A throw-away CA, made with openssl(1)."""

    def __init__(self, directory, name="Sandbox CA"):
        if not shutil.which("openssl"):
            raise Mistake("openssl is missing: install the package openssl")
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)
        self.certificate, self.key = directory / "ca.crt", directory / "ca.key"
        self.configuration = directory / "ca.conf"
        self.configuration.write_text(
            "[ca]\ndefault_ca = sandbox\n[sandbox]\ndatabase = index.txt\nnew_certs_dir = .\n"
            "rand_serial = yes\nunique_subject = no\npolicy = any\n[any]\ncommonName = supplied\n"
            "[req]\ndistinguished_name = name\n[name]\n")
        (directory / "index.txt").touch()
        self._openssl("req", "-x509", "-config", self.configuration, *self._new_key("ec:P-256"),
                      "-sha256", "-days", "30", "-subj", f"/CN={name}", "-keyout", self.key,
                      "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, kind):
        """Makes a server certificate of that kind: (chain file, key file)."""
        facts = CERTIFICATES[kind]
        under = facts.get("under")
        signer, sent = (self.certificate, self.key), b""
        if under == "lower":
            upper = self._sign("upper", "Sandbox Upper", self._signer_lines(under))
            signer = self._sign("lower", "Sandbox Lower", self._signer_lines(under), upper)
            sent = b"".join((self.directory / f"{name}.crt").read_bytes() for name in facts["send"])
        elif under in ("intermediate", "leaf"):
            above = facts.get("above", {})
            lines = self._signer_lines(under)
            if "constraints" in above:
                lines += [f"nameConstraints=critical,permitted;{above['constraints']}"]
            signer = self._sign("intermediate", "Sandbox Intermediate", lines, (), above)
            sent = signer[0].read_bytes() if facts.get("send_intermediate", True) else b""
        elif under == "stranger":
            stranger = Authority(self.directory / "stranger", "Another CA")
            signer = (stranger.certificate, stranger.key)
        elif under == "itself":
            signer = None
        leaf, key = self._sign("server", "localhost", self._leaf_lines(facts), signer, facts)
        chain = self.directory / "chain.crt"
        chain.write_bytes(leaf.read_bytes() + sent)
        return chain, key

    def renewed(self, days):
        """The CA's own certificate again, with the same name and key and other dates."""
        lines = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        extensions, certificate = self.directory / "renewed.ext", self.directory / "renewed.crt"
        extensions.write_text("\n".join(lines) + "\n")
        request = self.directory / "renewed.csr"
        self._openssl("req", "-new", "-config", self.configuration, "-key", self.key,
                      "-subj", "/CN=Sandbox CA", "-out", request)
        first, last = (self._moment(day) for day in days)
        self._openssl("ca", "-batch", "-notext", "-config", self.configuration, "-selfsign",
                      "-keyfile", self.key, "-in", request, "-out", certificate, "-extfile",
                      extensions, "-startdate", first, "-enddate", last, "-md", "sha256")
        return certificate.read_text()

    @staticmethod
    def _signer_lines(under):
        is_authority = "FALSE" if under == "leaf" else "TRUE"
        usage = "digitalSignature" if under == "leaf" else "keyCertSign,cRLSign"
        return [f"basicConstraints=critical,CA:{is_authority}", f"keyUsage=critical,{usage}"]

    @staticmethod
    def _leaf_lines(facts):
        usage = "digitalSignature"
        if facts.get("key", "").startswith("rsa"):
            usage += ",keyEncipherment"     # static RSA key exchange, offered to be refused
        lines = ["basicConstraints=critical,CA:FALSE", f"keyUsage=critical,{usage}",
                 f"extendedKeyUsage={facts.get('usage', 'serverAuth')}"]
        san = facts.get("san", SAN)
        return lines + ([f"subjectAltName={san}"] if san else [])

    def _sign(self, stem, name, lines, signer=(), facts=None):
        facts = facts or {}
        request, key, certificate, extensions = (
            self.directory / f"{stem}.{end}" for end in ("csr", "key", "crt", "ext"))
        extensions.write_text("\n".join(lines) + "\n")
        self._openssl("req", "-new", "-config", self.configuration,
                      *self._new_key(facts.get("key", "ec:P-256")), "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        first, last = (self._moment(days) for days in facts.get("days", (-1, 20)))
        by = ["-selfsign", "-keyfile", key] if signer is None else \
            ["-cert", (signer or (self.certificate,))[0], "-keyfile", (signer or (0, self.key))[1]]
        self._openssl("ca", "-batch", "-notext", "-config", self.configuration, *by,
                      "-in", request, "-out", certificate, "-extfile", extensions,
                      "-startdate", first, "-enddate", last, "-md", facts.get("digest", "sha256"))
        return certificate, key

    @staticmethod
    def _moment(days):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")

    @staticmethod
    def _new_key(kind):
        algorithm, _, size = kind.partition(":")
        if algorithm == "rsa":
            # Four primes are found in a fraction of the time that two of twice the length take.
            primes = ["-pkeyopt", "rsa_keygen_primes:4"] if int(size) >= 4096 else []
            return ["-nodes", "-newkey", kind, *primes]
        return ["-nodes", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{size}"]

    def _openssl(self, *arguments):
        command = ["openssl", *map(str, arguments)]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True,
                              umask=0o077)
        if done.returncode:
            raise Mistake(f"openssl {arguments[0]} failed: {done.stderr.strip()}")

