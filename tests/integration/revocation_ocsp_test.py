"""OCSP: asked first, with `openssl ocsp` as the responder, and what is made of answers that are not as they should be
(B-266 .. B-270, A-086 .. A-088)."""
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as library

from support import ocsp, process
from support.client_access import admitted, refused
from support.client_pki import ANY, DAY, HOUR, OCSP_SIGNING, root
from support.http_server import CRL, HOST, OCSP, Answer, closed_url
from support.ocsp import BY_NAME, GOOD, REVOKED, UNKNOWN

NO_CHECK = (x509.OCSPNoCheck(), False)
UNUSABLE = "certificate_unknown"


@pytest.fixture
def gate(house, cas):
    return house.gate(client_certificates=cas.settings(revocation_url_retrieval_timeout="5s"),
                      metrics={"listen": "127.0.0.1:0"})


@pytest.fixture
def hasty(house, cas):
    return house.gate(client_certificates=cas.settings(revocation_url_retrieval_timeout="300ms"),
                      metrics={"listen": "127.0.0.1:0"})


@pytest.fixture(scope="module")
def responder(cas, tmp_path_factory):
    return ocsp.OpensslResponder(tmp_path_factory.mktemp("responder") / "ca", cas.ca)


class Case:
    """A client whose certificate names one responder and, where there is a list, one CRL."""

    def __init__(self, cas, web, answer=None, listed=None, **wishes):
        self.web, self.responder = web, web.serve(answer, "ocsp")
        self.list = web.serve(stem="list")
        self.leaf = cas.ca.issue("client", ocsp=[self.responder], crl=[self.list] if listed is not None else [],
                                 **wishes)
        if listed is not None:
            web.set(self.list, cas.ca.crl([self.leaf] if listed == "revoked" else []))
        self.credential = cas.credential(self.leaf)

    def answer(self, answer, kind=OCSP):
        """`answer` is bytes, or makes them from the request's."""
        self.web.set(self.responder, lambda request: Answer(answer(request.body) if callable(answer) else answer,
                                                            kind=kind))
        return self

    def asked(self):
        """(requests to the responder, requests for the list)"""
        return self.web.count(self.responder), self.web.count(self.list)


def count(gate, source, result):
    return gate.metric("ftpsgate_revocation_checks_total", site="ftp.test", source=source, result=result)


# The real responder.

@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
def test_openssl_as_responder(gate, cas, web, responder, status):
    """B-266: its word is final, but for "unknown"; the list is not asked for."""
    case = Case(cas, web, responder, listed="good")
    if status != "unknown":
        responder.know(case.leaf, revoked=status == "revoked")
    before = count(gate, "ocsp", "revoked")
    if status == "revoked":
        assert refused(gate, case.credential) == "certificate_revoked"
        assert gate.wait_event("certificate_refused", reason="revoked")
        assert count(gate, "ocsp", "revoked") == before + 1
    else:
        admitted(gate, case.credential)
    assert case.asked() == (1, 1 if status == "unknown" else 0)


def test_openssl_with_a_port_of_its_own(gate, cas, responder):
    """No part of this suite between the gate and the responder."""
    for _ in range(5):                  # a port that the probe found free can be gone a moment later
        port = process.free_port(HOST)
        good, bad = (cas.ca.issue("client", ocsp=[f"http://{HOST}:{port}/"]) for _ in range(2))
        responder.know(good)
        responder.know(bad, revoked=True)
        child = process.start([*responder.arguments(), "-port", port], stdout=subprocess.PIPE, text=True)
        if child.stdout.readline().startswith("ACCEPT"):
            break
        process.end(child)
    try:
        admitted(gate, cas.credential(good))
        assert refused(gate, cas.credential(bad)) == "certificate_revoked"
    finally:
        process.end(child)


