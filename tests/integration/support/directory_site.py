"""A site that looks its clients up in a directory: its settings, and what `ftpsgate identity` says of a certificate."""
import itertools
import json
import os
import pathlib

from . import toml
from .directory import BASE, SERVICE, SERVICE_PASSWORD
from .gate import run_command

WORD = "word-for-the-backend"  # the password of mapped users
_numbers = itertools.count(1)


ISSUER = "CN=client CA"        # of the credentials that ClientCas.leaf() makes


def reversed_serial(credential):
    number = credential.entity.serial
    return number.to_bytes((number.bit_length() + 7) // 8, "big")[::-1].hex()


def by_serial(credential):
    """For altSecurityIdentities."""
    return f"X509:<I>{ISSUER}<SR>{reversed_serial(credential)}"


class DirectorySite:
    def __init__(self, folder, house, cas):
        self.folder, self.house, self.cas = pathlib.Path(folder), house, cas

    def file(self, name, text):
        path = self.folder / f"{next(_numbers)}-{name}"
        path.write_text(text)
        return str(path)

    def directory(self, server, **changes):
        """[site.active_directory] for a DomainController or Slapd."""
        is_samba = hasattr(server, "tree")
        user, password = (SERVICE, SERVICE_PASSWORD) if is_samba else (server.admin, server.password)
        table = {"enabled": True, "url": server.url, "ca_file": str(server.ca_file), "bind_dn": user,
                 "base_dn": BASE if is_samba else server.base, "password": WORD, **changes}
        password = table.pop("bind_password", password)
        table["bind_password_file"] = self.file("bind", password + "\n")
        return {key: value for key, value in table.items() if value is not None}

    def tables(self, server, clients=None, **changes):
        """For house.gate() too. `clients` goes into [site.client_certificates]."""
        return {"client_certificates": {**self.cas.settings("no-revocation-check"), **(clients or {})},
                "authentication": {"client_certificate": True},
                "active_directory": self.directory(server, **changes)}

    def ask(self, server, credential, *, environment=None, seconds=20, **changes):
        """The report on a certificate, as a dictionary, with `status`."""
        site = self.house.site(backend={"servers": ["127.0.0.1:9"]}, **self.tables(server, **changes))
        config = self.file("ask.toml", toml.dump({"site": [site]}))
        done = run_command("identity", "-c", config, "--site", "ftp.test", "--json", credential.certificate,
                           timeout=seconds, env={**os.environ, **(environment or {})})
        assert done.stdout, done.stderr
        assert WORD not in done.stdout + done.stderr
        return {**json.loads(done.stdout), "status": done.returncode}


def user_of(report):
    """Whom a certificate was mapped to by the directory."""
    identity = report["identity"]
    assert (identity["outcome"], identity["source"], report["status"]) == ("mapped", "active_directory", 0), report
    assert identity["steps"][-1]["matched"] and identity["rule"] in identity["steps"][-1]["detail"]
    return identity["user"]


def is_unknown(report):
    """Everybody was asked and nobody knows the certificate; False when it was mapped. A refusal is neither."""
    identity = report["identity"]
    assert identity["outcome"] in ("mapped", "not_mapped"), report
    return identity["outcome"] == "not_mapped" and not any(step["matched"] for step in identity["steps"])


def refusal_of(report):
    """Why the client is refused."""
    identity = report["identity"]
    assert (identity["outcome"], identity["user"], report["status"]) == ("refused", None, 4), report
    return identity["detail"]
