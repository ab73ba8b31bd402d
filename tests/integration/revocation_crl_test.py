"""CRLs: from distribution points and from files, complete, delta and indirect ones, and those that must not be believed
(B-252, B-253, B-261, B-262, B-264, A-084)."""
import signal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from support.client_access import admitted, refused
from support.client_pki import DAY, HOUR, Entity, crl_without_next_update, issue, new_key, pem_of_crl, points
from support.http_server import HOST, Answer, closed_url
from support.wait import wait_until

UNUSABLE, REVOKED = "certificate_unknown", "certificate_revoked"
UNKNOWN_CRITICAL = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\0"), True)


@pytest.fixture
def gate(house, cas):
    return house.gate(client_certificates=cas.settings())


def gate_with(house, cas, *lists, **changes):
    return house.gate(client_certificates=cas.settings(crl_files=[cas.root_list, *map(str, lists)], **changes))


def why(gate):
    """The log's words about the one refusal of this test."""
    event = gate.wait_event("certificate_refused")
    assert event["reason"] == "revocation_unknown"
    return event["detail"]


# Distribution points.

@pytest.mark.parametrize("encode", [bytes, pem_of_crl], ids=["DER", "PEM"])
def test_from_the_distribution_point(gate, cas, web, encode):
    """B-261; the serial next to it is not meant."""
    url = web.serve()
    good, bad = cas.ca.issue("client", crl=[url]), cas.ca.issue("client", crl=[url])
    web.set(url, encode(cas.ca.crl([bad])))
    admitted(gate, cas.credential(good))
    assert refused(gate, cas.credential(bad)) == REVOKED
    assert "revoked" in gate.wait_event("certificate_refused", reason="revoked")["detail"]
    assert web.count(url) == 1


@pytest.mark.parametrize("together", [False, True], ids=["points", "names of one point"])
def test_several_urls_in_order(gate, cas, web, together):
    """B-261: until one of them has what is wanted."""
    urls = [closed_url(), web.serve(), web.serve(b"rubbish"), web.serve(cas.ca.crl()), web.serve(cas.ca.crl())]
    one_point = [x509.DistributionPoint([x509.UniformResourceIdentifier(url) for url in urls], None, None, None)]
    admitted(gate, cas.leaf(points_of=one_point if together else points(urls)))
    assert [web.count(url) for url in urls[1:]] == [1, 1, 1, 0]


@pytest.mark.filterwarnings("ignore:(SHA1|MD5) signatures are deprecated")
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.MD5()], ids=["SHA-1", "MD5"])
@pytest.mark.parametrize("where", ["fetched", "file"])
def test_a_weak_signature(house, gate, cas, web, where, digest):
    """B-273: believed neither from a file nor from the network; the same list with a strong one is."""
    ca = cas.root.ca("RSA CA", kind="rsa2048")
    weak, strong = ca.crl(digest=digest), ca.crl()
    if where == "file":
        gate = gate_with(house, cas, cas.file("weak.crl", weak))
        strict = gate_with(house, cas, cas.file("strong.crl", strong))
        client = cas.credential(ca.issue("client"))
        assert refused(gate, client) == UNUSABLE
        admitted(strict, client)
    else:
        assert refused(gate, cas.credential(ca.issue("client", crl=[web.serve(weak)]))) == UNUSABLE
        admitted(gate, cas.credential(ca.issue("client", crl=[web.serve(strong)])))
    assert "weak algorithm" in why(gate)


def test_other_schemes_are_passed_over(gate, cas, web, tmp_path):
    """B-261: ldap, https, file and the like open nothing, not even a file that is there."""
    file = tmp_path / "list.crl"
    file.write_bytes(cas.ca.crl())
    place = f"{HOST}:{web.port}"
    others = [f"ldap://{place}/cn=x?certificateRevocationList", f"https://{place}/x", f"file://{file}",
              f"ftp://{place}/x", str(file), f"//{place}/x", f"http:{place}", f"http://user:pw@{place}/x", "http://"]
    url, before = web.serve(cas.ca.crl()), web.connections
    admitted(gate, cas.leaf(crl=[*others, url]))
    assert web.connections - before == 1
    assert refused(gate, cas.leaf(crl=others)) == UNUSABLE
    assert web.connections - before == 1


def test_a_certificate_that_names_nothing(gate, cas):
    """B-253: and no file has its issuer's list."""
    assert refused(gate, cas.leaf()) == UNUSABLE
    assert "names neither" in why(gate)


# Lists that must not be believed. Each says nothing of the leaf: believing it would let a client in.

def other_ca_of_the_same_name(cas):
    return Entity(cas.ca.certificate, new_key(), cas.root)


