"""Servers and certificates that mean harm: huge, slow, endless and misleading answers, and URLs that lead where the
gate must not go (A-081, A-082, A-085, A-087, B-260, B-265, B-273)."""
import socket
import threading
import time

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from support.client_access import admitted, alert_of, connect, refused
from support.client_pki import DER, SERVER, huge_crl, root
from support.gate import is_sanitized
from support.http_server import CERTIFICATE, HOST, Answer, HttpServer, redirect
from support.wait import stays_false, wait_until

UNUSABLE = "certificate_unknown"
MIB = 1 << 20


@pytest.fixture
def gate(house, cas):
    return house.gate(client_certificates=cas.settings(revocation_url_retrieval_timeout="1s"))


@pytest.fixture
def strict(house, cas):
    """Loopback is not in url_allow."""
    return house.gate(client_certificates=cas.settings(url_allow=[]))


@pytest.fixture
def good(cas, web, gate):
    """A client that needs no fetch any more."""
    credential = cas.leaf(crl=[web.serve(cas.ca.crl())])
    admitted(gate, credential)
    gate.close_clients()
    return credential


# Answers without measure.

ENDLESS = {
    "20 MiB and one byte": lambda web, cas: Answer(cas.ca.crl() + b"\0" * (20 * MIB + 1)),
    "announced only": lambda web, cas: Answer(cas.ca.crl(), headers={"Content-Length": 500 * MIB}),
    "endless": lambda web, cas: web.endless(),
    "endless chunks": lambda web, cas: web.endless(chunked=True),
    "a byte at a time": lambda web, cas: web.slow(cas.ca.crl()),
    "nothing": lambda web, cas: web.hang(),
    "an endless head": lambda web, cas: web.stream(endless_head),
    "an endless line": lambda web, cas: web.stream(lambda handler: forever(handler, b"H" * 4096)),
}


def endless_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    forever(handler, b"X-Padding: " + b"x" * 1000 + b"\r\n")


def forever(handler, piece):
    while not handler.server.owner.ending.is_set():
        handler.wfile.write(piece)


@pytest.mark.parametrize("which", ENDLESS)
def test_without_measure(gate, cas, web, good, which):
    """A-085, B-260: refused in time, and another client's login goes on meanwhile."""
    url = web.serve(ENDLESS[which](web, cas))
    client = connect(gate, cas.leaf(crl=[url]))
    begin, alerts = time.monotonic(), []
    waiting = threading.Thread(target=lambda: alerts.append(alert_of(client)))
    waiting.start()
    wait_until(lambda: web.count(url), "the gate asks")
    admitted(gate, good).download("LIST")
    waiting.join(10)
    assert alerts == [UNUSABLE] and time.monotonic() - begin < 6
    assert web.count(url) == 1
    assert url in gate.wait_event("certificate_refused")["detail"]


def test_memory_stays_bounded(gate, cas, web):
    """A-085: many of them one after the other; nothing of them is kept."""
    refused(gate, cas.leaf(crl=[web.serve(web.endless())]))
    before = resident(gate)
    for _ in range(10):
        assert refused(gate, cas.leaf(crl=[web.serve(web.endless())])) == UNUSABLE
    assert resident(gate) - before < 200 * MIB


