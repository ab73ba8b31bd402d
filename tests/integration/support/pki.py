"""A throw-away CA and server certificates, made by the `openssl` command for each test session: nothing is stored."""
import pathlib
import subprocess

NAMES = ("ftp.test", "other.test", "strict.test", "localhost")


class Leaf:
    """A certificate (leaf only, PEM) with its private key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority:
    """Ensures one CA per folder and hands out leaves that it signed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        self.made = {}
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=throw-away test CA", "-keyout", self.key, "-out", self.certificate)

    def leaf(self, name="ftp.test", kind="ecdsa", days=2):
        """A server certificate for `name` (and 127.0.0.1, ::1); `kind` is ecdsa (P-256) or rsa (2048 bits)."""
        wanted = (name, kind, days)
        if wanted not in self.made:
            self.made[wanted] = self._issue(*wanted)
        return self.made[wanted]

    def _issue(self, name, kind, days):
        stem = f"{name}-{kind}-{days}"
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        leaf = Leaf(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        algorithm = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[kind]
        self._openssl("req", "-newkey", *algorithm, "-nodes", "-subj", f"/CN={name}", "-keyout", leaf.key, "-out",
                      request)
        extensions.write_text(f"subjectAltName=DNS:{name},IP:127.0.0.1,IP:::1\n"
                              "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                      "-days", days, "-extfile", extensions, "-out", leaf.certificate)
        return leaf

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
