"""Which backends are up: checks, what sessions see, and what is told of it (log, metrics, /readyz, status page)."""
import contextlib

import pytest

from support import process
from support.fake_backend import FakeBackend
from support.gate import PASSWORD, USER
from support.pages import METRICS, fetch
from support.raw import Closed
from support.reloads import hang_up, reload, setting
from support.several import row                 # noqa: F401 - a fixture
from support.wait import stays_false, wait_until

CHECKED = {"health_interval": "100ms", "fall": 2, "rise": 2}


def refusal(of):
    """The reply that ends a login, after which the connection is closed."""
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    answer = client.command(f"PASS {PASSWORD}")
    assert client.is_closed()
    return answer


def test_a_server_that_goes_and_comes_back(row):
    """Nobody has to find out by himself: no session is needed, and none is sent there meanwhile."""
    of = row(2, backend=CHECKED)
    of.wait_up(True, True)
    of.stop(0)
    of.wait_up(False, True)
    down = of.gate.event("backend_down")
    assert down["site"] == "ftp.test" and down["backend"] == of.fakes[0].address and down["level"] == "error"
    assert down["reason"] == "Connection refused"
    assert of.served(4) == [1] * 4
    assert of.metric("connects_total", 0, result="refused") == 0
    assert of.ready() == (200, ["ready"])
    of.revive(0)
    of.wait_up(True, True)
    assert of.gate.event("backend_up")["reason"] == "a check found it well"
    assert of.changes() == [("backend_down", 0), ("backend_up", 0)]
    wait_until(lambda: of.login().served_by == 0, "the server gets sessions again")


def test_when_all_are_down(row):
    """421 at once, without a try; /readyz says so, /healthz does not mind."""
    of = row(2, backend={**CHECKED, "connect_timeout": "5s"})
    of.wait_up(True, True)
    for index in (0, 1):
        of.stop(index)
    of.wait_up(False, False)
    assert of.ready() == (503, ["site ftp.test: no backend is up"])
    assert fetch(of.gate, "/healthz").status == 200
    assert refusal(of).raw == b"421 Service not available.\r\n"
    assert not of.gate.events("backend_connect_failed")
    of.revive(1)
    of.wait_up(False, True)
    assert of.ready() == (200, ["ready"])
    assert of.served(2) == [1, 1]


def test_a_server_that_was_never_there(row):
    """Known before the first client comes: one check is enough."""
    dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"
    of = row(1, backend={"health_interval": "1h", "servers": [dead]})
    wait_until(lambda: of.ready()[0] == 503, "the first check has failed")
    assert of.gate.event("backend_down", backend=dead)
    assert of.gate.metric("ftpsgate_backend_up", site="ftp.test", backend=dead) == 0


def test_a_check_is_connect_greeting_and_quit(row):
    of = row(1, backend=CHECKED)
    of.fakes[0].wait_for("QUIT", 3)
    assert set(of.fakes[0].verbs()) == {"QUIT"}
    assert of.metric("connects_total", 0, result="ok") == 0     # these are of sessions


def test_checks_come_from_source_address(row):
    of = row(1, backend={**CHECKED, "source_address": "127.0.0.3"})
    of.fakes[0].wait_for("QUIT")
    client = of.login()
    assert client.protect().upload("STOR x", b"data").codes == [150, 226]
    assert {session.peer[0] for session in of.fakes[0].sessions} == {"127.0.0.3"}
    served = [session for session in of.fakes[0].sessions if hasattr(session, "data_peer")]     # the others are checks
    assert [session.data_peer[0] for session in served] == ["127.0.0.3"]