def test_the_request(gate, cas, web):
    """B-267, B-269, B-270: POST, the SHA-1 certID of this certificate, a nonce of 32 bytes, another one each time."""
    first = Case(cas, web, listed="good").answer(b"nothing")
    second = Case(cas, web, listed="good").answer(b"nothing")
    nonces = []
    for case in (first, second):
        admitted(gate, case.credential)
        (asked,) = web.asked(case.responder)
        request = library.load_der_ocsp_request(asked.body)
        assert asked.method == "POST" and asked.kind == "application/ocsp-request"
        assert request.serial_number == case.leaf.serial and isinstance(request.hash_algorithm, hashes.SHA1)
        nonces.append(ocsp.nonce_of(asked.body).nonce)
    assert nonces[0] != nonces[1] and [len(nonce) for nonce in nonces] in ([32, 32], [34, 34])


def test_good_answers_are_kept(gate, cas, web):
    """B-259: until their nextUpdate."""
    case = Case(cas, web)
    case.answer(ocsp.answer(case.leaf))
    for _ in range(3):
        admitted(gate, case.credential)
    assert case.asked()[0] == 1
    assert count(gate, "cache", "good") >= 2


def test_the_next_responder(gate, cas, web):
    """Several in one certificate are tried in order."""
    first, second, third = closed_url(), web.serve(b"nothing", "ocsp"), web.serve(stem="ocsp")
    leaf = cas.ca.issue("client", ocsp=[first, second, third])
    web.set(third, Answer(ocsp.answer(leaf), kind=OCSP))
    admitted(gate, cas.credential(leaf))
    assert (web.count(second), web.count(third)) == (1, 1)


# Answers that are fine, if not what everybody sends.

def delegate_of(cas, **wishes):
    return cas.ca.issue("responder", **{"eku": (OCSP_SIGNING,), "more": [NO_CHECK], **wishes})


def by_delegate(leaf, cas, status=GOOD, signer=None, **options):
    signer = signer or delegate_of(cas)
    return ocsp.answer(leaf, status, signer=signer, carried=[signer], **options)


FINE = {
    "nonce echoed": lambda leaf, cas, status: lambda request: ocsp.answer(leaf, status, nonce=ocsp.nonce_of(request)),
    "no nonce": lambda leaf, cas, status: ocsp.answer(leaf, status),
    "by name": lambda leaf, cas, status: ocsp.answer(leaf, status, named=BY_NAME),
    "SHA-256 certID": lambda leaf, cas, status: ocsp.answer(leaf, status, digest=hashes.SHA256()),
    "delegate": lambda leaf, cas, status: by_delegate(leaf, cas, status),
    "delegate by name": lambda leaf, cas, status: by_delegate(leaf, cas, status, named=BY_NAME),
    "no nextUpdate": lambda leaf, cas, status: ocsp.answer(leaf, status, end=None),
    "clock two minutes ahead": lambda leaf, cas, status: ocsp.answer(leaf, status, start=120),
}


@pytest.mark.parametrize("status", [GOOD, REVOKED], ids=["good", "revoked"])
@pytest.mark.parametrize("which", FINE)
def test_fine(gate, cas, web, which, status):
    """B-267 .. B-269"""
    case = Case(cas, web, listed="good" if status is REVOKED else "revoked")
    case.answer(FINE[which](case.leaf, cas, status))
    if status is REVOKED:
        assert refused(gate, case.credential) == "certificate_revoked"
    else:
        admitted(gate, case.credential)
    assert case.asked() == (1, 0)


# Answers that say nothing.

