"""What was fetched is kept: how long, for whom, past what attacks, and past a restart (B-259, B-260, B-263, D-12,
A-083, A-086)."""
import threading
import time

import pytest

from support import ocsp
from support.client_access import admitted, refused
from support.client_pki import DAY, HOUR, Entity, new_key
from support.http_server import OCSP, Answer, closed_url
from support.wait import wait_until

UNUSABLE, REVOKED = "certificate_unknown", "certificate_revoked"


@pytest.fixture
def gate(house, cas):
    return house.gate(client_certificates=cas.settings(), metrics={"listen": "127.0.0.1:0"})


@pytest.fixture
def fresh(house, cas):
    """Wants nothing that is older than an hour."""
    return house.gate(client_certificates=cas.settings(revocation_freshness_time="1h"),
                      metrics={"listen": "127.0.0.1:0"})


def test_a_list_is_fetched_once(gate, cas, web):
    """B-259: for all clients of the CA, until its nextUpdate."""
    url = web.serve(cas.ca.crl())
    for _ in range(3):
        admitted(gate, credential := cas.leaf(crl=[url]))
    admitted(gate, credential)
    assert web.count(url) == 1


def test_and_again_when_it_is_out_of_date(gate, cas, web):
    """B-259"""
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl(end=2))
    admitted(gate, credential := cas.credential(leaf))
    web.set(url, cas.ca.crl([leaf], number=2))
    wait_until(lambda: admitted_or(gate, credential) != "in", "the old list does not count any more")
    assert admitted_or(gate, credential) == REVOKED and web.count(url) == 2


def admitted_or(gate, credential):
    """"in", or the alert."""
    try:
        return refused(gate, credential, implicit=True)
    except AssertionError:
        return "in"


def test_an_answer_that_is_out_of_date(gate, cas, web):
    """The same for OCSP."""
    url = web.serve(stem="ocsp")
    leaf = cas.ca.issue("client", ocsp=[url])
    web.set(url, Answer(ocsp.answer(leaf, end=2), kind=OCSP))
    admitted(gate, credential := cas.credential(leaf))
    web.set(url, Answer(ocsp.answer(leaf, ocsp.REVOKED), kind=OCSP))
    wait_until(lambda: admitted_or(gate, credential) == REVOKED, "the old answer does not count any more")
    assert web.count(url) == 2


def test_a_failure_is_remembered_for_seconds(gate, cas, web):
    """B-263: a responder that is down is not asked anew by each client."""
    url = web.serve()
    for _ in range(4):
        assert refused(gate, cas.leaf(crl=[url])) == UNUSABLE
    assert web.count(url) == 1
    leaf = cas.leaf(crl=[url])
    web.set(url, cas.ca.crl())
    wait_until(lambda: admitted_or(gate, leaf) == "in", "the URL is tried again", 20)
    assert web.count(url) == 2


# Freshness.

def test_older_than_wanted(fresh, cas, web):
    """B-259: thisUpdate counts, not when it was fetched; a newer list is asked for before the old one is used."""
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl(number=1, start=-2 * HOUR))
    admitted(fresh, credential := cas.credential(leaf))
    web.set(url, cas.ca.crl([leaf], number=2))
    assert refused(fresh, credential) == REVOKED
    assert web.count(url) == 2


def test_older_than_wanted_and_no_newer(fresh, cas, web):
    """D-12: used all the same, which is counted and told."""
    url = web.serve()
    web.set(url, cas.ca.crl(start=-2 * HOUR))
    before = stale(fresh)
    admitted(fresh, credential := cas.leaf(crl=[url]))
    web.set(url, Answer(status=503))
    admitted(fresh, credential)
    assert web.count(url) == 2 and stale(fresh) >= before + 2
    assert "revocation_freshness_time" in fresh.wait_event("revocation_warning")["detail"]


def stale(gate):
    return sum(gate.metric("ftpsgate_revocation_checks_total", site="ftp.test", source=source, result="stale")
               for source in ("crl", "cache", "ocsp"))


