"""The four validation flags, each alone and in all combinations, against certificates that each of them is about, with
the connections that were made for it (B-254 .. B-258)."""
import itertools

import pytest

from support.client_access import VERSIONS, refused
from support.client_pki import SERVER
from support.gate import run_command
from support.http_server import CERTIFICATE, Answer, closed_url
from support import toml

NO_CHECK, CACHE_ONLY = "no-revocation-check", "revocation-cache-only"
NO_AIA, NO_USAGE = "url-retrieval-cache-only", "no-usage-check"
FLAGS = (NO_CHECK, CACHE_ONLY, NO_AIA, NO_USAGE)
COMBINATIONS = [tuple(flag for bit, flag in enumerate(FLAGS) if number >> bit & 1) for number in range(16)]
IDS = [str(number) for number in range(16)]         # the value that IIS gives the combination


@pytest.fixture
def gate(house, cas):
    """A site for each combination, all in one process: what one of them fetched is at hand for all (INTERFACE.md), so
    every case below has certificates and URLs of its own."""
    return house.gate_of([{"name": f"f{number}", "listen": [{"address": "127.0.0.1:0", "tls": "implicit"}],
                           "client_certificates": cas.settings(*flags)} for number, flags in enumerate(COMBINATIONS)])


def outcome(gate, flags, credential):
    """None when the client gets in, otherwise (reason in the log, alert)."""
    site = f"f{COMBINATIONS.index(flags)}"
    try:
        alert = refused(gate, credential, site=site, implicit=True)
    except AssertionError:
        return None
    return gate.wait_event("certificate_refused", site=site)["reason"], alert


def revocation_of(flags, checked):
    """What the flags leave of an outcome that revocation decides."""
    if NO_CHECK in flags:
        return None
    return ("revocation_unknown", "certificate_unknown") if CACHE_ONLY in flags else checked


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_revoked(gate, cas, web, flags):
    """B-254, B-255: the list is at its distribution point only."""
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([leaf]))
    before = web.connections
    assert outcome(gate, flags, cas.credential(leaf)) == revocation_of(flags, ("revoked", "certificate_revoked"))
    asked = not set(flags) & {NO_CHECK, CACHE_ONLY}
    assert (web.count(url), web.connections - before) == (asked, asked)


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_good(gate, cas, web, flags):
    """B-256: bit 4 does not restrict revocation."""
    url = web.serve(cas.ca.crl())
    before = web.connections
    assert outcome(gate, flags, cas.leaf(crl=[url])) == revocation_of(flags, None)
    asked = not set(flags) & {NO_CHECK, CACHE_ONLY}
    assert (web.count(url), web.connections - before) == (asked, asked)


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_responder_and_list(gate, cas, web, flags):
    """B-255: nor is the responder asked."""
    list_url, responder = web.serve(cas.ca.crl()), web.serve(stem="ocsp")
    before = web.connections
    outcome(gate, flags, cas.leaf(crl=[list_url], ocsp=[responder]))
    asked = not set(flags) & {NO_CHECK, CACHE_ONLY}
    assert (web.count(responder), web.count(list_url), web.connections - before) == (asked, asked, 2 * asked)


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_unreachable(gate, cas, flags):
    """B-253"""
    wanted = revocation_of(flags, ("revocation_unknown", "certificate_unknown"))
    assert outcome(gate, flags, cas.leaf(crl=[closed_url()])) == wanted


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_missing_intermediate(gate, cas, web, flags):
    """B-256, B-265: bit 4 alone stops the look for issuers; bit 2 does not."""
    issuer, lists = web.serve(Answer(cas.ca.der, kind=CERTIFICATE), "issuer"), web.serve(cas.ca.crl())
    leaf = cas.ca.issue("client", issuers=[issuer], crl=[lists])
    before = web.connections
    wanted = ("untrusted", "unknown_ca") if NO_AIA in flags else revocation_of(flags, None)
    assert outcome(gate, flags, cas.credential(leaf, chain=[leaf])) == wanted
    fetched = NO_AIA not in flags
    listed = fetched and not set(flags) & {NO_CHECK, CACHE_ONLY}
    assert (web.count(issuer), web.count(lists)) == (fetched, listed)
    assert web.connections - before == fetched + listed


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_for_servers_only(gate, cas, web, flags):
    """B-257: the usage is checked before anything is fetched."""
    url = web.serve(cas.ca.crl())
    before = web.connections
    wanted = revocation_of(flags, None) if NO_USAGE in flags else ("usage", "unsupported_certificate")
    assert outcome(gate, flags, cas.leaf(crl=[url], eku=(SERVER,))) == wanted
    assert web.connections - before == (NO_USAGE in flags and not set(flags) & {NO_CHECK, CACHE_ONLY})


@pytest.mark.parametrize("flags", COMBINATIONS, ids=IDS)
def test_no_flag_lets_a_ca_in(gate, cas, flags):
    """B-188"""
    posing = cas.credential(cas.ca.ca("client", uses=("key_cert_sign", "digital_signature")))
    assert outcome(gate, flags, posing) == ("usage", "unsupported_certificate")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_flag_makes_up_for_digital_signature(gate, cas, version):
    """B-187: whatever the flags say, BoringSSL takes no signature of such a key in either version of TLS. It is told as
    any other refusal is."""
    site = f"f{COMBINATIONS.index((NO_CHECK, NO_USAGE))}"
    alert = refused(gate, cas.leaf(uses=("key_encipherment",)), site=site, implicit=True, version=version)
    assert alert in ("unsupported_certificate", "illegal_parameter")
    assert gate.wait_event("certificate_refused", site=site, reason="usage")


@pytest.mark.parametrize("flags", [["no-revocation"], ["no-revocation-check", "nonsense"], [8], ["NO-USAGE-CHECK"]],
                         ids=str)
def test_unknown_flags(gate, tmp_path, flags):
    """B-258"""
    site = {**gate.settings["site"][0]}
    site["client_certificates"] = {**site["client_certificates"], "validation_flags": flags}
    config = tmp_path / "gate.toml"
    config.write_text(toml.dump({**gate.settings, "site": [site]}))
    done = run_command("check", "-c", config)
    assert done.returncode == 2 and "validation_flags" in done.stderr + done.stdout


def test_the_combinations_are_complete():
    """What IIS writes as 0 .. 15."""
    assert len(set(COMBINATIONS)) == 16 == len(list(itertools.product([0, 1], repeat=4)))