def test_health_user(row, tmp_path):
    """A server that greets and lets nobody in is down; the password stays out of the log."""
    secret = tmp_path / "probe"
    secret.write_text("word-of-probe\n")
    of = row(2, backend={**CHECKED, "health_user": "probe", "health_password_file": str(secret)})
    of.gate.never_logged.append("word-of-probe")
    of.fakes[0].wait_for("PASS word-of-probe")
    of.wait_up(True, True)
    of.fakes[0].on("PASS", lambda session, word: f"530 {word} is wrong")
    of.wait_up(False, True)
    assert of.gate.event("backend_down")["reason"] == "refused the login of the health_user: 530"
    assert set(of.fakes[0].verbs()) == {"USER", "PASS", "QUIT"}


@pytest.mark.parametrize("content, words", [("", "is empty"), ("two\nlines\n", "is not one line")])
def test_a_password_file_that_holds_no_password(row, tmp_path, content, words):
    """Refused at the reload, with its place in the file."""
    secret = tmp_path / "probe"
    secret.write_text("good\n")
    of = row(1, backend={**CHECKED, "health_user": "probe", "health_password_file": str(secret)})
    secret.write_text(content)
    assert hang_up(of.gate)["result"] == "refused"
    fault = of.gate.event("reload_fault")["detail"]
    assert "ftpsgate.toml:" in fault and "health_password_file" in fault and words in fault


def test_flapping_below_fall(row):
    """Two failures, then a success, again and again: nothing changes, nobody is told."""
    of, greeted = row(2, backend={**CHECKED, "fall": 3}), []
    of.wait_up(True, True)

    def greet(session, _):
        greeted.append(1)
        return "220 well" if len(greeted) % 3 == 0 else "421 not now"
    of.fakes[0].script.greeting = greet
    wait_until(lambda: len(greeted) >= 9, "nine checks")
    assert of.is_up(0) and of.changes() == []


def test_sessions_find_out_between_two_checks(row):
    """`fall` sessions in a row, and the next one does not try."""
    of = row(2, backend={"health_interval": "1h", "fall": 3, "balance": "first"})
    of.wait_up(True, True)
    of.fakes[0].wait_for("QUIT")
    of.stop(0)
    assert of.served(1) == [1]      # its failure calls for a check, which fails as well, and then for another
    of.wait_up(False, True)
    assert of.changes() == [("backend_down", 0)]
    failures = of.metric("connects_total", 0, result="refused")
    assert of.served(4) == [1] * 4
    assert of.metric("connects_total", 0, result="refused") == failures


def test_unchecked_a_server_is_left_alone_and_tried_by_single_sessions(row):
    of = row(2, backend={"fall": 2, "rise": 2, "balance": "first"})
    assert of.served(1) == [0]
    of.stop(0)
    assert of.served(2) == [1, 1]
    assert of.changes() == [("backend_down", 0)] and not of.is_up(0)
    assert of.metric("connects_total", 0, result="refused") == 2
    assert of.ready()[0] == 200
    of.revive(0)
    wait_until(lambda: of.served(1) == [0], "the quarantine is over, and a session tries it")
    wait_until(lambda: of.served(1) and of.is_up(0), "a second one proves it")
    assert of.changes() == [("backend_down", 0), ("backend_up", 0)]


def test_unchecked_and_all_down(row):
    """In the quarantine 421 at once; behind it the gate is ready for whoever tries."""
    of = row(1, backend={"fall": 1, "rise": 1, "retries": 0})
    of.stop(0)
    assert refusal(of).code == 421
    failures = of.metric("connects_total", 0, result="refused")
    assert failures == 1
    assert of.ready() == (503, ["site ftp.test: no backend is up"]) or of.ready()[0] == 200
    wait_until(lambda: of.ready()[0] == 200, "the quarantine is over")
    of.revive(0)
    assert of.served(2) == [0, 0]
    assert of.is_up(0)


