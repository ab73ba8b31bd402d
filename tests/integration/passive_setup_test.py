"""PASV and EPSV towards the client (B-110 .. B-124)."""
import re
import socket
import threading

import pytest

from support import process
from support.wait import wait_until

V6 = [{"address": "[::1]:0", "tls": "explicit"}]
SHORT = {"connect_timeout": "400ms"}


def listens(target):
    try:
        socket.create_connection(target, timeout=5).close()
        return True
    except OSError:
        return False


def test_pasv_tells_the_address_the_client_used(gate):
    """B-110"""
    answer = gate.logged_in().command("PASV")
    assert re.fullmatch(r"227 Entering Passive Mode \(127,0,0,1,\d+,\d+\)\.?", answer.text)


def test_pasv_tells_the_configured_address(house):
    """B-110: behind NAT."""
    answer = house.gate(data={"passive_address": "192.0.2.7"}).logged_in().command("PASV")
    assert "(192,0,2,7," in answer.text


def test_pasv_over_ipv6_is_502(house):
    """B-111"""
    assert house.gate(listen=V6).logged_in().codes("PASV", "EPSV") == [502, 229]


def test_epsv_has_empty_fields(gate):
    """B-112"""
    assert re.search(r"^229 [^()]*\(\|\|\|\d+\|\)", gate.logged_in().command("EPSV").text)


@pytest.mark.parametrize("family, argument, code, text", [
    (4, "1", 229, r"\(\|\|\|"), (4, "2", 522, r"^522 [^(]*\(1\)"), (4, "3", 522, r"\(1\)"), (4, "x", 501, ""),
                                                          (4, "1 2", 501, ""),
    (6, "2", 229, r"\(\|\|\|"), (6, "1", 522, r"^522 [^(]*\(2\)"), (6, "3", 522, r"\(2\)")])
def test_epsv_of_a_family(house, family, argument, code, text):
    """B-113, B-115"""
    gate = house.gate(listen=V6) if family == 6 else house.gate()
    answer = gate.logged_in().command(f"EPSV {argument}")
    assert answer.code == code and re.search(text, answer.text)


def test_epsv_all(gate):
    """B-114: from here on EPSV only; the backend is not told."""
    client = gate.logged_in()
    assert client.command("EPSV ALL").code == 200
    assert client.codes("PASV", "PORT 127,0,0,1,99,99", "EPRT |1|127.0.0.1|9999|") == [503] * 3
    assert client.download("RETR a").codes == [150, 226]
    assert "EPSV ALL" not in gate.backend.lines
    assert client.command("LPSV").code // 100 == 5


@pytest.mark.parametrize("again", ["EPSV", "PASV", "PORT", "EPRT"])
def test_the_last_set_up_wins(gate, again):
    """B-116: the former listener is closed before the reply."""
    client = gate.logged_in()
    first = client.passive()
    if again in ("PORT", "EPRT"):
        client.listen_data(again).close()
    else:
        assert client.passive(again) != first
    assert not listens(first)


def test_listens_on_the_clients_address_only(gate):
    """B-117"""
    _, port = gate.logged_in().passive()
    assert not listens(("127.0.0.3", port))
    assert listens(("127.0.0.1", port))


def test_takes_ports_from_the_configured_range(house):
    """B-117, B-118: 425 when none is free, and the control connection lives."""
    port = process.free_port("127.0.0.1")
    gate = house.gate(data={"passive_ports": f"{port}-{port}"})
    one, two = gate.logged_in(), gate.logged_in()
    assert one.passive()[1] == port
    assert two.command("EPSV").code in (425, 421)
    assert two.command("PWD").code == 257
    assert one.download_from((one.address[0], port), "RETR a").codes == [150, 226]


def test_another_host_is_turned_away(gate):
    """B-119, A-021: at once; the client's own transfer works."""
    client = gate.logged_in()
    target = client.passive()
    for _ in range(3):
        stranger = client.connect_data(target, source="127.0.0.9")
        assert stranger.read_all() == b"" and stranger.end in ("fin", "rst")
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"


@pytest.mark.parametrize("verb", ["EPSV", "PASV"])
@pytest.mark.parametrize("early", [False, True], ids=["handshake after 1yz", "handshake before the command"])
def test_either_order_of_handshake_and_command(gate, verb, early):
    """B-120"""
    client = gate.logged_in()
    for _ in range(2):
        transfer = client.download("RETR a", verb, early)
        assert (transfer.codes, transfer.data) == ([150, 226], b"content of a\r\n")


def test_client_connects_after_the_command(gate):
    """B-120: even the TCP connection; 1yz does not wait for it."""
    client = gate.logged_in()
    target = client.passive()
    assert client.command("RETR a").code == 150
    data = client.secure_data(client.connect_data(target))
    assert data.read_all() == b"content of a\r\n"
    assert client.reply().code == 226


def test_preliminary_reply_does_not_wait_for_the_handshake(gate):
    """B-120: connected, no ClientHello yet."""
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    assert client.command("RETR a").code == 150
    assert client.secure_data(data).read_all() == b"content of a\r\n"


def test_handshake_does_not_wait_for_the_preliminary_reply(gate):
    """B-120: complete while the backend still thinks."""
    go = threading.Event()
    send = gate.backend.script.replies["RETR"]
    gate.backend.on("RETR", lambda session, name: go.wait(5) and send(session, name))
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    client.send("RETR a\r\n")
    client.secure_data(data)
    go.set()
    assert client.reply().code == 150
    assert data.read_all() == b"content of a\r\n"
    assert client.reply().code == 226


@pytest.mark.parametrize("verb", ["RETR a", "STOR b", "LIST"])
def test_client_never_connects(house, verb):
    """B-121, B-212: 425; the backend's own last word is swallowed."""
    client = house.gate(data=SHORT).logged_in()
    client.passive()
    client.send(f"{verb}\r\n")
    assert client.final().code == 425
    assert client.codes("NOOP", "PWD") == [200, 257]
    assert client.download("RETR a").codes == [150, 226]


def test_a_listener_without_transfer_goes_with_the_session(gate):
    """B-122"""
    client = gate.logged_in()
    target = client.passive()
    client.quit()
    wait_until(lambda: not listens(target), "the listener is closed")


def test_transfer_without_set_up_is_425(gate):
    """B-123: no default port, and the backend hears nothing."""
    client = gate.logged_in()
    assert client.codes("LIST", "RETR a", "STOR b", "PWD") == [425, 425, 425, 257]
    assert not {"LIST", "RETR", "STOR"} & set(gate.backend.verbs())


def test_one_set_up_serves_one_transfer(gate):
    """B-124"""
    client = gate.logged_in()
    assert client.download("RETR a").codes == [150, 226]
    assert client.codes("RETR a", "LIST") == [425, 425]
    assert gate.backend.count("RETR a") == 1


def test_ports_follow_no_order(gate):
    """A-025: a session's listeners are not simply the next port."""
    client = gate.logged_in()
    ports = [client.passive()[1] for _ in range(30)]
    steps = {later - earlier for earlier, later in zip(ports, ports[1:])}
    assert len(steps) > 15
