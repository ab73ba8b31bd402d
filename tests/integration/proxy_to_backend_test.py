"""What a backend learns of the client: the PROXY header that the gate sends ([site.backend] proxy_protocol)."""
import pytest

from support import proxy_header
from support.haproxy import accepting
from support.wait import wait_until

BALANCER, CLIENT, VIRTUAL = "127.0.0.9", "127.0.0.5", "127.0.0.77"
VERSIONS = ["v1", "v2"]


class Listening:
    """Makes a fake backend wait for headers; keeps them."""

    def __init__(self, backend, on_data=False):
        self.control, self.data = [], []
        backend.script.greeting = self._greet
        if on_data:
            backend.on("RETR", self._send)

    def _greet(self, session, _argument):
        self.control.append(proxy_header.read(session.sock))
        return "220 fake backend"

    def _send(self, session, _argument):
        session.reply("150 opening")
        with session.open_data() as data:
            self.data.append(proxy_header.read(data.sock))
            data.send(b"after the header")
        return "226 sent"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_header_comes_before_everything(house, version):
    """With the client's address and what it connected to; not on data connections, where ProFTPD would take it for a
    part of the file."""
    gate = house.gate(backend={"proxy_protocol": version})
    heard = Listening(gate.backend)
    client = gate.logged_in()
    assert client.download("RETR a").data == b"content of a\r\n"
    assert client.upload("STOR b", b"hello").codes == [150, 226]
    assert gate.backend.session.uploads["b"].received == b"hello"
    assert heard.control == [(client.sock.getsockname(), client.address)]


@pytest.mark.parametrize("version", VERSIONS)
def test_on_data_connections_too(house, version):
    """proxy_protocol_data, as SFTPGo expects it."""
    gate = house.gate(backend={"proxy_protocol": version, "proxy_protocol_data": True})
    heard = Listening(gate.backend, on_data=True)
    client = gate.logged_in()
    assert client.download("RETR a").data == b"after the header"
    assert heard.data == heard.control == [(client.sock.getsockname(), client.address)]


def test_none_where_the_backend_connects(house):
    gate = house.gate(backend={"proxy_protocol": "v2", "proxy_protocol_data": True, "data_mode": "active"})
    Listening(gate.backend)
    client = gate.logged_in()
    assert client.upload("STOR b", b"hello").codes == [150, 226]
    assert gate.backend.session.uploads["b"].received == b"hello"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_address_out_of_a_header_is_passed_on(house, version):
    """A chain of balancer, gate and backend."""
    gate = house.gate(backend={"proxy_protocol": version},
                      listen=[{"address": "127.0.0.1:0", "proxy_from": [BALANCER]}])
    heard = Listening(gate.backend)
    gate.logged_in(source=BALANCER, preamble=proxy_header.v1((CLIENT, 4660), (VIRTUAL, 21)))
    assert heard.control == [((CLIENT, 4660), (VIRTUAL, 21))]


def test_ipv6(house):
    gate = house.gate(backend={"proxy_protocol": "v2"}, listen=[{"address": "[::1]:0"}])
    heard = Listening(gate.backend)
    client = gate.logged_in()
    assert heard.control == [(client.sock.getsockname()[:2], client.address)]


@pytest.mark.parametrize("backend", ["vsftpd", "proftpd"], indirect=True)
@pytest.mark.parametrize("version", VERSIONS)
def test_haproxy_takes_the_header(house, backend, version, tmp_path):
    """Another implementation reads it, strictly, in front of a real server; its log has the client's address."""
    with accepting(tmp_path, backend) as haproxy:
        gate = house.gate(backend={"servers": [haproxy.address], "proxy_protocol": version})
        client = gate.secured().protect().login(backend.user, backend.password)
        content = bytes(range(256)) * 64
        assert client.command("TYPE I").code == 200
        assert client.upload("STOR file", content).final.code == 226
        assert client.download("RETR file").data == content
        address = "%s:%d" % client.sock.getsockname()
        client.quit()
        wait_until(lambda: address in haproxy.log(), "HAProxy logs the client")
