"""Limits and timers of one client (B-007, A-055, A-056, A-058, A-059, A-066); time-outs are short, their passing is
the subject."""
import time

import pytest

from support.raw import Closed, RawClient
from support.wait import wait_until

LOGIN = {"limits": {"login_timeout": "700ms"}}
IDLE = {"limits": {"idle_timeout": "600ms"}}


def ends_with_421(client):
    """421 as the last words, then the end."""
    rest = client.rest()
    return rest.startswith(b"421 ") and rest.count(b"\r\n") == 1


@pytest.mark.parametrize("start", ["clear", "tls", "after USER"])
def test_login_timeout(house, start):
    """A-055: 421 under whatever protection there is."""
    gate = house.gate(**LOGIN)
    client = gate.client() if start == "clear" else gate.secured()
    if start == "after USER":
        client.command("USER bob")
    assert ends_with_421(client)
    assert client.end == ("fin" if start == "clear" else "close_notify")


def test_login_timeout_is_absolute(house):
    """A-055: neither commands nor dribbled bytes put it off."""
    gate = house.gate(**LOGIN)
    client, start = gate.secured(), time.monotonic()
    try:
        while time.monotonic() - start < 5:
            if client.silent(0.1):
                client.send("N")
            else:
                break
    except OSError:
        pass
    assert time.monotonic() - start < 3
    assert b"421" in client.rest()


def test_a_login_stops_its_timer(house):
    """A-055: logged in, the session outlives it."""
    client = house.gate(**LOGIN).logged_in()
    assert client.silent(1)
    assert client.command("PWD").code == 257


def test_idle_timeout(house):
    """B-207: between commands; each command begins it anew."""
    client = house.gate(**IDLE).logged_in()
    for _ in range(3):
        assert client.silent(0.3)
        assert client.command("NOOP").code == 200
    assert ends_with_421(client) and client.end == "close_notify"


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
@pytest.mark.parametrize("port", ["explicit", "implicit"])
def test_handshake_timeout(house, port, sent):
    """A-056, B-040: a control handshake that stops, or never starts; no reply in clear on the implicit port."""
    gate = house.gate(ssl={"handshake_timeout": "500ms"})
    client = RawClient(gate.address(port), gate.context, greet=port == "explicit", record=gate.seen.extend)
    gate.clients.append(client)
    if port == "explicit":
        assert client.command("AUTH TLS").code == 234
    client.send(sent)
    start = time.monotonic()
    rest = client.rest()
    assert time.monotonic() - start < 4
    assert gate.wait_event("tls_failed", channel="control", reason="timeout")
    assert rest == b"" or rest[0] == 0x15 or (not sent and port == "explicit" and rest.startswith(b"421"))


def test_failed_logins(house):
    """A-059: the third ends the session with 421, whoever it was for."""
    gate = house.gate(limits={"failed_logins": 3})
    gate.backend.on("PASS", "530 no")
    client = gate.secured()
    for name in ("bob", "alice"):
        assert client.codes(f"USER {name}", "PASS wrong") == [331, 530]
    assert client.command("USER carol").code == 331
    client.send("PASS wrong\r\n")
    rest = client.rest()
    assert rest.splitlines()[-1].startswith(b"421")


def test_sessions_per_client(house):
    """A-058: 421 instead of 220; another address is served; a place is free again when one leaves."""
    gate = house.gate(limits={"sessions_per_client": 2})
    first, second = gate.client(), gate.secured()
    third = gate.client(greet=False)
    assert ends_with_421(third)
    other = RawClient(gate.address(), gate.context, source="127.0.0.9", record=gate.seen.extend)
    gate.clients.append(other)
    assert other.greeting.code == 220
    first.quit()
    assert wait_until(lambda: _greeted(gate), "a place is free again")
    assert second.command("NOOP").code == 200


def _greeted(gate):
    client = gate.client(greet=False)
    try:
        return client.reply().code == 220
    except (Closed, OSError):
        return False


def test_sessions_of_the_site(house):
    """sessions: for all clients together."""
    gate = house.gate(limits={"sessions": 1})
    gate.client()
    other = RawClient(gate.address(), gate.context, greet=False, source="127.0.0.9", record=gate.seen.extend)
    gate.clients.append(other)
    assert ends_with_421(other)


def test_no_place_on_the_implicit_port(house):
    """No plaintext 421 there: closed, or 421 inside TLS."""
    gate = house.gate(limits={"sessions_per_client": 1})
    gate.client()
    client = RawClient(gate.address("implicit"), gate.context, greet=False, record=gate.seen.extend)
    gate.clients.append(client)
    try:
        client.handshake()
    except OSError:
        return
    assert ends_with_421(client)


def test_unknown_commands_before_login_have_an_end(gate):
    """A-011 (3): at most ten, then 421 or nothing."""
    client = gate.secured()
    with pytest.raises((Closed, OSError)):
        for _ in range(12):
            assert client.command("XYZZY").code in (500, 502, 530, 421)


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST / HTTP/1.1", "PUT / HTTP/1.1", "HEAD / HTTP/1.0",
                                  "OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1",
                                  "Host: ftp.test", "host: ftp.test"])
@pytest.mark.parametrize("start", ["clear", "tls"])
def test_http_ends_the_connection(gate, line, start):
    """A-011 (3): no reply repeats the line, and what follows is not executed."""
    client = gate.client() if start == "clear" else gate.secured()
    client.send(line + "\r\nUSER bob\r\n")
    rest = client.rest()
    assert b"HTTP" not in rest and b"331" not in rest and b"534" not in rest
    assert not gate.backend.sessions


def test_a_hundred_sessions_come_and_go(gate):
    """B-286: the fixture looks for what they left behind."""
    for _ in range(10):
        clients = [gate.client() for _ in range(10)]
        for number, client in enumerate(clients):
            if number % 3 == 0:
                client.secure().login()
            client.reset() if number % 2 else client.close()
