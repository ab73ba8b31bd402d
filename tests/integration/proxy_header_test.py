"""Behind a balancer: the PROXY header names the client, on control and on data connections (listen.proxy_from)."""
import signal
import socket

import pytest

from support import proxy_header
from support.haproxy import sending
from support.raw import RawClient
from support.wait import stays_false, wait_until

BALANCER, CLIENT, OTHER, VIRTUAL = "127.0.0.9", "127.0.0.5", "127.0.0.6", "127.0.0.77"
HEADERS = {"v1": proxy_header.v1, "v2": proxy_header.v2}
LISTEN = [{"address": "127.0.0.1:0", "tls": mode, "proxy_from": [f"{BALANCER}/32", "192.0.2.0/24"]}
          for mode in ("explicit", "implicit")]
METRICS = {"listen": "127.0.0.1:0"}


@pytest.fixture
def behind(house):
    return house.gate(listen=LISTEN, metrics=METRICS, ssl={"handshake_timeout": "2s"})


def header(client=CLIENT, version="v2"):
    return HEADERS[version]((client, 4660), (VIRTUAL, 21))


def through(client=CLIENT, version="v2"):
    """How a client comes through the balancer."""
    return {"source": BALANCER, "preamble": header(client, version)}


def attacks(gate, kind="proxy_header"):
    return gate.metric("ftpsgate_attacks_total", site="ftp.test", kind=kind)


@pytest.mark.parametrize("version", HEADERS)
@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_the_header_names_the_client(behind, version, implicit):
    """In the log it is the client, with the balancer beside; passive transfers come through the balancer as well."""
    client = behind.client(implicit=implicit, **through(version=version))
    if not implicit:
        client.secure().protect()
    client.login()
    assert client.download("RETR a").data == b"content of a\r\n"
    assert client.upload("STOR b", b"hello").codes == [150, 226]
    opened = behind.wait_event("session_opened")
    assert opened["client"] == f"{CLIENT}:4660" and opened["via"].startswith(f"{BALANCER}:")
    assert behind.wait_event("login")["client"] == f"{CLIENT}:4660"
    assert not behind.events("attack")


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_haproxy_sends_it(behind, options, tmp_path):
    """As it really is, with a checksum and other TLVs."""
    with sending(tmp_path, behind.address(), BALANCER, options) as haproxy:
        host, _, port = haproxy.address.rpartition(":")
        with RawClient((host, int(port)), behind.context) as client:
            client.secure().login()
            address = "%s:%d" % client.sock.getsockname()
    assert behind.wait_event("login")["client"] == address
    assert behind.wait_event("session_opened", client=address)["via"].startswith(f"{BALANCER}:")
    assert not behind.events("attack")


def test_others_send_none(behind):
    """Who is not in proxy_from is served as ever."""
    client = behind.logged_in()
    assert client.download("RETR a").data == b"content of a\r\n"
    assert "via" not in behind.wait_event("session_opened")


def test_ipv6_clients_of_an_ipv4_balancer(behind):
    """EPSV and the log; PASV is for IPv4."""
    preamble = proxy_header.v2(("2001:db8::5", 4660), ("2001:db8::1", 21))
    client = behind.logged_in(source=BALANCER, preamble=preamble)
    assert client.download("RETR a").data == b"content of a\r\n"
    assert client.command("PASV").code == 502
    assert behind.wait_event("session_opened")["client"] == "[2001:db8::5]:4660"


def test_pasv_tells_what_the_client_connected_to(behind):
    client = behind.logged_in(**through())
    assert "(127,0,0,77," in client.command("PASV").text


def test_pasv_tells_passive_address_if_there_is_one(house):
    gate = house.gate(listen=LISTEN, data={"passive_address": "127.0.0.78"})
    assert "(127,0,0,78," in gate.logged_in(**through()).command("PASV").text


def test_a_header_byte_by_byte_with_tls_at_its_heels(behind):
    client = behind.client(source=BALANCER, greet=False)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in header():
        client.send_plain(bytes([byte]))
    client.greeting = client.reply()
    assert client.greeting.code == 220
    client.secure().login()