BAD = {
    "expired": lambda cas, leaf: cas.ca.crl(start=-2 * DAY, end=-HOUR),
    "from the future": lambda cas, leaf: cas.ca.crl(start=HOUR, end=DAY),
    "another key": lambda cas, leaf: other_ca_of_the_same_name(cas).crl(),
    "the root's": lambda cas, leaf: cas.root.crl(),
    "signed by the root in the CA's name": lambda cas, leaf: cas.ca.crl(signed_with=cas.root.key),
    "signed by the leaf": lambda cas, leaf: cas.ca.crl(signed_with=leaf.key),
    "unknown critical extension": lambda cas, leaf: cas.ca.crl(more=[UNKNOWN_CRITICAL]),
    "entry with one": lambda cas, leaf: cas.ca.crl([77], entry_more=[UNKNOWN_CRITICAL]),
    "for CAs only": lambda cas, leaf: cas.ca.crl(scope={"ca": True}),
    "for attribute certificates": lambda cas, leaf: cas.ca.crl(scope={"attribute": True}),
    "some reasons only": lambda cas, leaf: cas.ca.crl(scope={"reasons": frozenset([x509.ReasonFlags.key_compromise])}),
    "another distribution point": lambda cas, leaf: cas.ca.crl(scope={"url": "http://elsewhere.test/list"}),
    "a delta": lambda cas, leaf: cas.ca.crl(number=2, base=1),
    "old, without nextUpdate": lambda cas, leaf: crl_without_next_update(cas.ca, start=-60 * DAY),
    "empty": lambda cas, leaf: b"",
    "cut off": lambda cas, leaf: cas.ca.crl()[:-30],
    "a byte too many": lambda cas, leaf: cas.ca.crl() + b"\0",
    "a flipped bit": lambda cas, leaf: (data := cas.ca.crl())[:-1] + bytes([data[-1] ^ 1]),
    "a certificate": lambda cas, leaf: cas.ca.der,
    "HTML": lambda cas, leaf: Answer(b"<html>not found</html>", kind="text/html"),
    "404 with a list": lambda cas, leaf: Answer(cas.ca.crl(), status=404),
    "500": lambda cas, leaf: Answer(status=500),
    "two lists": lambda cas, leaf: cas.ca.crl() + cas.ca.crl(number=2),
    "compressed": lambda cas, leaf: Answer(cas.ca.crl(), headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("which", BAD)
def test_not_believed(gate, cas, web, which):
    """B-253, B-264, A-084, A-087: refused as unknown, with the reason in the log."""
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, BAD[which](cas, leaf))
    assert refused(gate, cas.credential(leaf)) == UNUSABLE
    assert why(gate)
    assert web.count(url) == 1


def test_ca_without_crl_sign(gate, cas, web):
    """B-264"""
    url = web.serve()
    ca = cas.root.ca("mute CA", uses=("key_cert_sign",))
    web.set(url, ca.crl())
    assert refused(gate, cas.credential(ca.issue("client", crl=[url]))) == UNUSABLE
    assert "CRL" in why(gate) or "crl" in why(gate).lower()


@pytest.mark.parametrize("scope", [{"user": True}, {"url": "itself"}], ids=["user certificates", "its point"])
@pytest.mark.parametrize("revoked", [False, True])
def test_scopes_that_fit(gate, cas, web, scope, revoked):
    """B-264"""
    url = web.serve()
    scope = {**scope, "url": url} if "url" in scope else scope
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([leaf] if revoked else [], scope=scope))
    if revoked:
        assert refused(gate, cas.credential(leaf)) == REVOKED
    else:
        admitted(gate, cas.credential(leaf))


@pytest.mark.parametrize("serial", [1, 127, 128, 255, 256, (1 << 159) - 1, (1 << 158) + 3], ids=hex)
def test_serials_are_numbers(gate, cas, web, serial):
    """B-264: of any length up to 20 bytes; one more is another one."""
    url = web.serve(cas.ca.crl([serial]))
    assert refused(gate, cas.credential(cas.ca.issue("client", serial=serial, crl=[url]))) == REVOKED
    admitted(gate, cas.credential(cas.ca.issue("client", serial=serial + 1 if serial < 1 << 159 - 1 else serial - 1,
                                               crl=[url])))


def test_young_without_next_update(gate, cas, web):
    """B-264"""
    admitted(gate, cas.leaf(crl=[web.serve(crl_without_next_update(cas.ca))]))


# The other certificates of the chain.