def test_reload_keeps_what_is_known(row):
    """A server that stays is as it was: no second backend_down, no session there, its sessions counted."""
    of = row(2, backend={**CHECKED, "balance": "least-sessions"})
    of.wait_up(True, True)
    of.stop(0)
    of.wait_up(False, True)
    held = [of.login() for _ in range(3)]
    fresh = FakeBackend()
    try:
        of.fakes.append(fresh)
        reload(of.gate, setting("backend", servers=[fake.address for fake in of.fakes]))
        assert of.changes() == [("backend_down", 0)]
        assert [of.login().served_by for _ in range(2)] == [2, 2]      # three are with the other one already
        assert [client.command("PWD").code for client in held] == [257] * 3
        assert stays_false(lambda: of.is_up(0))
        assert of.changes() == [("backend_down", 0)]
    finally:
        of.gate.close_clients()


def test_reload_changes_the_checks(row):
    of = row(1)
    assert not of.fakes[0].sessions
    reload(of.gate, setting("backend", health_interval="100ms"))
    of.fakes[0].wait_for("QUIT", 2)
    reload(of.gate, setting("backend", health_interval="0s"))
    wait_until(of.fakes[0].all_ended, "the last check ends")
    count = len(of.fakes[0].sessions)
    assert stays_false(lambda: len(of.fakes[0].sessions) > count)


def test_status_page_and_sessions(row):
    of = row(2, backend=CHECKED)
    of.wait_up(True, True)
    of.stop(0)
    of.wait_up(False, True)
    page = fetch(of.gate, "/").text
    assert f"backend {of.fakes[0].address} is down" in page
    assert "a check failed" in page and "Connection refused" in page and "a check found it well" in page
    of.login()
    assert f'"backend":"{of.fakes[1].address}"' in fetch(of.gate, "/sessions").text.replace(": ", ":")


def test_real_servers(house, backends):
    """Checks of every kind of server; one that is killed is not missed."""
    others = [backends.of(kind) for kind in ("proftpd", "vsftpd", "pure-ftpd")]
    victim = type(backends.of("pyftpdlib"))(backends.cache)
    servers = [victim, *others]
    gate = house.unshared(metrics=METRICS, backend={"servers": [one.address for one in servers], **CHECKED})

    def up():
        return [gate.metric("ftpsgate_backend_up", site="ftp.test", backend=one.address) == 1 for one in servers]
    try:
        wait_until(lambda: "a check found it well" in fetch(gate, "/").text, "checks are made")
        assert stays_false(lambda: not all(up()), 1)
        process.end(victim.child)
        wait_until(lambda: up() == [False, True, True, True], "the killed one is down")
        for _ in range(6):
            with contextlib.suppress(Closed):
                client = gate.secured().protect()
                assert client.command("USER alice").code == 331
                assert client.command("PASS wonder land").code in (230, 530)      # vsftpd knows no alice
        assert not gate.events("backend_connect_failed")
    finally:
        gate.close_clients()
        gate.terminate()
        assert gate.wait_exit() == 0
        victim.stop()


def test_real_login_check(house, backends, tmp_path):
    """health_user at real servers: the right password, then a wrong one."""
    secret = tmp_path / "alice"
    secret.write_text("wonder land")
    servers = [backends.of(kind) for kind in ("proftpd", "pyftpdlib")]
    gate = house.unshared(metrics=METRICS, backend={
        "servers": [one.address for one in servers], **CHECKED, "health_user": "alice",
        "health_password_file": str(secret)})
    gate.never_logged += ["wonder land", "looking glass"]

    def up():
        return [gate.metric("ftpsgate_backend_up", site="ftp.test", backend=one.address) for one in servers]
    try:
        wait_until(lambda: fetch(gate, "/").text.count("a check found it well") == 2, "both have been checked", 20)
        assert up() == [1, 1]
        secret.write_text("looking glass")
        reload(gate)
        wait_until(lambda: up() == [0, 0], "both are down", 30)
        assert {event["reason"] for event in gate.events("backend_down")} == {
            "refused the login of the health_user: 530"}
    finally:
        gate.close_clients()
        gate.terminate()
        assert gate.wait_exit() == 0
