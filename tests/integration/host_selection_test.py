"""Several sites on one address: HOST, then SNI, then the first listed (B-043, B-076 .. B-085, A-013, A-016)."""
import re

import pytest

from support import process
from support.wait import wait_until

ALLOW = {"control_channel_policy": "allow", "data_channel_policy": "allow"}


def sites(house, policy="require"):
    """ftp.test and same.test share a certificate, other.test has its own; all on one explicit and one implicit port."""
    other = house.authority.leaf("other.test")
    ssl = {"control_channel_policy": policy}
    for attempt in range(4):
        shared = getattr(house, f"shared_{policy}", None) or [
            {"address": f"127.0.0.1:{process.free_port('127.0.0.1')}", "tls": tls} for tls in ("explicit", "implicit")]
        described = [{"name": "ftp.test", "listen": shared, "banner": "first", "ssl": ssl},
                     {"name": "same.test", "listen": shared, "hosts": ["same.test", "alias.test"], "banner": "same",
                      "ssl": ssl},
                     {"name": "other.test", "listen": shared, "banner": "other",
                      "ssl": {**ssl, "certificate": str(other.certificate), "private_key": str(other.key)}}]
        try:
            gate = house.gate_of(described)
            setattr(house, f"shared_{policy}", shared)
            return gate
        except AssertionError:
            if attempt == 3:
                raise


def site_of(gate, client):
    """The site that a login is counted for."""
    before = len(gate.events("login"))
    client.login()
    wait_until(lambda: len(gate.events("login")) > before, "the login is logged")
    return gate.events("login")[-1]["site"]


def names_of(client):
    """The certificate that the gate showed."""
    shown = client.secured.tls.getpeercert()
    return [name for kind, name in shown["subjectAltName"] if kind == "DNS"]


def test_the_first_site_is_the_default(house):
    """Neither HOST nor SNI."""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=None).secure()
    assert names_of(client) == ["ftp.test"]
    assert site_of(gate, client) == "ftp.test"


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("name, certificate, site", [("other.test", "other.test", "other.test"),
                                                     ("same.test", "ftp.test", "same.test"),
                                                     ("OTHER.Test", "other.test", "other.test"),
                                                     ("alias.test", "ftp.test", "same.test"),
                                                     ("nobody.test", "ftp.test", "ftp.test")])
def test_sni_selects_the_site(house, name, certificate, site, implicit):
    """B-043, A-016: any case; unknown names get the default site."""
    gate = sites(house)
    client = gate.client(site="ftp.test", implicit=implicit, server_name=name)
    if not implicit:
        client.secure()
    assert names_of(client) == [certificate]
    assert site_of(gate, client) == site


def test_host_in_clear_selects_certificate_and_site(house):
    """B-077"""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=None)
    assert client.command("HOST other.test").code == 220
    client.secure()
    assert names_of(client) == ["other.test"]
    assert site_of(gate, client) == "other.test"


def test_the_last_host_counts(house):
    """B-078"""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=None)
    assert client.codes("HOST other.test", "HOST SAME.test") == [220, 220]
    client.secure()
    assert site_of(gate, client) == "same.test"


@pytest.mark.parametrize("argument, code", [("nobody.test", 504), ("ftp.test:21", 501), ("2001:db8::1", 501),
                                            ("[2001:db8::1]:21", 501),
                                            ("", 501), ("192.0.2.1", 504), ("[2001:db8::1]", 504)])
def test_host_that_is_none(house, argument, code):
    """B-079, B-081, B-083: the connection stays."""
    client = sites(house).client(site="ftp.test")
    assert client.codes(f"HOST {argument}".rstrip(), "NOOP") == [code, 200]


def test_host_after_login_is_503(house):
    """B-082"""
    client = sites(house).secured(site="ftp.test").login()
    assert client.codes("HOST ftp.test", "HOST other.test", "PWD") == [503, 503, 257]


def test_host_must_match_sni(house):
    """B-084, D-09: 504 and nothing changes, even where the certificate is the same."""
    gate = sites(house)
    client = gate.secured(site="ftp.test", server_name="ftp.test")
    assert client.codes("HOST other.test", "HOST same.test", "HOST FTP.test") == [504, 504, 220]
    assert site_of(gate, client) == "ftp.test"


def test_host_under_tls_without_sni(house):
    """B-085, A-013: only to a site that shows the same certificate."""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=None).secure()
    assert client.codes("HOST other.test", "HOST same.test") == [504, 220]
    assert site_of(gate, client) == "same.test"


def test_host_before_user_takes_the_user_back(house):
    """B-077: what was said to the former site is forgotten."""
    gate = sites(house, "allow")
    client = gate.client(site="ftp.test", server_name=None)
    assert client.codes("USER bob", "HOST same.test") == [331, 220]
    assert client.command("PASS pw-of-bob").code == 503
    assert site_of(gate, client) == "same.test"


def test_host_in_the_user_name(house):
    """B-076: "host|user"; the backend gets the bare name."""
    gate = sites(house, "allow")
    client = gate.client(site="ftp.test", server_name=None)
    assert client.command("USER other.test|bob").code == 331
    assert client.command("PASS pw-of-bob").code == 230
    assert gate.wait_event("login", site="other.test")
    assert gate.backend.lines[:2] == ["USER bob", "PASS pw-of-bob"]


def test_host_in_the_user_name_is_checked_as_host_is(house):
    """A-013, B-085: under TLS another certificate's site is not to be had; the strict site's backend hears nothing."""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=None).secure()
    assert client.command("USER other.test|bob").code in (504, 530)
    assert not gate.backend.sessions
    assert site_of(gate, client) == "ftp.test"


def test_feat_names_host_where_there_are_several_sites(house):
    """B-094"""
    client = sites(house).client(site="ftp.test")
    assert re.search(r"^ HOST$", client.command("FEAT").text, re.M)


@pytest.mark.parametrize("name", ["a" * 63 + "." + "b" * 63 + ".test", "xn--n3h.test", "ftp.test.evil.test"])
def test_odd_sni_does_no_harm(house, name):
    """A-016: the default site, or refused; the gate lives on."""
    gate = sites(house)
    client = gate.client(site="ftp.test", server_name=name)
    try:
        client.secure()
        assert names_of(client) == ["ftp.test"]
    except OSError:
        pass
    gate.secured(site="ftp.test").login()
