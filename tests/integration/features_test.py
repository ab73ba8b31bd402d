"""FEAT, OPTS, HELP, STAT, SYST and the rest of the small talk (B-065 .. B-067, B-094 .. B-108)."""
import re

import pytest

OWN = ["AUTH TLS", "PBSZ", "PROT", "EPSV", "EPRT", "PASV"]


def features(client):
    answer = client.command("FEAT")
    assert answer.code == 211 and answer.lines[0].startswith("211-") and re.match(r"211 ", answer.lines[-1])
    assert all(re.match(r" \S", line) for line in answer.lines[1:-1]), "one space before each feature"
    return [line[1:] for line in answer.lines[1:-1]]


def test_before_login_the_gates_own_and_no_backend(gate):
    """B-096, B-282: nobody is connected for the unauthenticated."""
    client = gate.client()
    found = features(client)
    assert set(OWN) <= set(found)
    assert set(OWN) <= set(features(client.secure()))
    assert not gate.backend.sessions


def test_after_login_the_backends_and_the_gates(gate):
    """B-094, B-097: what the gate does not let through is not offered, nothing twice."""
    found = features(gate.logged_in())
    assert set(OWN + ["UTF8", "REST STREAM", "SIZE"]) <= set(found)
    assert any(line.startswith("MLST ") for line in found)
    assert "SSCN" not in found and len(found) == len(set(found))


@pytest.mark.parametrize("reply", ["500 what?", "502 no", "211 none"])
def test_a_backend_without_feat(gate, reply):
    """B-098: and then UTF8 is not promised."""
    gate.backend.on("FEAT", reply)
    found = features(gate.logged_in())
    assert set(OWN) <= set(found) and "UTF8" not in found


def test_never_what_is_refused(gate):
    """B-094"""
    refused = ["AUTH TLS", "AUTH SSL;TLS-P", "PBSZ", "PROT", "CCC", "SSCN", "CPSV", "HOST", "ADAT", "MIC", "CONF",
               "ENC", "LPRT",
               "LPSV", "SPSV"]
    gate.backend.on("FEAT", "211-Features\r\n" + "".join(f" {name}\r\n" for name in refused) + "211 End")
    found = features(gate.logged_in())
    assert not set(found) & {"CCC", "SSCN", "CPSV", "HOST", "ADAT", "MIC", "CONF", "ENC", "LPRT", "LPSV", "SPSV",
                             "AUTH SSL;TLS-P"}
    assert found.count("AUTH TLS") == found.count("PBSZ") == found.count("PROT") == 1


def test_without_certificate_no_security_features(house):
    """B-094, B-035"""
    gate = house.gate(listen=[{"address": "127.0.0.1:0", "tls": "explicit"}],
                      ssl={"certificate": None, "control_channel_policy": "allow", "data_channel_policy": "deny"})
    assert not {"AUTH TLS", "PBSZ", "PROT"} & set(features(gate.client()))


def test_feat_takes_no_argument(gate):
    """B-095"""
    assert gate.secured().command("FEAT x").code == 501


@pytest.mark.parametrize("line", ["OPTS UTF8 ON", "opts utf8 on", "OPTS UTF-8 ON"])
def test_utf8_on_is_passed_to_a_backend_that_has_it(gate, line):
    """B-099"""
    assert gate.logged_in().command(line).code == 200


@pytest.mark.parametrize("line, verb", [("OPTS MLST type;size;", "OPTS"), ("SITE CHMOD 644 a", "SITE"),
                                        ("CLNT me", "CLNT"),
                                        ("MFMT 20200101000000 a", "MFMT"), ("ALLO 10", "ALLO"), ("SYST", "SYST"),
                                        ("TYPE I", "TYPE"),
                                        ("MODE S", "MODE"), ("STRU F", "STRU"), ("STAT a", "STAT"), ("XCRC a", "XCRC"),
                                        ("SIZE a", "SIZE")])
def test_is_forwarded_as_it_is(gate, line, verb):
    """B-100, B-103, B-105, B-106, B-109"""
    gate.backend.on(verb, "299 from the backend")
    client = gate.logged_in()
    assert client.command(line).raw == b"299 from the backend\r\n"
    assert gate.backend.count(line) == 1


@pytest.mark.parametrize("line, codes", [("OPTS AUTH x", (501,)), ("OPTS SSCN x", (501,)), ("MODE B", (504,)),
                                         ("MODE C", (504,)),
                                         ("STRU R", (504,)), ("STRU P", (504,)), ("ADAT eA==", (503,)),
                                         ("MIC eA==", (502, 537)),
                                         ("CONF eA==", (502, 537)), ("ENC REVMRSB4", (502, 537)), ("SSCN ON", (502,)),
                                         ("CPSV", (502,)),
                                         ("SITE EXEC id", (502,)), ("SITE CPFR a", (502,)), ("SITE CPTO a", (502,)),
                                         ("SITE PSWD a b", (502,)), ("site  exec id", (502,)), ("SITE cpfr a", (502,)),
                                         ("REIN", (502,))])
def test_is_refused_and_never_forwarded(gate, line, codes):
    """B-065 .. B-067, B-086, B-101, B-106 .. B-108, A-049, A-052: no state of the client changes either."""
    client = gate.logged_in()
    before = list(gate.backend.lines)
    assert client.command(line).code in codes
    assert gate.backend.lines == before
    assert client.command("PWD").code == 257


def test_help_is_the_gates(gate):
    """B-102: before and after login, without the backend."""
    client = gate.secured()
    answer = client.command("HELP")
    assert answer.code == 214 and "RETR" in answer.text and "EXEC" not in answer.text
    client.login()
    assert client.command("HELP").text == answer.text
    assert "HELP" not in gate.backend.verbs()


def test_stat_is_the_gates_and_tells_the_protection(gate):
    """B-104: the true TLS state, and nothing of the backend."""
    client = gate.logged_in()
    answer = client.command("STAT")
    assert answer.code in (211, 212, 213) and "TLSv1.3" in answer.text and "127.0.0.2" not in answer.text
    assert "STAT" not in gate.backend.verbs()


def test_syst_before_login_needs_no_backend(gate):
    """B-172, B-282"""
    assert gate.client().command("SYST").code in (215, 530)
    assert not gate.backend.sessions


def test_stat_of_a_path_shows_the_listing(gate):
    """B-105: on the control connection, byte for byte."""
    listing = "213-status\r\n -rw-r--r-- 1 u g 14 a\r\ndrwx 2 caf\xe9\r\n213 End"
    gate.backend.on("STAT", listing)
    assert gate.logged_in().command("STAT .").raw == listing.encode("latin-1") + b"\r\n"