def test_banner_only_after_the_header(behind):
    client = behind.client(source=BALANCER, greet=False)
    assert client.silent()
    client.send_plain(header())
    assert client.reply().code == 220


# Data connections.

def test_a_data_connection_of_another_client(behind):
    """The balancer's address alone proves nothing: the header must name the client (B-119, A-021)."""
    client = behind.logged_in(**through())
    before = attacks(behind, "data_theft")
    target = client.passive()
    client.data_preamble = header(OTHER)
    assert client.connect_data(target).read_all() == b""
    assert behind.wait_event("attack", kind="data_theft")["detail"].endswith(OTHER)
    assert attacks(behind, "data_theft") == before + 1
    client.data_preamble = header()
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"


def test_a_data_connection_without_its_header(behind):
    client = behind.logged_in(**through())
    before = attacks(behind)
    target = client.passive()
    client.data_preamble = b"\x16\x03\x01\x02\x00"
    assert _ends_without_a_byte(client.connect_data(target).sock)
    assert BALANCER in behind.wait_event("attack", kind="proxy_header")["detail"]
    assert attacks(behind) == before + 1
    client.data_preamble = header()
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"


def test_a_silent_balancer_on_the_data_port(behind):
    """It has the handshake's time; the client may come meanwhile."""
    client = behind.logged_in(**through())
    target = client.passive()
    client.data_preamble = b""
    client.connect_data(target)
    behind.wait_event("attack", kind="proxy_header")
    client.data_preamble = header()
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"


def test_the_client_itself_on_the_data_port(behind):
    """passive_address may lead past the balancer: then the client's own address is what counts."""
    client = behind.logged_in(**through())
    target = client.passive()
    client.data_preamble = b""
    client.balancer = OTHER
    assert client.connect_data(target).read_all() == b""
    client.balancer = CLIENT
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"


def test_active_mode_leads_to_the_client(behind):
    """The gate connects directly; PORT to anybody else, the balancer included, is a bounce."""
    client = behind.logged_in(**through())
    assert client.command(f"PORT {BALANCER.replace('.', ',')},100,1").code == 500
    assert behind.wait_event("attack", kind="bounce")
    listener = socket.create_server((CLIENT, 0))
    listener.settimeout(10)
    port = listener.getsockname()[1]
    assert client.command(f"PORT {CLIENT.replace('.', ',')},{port >> 8},{port & 255}").code == 200
    assert client.command("RETR a").code == 150
    data = client.secure_data(client.accept_data(listener))
    assert client.active_peer[0] == "127.0.0.1"
    assert data.read_all() == b"content of a\r\n"
    assert client.reply().code == 226


# Limits.

def test_sessions_per_client_counts_clients_not_balancers(house):
    gate = house.gate(listen=LISTEN, limits={"sessions_per_client": 1})
    first = gate.client(**through(CLIENT))
    assert first.greeting.code == 220
    assert gate.client(**through(OTHER)).greeting.code == 220
    assert gate.client(**through(CLIENT)).greeting.code == 421
    assert gate.wait_event("session_refused")["client"] == f"{CLIENT}:4660"


def test_a_ban_is_the_clients(house):
    gate = house.gate(listen=LISTEN, limits={"ban_after": 2, "failed_logins": 100, "ban_time": "30s"})
    gate.backend.on("PASS", "530 no")
    client = gate.secured(**through(CLIENT))
    for _ in range(2):
        assert client.codes("USER bob", "PASS wrong") == [331, 530]
    assert gate.client(**through(CLIENT)).greeting.code == 421
    assert gate.client(**through(OTHER)).greeting.code == 220


def test_local_is_the_balancer_itself(behind):
    """Its health checks, and whoever logs in from there."""
    client = behind.logged_in(source=BALANCER, preamble=proxy_header.local())
    assert client.download("RETR a").data == b"content of a\r\n"
    assert behind.wait_event("session_opened")["client"].startswith(f"{BALANCER}:")


# What is refused.