def resident(gate):
    with open(f"/proc/{gate.child.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def test_a_list_just_below_the_limit(house, cas, web):
    """A-085: half a million entries are read, and do not hold up others. The time limit is the default, which a sanitizer
    would use up; there the list is shorter."""
    gate = house.gate(client_certificates=cas.settings())
    quick = cas.leaf(crl=[web.serve(cas.ca.crl())])
    admitted(gate, quick)
    ca = cas.root.ca("large CA")
    url, done = web.serve(), []
    fine, bad = ca.issue("client", crl=[url]), ca.issue("client", crl=[url])
    web.set(url, huge_crl(ca, 100_000 if is_sanitized() else 500_000, [bad]))
    waiting = threading.Thread(target=lambda: done.append(admitted(gate, cas.credential(fine))))
    waiting.start()
    wait_until(lambda: web.count(url), "the gate asks")
    slowest = 0.0
    while waiting.is_alive():
        begin = time.monotonic()
        admitted(gate, quick).close()
        slowest = max(slowest, time.monotonic() - begin)
    waiting.join()
    assert done and slowest < 2, f"another login took {slowest} s"
    assert refused(gate, cas.credential(bad)) == "certificate_revoked"
    assert web.count(url) == 1


# The total of a handshake.

def test_many_slow_urls(house, cas, web):
    """B-260: per URL there is a limit, and one for all of them: the client gets its alert, not the end of TCP."""
    gate = house.gate(ssl={"handshake_timeout": "3s"}, client_certificates=cas.settings())
    over = threading.Event()
    urls = [web.serve(web.hang(over)) for _ in range(8)]
    begin = time.monotonic()
    assert refused(gate, cas.leaf(crl=urls)) == UNUSABLE
    assert time.monotonic() - begin < 3.5
    assert web.count(urls[0]) == 1
    over.set()                          # a fetch lives on for those who come next; for a minute, if it must


def test_the_client_leaves(gate, cas, web):
    """B-276: while the gate waits for an answer; settle() sees that nothing is left."""
    url = web.serve(web.hang())
    client = connect(gate, cas.leaf(crl=[url]))
    waiting = threading.Thread(target=lambda: swallow(client))
    waiting.start()
    wait_until(lambda: web.count(url), "the gate asks")
    client.sock.shutdown(socket.SHUT_RDWR)
    waiting.join(5)
    assert gate.wait_event("session_closed")


def swallow(client):
    try:
        alert_of(client)
    except (OSError, AssertionError):
        pass


# URLs that lead astray.

@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(gate, cas, web, status):
    """A-081: not followed, not even to a place that is allowed."""
    target = web.serve(cas.ca.crl())
    url = web.serve(Answer(status=status, headers=redirect(target).headers))
    assert refused(gate, cas.leaf(crl=[url])) == UNUSABLE
    assert (web.count(url), web.count(target)) == (1, 0)


LOOPBACK = ["127.0.0.3", "localhost", "[::ffff:127.0.0.3]", "127.3", "0x7f000003", "2130706435", "0177.0.0.3",
            "127.0.0.3.", "%3127.0.0.3", "ip6-localhost", "[::1]", "0", "0.0.0.0"]


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("kind", ["crl", "ocsp", "issuers", "freshest"])
def test_loopback_that_is_not_allowed(strict, cas, web, host, kind):
    """A-081, A-082: under whatever name; no connection is made."""
    urls = [f"http://{host}:{web.port}/x", f"http://{host}/x"]
    leaf = cas.ca.issue("client", **{kind: urls})
    before = web.connections
    chain = [leaf] if kind == "issuers" else None
    wanted = "unknown_ca" if kind == "issuers" else UNUSABLE
    assert refused(strict, cas.credential(leaf, chain)) == wanted
    assert web.connections == before


@pytest.mark.parametrize("allow", [["127.0.0.4"], ["{host}:1"], ["127.0.0.3:80"], ["example.test"], ["10.0.0.0/8"]],
                         ids=str)
def test_something_else_is_allowed(house, cas, web, allow):
    """A-081: host and port have to fit."""
    allow = [one.format(host=HOST) for one in allow]
    gate = house.gate(client_certificates=cas.settings(url_allow=allow))
    before = web.connections
    assert refused(gate, cas.leaf(crl=[web.serve(cas.ca.crl())])) == UNUSABLE
    assert web.connections == before


@pytest.mark.parametrize("form", ["{host}", "{host}:{port}", "127.0.0.0/8", "127.0.0.0/8:{port}"])
def test_allowed(house, cas, web, form):
    """url_allow: addresses and CIDRs, with and without a port."""
    allow = [form.format(host=HOST, port=web.port)]
    gate = house.gate(client_certificates=cas.settings(url_allow=allow))
    admitted(gate, cas.leaf(crl=[web.serve(cas.ca.crl())]))


def test_a_name_is_allowed_by_its_name(house, cas):
    """A host name in url_allow is meant with whatever address it has."""
    server = HttpServer("127.0.0.1")
    try:
        url = server.serve(cas.ca.crl()).replace("127.0.0.1", "localhost")
        gate = house.gate(client_certificates=cas.settings(url_allow=["localhost"]))
        admitted(gate, cas.leaf(crl=[url]))
        assert server.count(url) == 1
    finally:
        server.stop()


# Certificates that nobody vouches for.

@pytest.mark.parametrize("kind", ["stranger", "forged", "self-signed", "expired", "server only"])
def test_unverified_certificates_open_nothing(gate, cas, web, kind):
    """A-082: their CDP and OCSP URLs are not touched."""
    urls = {"crl": [web.serve(cas.ca.crl())], "ocsp": [web.serve(stem="ocsp")], "freshest": [web.serve()]}
    leaf = {"stranger": lambda: root("stranger").issue("client", **urls),
            "forged": lambda: cas.ca.issue("client", signed_with=root().key, **urls),
            "self-signed": lambda: root("client", uses=("digital_signature",), **urls),
            "expired": lambda: cas.ca.issue("client", start=-7200, end=-3600, **urls),
            "server only": lambda: cas.ca.issue("client", eku=(SERVER,), **urls)}
    before = web.connections
    credential = cas.credential(entity := leaf[kind](), [entity, cas.ca])
    assert refused(gate, credential) in ("unknown_ca", "bad_certificate", "certificate_expired",
                                         "unsupported_certificate")
    assert stays_false(lambda: web.connections != before, 0.2)


# Missing intermediates.

def missing(cas, web, answer, count=1):
    """A client that does not send its CA, and where that is to be had."""
    urls = [web.serve(answer, "issuer") for _ in range(count)]
    leaf = cas.ca.issue("client", issuers=urls, crl=[web.serve(cas.ca.crl())])
    return cas.credential(leaf, [leaf]), urls


def test_fetched_issuer(gate, cas, web):
    """B-265: DER, or PKCS#7 with certificates only; kept for the next."""
    bundle = pkcs7.serialize_certificates([root("bystander").certificate, cas.ca.certificate], DER)
    for answer in (Answer(cas.ca.der, kind=CERTIFICATE), Answer(bundle, kind="application/pkcs7-mime")):
        credential, urls = missing(cas, web, answer)
        admitted(gate, credential)
        admitted(gate, credential)
        assert web.count(*urls) == 1


def test_a_chain_of_missing_issuers(gate, cas, web):
    """B-265: one after the other."""
    def step(upper, name):
        above = [web.serve(Answer(upper.der, kind=CERTIFICATE), "issuer")] if upper.issuer else []
        return upper.ca(name, issuers=above, crl=[web.serve(upper.crl())])
    first = step(cas.root, "first CA")
    second = step(first, "second CA")
    third = step(second, "third CA")
    leaf = third.issue("client", issuers=[web.serve(Answer(third.der, kind=CERTIFICATE), "issuer")],
                       crl=[web.serve(third.crl())])
    admitted(gate, cas.credential(leaf, [leaf]))


USELESS = {"nothing": b"", "rubbish": b"\x30\x82", "another CA": lambda cas: root().der,
           "the root": lambda cas: cas.root.der, "a list": lambda cas: cas.ca.crl(),
           "too long": lambda cas: cas.ca.der + b"\0" * (65 << 10)}


@pytest.mark.parametrize("which", USELESS)
def test_useless_issuers(gate, cas, web, which):
    """B-265: candidates only, 64 KiB at most."""
    made = USELESS[which]
    credential, urls = missing(cas, web, Answer(made(cas) if callable(made) else made, kind=CERTIFICATE))
    assert refused(gate, credential) == "unknown_ca"
    assert web.count(*urls) == 1


def test_four_fetches_at_most(gate, cas, web):
    """B-265"""
    credential, urls = missing(cas, web, Answer(status=404), 9)
    assert refused(gate, credential) == "unknown_ca"
    assert web.count(*urls) == 4


# Certificates as such.

def test_too_many_certificates(gate, cas):
    """B-273: a crowd behind the leaf is refused, not searched."""
    leaf = cas.ca.issue("client")
    crowd = [root(f"crowd {number}") for number in range(40)]
    assert refused(gate, cas.credential(leaf, [leaf, *crowd, cas.ca])) in ("bad_certificate", "unknown_ca",
                                                                          "illegal_parameter", "handshake_failure")


def test_a_long_chain(gate, cas):
    """B-273: ten certificates deep, no more."""
    ca = cas.root
    for number in range(12):
        ca = ca.ca(f"level {number}")
    assert refused(gate, cas.credential(ca.issue("client"))) in ("unknown_ca", "bad_certificate")
