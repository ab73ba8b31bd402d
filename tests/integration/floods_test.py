"""Clients and backends in numbers and sizes that are meant to hurt (A-058, A-062, A-063, A-065, A-067, A-102)."""
import os
import resource
import select
import socket
import ssl
import threading
import zlib

import pytest

from support.gate import is_sanitized
from support.pages import METRICS, series
from support.raw import Closed, RawClient
from support.tls import client_context
from support.wait import wait_until

FIGURES_COUNT = not is_sanitized()


def resident(gate):
    with open(f"/proc/{gate.child.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_thousands_of_idle_connections_of_one_address(house, many_descriptors):
    """A-058: 421 from limits.sessions_per_client on; another address is served; nothing of it stays."""
    gate = house.gate(limits={"sessions_per_client": 1000}, metrics=METRICS)
    before = resident(gate)
    sockets = [socket.create_connection(gate.address(), timeout=10) for _ in range(3000)]
    try:
        codes = [sock.recv(100)[:3] for sock in sockets]
        assert (codes.count(b"220"), codes.count(b"421")) == (1000, 2000)
        if FIGURES_COUNT:
            assert (resident(gate) - before) / 1000 < 24 * 1024
        other = RawClient(gate.address(), gate.context, source="127.0.0.9", record=gate.seen.extend)
        gate.clients.append(other)
        assert other.secure().login().command("PWD").code == 257
        assert gate.metric("ftpsgate_sessions", site="ftp.test") == 1001
    finally:
        for sock in sockets:
            sock.close()
    wait_until(lambda: gate.metric("ftpsgate_sessions", site="ftp.test") == 1, "the others have gone")


def test_memory_of_an_idle_session_under_tls(house, many_descriptors):
    """A-058: less than 64 KiB."""
    gate = house.gate(limits={"sessions_per_client": 1000})
    for _ in range(20):
        gate.secured()
    before = resident(gate)
    for _ in range(300):
        gate.secured()
    if FIGURES_COUNT:
        assert (resident(gate) - before) / 300 < 64 * 1024


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tickets", ["tickets", "session ids"])
def test_sessions_that_come_and_go_leave_no_memory(house, authority, version, tickets):
    """A-067: what could be resumed is forgotten with the control session. Grown after the first thousand is grown
    without end."""
    gate = house.gate()
    context = client_context(authority, minimum=version, maximum=version)
    if tickets == "session ids":
        context.options |= ssl.OP_NO_TICKET

    def come_and_go(count):
        for _ in range(count):
            client = RawClient(gate.address("implicit"), context, implicit=True)
            assert client.greeting.code == 220
            client.reset()
        wait_until(lambda: gate.descriptors() <= gate.baseline, "all are gone")
    come_and_go(600)
    before = resident(gate)
    come_and_go(600)
    if FIGURES_COUNT:
        assert resident(gate) - before < 2_000_000


def test_a_huge_listing_for_a_client_that_does_not_read(house):
    """A-062: a backend's multi-line reply of ten megabytes; what waits for the client is bounded, the backend is
    stopped, and the control connection has its end."""
    gate = house.gate(limits={"idle_timeout": "1s"}, backend={"reply_timeout": "1s"})
    sent = []

    def endless(session, _argument):
        session.reply("213-status")
        line = b" " + b"x" * 998 + b"\r\n"
        try:
            for _ in range(10_000):
                session.sock.sendall(line)
                sent.append(len(line))
        except OSError:
            return None
        return "213 end"
    gate.backend.on("STAT", endless)
    client = gate.logged_in()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = resident(gate)
    client.send("STAT a\r\n")
    session = gate.backend.session
    wait_until(session.ended.is_set, "the gate has left the backend", 20)
    if FIGURES_COUNT:
        assert resident(gate) - before < 8_000_000
    assert gate.wait_event("session_closed")
    assert gate.logged_in().command("PWD").code == 257


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
def test_a_side_that_does_not_take_its_bytes(house, command):
    """A-063: back-pressure to the other side, then data.idle_timeout; the session goes on. What moves is bounded by
    the sockets' buffers."""
    gate = house.gate(data={"idle_timeout": "1s"})
    end, moved = threading.Event(), []
    block = b"x" * 65536

    def stall(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            if command == "STOR b":
                end.wait(20)
                return "426 gave up"
            try:
                for _ in range(8000):
                    data.send(block)
                    moved.append(len(block))
            except OSError:
                return "426 cut off"
        return "226 sent"
    gate.backend.on(command.split()[0], stall)
    client = gate.logged_in()
    before = resident(gate)
    _, data = client.begin(command)
    if command == "STOR b":
        data.sock.setblocking(False)
        sealed = data.stream.sealed(block)
        left = memoryview(sealed)
        while select.select([], [data.sock], [], 0.4)[1]:
            try:
                sent = data.sock.send(left)
            except OSError:
                break
            moved.append(sent)
            left = left[sent:] or memoryview(data.stream.sealed(block))
    assert client.final().code in (425, 426, 451)
    end.set()
    assert sum(moved) < 64_000_000
    if FIGURES_COUNT:
        assert resident(gate) - before < 4_000_000
    assert gate.wait_event("transfer")["result"] == "timeout"
    assert client.command("PWD").code == 257


def test_mode_z_is_passed_on_as_it_is(gate):
    """A-065: what unpacks to ten megabytes stays ten kilobytes, both ways; nothing is inflated here."""
    bomb = zlib.compress(b"\0" * 10_000_000, 9)
    gate.backend.script.files["bomb"] = bomb
    client = gate.logged_in()
    assert client.command("MODE Z").code == 200
    before = resident(gate)
    assert client.download("RETR bomb").data == bomb
    assert client.upload("STOR bomb", bomb).codes == [150, 226]
    assert gate.backend.wait_upload("bomb").received == bomb
    if FIGURES_COUNT:
        assert resident(gate) - before < 1_000_000


def test_what_clients_send_makes_no_series(house):
    """A-102: users, paths, verbs, addresses, SNI."""
    gate = house.gate(metrics=METRICS)
    gate.logged_in().download("RETR first")
    before = set(series(gate))
    for number in range(20):
        client = RawClient(gate.address(), gate.context, source=f"127.0.0.{10 + number}",
                           server_name=f"name{number}.test", record=gate.seen.extend)
        gate.clients.append(client)
        client.secure().protect().login(f"user{number}")
        client.download(f"RETR path{number}")
        client.codes(f"CWD dir{number}", f"SITE X{number}", f"VERB{number}")
    assert set(series(gate)) == before
