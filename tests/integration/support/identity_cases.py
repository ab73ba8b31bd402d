"""Cases of [[site.identity]]: rules, a certificate, and who it is by them. A site for each set of rules."""
import hashlib
import json

from cryptography.hazmat.primitives import serialization

from . import toml
from .client_access import connect
from .gate import run_command
from .mapped import rule, tables
from .odd_certificates import odd_credential

NOBODY, REFUSED, DENIED = "(not mapped)", "(refused)", "(denied)"


class Case:
    """`rules` may be a function of the certificate's facts. `is_` is the user, or one of the words above."""

    def __init__(self, rules, is_, subject="client", names=(), **wishes):
        self.rules, self.is_, self.wishes = rules, is_, {"subject": subject, "names": names, **wishes}

    def settle(self, cas):
        """Makes the certificate, and the rules where they depend on it."""
        self.credential = odd_credential(cas, **self.wishes)
        if callable(self.rules):
            self.rules = self.rules(facts_of(self.credential.entity))
        self.rules = self.rules if isinstance(self.rules, list) else [self.rules]
        return self


def facts_of(entity):
    public = entity.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"sha256": hashlib.sha256(entity.der).hexdigest(), "spki_sha256": hashlib.sha256(public).hexdigest()}


class Sites:
    """All cases, in as few configurations as there may be: the `ready` event has no room for more listeners."""
    in_one_gate = 12

    def __init__(self, cas, cases):
        self.names, self.settings = {}, []
        for case in cases.values():
            key = json.dumps(case.settle(cas).rules)
            if key not in self.names:
                self.names[key] = len(self.names)
                self.settings.append({"name": f"s{self.names[key]}.test", **tables(cas, *case.rules, basic=True),
                                      "listen": [{"address": "127.0.0.1:0", "tls": "explicit"}]})

    def site_of(self, case):
        return f"s{self.names[json.dumps(case.rules)]}.test"

    def gate_of(self, house, case):
        first = self.names[json.dumps(case.rules)] // self.in_one_gate * self.in_one_gate
        return house.gate_of(self.settings[first:first + self.in_one_gate])

    def config_of(self, gate, case):
        """The case's site alone, out of the gate's configuration."""
        site = self.site_of(case)
        path = gate.folder / f"{site}.toml"
        if not path.exists():
            alone = [one for one in gate.settings["site"] if one["name"] == site]
            path.write_text(toml.dump({"log": {"file": ""}, "metrics": {"listen": ""}, "site": alone}))
        return path


def explained(config, site, credential):
    """(exit status, `ftpsgate identity --json` as a dictionary, None where there is no report)"""
    done = run_command("identity", "-c", config, "--site", site, "--json", credential.certificate)
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def logged_in(gate, site, credential):
    """The answer to USER; None when the handshake comes to nothing."""
    try:
        client = connect(gate, credential, site=site)
        client.handshake()
        return client.command("USER typed")
    except OSError:         # an alert, or a certificate that the client's own library will not load
        return None


def check_case(sites, house, case):
    """What the session is told, what the backend hears, and what the command says must agree."""
    gate, site = sites.gate_of(house, case), sites.site_of(case)
    answer = logged_in(gate, site, case.credential)
    status, report = explained(sites.config_of(gate, case), site, case.credential)
    if case.is_ == REFUSED:
        assert answer is None or answer.code == 530, answer
        assert status == 4 or (status == 2 and answer is None), report
        assert answer is None or report["identity"]["outcome"] == "refused"
    elif case.is_ == DENIED:
        assert (answer.code, status, report["identity"]["outcome"]) == (530, 4, "denied")
    elif case.is_ == NOBODY:
        assert answer is not None and answer.code == 331, (answer, report and report["identity"])
        assert (status, report["identity"]["outcome"], report["identity"]["user"]) == (3, "not_mapped", None)
        assert len(report["identity"]["steps"]) == len(case.rules)
        assert all(step["detail"] and not step["matched"] for step in report["identity"]["steps"])
    else:
        assert answer is not None and answer.code == 232, (answer, report and report["identity"])
        assert gate.backend.session.received[0] == b"USER " + case.is_.encode() + b"\r\n"
        assert (status, report["identity"]["user"]) == (0, case.is_)
        assert report["identity"]["steps"][-1]["matched"]
        assert report["identity"]["steps"][-1]["name"] == report["identity"]["rule"]
        return report["identity"]
    assert not gate.backend.sessions
    return report and report.get("identity")


def by(user="yes", name="rule", **matchers):
    return rule(name, user=user, **matchers)