@pytest.mark.parametrize("state, alert", [("revoked", REVOKED), ("silent", UNUSABLE), ("good", None)])
def test_intermediates_are_checked(gate, cas, web, state, alert):
    """B-252: every certificate but the anchor."""
    url, lists = web.serve(), web.serve()
    top = cas.root.ca("middle CA")
    ca = top.ca("low CA", crl=[url])
    if state != "silent":
        web.set(url, top.crl([ca] if state == "revoked" else []))
    web.set(lists, ca.crl())
    credential = cas.credential(ca.issue("client", crl=[lists]))
    if alert is None:
        admitted(gate, credential)
    else:
        assert refused(gate, credential) == alert
        assert "low CA" in gate.wait_event("certificate_refused")["detail"]


# Files.

def test_files_and_folders(house, cas, tmp_path):
    """crl_files: DER, PEM, several in one, and folders of such. They count as cached: no URL is asked for."""
    cas_of = {name: cas.root.ca(f"CA of a {name}") for name in ("der", "pem", "bundle", "folder", "none")}
    bad = {name: ca.issue("client", crl=[closed_url()]) for name, ca in cas_of.items()}
    lists = {name: ca.crl([bad[name]]) for name, ca in cas_of.items()}
    folder = tmp_path / "lists"
    folder.mkdir()
    for path, data in ((tmp_path / "one.crl", lists["der"]), (tmp_path / "one.pem", pem_of_crl(lists["pem"])),
                       (tmp_path / "all.pem", pem_of_crl(cas.ca.crl()) + pem_of_crl(lists["bundle"])),
                       (folder / "a.crl", lists["folder"]), (folder / "b.pem", pem_of_crl(cas.ca.crl()))):
        path.write_bytes(data)
    gate = gate_with(house, cas, tmp_path / "one.crl", tmp_path / "one.pem", tmp_path / "all.pem", folder)
    for name, ca in cas_of.items():
        wanted = UNUSABLE if name == "none" else REVOKED
        assert refused(gate, cas.credential(bad[name])) == wanted, name
        if name != "none":
            admitted(gate, cas.credential(ca.issue("client", crl=[closed_url()])))


def test_an_expired_file_is_told_in_words(house, cas, tmp_path):
    """B-264, A-086: at the refusal, and as an event of its own before anybody came."""
    path = tmp_path / "expired.crl"
    path.write_bytes(cas.ca.crl(start=-2 * DAY, end=-HOUR))
    gate = house.gate(client_certificates=cas.settings(crl_files=[cas.root_list, str(path)]),
                      metrics={"listen": "127.0.0.1:0"})
    told = wait_until(lambda: '"crl_expired"' in gate.log_text(), "the event crl_expired")
    assert told and gate.log_text().count('"crl_expired"') == 1
    assert "out of date" in gate.log_text() and "client CA" in gate.log_text() and str(path) in gate.log_text()
    assert refused(gate, cas.leaf()) == UNUSABLE
    assert "expired" in why(gate) and "client CA" in why(gate)
    assert refused(gate, cas.leaf(crl=[closed_url()])) == UNUSABLE
    assert "expired" in gate.events("certificate_refused")[-1]["detail"]
    issuer = "CN=client CA"
    assert 0 < gate.metric("ftpsgate_crl_next_update_timestamp_seconds", site="ftp.test", issuer=issuer)


def test_an_expired_file_gives_way_to_a_fetched_list(house, cas, web, tmp_path):
    """The file is a cache like any other."""
    path = tmp_path / "expired.crl"
    path.write_bytes(cas.ca.crl(start=-2 * DAY, end=-HOUR))
    gate, url = gate_with(house, cas, path), web.serve()
    good, bad = cas.ca.issue("client", crl=[url]), cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([bad]))
    admitted(gate, cas.credential(good))
    assert refused(gate, cas.credential(bad)) == REVOKED


def test_files_are_read_anew_on_reload(house, cas, tmp_path):
    """SIGHUP: also for those who were accepted a moment ago."""
    path = tmp_path / "list.crl"
    path.write_bytes(cas.ca.crl())
    gate = house.unshared(client_certificates=cas.settings(crl_files=[cas.root_list, str(path)]))
    leaf = cas.leaf()
    admitted(gate, leaf)
    path.write_bytes(cas.ca.crl([leaf.entity], number=2))
    admitted(gate, leaf)
    gate.child.send_signal(signal.SIGHUP)
    gate.wait_event("reload")
    assert refused(gate, leaf) == REVOKED
    path.write_bytes(b"rubbish")
    gate.child.send_signal(signal.SIGHUP)
    wait_until(lambda: len(gate.events("reload")) == 2, "the second reload")
    assert refused(gate, leaf) == REVOKED           # a faulty file changes nothing


# Deltas.