BAD = {
    "unknown": lambda leaf, cas: ocsp.answer(leaf, UNKNOWN),
    "stale": lambda leaf, cas: ocsp.answer(leaf, start=-2 * DAY, end=-HOUR),
    "from the future": lambda leaf, cas: ocsp.answer(leaf, start=HOUR, end=2 * HOUR),
    "old without nextUpdate": lambda leaf, cas: ocsp.answer(leaf, start=-2 * DAY, end=None),
    "another serial": lambda leaf, cas: ocsp.answer(cas.ca.issue("other")),
    "another issuer": lambda leaf, cas: ocsp.answer(leaf, issuer=cas.root, signer=cas.ca),
    "a stranger's key": lambda leaf, cas: by_delegate(leaf, cas, signer=root("stranger")),
    "the leaf's own key": lambda leaf, cas: by_delegate(leaf, cas, signer=leaf),
    "the root's key": lambda leaf, cas: by_delegate(leaf, cas, signer=cas.root),
    "delegate for TLS only": lambda leaf, cas: by_delegate(leaf, cas, signer=cas.ca.issue("responder")),
    "delegate with any usage": lambda leaf, cas: by_delegate(leaf, cas, signer=delegate_of(cas, eku=(ANY,))),
    "delegate of the root": lambda leaf, cas: by_delegate(
        leaf, cas, signer=cas.root.issue("responder", eku=(OCSP_SIGNING,), more=[NO_CHECK])),
    "expired delegate": lambda leaf, cas: by_delegate(leaf, cas, signer=delegate_of(cas, start=-2 * DAY, end=-HOUR)),
    "delegate that does not come along": lambda leaf, cas: ocsp.answer(leaf, signer=delegate_of(cas)),
    "delegate nobody vouches for": lambda leaf, cas: by_delegate(leaf, cas, signer=delegate_of(cas, more=[])),
    "another nonce": lambda leaf, cas: ocsp.answer(leaf, nonce=x509.OCSPNonce(b"\x04\x20" + b"n" * 32)),
    "unknown critical extension": lambda leaf, cas: ocsp.answer(
        leaf, more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\0"), True)]),
    "tryLater": lambda leaf, cas: ocsp.unsuccessful(library.OCSPResponseStatus.TRY_LATER),
    "unauthorized": lambda leaf, cas: ocsp.unsuccessful(library.OCSPResponseStatus.UNAUTHORIZED),
    "empty": lambda leaf, cas: b"",
    "cut off": lambda leaf, cas: ocsp.answer(leaf)[:-20],
    "a byte too many": lambda leaf, cas: ocsp.answer(leaf) + b"\0",
    "a flipped bit": lambda leaf, cas: ocsp.answer(leaf)[:-1] + bytes([ocsp.answer(leaf)[-1] ^ 1]),
    "a CRL": lambda leaf, cas: cas.ca.crl(),
    "70 KiB": lambda leaf, cas: ocsp.answer(leaf) + b"\0" * (70 << 10),
}


@pytest.mark.parametrize("which", BAD)
def test_bad_without_a_list(gate, cas, web, which):
    """A-088, B-253: refused, and the log says why, and never with the word "revoked"."""
    case = Case(cas, web)
    case.answer(BAD[which](case.leaf, cas))
    assert refused(gate, case.credential) == UNUSABLE
    event = gate.wait_event("certificate_refused")
    assert event["reason"] == "revocation_unknown" and case.responder in event["detail"]
    assert case.asked()[0] == 1


@pytest.mark.parametrize("listed", ["good", "revoked"])
@pytest.mark.parametrize("which", ["unknown", "stale", "another serial", "tryLater", "a stranger's key", "empty"])
def test_bad_with_a_list(gate, cas, web, which, listed):
    """B-266: then the CRL decides."""
    case = Case(cas, web, listed=listed)
    case.answer(BAD[which](case.leaf, cas))
    if listed == "good":
        admitted(gate, case.credential)
    else:
        assert refused(gate, case.credential) == "certificate_revoked"
    assert case.asked() == (1, 1)


def test_good_and_revoked_in_one_answer(gate, cas, web):
    """A-088: in either order it lets nobody in."""
    for statuses in ((GOOD, REVOKED), (REVOKED, GOOD)):
        case = Case(cas, web)
        case.answer(ocsp.contradiction(case.leaf, *statuses))
        assert refused(gate, case.credential) in (UNUSABLE, "certificate_revoked")


def test_one_of_several(gate, cas, web):
    """B-268: an answer with one SingleResponse twice is as good as one."""
    case = Case(cas, web)
    case.answer(ocsp.contradiction(case.leaf, GOOD, GOOD))
    admitted(gate, case.credential)


@pytest.mark.parametrize("revoked", [False, True])
def test_delegate_under_a_list(gate, cas, web, revoked):
    """B-267: without id-pkix-ocsp-nocheck the delegate's own certificate is looked up in a CRL at hand."""
    delegate = delegate_of(cas, more=[])
    lists, responder = web.serve(cas.ca.crl([delegate] if revoked else [])), web.serve(stem="ocsp")
    admitted(gate, cas.leaf(crl=[lists]))           # now the list is at hand
    leaf = cas.ca.issue("client", ocsp=[responder], crl=[lists])
    web.set(responder, Answer(by_delegate(leaf, cas, REVOKED, signer=delegate), kind=OCSP))
    if revoked:
        admitted(gate, cas.credential(leaf))        # what it says does not count; the list does
    else:
        assert refused(gate, cas.credential(leaf)) == "certificate_revoked"
    assert (web.count(responder), web.count(lists)) == (1, 1)


def test_delegate_with_a_list_of_its_own(gate, cas, web):
    """B-267: the distribution point that the delegate's certificate names is asked."""
    lists, responder = web.serve(cas.ca.crl()), web.serve(stem="ocsp")
    delegate = delegate_of(cas, more=[], crl=[lists])
    good, bad = cas.ca.issue("client", ocsp=[responder]), cas.ca.issue("client", ocsp=[responder])
    web.set(responder, Answer(by_delegate(good, cas, signer=delegate), kind=OCSP))
    admitted(gate, cas.credential(good))
    web.set(responder, Answer(by_delegate(bad, cas, REVOKED, signer=delegate), kind=OCSP))
    assert refused(gate, cas.credential(bad)) == "certificate_revoked"
    assert (web.count(responder), web.count(lists)) == (2, 1)


def test_a_revoked_delegate_with_a_list_of_its_own(gate, cas, web):
    """B-267: its word does not count. The list is of the client's CA as well, so it decides."""
    lists, responder = web.serve(stem="list"), web.serve(stem="ocsp")
    delegate = delegate_of(cas, more=[], crl=[lists])
    good, bad = cas.ca.issue("client", ocsp=[responder]), cas.ca.issue("client", ocsp=[responder])
    web.set(lists, cas.ca.crl([delegate, bad]))
    web.set(responder, Answer(by_delegate(good, cas, REVOKED, signer=delegate), kind=OCSP))
    admitted(gate, cas.credential(good))
    web.set(responder, Answer(by_delegate(bad, cas, signer=delegate), kind=OCSP))
    assert refused(gate, cas.credential(bad)) == "certificate_revoked"


@pytest.mark.parametrize("reachable", [True, False])
def test_revoked_by_a_delegate_in_doubt(gate, cas, web, reachable):
    """A signed "revoked" does not become "good" because a list, fetched for the delegate, does not know it yet."""
    lists, responder = web.serve(cas.ca.crl()), web.serve(stem="ocsp")
    delegate = delegate_of(cas, more=[], crl=[lists if reachable else closed_url()])
    leaf = cas.ca.issue("client", ocsp=[responder], crl=[lists])
    web.set(responder, Answer(by_delegate(leaf, cas, REVOKED, signer=delegate), kind=OCSP))
    assert refused(gate, cas.credential(leaf)) == "certificate_revoked"


def test_content_type(gate, cas, web):
    """B-270"""
    case = Case(cas, web)
    case.answer(ocsp.answer(case.leaf), kind=CRL)
    assert refused(gate, case.credential) == UNUSABLE


def test_responder_down(gate, cas, web):
    """A-086: said in words, in the log, with the URL."""
    url = closed_url()
    assert refused(gate, cas.leaf(ocsp=[url])) == UNUSABLE
    event = gate.wait_event("certificate_refused", reason="revocation_unknown")
    assert url in event["detail"] and "refused" in event["detail"].lower()


def test_responder_hangs(hasty, cas, web):
    """B-260: given up in time; the list is still asked."""
    case = Case(cas, web, web.hang(), listed="good")
    admitted(hasty, case.credential)
    lone = Case(cas, web, web.hang())
    before = count(hasty, "ocsp", "timeout")
    assert refused(hasty, lone.credential) == UNUSABLE
    assert count(hasty, "ocsp", "timeout") == before + 1


def test_intermediates_are_asked_about_too(gate, cas, web):
    """B-252"""
    url = web.serve(stem="ocsp")
    ca = cas.root.ca("revoked CA", ocsp=[url])
    lists = web.serve(ca.crl())
    web.set(url, Answer(ocsp.answer(ca, REVOKED), kind=OCSP))
    assert refused(gate, cas.credential(ca.issue("client", crl=[lists]))) == "certificate_revoked"