BAD = {"a command": b"USER bob\r\n", "tls": b"\x16\x03\x01\x02\x00\x01\x00", "version 3": b"PROXY TCP7 1 2 3 4\r\n",
       "an endless line": b"PROXY UNKNOWN " + b"x" * 200,
       "wrong version": proxy_header.SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
       "wrong checksum": proxy_header.v2((CLIENT, 1), (VIRTUAL, 21), b"\x03\x00\x04abcd")}


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("what", BAD)
def test_malformed(behind, what, implicit):
    """Closed without an answer, logged, counted; no session."""
    before = attacks(behind)
    address = behind.address("implicit" if implicit else "explicit")
    with socket.create_connection(address, timeout=10, source_address=(BALANCER, 0)) as sock:
        sock.sendall(BAD[what])
        assert _ends_without_a_byte(sock)
    attack = behind.wait_event("attack", kind="proxy_header")
    assert attack["client"].startswith(f"{BALANCER}:") and "malformed PROXY header" in attack["detail"]
    assert attacks(behind) == before + 1
    assert not behind.events("session_opened")


@pytest.mark.parametrize("sent", [b"", b"PROXY TCP4 127."], ids=["nothing", "a part"])
def test_missing(behind, sent):
    """The handshake's time-out is the limit, from connection on."""
    with socket.create_connection(behind.address(), timeout=10, source_address=(BALANCER, 0)) as sock:
        sock.sendall(sent)
        assert stays_false(lambda: behind.event("attack"))
        assert _ends_without_a_byte(sock)
    assert "2000 ms" in behind.wait_event("attack", kind="proxy_header")["detail"]


def test_a_probe_is_no_attack(behind):
    """A balancer that looks whether the port is open sends nothing."""
    before = attacks(behind)
    socket.create_connection(behind.address(), timeout=10, source_address=(BALANCER, 0)).close()
    behind.wait_event("probe")
    assert attacks(behind) == before and not behind.events("session_opened")


@pytest.mark.parametrize("version", HEADERS)
def test_from_somebody_else(behind, version):
    """It is believed by nobody: bad commands, and a line in the log for whoever forgot a balancer in proxy_from."""
    before = attacks(behind)
    client = behind.client()
    client.send(header(version=version))
    assert client.reply().code // 100 == 5
    attack = behind.wait_event("attack", kind="proxy_header")
    assert attack["client"].startswith("127.0.0.1:") and "proxy_from" in attack["detail"]
    assert attacks(behind) == before + 1


def test_from_somebody_else_in_front_of_tls(behind):
    address = behind.address("implicit")
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(header())
        behind.wait_event("tls_failed")
    assert behind.wait_event("session_opened")["client"].startswith("127.0.0.1:")


def test_two_headers(behind):
    """The second is none."""
    client = behind.client(source=BALANCER, preamble=header() + header(OTHER, "v1"))
    assert client.reply().code // 100 == 5
    assert behind.wait_event("session_opened")["client"] == f"{CLIENT}:4660"
    assert behind.wait_event("attack", kind="proxy_header")["client"] == f"{CLIENT}:4660"


# Drain.

def test_who_was_accepted_is_served(house):
    """The header of a connection that was accepted before SIGTERM may come after it."""
    gate = house.unshared(listen=LISTEN)
    address = gate.address()
    with socket.create_connection(address, timeout=10, source_address=(BALANCER, 0)) as sock:
        wait_until(lambda: gate.descriptors() > gate.baseline, "the connection is accepted")
        gate.terminate()
        gate.wait_event("draining")
        sock.sendall(header())
        assert sock.recv(100).startswith(b"220")
    assert gate.wait_exit() == 0


def test_silence_does_not_hold_up_a_drain(house):
    gate = house.unshared(listen=LISTEN, server={"drain_timeout": "500ms"}, ssl={"handshake_timeout": "1m"})
    with socket.create_connection(gate.address(), timeout=10, source_address=(BALANCER, 0)) as sock:
        wait_until(lambda: gate.descriptors() > gate.baseline, "the connection is accepted")
        gate.child.send_signal(signal.SIGTERM)
        assert gate.wait_exit() == 0
        assert _ends_without_a_byte(sock)


def _ends_without_a_byte(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