def delta_case(cas, web, base, delta, *, from_list):
    """A leaf; its freshest CRL is named by the base, or by itself. `base`, `delta`: what they say of it."""
    list_url, delta_url = web.serve(), web.serve(stem="delta")
    ca = cas.root.ca("CA with deltas")
    leaf = ca.issue("client", crl=[list_url], freshest=[] if from_list else [delta_url])
    web.set(list_url, ca.crl([leaf] if base else [], number=5, freshest=[delta_url] if from_list else [],
                             reason=base or None))
    if delta is not None:
        web.set(delta_url, ca.crl([leaf] if delta else [], number=6, base=5, start=-30, reason=delta or None))
    return cas.credential(leaf), list_url, delta_url


HOLD, REMOVE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
COMPROMISED = x509.ReasonFlags.key_compromise


@pytest.mark.parametrize("from_list", [False, True], ids=["named by the certificate", "named by the list"])
@pytest.mark.parametrize("base, delta, alert", [
    ("", "", None), ("", COMPROMISED, REVOKED), ("", HOLD, REVOKED), (COMPROMISED, "", REVOKED), ("", None, None)],
    ids=["nothing", "in the delta", "held by the delta", "in the base", "no delta to be had"])
def test_deltas(gate, cas, web, base, delta, alert, from_list):
    """B-262: the newest word counts. Where there is no delta, the base alone does, as long as it is valid."""
    credential, list_url, delta_url = delta_case(cas, web, base, delta, from_list=from_list)
    if alert:
        assert refused(gate, credential) == alert
    else:
        admitted(gate, credential)
    assert web.count(list_url) == 1 and web.count(delta_url) == (1 if not base else 0)


def test_a_delta_alone_is_nothing(house, cas, tmp_path):
    """A-084: not in a file either."""
    path = tmp_path / "delta.crl"
    path.write_bytes(cas.ca.crl(number=2, base=1))
    assert refused(gate_with(house, cas, path), cas.leaf()) == UNUSABLE


def test_deltas_in_files(house, cas, tmp_path):
    """Base and delta side by side, where the base says that there are deltas; removeFromCRL takes a hold back."""
    adding, releasing = cas.root.ca("CA that adds"), cas.root.ca("CA that releases")
    good, bad = (adding.issue("client") for _ in range(2))
    held, released = (releasing.issue("client") for _ in range(2))
    deltas = {"freshest": [closed_url()]}
    for name, data in {"base": adding.crl(number=5, **deltas), "delta": adding.crl([bad], number=6, base=5, start=-30),
                       "holds": releasing.crl([held, released], number=5, reason=HOLD, **deltas),
                       "release": releasing.crl([released], number=6, base=5, start=-30, reason=REMOVE)}.items():
        (tmp_path / f"{name}.crl").write_bytes(data)
    gate = gate_with(house, cas, tmp_path)
    for entity in (good, released):
        admitted(gate, cas.credential(entity))
    for entity in (bad, held):
        assert refused(gate, cas.credential(entity)) == REVOKED


# Indirect CRLs.

@pytest.mark.parametrize("known", ["sent by the client", "in ca_file"])
@pytest.mark.parametrize("revoked", [False, True])
def test_indirect(house, cas, web, known, revoked):
    """B-261: the list of another issuer, which the certificate names; entries name the CA they are about."""
    issuer = issue(cas.root, "CRL issuer", ca=False, eku=None, uses=("crl_sign",))
    url, anchors = web.serve(), cas.ca_file
    if known == "in ca_file":
        anchors = cas.file("anchors.pem", cas.root.pem + issuer.pem)
    named = points([url], issuer=[x509.DirectoryName(issuer.name)])
    leaf = cas.ca.issue("client", points_of=named)
    web.set(url, issuer.crl([leaf] if revoked else [], scope={"url": url, "indirect": True}, entry_issuer=cas.ca))
    gate = house.gate(client_certificates=cas.settings(ca_file=anchors))
    chain = [leaf, cas.ca] + ([issuer] if known == "sent by the client" else [])
    if revoked:
        assert refused(gate, cas.credential(leaf, chain)) == REVOKED
    else:
        admitted(gate, cas.credential(leaf, chain))


def test_indirect_without_saying_so(gate, cas, web):
    """A stranger's list that does not claim to be indirect says nothing of this CA's certificates."""
    issuer = issue(cas.root, "CRL issuer", ca=False, eku=None, uses=("crl_sign",))
    url = web.serve(issuer.crl())
    leaf = cas.ca.issue("client", points_of=points([url], issuer=[x509.DirectoryName(issuer.name)]))
    assert refused(gate, cas.credential(leaf, [leaf, cas.ca, issuer])) == UNUSABLE