def test_fresh_enough(fresh, cas, web):
    """B-259"""
    url = web.serve(cas.ca.crl(start=-HOUR // 2))
    for _ in range(3):
        admitted(fresh, cas.leaf(crl=[url]))
    assert web.count(url) == 1


def test_an_old_answer(fresh, cas, web):
    """The same for OCSP."""
    url = web.serve(stem="ocsp")
    leaf = cas.ca.issue("client", ocsp=[url])
    web.set(url, Answer(ocsp.answer(leaf, start=-2 * HOUR), kind=OCSP))
    admitted(fresh, credential := cas.credential(leaf))
    web.set(url, Answer(ocsp.answer(leaf, ocsp.REVOKED), kind=OCSP))
    assert refused(fresh, credential) == REVOKED
    assert web.count(url) == 2


# Replay and poison. Under `fresh` an old list makes the gate ask at every login.

def test_replay(fresh, cas, web):
    """A-083: an older list, still valid, that does not know of the revocation yet."""
    url = web.serve()
    leaf, other = cas.ca.issue("client", crl=[url]), cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([leaf], number=7, start=-2 * HOUR))
    assert refused(fresh, cas.credential(leaf)) == REVOKED
    web.set(url, cas.ca.crl([other], number=5, start=-HOUR // 2))
    admitted(fresh, cas.credential(other))
    assert web.count(url) == 2
    assert refused(fresh, cas.credential(leaf)) == REVOKED


@pytest.mark.parametrize("poison", ["rubbish", "another key", "another CA", "expired", "delta", "nothing"])
def test_poison(fresh, cas, web, poison):
    """B-263: what is not believed does not take the place of what is."""
    url = web.serve()
    good, bad = cas.ca.issue("client", crl=[url]), cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([bad], number=7, start=-2 * HOUR))
    admitted(fresh, cas.credential(good))
    stranger = Entity(cas.ca.certificate, new_key(), cas.root)
    web.set(url, {"rubbish": b"\x30\x03abc", "another key": stranger.crl([good], number=8),
                  "another CA": cas.root.crl([good], number=8), "nothing": b"",
                  "expired": cas.ca.crl([good], number=8, start=-DAY, end=-HOUR),
                  "delta": cas.ca.crl([good], number=8, base=7)}[poison])
    admitted(fresh, cas.credential(good))
    assert web.count(url) == 2
    assert refused(fresh, cas.credential(bad)) == REVOKED


def test_one_url_two_cas(gate, cas, web):
    """B-263: a list is kept for its URL and for its issuer's key."""
    url = web.serve(cas.ca.crl())
    admitted(gate, cas.leaf(crl=[url]))
    other = cas.root.ca("other CA")
    leaf = other.issue("client", crl=[url])
    assert refused(gate, cas.credential(leaf)) == UNUSABLE
    admitted(gate, cas.leaf(crl=[url]))


# Across processes.

def test_restart(house, cas, web, tmp_path):
    """revocation_cache: a restart needs no fetch, not even with "revocation-cache-only"."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    lists, responder = web.serve(), web.serve(stem="ocsp")
    leaf, asked = cas.ca.issue("client", crl=[lists]), cas.ca.issue("client", ocsp=[responder])
    bad = cas.ca.issue("client", crl=[lists])
    web.set(lists, cas.ca.crl([bad]))
    web.set(responder, Answer(ocsp.answer(asked), kind=OCSP))
    for flags in ([], [], ["revocation-cache-only"]):
        gate = house.unshared(client_certificates=cas.settings(*flags, revocation_cache=str(folder)))
        admitted(gate, cas.credential(leaf))
        admitted(gate, cas.credential(asked))
        assert refused(gate, cas.credential(bad)) == REVOKED
        gate.close_clients()
        gate.terminate()
        assert gate.wait_exit() == 0
        assert (web.count(lists), web.count(responder)) == (1, 1)
    assert list(folder.iterdir())


def test_spoilt_cache_files(house, cas, web, tmp_path):
    """What is read back is checked as if it were fetched; then it is fetched."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    url = web.serve()
    leaf = cas.ca.issue("client", crl=[url])
    web.set(url, cas.ca.crl([leaf]))
    stranger = Entity(cas.ca.certificate, new_key(), cas.root)
    for spoilt in (None, b"", b"rubbish", stranger.crl(), cas.ca.crl(start=-2 * DAY, end=-DAY)):
        for path in folder.iterdir():
            path.write_bytes(spoilt)
        before = web.count(url)
        gate = house.unshared(client_certificates=cas.settings(revocation_cache=str(folder)))
        assert refused(gate, cas.credential(leaf)) == REVOKED
        gate.terminate()
        assert gate.wait_exit() == 0
        assert web.count(url) == before + 1


# What there is when nothing can be had.

def test_revocation_unavailable_accept(house, cas, web):
    """B-253: the unknown are let in and told of, the revoked are not."""
    gate = house.gate(client_certificates=cas.settings(revocation_unavailable="accept"))
    url = closed_url()
    admitted(gate, cas.leaf(crl=[url]))
    assert url in gate.wait_event("revocation_warning")["detail"]
    lists = web.serve()
    leaf = cas.ca.issue("client", crl=[lists])
    web.set(lists, cas.ca.crl([leaf]))
    assert refused(gate, cas.credential(leaf)) == REVOKED
    assert refused(gate, cas.leaf(start=-DAY, end=-HOUR)) == "certificate_expired"


def test_the_list_at_hand_works_while_its_server_is_down(gate, cas, web):
    """A-086: until its nextUpdate."""
    url = web.serve(cas.ca.crl())
    admitted(gate, cas.leaf(crl=[url]))
    web.set(url, Answer(status=503))
    admitted(gate, cas.leaf(crl=[url]))
    assert web.count(url) == 1


# Many at once.

def test_one_fetch_for_many(gate, cas, web):
    """B-263: thirty logins at once, with one list that nobody has yet."""
    clients = 30
    asked, go_on = threading.Event(), threading.Event()
    url = web.serve()

    def late(_request):
        asked.set()
        go_on.wait(10)
        return cas.ca.crl()
    web.set(url, late)
    credentials = [cas.leaf(crl=[url]) for _ in range(clients)]
    through, lock = [], threading.Lock()

    def log_in(credential):
        admitted(gate, credential)
        with lock:
            through.append(credential)
    threads = [threading.Thread(target=log_in, args=(one,)) for one in credentials]
    for thread in threads:
        thread.start()
    assert asked.wait(10)
    wait_until(lambda: len(gate.clients) == clients and not through, "all are connected")
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert len(through) == clients and web.count(url) == 1
    assert len({event["session"] for event in gate.events("login")}) == clients


def test_warm_logins_are_quick(gate, cas, web):
    """No fetch, no wait: some hundred milliseconds would be one."""
    url = web.serve(cas.ca.crl())
    credential = cas.leaf(crl=[url])
    admitted(gate, credential)
    begin = time.monotonic()
    for _ in range(10):
        admitted(gate, credential)
    assert time.monotonic() - begin < 5
