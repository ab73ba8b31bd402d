"""Real clients through the gate to real servers: every pair moves files unchanged (B-136, B-161, B-195, B-208, B-239,
B-245, section 7)."""
import hashlib
import os
import random

import pytest

from support.backends import KINDS
from support.clients import Failed, driver

CLIENTS = ["curl", "curl-implicit", "lftp", "ftplib"]
PAIRS = [(client, kind) for kind in KINDS for client in CLIENTS]
NOISE = random.Random(4217).randbytes((1 << 20) + 1)


@pytest.fixture
def backend(backends, request):
    """The server of the pair, its folder emptied."""
    server = backends.of(request.param)
    for path in sorted(server.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return server


@pytest.fixture
def client(house, backend, tmp_path, request):
    gate = house.gate(backend={"servers": [backend.address]})
    made = driver(request.param, gate, backend, tmp_path)
    yield made
    if hasattr(made, "close"):
        made.close()


pairs = pytest.mark.parametrize("client, backend", PAIRS, indirect=True)


@pairs
@pytest.mark.parametrize("content", [b"", b"x", NOISE], ids=["0 bytes", "1 byte", "1 MiB and 1"])
def test_up_and_down(client, backend, content):
    """B-208: what arrives is what was sent, both ways."""
    client.put("file", content)
    assert (backend.root / "file").read_bytes() == content
    assert client.get("file") == content


@pairs
def test_resume(client, backend):
    """B-239: both ways."""
    content = NOISE[:300_000]
    client.put("file", content[:100_000])
    client.put("file", content, offset=100_000)
    assert (backend.root / "file").read_bytes() == content
    assert client.get("file", offset=200_000) == content[200_000:]


@pairs
def test_folders_and_names(client, backend):
    """RNFR and RNTO, DELE, MKD, RMD, and the listing of what is left."""
    for name in ("one", "two"):
        client.put(name, b"content")
    client.rename("one", "three")
    client.delete("two")
    client.mkdir("folder")
    client.mkdir("gone")
    client.rmdir("gone")
    assert sorted(path.name for path in backend.root.iterdir()) == ["folder", "three"]
    assert {name.rstrip("/") for name in client.list()} - {".", "..", "./", "../"} == {"folder", "three"}


NAMES = ["two  spaces in it", "h\xe4\xdf \u65e5\u672c.txt", "-leading dash", "100%", "a'b\"c", "x;y&z"]


@pairs
def test_odd_names(client, backend):
    """B-243, B-245, B-246"""
    for name in NAMES:
        client.put(name, name.encode())
        assert (backend.root / name).read_bytes() == name.encode()
        assert client.get(name) == name.encode()
    listed = {name.removeprefix("./") for name in client.list()}
    assert set(NAMES) <= listed


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_latin_1_names(house, backend, tmp_path):
    """B-243: no transcoding, whatever the bytes mean."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = driver("ftplib", gate, backend, tmp_path, encoding="latin-1")
    client.put("caf\xe9", b"latin")
    assert b"caf\xe9" in os.listdir(os.fsencode(backend.root))
    assert client.get("caf\xe9") == b"latin" and "caf\xe9" in client.list()
    client.close()


@pairs
def test_many_small_files(client, backend):
    """B-161, B-195: two hundred transfers in one session (two, with curl and lftp)."""
    contents = {f"small {number}": f"content {number}".encode() for number in range(100)}
    client.put_many(contents)
    assert client.get_many(list(contents)) == list(contents.values())
    assert len(list(backend.root.iterdir())) == 100


@pytest.mark.parametrize("kind, backend", [("curl", "vsftpd"), ("lftp", "proftpd"), ("ftplib", "pure-ftpd")],
                         indirect=["backend"])
def test_64_mib(house, backend, tmp_path, kind):
    """B-208: by checksum."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = driver(kind, gate, backend, tmp_path)
    content = NOISE * 64
    client.put("big", content)
    wanted = hashlib.sha256(content).digest()
    assert hashlib.sha256((backend.root / "big").read_bytes()).digest() == wanted
    assert hashlib.sha256(client.get("big")).digest() == wanted
    if hasattr(client, "close"):
        client.close()


MODES = [("curl", True, False), ("curl", True, True), ("curl", False, True), ("curl-implicit", True, False),
         ("lftp", True, False), ("lftp", False, True),
         ("lftp-implicit", False, False), ("ftplib", True, False)]


@pytest.mark.parametrize("data_mode", ["passive", "active", "client"])
@pytest.mark.parametrize("backend", KINDS, indirect=True)
@pytest.mark.parametrize("kind, active, classic", MODES)
def test_active_and_passive(house, backend, tmp_path, kind, active, classic, data_mode):
    """B-136: any mode of the client's with any mode of the backend's, in the old and the new spelling."""
    gate = house.gate(backend={"servers": [backend.address], "data_mode": data_mode})
    client = driver(kind, gate, backend, tmp_path, active=active, classic=classic)
    client.put("file", b"content")
    assert client.get("file") == b"content" and "file" in client.list()
    if hasattr(client, "close"):
        client.close()


@pytest.mark.parametrize("backend", KINDS, indirect=True)
@pytest.mark.parametrize("kind", ["curl", "lftp", "ftplib"])
@pytest.mark.parametrize("active", [False, True])
def test_client_on_ipv6(house, backend, tmp_path, kind, active):
    """EPSV and EPRT over IPv6, the backend on IPv4 all the same."""
    gate = house.gate(listen=[{"address": "[::1]:0", "tls": "explicit"}], backend={"servers": [backend.address]})
    client = driver(kind, gate, backend, tmp_path, active=active)
    client.put("file", b"content")
    assert client.get("file") == b"content"
    if hasattr(client, "close"):
        client.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data_mode", ["passive", "active"])
def test_backend_on_ipv6(house, backends, tmp_path, kind, data_mode):
    """The other way round."""
    backend = backends.of(kind, 6)
    gate = house.gate(backend={"servers": [backend.address], "data_mode": data_mode})
    client = driver("curl", gate, backend, tmp_path)
    client.put("file6", b"content")
    assert client.get("file6") == b"content"


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_abort_and_go_on(house, backend, tmp_path):
    """B-226 with real servers, whose replies to ABOR differ."""
    (backend.root / "big").write_bytes(NOISE * 20)
    gate = house.gate(backend={"servers": [backend.address]})
    client = gate.secured().protect().login(backend.user, backend.password)
    client.command("TYPE I")
    for _ in range(3):
        _, data = client.begin("RETR big")
        data.read_exactly(100_000)
        client.send("ABOR\r\n")
        assert client.reply().code in (426, 451, 226)
        assert client.reply().code in (225, 226)
        data.close()
        assert client.codes("NOOP", "PWD") == [200, 257]
    first = client.download("RETR big")
    assert first.codes[-1] in (226, 250) and len(first.data) == 20 * len(NOISE)


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
    if hasattr(client, "close"):
        client.close()


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
    with pytest.raises((OSError, Exception), match="522|EOF|reset"):
        client.put("file", b"content")
        client.get("file")
    client.close()
    lenient = house.gate(backend={"servers": [backend.address]}, ssl={"data_session_reuse": "ignore"})
    client = driver("ftplib", lenient, backend, tmp_path, reuse=False)
    client.put("file", b"content")
    assert client.get("file") == b"content"
    client.close()
