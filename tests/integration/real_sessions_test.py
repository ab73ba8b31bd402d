"""Real clients and servers: aborts, refusals, cut uploads, and the odd ways to a data connection (section 7)."""
import ftplib

import pytest

from support.backends import KINDS
from support.clients import Failed, driver


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_abort_and_go_on(house, backend):
    """B-226, B-228 with real servers, whose replies to ABOR differ: two final replies each time. Where the server gave
    fewer (pure-ftpd does not understand Telnet), the gate may end the session with 421; the next one works."""
    (backend.root / "big").write_bytes(b"noise" * 4_000_000)
    gate = house.gate(backend={"servers": [backend.address]})
    client = None
    for _ in range(1 if backend.kind == "pure-ftpd" else 3):
        client = client or gate.secured().protect().login(backend.user, backend.password)
        assert client.command("TYPE I").code == 200
        _, data = client.begin("RETR big")
        data.read_exactly(100_000)
        client.send("ABOR\r\n")
        assert client.reply().code in (426, 451, 226)
        assert client.reply().code in (225, 226)
        data.close()
        answer = client.command("PWD")
        assert answer.code == 257 or (backend.kind == "pure-ftpd" and answer.code == 421 and client.is_closed())
        client = client if answer.code == 257 else None
    client = client or gate.secured().protect().login(backend.user, backend.password)
    client.command("TYPE I")
    transfer = client.download("RETR big")
    assert transfer.codes[-1] in (226, 250) and len(transfer.data) == 20_000_000


@pytest.mark.parametrize("backend", KINDS, indirect=True)
@pytest.mark.parametrize("kind", ["curl", "curl-implicit", "lftp", "ftplib"])
def test_wrong_login(house, backend, tmp_path, kind):
    """B-073: the client says so, and the next one gets in."""
    gate = house.gate(backend={"servers": [backend.address]})
    gate.never_logged.append("wrong word")
    with pytest.raises(Failed):
        driver(kind, gate, backend, tmp_path, user=backend.refused_user, password="wrong word").list()
    client = driver(kind, gate, backend, tmp_path)
    client.list()


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_a_missing_file_does_not_hang(house, backend, tmp_path):
    """B-198, the commonest fault of FTP proxies."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = gate.secured().protect().login(backend.user, backend.password)
    for early in (False, True):
        transfer = client.download("RETR nosuchfile", early=early)
        assert transfer.codes[-1] // 100 == 5
        assert client.command("PWD").code == 257


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_a_truncated_upload_is_told(house, backend):
    """B-167 with real servers: 426 whatever they think of it."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = gate.secured().protect().login(backend.user, backend.password)
    _, data = client.begin("STOR half")
    data.send(b"x" * 50_000)
    data.cut()
    assert client.reply().code == 426
    assert client.command("PWD").code == 257


@pytest.mark.parametrize("line", ["P@SW", "LPSV", "SPSV", "XPSV", " PASV", "PASV\t", "PA\xff\xf1SV", "CPSV", "EPSV ALL",
                                  "pAsV"])
@pytest.mark.parametrize("backend", ["vsftpd", "pure-ftpd"], indirect=True)
def test_other_ways_to_a_data_connection(house, backend, line):
    """A-031: with the servers that know them; no reply names the backend's address (A-032, by the fixture)."""
    gate = house.gate(backend={"servers": [backend.address]})
    gate.never_seen += [b"127,0,0,2", b"127.0.0.2"]
    client = gate.secured().protect().login(backend.user, backend.password)
    answer = client.command(line)
    assert "127,0,0,2" not in answer.text
    assert answer.code in (200, 227, 500, 501, 502)
    if answer.code == 227:
        assert client.download_from(client.target_of(answer), "LIST").codes[-1] in (226, 250)


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_ftplib_as_it_comes(house, backend, tmp_path):
    """Q-08: without session reuse it is refused by default, and works where reuse is ignored."""
    strict = house.gate(backend={"servers": [backend.address]})
    client = driver("ftplib", strict, backend, tmp_path, reuse=False)
    with pytest.raises(ftplib.all_errors):
        client.put("file", b"content")
        client.get("file")
    lenient = house.gate(backend={"servers": [backend.address]}, ssl={"data_session_reuse": "ignore"})
    client = driver("ftplib", lenient, backend, tmp_path, reuse=False)
    client.put("file", b"content")
    assert client.get("file") == b"content"
