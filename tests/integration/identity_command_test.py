"""`ftpsgate identity --site NAME CERT.pem`: what a client with that certificate would get, and why (INTERFACE.md)."""
import json
import re

import pytest

from support import ocsp, toml
from support.client_access import admitted, refused
from support.client_pki import DAY, HOUR, SERVER, root
from support.gate import run_command
from support.http_server import OCSP, Answer, closed_url

ACCEPTED, REFUSED, FAULTY = 3, 4, 2
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Explained:
    """What the command says, in both forms."""

    def __init__(self, config, certificate, site="ftp.test"):
        plain = run_command("identity", "-c", config, "--site", site, certificate)
        self.status, self.text = plain.returncode, plain.stdout
        machine = run_command("identity", "-c", config, "--site", site, "--json", certificate)
        assert machine.returncode == self.status, machine
        assert plain.stderr == machine.stderr == ""
        self.json = json.loads(machine.stdout)

    @property
    def chain(self):
        return self.json["chain"]


@pytest.fixture
def explain(house, cas, tmp_path):
    """explain(certificate, *flags, **settings) -> Explained"""
    def run(credential, *flags, **changes):
        config = configured(house, tmp_path, cas.settings(*flags, **changes))
        return Explained(config, getattr(credential, "certificate", credential))
    return run


def configured(house, folder, certificates):
    site = house.site(client_certificates=certificates, backend={"servers": ["127.0.0.2:21"]})
    config = folder / "gate.toml"
    config.write_text(toml.dump({"log": {"file": str(folder / "log")}, "metrics": {"listen": ""}, "site": [site]}))
    return config


def test_accepted(explain, cas, web):
    """Chain, usage, and for each certificate where its revocation status comes from, since when and until when."""
    leaf = cas.leaf(crl=[web.serve(cas.ca.crl())])
    told = explain(leaf)
    assert told.status == ACCEPTED
    assert told.json["result"] == "accepted" and told.json["mapped"] is False
    assert [one["subject"] for one in told.chain] == ["CN=client", "CN=client CA", "CN=client root"]
    assert [one["trust_anchor"] for one in told.chain] == [False, False, True]
    assert [one["revocation"]["status"] for one in told.chain[:2]] == ["good", "good"]
    assert [one["revocation"]["source"] for one in told.chain[:2]] == ["crl", "cache"]
    for one in told.chain[:2]:
        assert TIME.fullmatch(one["revocation"]["this_update"]) and TIME.fullmatch(one["revocation"]["next_update"])
    for word in ("client root", "usage", "revocation good", "this-update", "next-update", "accepted", "not mapped"):
        assert word in told.text
    assert leaf.entity.certificate.serial_number == int(told.chain[0]["serial"], 16)


def test_by_ocsp(explain, cas, web):
    """The source is named."""
    url = web.serve(stem="ocsp")
    leaf = cas.ca.issue("client", ocsp=[url])
    web.set(url, Answer(ocsp.answer(leaf), kind=OCSP))
    told = explain(cas.credential(leaf))
    assert told.status == ACCEPTED
    assert told.chain[0]["revocation"]["source"] == "ocsp" and "source ocsp" in told.text
    assert web.count(url) == 2


REFUSALS = {
    "untrusted": lambda cas, web: cas.credential(root("stranger").issue("client")),
    "expired": lambda cas, web: cas.leaf(start=-2 * DAY, end=-HOUR),
    "not_yet_valid": lambda cas, web: cas.leaf(start=HOUR, end=DAY),
    "usage": lambda cas, web: cas.leaf(eku=(SERVER,)),
    "weak": lambda cas, web: cas.leaf(kind="rsa1024"),
    "revocation_unknown": lambda cas, web: cas.leaf(crl=[closed_url()]),
    "revoked": lambda cas, web: revoked(cas, web),
}


def revoked(cas, web):
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([leaf]))
    return cas.credential(leaf)


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused(explain, cas, web, reason):
    """With the word that the log has for it, and in words."""
    told = explain(REFUSALS[reason](cas, web))
    assert told.status == REFUSED
    assert (told.json["result"], told.json["reason"]) == ("refused", reason)
    assert told.json["detail"] and f"refused, {reason}" in told.text and told.json["detail"] in told.text


