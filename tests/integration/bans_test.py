"""Who fails too often stays outside for a while (limits.ban_after, ban_window, ban_time; A-059, A-060)."""
import pytest

from support.mapped import SECRET, by_certificate, tables
from support.raw import Closed, RawClient
from support.wait import wait_until

LIMITS = {"ban_after": 4, "ban_time": "2s", "failed_logins": 100}
METRICS = {"listen": "127.0.0.1:0"}


@pytest.fixture
def strict(house):
    """Bans after four, for two seconds."""
    made = house.gate(limits=LIMITS, metrics=METRICS)
    made.backend.on("PASS", lambda _session, word: "230 in" if word == "right" else "530 no")
    wait_until(lambda: not turned_away(made), "no ban of an earlier test is left")
    return made


def guess(gate, times, **options):
    client = gate.secured(**options)
    for _ in range(times):
        assert client.codes("USER bob", "PASS wrong") == [331, 530]
    return client


def turned_away(gate, source=None):
    """421 instead of 220."""
    client = RawClient(gate.address(), gate.context, source=source, record=gate.seen.extend)
    gate.clients.append(client)
    code = client.greeting.code
    client.close()
    return code == 421


def test_banned_at_connection(strict):
    """A-059: counted over all sessions of the address; logged and counted; others are served; it ends."""
    before = strict.metric("ftpsgate_sessions_total", site="ftp.test", result="banned")
    guess(strict, 3)
    assert not turned_away(strict)
    guess(strict, 1)
    assert turned_away(strict) and turned_away(strict)
    assert not turned_away(strict, source="127.0.0.9")
    assert strict.wait_event("client_banned")["client"].startswith("127.0.0.1:")
    assert strict.wait_event("session_refused", reason="banned")
    assert strict.metric("ftpsgate_sessions_total", site="ftp.test", result="banned") == before + 2
    wait_until(lambda: not turned_away(strict), "the ban ends")
    assert strict.secured().codes("USER bob", "PASS right") == [331, 230]


def test_the_running_session(strict):
    """The one that was banned may not go on guessing, and nothing reaches the backend."""
    client = guess(strict, 4)
    sessions = len(strict.backend.sessions)
    assert client.command("USER bob").code == 530
    assert len(strict.backend.sessions) == sessions


def test_not_on_the_implicit_port(strict):
    """B-031: nothing is said in clear."""
    guess(strict, 4)
    client = strict.client(implicit=False, greet=False)
    assert client.reply().code == 421
    with pytest.raises((OSError, Closed)):
        strict.client(implicit=True)


@pytest.mark.parametrize("answer", ["421 busy", "gone"])
def test_faults_of_the_backend_are_nobodys_guesses(house, answer):
    gate = house.gate(limits=LIMITS, metrics=METRICS)
    gate.backend.on("PASS", "421 busy" if answer == "421 busy" else lambda session, _: session.hang_up())
    wait_until(lambda: not turned_away(gate), "no ban of an earlier test is left")
    for _ in range(6):
        client = gate.secured()
        assert client.command("USER bob").code == 331
        with pytest.raises((OSError, Closed, AssertionError)):
            assert client.command("PASS right").code != 421
    assert not turned_away(gate)


def test_a_certificate_still_logs_in(house, cas):
    """A-060: from the address of an attacker, who may connect but is refused at USER."""
    gate = house.gate(limits=LIMITS, **tables(cas, policy="allow", basic=True))
    gate.backend.on("PASS", lambda _session, word: "230 in" if word == SECRET else "530 no")
    guess(gate, 4)
    assert not turned_away(gate)
    assert gate.secured().command("USER bob").code == 530
    for _ in range(5):
        by_certificate(gate, cas.leaf())
