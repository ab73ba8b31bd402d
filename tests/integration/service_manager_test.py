"""Under a service manager: readiness, reload, watchdog, listening sockets that are handed over, and an upgrade that
refuses nobody."""
import signal
import socket
import threading

import pytest

from support.raw import Closed
from support.reloads import reload
from support.service_manager import ServiceManager
from support.wait import wait_until


@pytest.fixture
def managers(tmp_path_factory):
    made = []

    def make(**options):
        made.append(ServiceManager(tmp_path_factory.mktemp("manager"), **options))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def test_tells_its_state(house, managers):
    """READY once all is bound, RELOADING and READY around SIGHUP, STOPPING before the drain."""
    manager = managers()
    gate = house.unshared(started_by=manager.start)
    manager.wait_for("READY=1")
    assert "STOPPING=1" not in manager.told and "RELOADING=1" not in manager.told
    reload(gate)
    manager.wait_for("READY=1", times=2)
    assert manager.told.index("RELOADING=1") < len(manager.told) - 1 - manager.told[::-1].index("READY=1")
    assert any(word.startswith("MONOTONIC_USEC=") for word in manager.told)
    gate.terminate()
    assert gate.wait_exit() == 0
    manager.wait_for("STOPPING=1")


def test_a_refused_reload_is_over_too(house, managers):
    """READY again: systemd would wait for it."""
    manager = managers()
    gate = house.unshared(started_by=manager.start)
    gate.config.write_text("nonsense = 1\n")
    gate.child.send_signal(signal.SIGHUP)
    assert gate.wait_event("reload", result="refused")
    manager.wait_for("READY=1", times=2)


def test_watchdog(house, managers):
    """Signs of life come while it serves."""
    manager = managers(watchdog=200_000)
    gate = house.unshared(started_by=manager.start)
    manager.wait_for("WATCHDOG=1", times=5)
    gate.terminate()
    assert gate.wait_exit() == 0


def test_no_watchdog_without_being_asked(house, managers):
    manager = managers()
    house.unshared(started_by=manager.start).secured().login()
    assert "WATCHDOG=1" not in manager.told


# Listening sockets.

@pytest.fixture
def held():
    """A listening socket that belongs to neither of the gates."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as made:
        yield made


def listening_at(*sockets):
    return [{"address": "{}:{}".format(*one.getsockname()[:2]), "tls": "explicit"} for one in sockets]


def test_takes_the_sockets_it_is_given(house, managers, held):
    """By their address; what is not among them it binds itself."""
    manager = managers(sockets=[held])
    gate = house.unshared(started_by=manager.start,
                          listen=[*listening_at(held), {"address": "127.0.0.1:0", "tls": "implicit"}])
    assert gate.address() == held.getsockname()
    gate.logged_in()
    assert gate.client(implicit=True).greeting.code == 220
    assert not gate.event("inherited_socket_unused")


def test_a_socket_for_no_listener_is_told(house, managers, held):
    """It would take connections that nobody serves, so it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        manager = managers(sockets=[held, other])
        gate = house.unshared(started_by=manager.start, listen=listening_at(held))
        address = "{}:{}".format(*other.getsockname()[:2])
        assert gate.event("inherited_socket_unused")["address"] == address


def test_upgrade_refuses_nobody(house, managers, held):
    """A new gate on the same socket, then SIGTERM for the old one: clients that come all the time get in each time, and
    a transfer of the old gate goes on to its end."""
    first = house.unshared(started_by=managers(sockets=[held]).start, listen=listening_at(held))
    long = first.logged_in()
    go_on = threading.Event()

    def slow(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(b"half ")
            assert go_on.wait(20)
            data.send(b"whole")
        return "226 done"
    first.backend.on("RETR", slow)
    _, data = long.begin("RETR a")

    logins, faults, stop = [], [], threading.Event()

    def come_and_go():
        while not stop.is_set():
            try:
                client = first.client()
                client.secure().login()
                client.quit()
                logins.append(True)
            except (OSError, Closed, AssertionError) as fault:
                faults.append(fault)
    loop = threading.Thread(target=come_and_go)
    loop.start()
    try:
        wait_until(lambda: len(logins) > 5, "clients come and go")
        second = house.unshared(started_by=managers(sockets=[held]).start, listen=listening_at(held))
        first.terminate()
        first.wait_event("draining")
        before = len(logins)
        wait_until(lambda: len(logins) > before + 20, "clients still come and go", 20)
    finally:
        stop.set()
        loop.join()
    assert not faults, faults
    assert second.events("login")
    go_on.set()
    data.read_all()
    assert data.received == b"half whole" and long.reply().code == 226
    assert long.reply().code == 421
    assert first.wait_exit() == 0
