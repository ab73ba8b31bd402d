"""Real clients with a certificate and no password, at real servers that want USER and PASS (B-069 .. B-071, D-04)."""
import pytest

from support.clients import DRIVERS, Failed, driver
from support.mapped import GENERIC, by_certificate, rule, secured, tables, watched

SERVERS = pytest.mark.parametrize("backend", ["vsftpd", "proftpd"], indirect=True)
CLIENTS = pytest.mark.parametrize("kind", DRIVERS)
CONTENT = bytes(range(256)) * 3000


@pytest.fixture(scope="module")
def mine(cas):
    return cas.leaf("plc-7")


@pytest.fixture
def mapped(house, cas, backend):
    """mapped(**rule) -> a gate where the certificate is the server's own user"""
    def start(reply=232, **changes):
        keys = {"user": backend.user, "password": backend.password, **changes}
        gate = house.gate(backend={"servers": [backend.address]}, **tables(cas, rule(**keys), reply=reply))
        return watched(gate, keys["password"])
    return start


@SERVERS
@CLIENTS
@pytest.mark.parametrize("reply", [232, 230])
@pytest.mark.parametrize("user, password", [("x", ""), ("x", "ignored"), ("root", "toor")])
def test_certificate_and_no_password(mapped, backend, mine, tmp_path, kind, reply, user, password):
    """`curl -u x:` and all the others, with a password that nobody looks at; both directions."""
    gate = mapped(reply)
    if password:
        gate.never_logged.append(password)
    client = driver(kind, gate, backend, tmp_path, user=user, password=password, credential=mine)
    client.put("file", CONTENT)
    assert (backend.root / "file").read_bytes() == CONTENT
    assert client.get("file") == CONTENT and "file" in client.list()
    events = gate.events("login")
    assert events and {(e["method"], e["user"], e["client_user"], e["result"]) for e in events} == {
        ("certificate", backend.user, user, "ok")}


@SERVERS
@CLIENTS
def test_without_the_certificate(mapped, backend, mine, tmp_path, kind):
    """Not even the server's own user and password."""
    with pytest.raises((Failed, OSError)):
        driver(kind, mapped(), backend, tmp_path).list()


@SERVERS
@pytest.mark.parametrize("kind", ["curl", "lftp", "ftplib"])
def test_more_than_one_file(mapped, backend, mine, tmp_path, kind):
    """One session, many transfers, folders."""
    client = driver(kind, mapped(), backend, tmp_path, user="x", password="y", credential=mine)
    client.put_many({"one": b"1" * 1000, "two": b"2" * 200_000})
    assert client.get_many(["one", "two"]) == [b"1" * 1000, b"2" * 200_000]
    client.mkdir("folder")
    client.rename("one", "three")
    client.delete("two")
    assert sorted(path.name for path in backend.root.iterdir()) == ["folder", "three"]


@SERVERS
@CLIENTS
def test_the_server_refuses_the_mapped_user(mapped, backend, mine, tmp_path, kind):
    """B-071: the client's tool fails, and has nothing to show of the server's reasons."""
    gate = mapped(user=backend.refused_user, password="not his word")
    watched(gate, "not his word", backend.refused_user)
    with pytest.raises(Failed) as refused:
        driver(kind, gate, backend, tmp_path, user="x", password="y", credential=mine).list()
    assert backend.refused_user not in str(refused.value)
    assert {event["result"] for event in gate.events("login")} == {"refused"}


@SERVERS
def test_the_words_of_a_refusal(mapped, backend, mine):
    """The same for every server."""
    client = secured(mapped(user=backend.refused_user, password="not his word"), mine)
    assert client.command("USER x").raw.decode() == GENERIC + "\r\n"
    assert client.command("PWD").code == 530


@SERVERS
def test_nothing_of_the_server_shows(mapped, backend, mine):
    """A-032: replies of a whole session; the server's address and the mapped user are in none but paths."""
    gate = mapped()
    gate.never_seen += [b"127.0.0.2", b"127,0,0,2"]
    client = by_certificate(gate, mine)
    lines = ["PASS x", "SYST", "FEAT", "HELP", "STAT", "NOOP", "TYPE I", "SIZE nothing", "MDTM nothing", "DELE nothing",
             "CWD nothing", "SITE HELP", "MKD folder", "RMD folder", "RNFR nothing", "OPTS UTF8 ON", "CDUP", "REST 0"]
    said = [client.command(line) for line in lines]
    said += [client.download("LIST").final, client.download("RETR nothing").final, client.quit()]
    for reply in said:
        assert backend.user not in reply.text or reply.code == 257, reply
