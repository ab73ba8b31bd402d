"""SIGHUP with other sites and other listening addresses: all or nothing, and nobody is thrown out."""
import socket

import pytest

from support import process, proxy_header
from support.raw import RawClient
from support.reloads import (certificate_of, configure, hang_up, member, own, pem, reload, setting,  # noqa: F401
                             site_of, undisturbed)


def listen(port, tls="explicit"):
    return {"address": f"127.0.0.1:{port}", "tls": tls}


def is_closed_port(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def connected(gate, port, **options):
    client = RawClient(("127.0.0.1", port), gate.context, record=gate.seen.extend, **options)
    gate.clients.append(client)
    return client


def another_site(gate, port, name="other.test", **changes):
    """A site like the first one."""
    return {**site_of(gate.settings), "name": name, "listen": [listen(port)], "banner": name, **changes}


def test_site_added_and_removed(own):
    gate, port = own(), process.free_port("127.0.0.1")
    with undisturbed(gate):
        reload(gate, lambda settings: settings["site"].append(another_site(gate, port)))
        client = connected(gate, port)
        assert client.greeting.text == "220 other.test"
        client.secure().protect().login()
        assert gate.wait_event("login", site="other.test")
        with undisturbed(gate, client):
            reload(gate, lambda settings: settings["site"].pop())
            assert is_closed_port(port)
            gate.logged_in()
    assert gate.metric("ftpsgate_sessions_total", site="ftp.test", result="closed") >= 0


def test_site_on_a_shared_address(own, authority):
    """By HOST and by SNI, from the next connection on; the port is never closed."""
    port = process.free_port("127.0.0.1")
    gate = own(listen=[listen(port)])
    leaf = authority.leaf("other.test")
    before = gate.client()
    reload(gate, lambda settings: settings["site"].append(another_site(
        gate, port, ssl={"certificate": str(leaf.certificate), "private_key": str(leaf.key)})))
    assert before.command("HOST other.test").code == 504
    after = connected(gate, port)
    assert after.command("HOST other.test").text == "220 other.test"
    by_name = connected(gate, port, server_name="other.test").secure()
    assert certificate_of(by_name) == pem(leaf.certificate)


def test_site_renamed(own):
    """Another name is another site: its listener and its clients go on."""
    gate = own()
    with undisturbed(gate):
        reload(gate, setting(None, name="new.test", hosts=["new.test"]))
        gate.listeners = {("new.test", mode): found for (_, mode), found in gate.listeners.items()}
        gate.logged_in().quit()
        assert gate.wait_event("login", site="new.test")


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
def test_listener_added(own, tls):
    gate, port = own(), process.free_port("127.0.0.1")
    assert is_closed_port(port)
    with undisturbed(gate):
        reload(gate, lambda settings: site_of(settings)["listen"].append(listen(port, tls)))
        assert connected(gate, port, implicit=tls == "implicit").greeting.code == 220
        gate.logged_in()
    gate.baseline += 1


@pytest.mark.parametrize("tls", ["explicit", "implicit"])
def test_listener_removed(own, tls):
    """Nobody new; who came by it stays."""
    ports = {"explicit": process.free_port("127.0.0.1"), "implicit": process.free_port("127.0.0.1")}
    gate = own(listen=[listen(port, mode) for mode, port in ports.items()])
    client = member(gate, tls == "implicit")
    other = "implicit" if tls == "explicit" else "explicit"
    with undisturbed(gate, client):
        reload(gate, lambda settings: site_of(settings).update(listen=[listen(ports[other], other)]))
        assert is_closed_port(ports[tls])
        assert connected(gate, ports[other], implicit=other == "implicit").greeting.code == 220


def test_listener_moves(own):
    """From one port to another, there and back."""
    first, second = process.free_port("127.0.0.1"), process.free_port("127.0.0.1")
    gate = own(listen=[listen(first)])
    for one, other in ((second, first), (first, second)):
        reload(gate, setting(None, listen=[listen(one)]))
        assert connected(gate, one).greeting.code == 220
        assert is_closed_port(other)


def test_listener_changes_its_mode(own):
    """The same port, now implicit."""
    port = process.free_port("127.0.0.1")
    gate = own(listen=[listen(port)])
    with undisturbed(gate):
        reload(gate, setting(None, listen=[listen(port, "implicit")]))
        assert connected(gate, port, implicit=True).greeting.code == 220


def test_a_port_that_is_taken(own):
    """Refused as a whole: no banner, no other listener, and the log names the address."""
    gate, free = own(banner="before"), process.free_port("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken, undisturbed(gate):
        port = taken.getsockname()[1]
        configure(gate, lambda settings: site_of(settings).update(
            banner="after", listen=[*site_of(settings)["listen"], listen(free), listen(port)]))
        before = gate.descriptors()
        assert hang_up(gate)["result"] == "refused"
        assert str(port) in str(gate.wait_event("listen_failed"))
        assert is_closed_port(free) and gate.descriptors() == before
        assert gate.client().greeting.text == "220 before"
    reload(gate)            # now it is free
    assert gate.client().greeting.text == "220 after"
    assert connected(gate, port).greeting.text == connected(gate, free).greeting.text == "220 after"
    gate.baseline += 2


def test_who_sends_a_header(own):
    """proxy_from holds for new connections: the listener stays, and so do the sessions that came without a header, and their
    data connections."""
    gate, port = own(), process.free_port("127.0.0.1")

    def require(settings):
        site_of(settings)["listen"] = [{**listen(port), "proxy_from": ["127.0.0.0/8"]}]
    reload(gate, lambda settings: site_of(settings).update(listen=[listen(port)]))
    earlier = connected(gate, port).secure().protect().login()
    reload(gate, require)
    assert connected(gate, port, greet=False).silent()
    header = proxy_header.v2(("192.0.2.5", 4660), ("192.0.2.1", 21))
    assert connected(gate, port, source="127.0.0.1", preamble=header).greeting.code == 220
    assert gate.wait_event("session_opened", client="192.0.2.5:4660")
    assert earlier.download("RETR a").data == b"content of a\r\n"


def test_an_address_is_split_off_a_wildcard_and_back(own):
    """0.0.0.0 and 127.0.0.8 on the same port: from the reload on the address that says more has its own site, and
    afterwards the wildcard again."""
    port = process.free_port("127.0.0.1")
    gate = own(listen=[{"address": f"0.0.0.0:{port}", "tls": "explicit"}], banner="any")

    def banner(host):
        client = RawClient((host, port), gate.context, record=gate.seen.extend)
        gate.clients.append(client)
        return client.greeting.text
    with undisturbed(gate):
        assert banner("127.0.0.8") == "220 any"
        reload(gate, lambda settings: settings["site"].append(another_site(
            gate, port, listen=[{"address": f"127.0.0.8:{port}", "tls": "explicit"}])))
        assert (banner("127.0.0.8"), banner("127.0.0.9")) == ("220 other.test", "220 any")
        reload(gate, lambda settings: settings["site"].pop())
        assert banner("127.0.0.8") == "220 any"


def test_a_wildcard_becomes_an_address(own):
    """Both are listened on for a moment."""
    port = process.free_port("127.0.0.1")
    gate = own(listen=[{"address": f"0.0.0.0:{port}", "tls": "explicit"}])
    reload(gate, lambda settings: site_of(settings).update(listen=[listen(port)]))
    assert connected(gate, port).greeting.code == 220
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.8", port), timeout=5)