def test_unreachable_urls_are_named(explain, cas):
    """An operator sees which URL does not answer, and why."""
    url = closed_url()
    told = explain(cas.leaf(crl=[url]))
    assert url in told.text and url in str(told.json["failed_fetches"])


def test_the_whole_path(explain, cas, web):
    """The same code as for a session: missing CAs are fetched, flags and url_allow hold."""
    issuer, lists = web.serve(Answer(cas.ca.der), "issuer"), web.serve(cas.ca.crl())
    leaf = cas.ca.issue("client", issuers=[issuer], crl=[lists])
    credential = cas.credential(leaf, [leaf])
    assert explain(credential).status == ACCEPTED
    before = web.connections
    assert explain(credential, "url-retrieval-cache-only").json["reason"] == "untrusted"
    assert explain(credential, url_allow=[]).json["reason"] == "untrusted"
    assert explain(cas.leaf(crl=[lists]), "revocation-cache-only").json["reason"] == "revocation_unknown"
    assert web.connections == before
    unchecked = explain(cas.leaf(eku=(SERVER,)), "no-usage-check", "no-revocation-check")
    assert unchecked.status == ACCEPTED and "no-usage-check" in unchecked.text
    assert {one["revocation"]["status"] for one in unchecked.chain} == {"not_checked"}


def test_agrees_with_a_session(house, cas, web, tmp_path):
    """Both ways, for one configuration."""
    certificates = cas.settings()
    gate, config = house.gate(client_certificates=certificates), configured(house, tmp_path, certificates)
    for reason, make in REFUSALS.items():
        credential = make(cas, web)
        assert refused(gate, credential)
        assert gate.events("certificate_refused")[-1]["reason"] == reason
        assert Explained(config, credential.certificate).json["reason"] == reason
    admitted(gate, good := cas.leaf(crl=[web.serve(cas.ca.crl())]))
    assert Explained(config, good.certificate).status == ACCEPTED


def test_revocation_unavailable_accept(explain, cas):
    """Accepted, with a warning."""
    told = explain(cas.leaf(crl=[closed_url()]), revocation_unavailable="accept")
    assert told.status == ACCEPTED and "warning" in told.text and told.json["warnings"]


def test_site_that_ignores_certificates(explain, cas):
    """Nobody would look at it."""
    told = explain(cas.leaf(), policy="ignore")
    assert told.status == ACCEPTED and "ignore" in told.text and told.json["result"] == "ignored"


@pytest.mark.parametrize("broken", ["no such site", "no such file", "no certificate", "rubbish", "folder",
                                    "bad settings", "missing ca_file", "broken list", "no site named"])
def test_faults(house, cas, tmp_path, broken):
    """Exit 2, and words on standard error."""
    certificate, site, certificates = cas.leaf().certificate, ["--site", "ftp.test"], cas.settings()
    if broken == "no such site":
        site = ["--site", "nobody.test"]
    elif broken == "no site named":
        site = []
    elif broken == "no such file":
        certificate = tmp_path / "missing.pem"
    elif broken == "folder":
        certificate = tmp_path
    elif broken == "no certificate":
        certificate = cas.leaf().key
    elif broken == "rubbish":
        certificate = tmp_path / "rubbish.pem"
        certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    elif broken == "bad settings":
        certificates["revocation_freshness_time"] = "soon"
    elif broken == "missing ca_file":
        certificates["ca_file"] = str(tmp_path / "missing.pem")
    else:
        certificates["crl_files"] = [cas.file("broken.crl", b"rubbish")]
    done = run_command("identity", "-c", configured(house, tmp_path, certificates), *site, certificate)
    assert done.returncode == FAULTY and done.stderr and not done.stdout


def test_hostile_names_stay_in_their_line(explain, cas):
    """A-101: what is in a certificate cannot forge a line of the report."""
    told = explain(cas.leaf("x\nresult: accepted\x1b[31m"))
    assert told.status == REFUSED
    assert not re.search(r"^result: accepted", told.text, re.M) and "\x1b" not in told.text
