"""Real clients through the gate to real servers: active and passive, IPv4 and IPv6, on either side (B-136).

curl 7.88 cannot do active mode with TLS ("sa_addr inet_ntop() failed", also without a gate), and lftp announces "::"
in active mode over the IPv6 loopback: these pairs are left out."""
import pytest

from support.backends import KINDS
from support.clients import driver

MODES = [("curl", False, True), ("curl-implicit", False, False), ("lftp", True, False), ("lftp", False, True),
         ("lftp-implicit", False, False), ("ftplib", True, False), ("ftplib", False, False)]


@pytest.mark.parametrize("data_mode", ["passive", "active", "client"])
@pytest.mark.parametrize("backend", KINDS, indirect=True)
@pytest.mark.parametrize("kind, active, classic", MODES)
def test_active_and_passive(house, backend, tmp_path, kind, active, classic, data_mode):
    """B-136: any mode of the client's with any mode of the backend's, in the old and the new spelling."""
    gate = house.gate(backend={"servers": [backend.address], "data_mode": data_mode})
    client = driver(kind, gate, backend, tmp_path, active=active, classic=classic)
    client.put("file", b"content")
    assert client.get("file") == b"content" and "file" in client.list()


@pytest.mark.parametrize("backend", KINDS, indirect=True)
@pytest.mark.parametrize("kind, active", [("curl", False), ("lftp", False), ("ftplib", False), ("ftplib", True)])
def test_client_on_ipv6(house, backend, tmp_path, kind, active):
    """EPSV and EPRT over IPv6, the backend on IPv4 all the same."""
    gate = house.gate(listen=[{"address": "[::1]:0", "tls": "explicit"}], backend={"servers": [backend.address]})
    client = driver(kind, gate, backend, tmp_path, active=active)
    client.put("file", b"content")
    assert client.get("file") == b"content"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data_mode", ["passive", "active"])
def test_backend_on_ipv6(house, backends, tmp_path, kind, data_mode):
    """The other way round."""
    backend = backends.of(kind, 6)
    gate = house.gate(backend={"servers": [backend.address], "data_mode": data_mode})
    client = driver("curl", gate, backend, tmp_path)
    client.put("file6", b"content")
    assert client.get("file6") == b"content"
