"""GET /sessions: every live session, right while sessions come and go (INTERFACE.md "Metrics")."""
import http.client
import json
import re
import socket
import threading

import pytest

from support.mapped import MAPPED, by_certificate, tables, watched
from support.pages import METRICS, fetch, sessions
from support.raw import RawClient
from support.wait import wait_until

FIELDS = ["id", "site", "client", "user", "backend", "tls_version", "tls_cipher", "state", "bytes", "seconds"]


def of(gate, client):
    """The row of this client."""
    host, port = client.sock.getsockname()[:2]
    return next((row for row in sessions(gate) if row["client"] == f"{host}:{port}"), None)


def test_nobody(house):
    answer = fetch(house.gate(metrics=METRICS), "/sessions")
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-store"
    assert json.loads(answer.text) == []


def test_what_is_told_of_a_session(house):
    """Id, site, client, user, backend, TLS, state, bytes, seconds; null is what is not known yet."""
    gate = house.gate(metrics=METRICS)
    client = gate.client()
    fresh = of(gate, client)
    assert list(fresh) == FIELDS
    assert fresh["site"] == "ftp.test" and fresh["id"] == gate.event("session_opened")["session"]
    assert [fresh[key] for key in ("user", "backend", "tls_version", "tls_cipher", "bytes")] == [None] * 4 + [0]
    assert fresh["state"] == "not_logged_in" and 0 <= fresh["seconds"] < 20
    client.secure().protect().login()
    known = of(gate, client)
    assert known["id"] == fresh["id"] and known["seconds"] >= fresh["seconds"]
    assert (known["user"], known["backend"], known["state"]) == ("bob", gate.backend.address, "idle")
    established = gate.event("tls_established", channel="control")
    assert (known["tls_version"], known["tls_cipher"]) == (established["version"], established["cipher"])
    client.download("RETR a")
    assert of(gate, client)["bytes"] == 14
    client.quit()
    assert wait_until(lambda: not sessions(gate), "the session is gone")


def test_bytes_of_the_running_transfer(house):
    """They are counted while they move, and once."""
    gate = house.gate(metrics=METRICS)
    go = threading.Event()

    def send(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(b"x" * 100_000)
            go.wait(10)
        return "226 done"
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    client.download("LIST")
    listed = of(gate, client)["bytes"]
    _, data = client.begin("RETR a")
    data.read_exactly(100_000)
    row = wait_until(lambda: (row := of(gate, client))["bytes"] == listed + 100_000 and row, "all bytes are counted")
    assert row["state"] == "transfer"
    go.set()
    data.read_all()
    data.close()
    assert client.reply().code == 226
    assert of(gate, client)["bytes"] == listed + 100_000


def test_states(house):
    """What a session waits for can be seen."""
    gate = house.gate(metrics=METRICS)
    hold = threading.Event()
    gate.backend.on("PASS", lambda *_: hold.wait(10) and "230 in")
    client = gate.client()
    assert client.command("AUTH TLS").code == 234
    assert wait_until(lambda: of(gate, client)["state"] == "handshake", "the handshake is seen")
    client.handshake()
    assert client.command("USER bob").code == 331
    client.send("PASS pw-of-bob\r\n")
    assert wait_until(lambda: of(gate, client)["state"] == "login", "the login is seen")
    hold.set()
    assert client.reply().code == 230
    hold.clear()
    gate.backend.on("PWD", lambda *_: hold.wait(10) and '257 "/"')
    client.send("PWD\r\n")
    assert wait_until(lambda: of(gate, client)["state"] == "command", "the command is seen")
    hold.set()
    assert client.reply().code == 257


def test_after_ccc_there_is_no_tls(house):
    gate = house.gate(metrics=METRICS, ssl={"control_channel_policy": "allow"})
    client = gate.logged_in()
    assert client.ccc().code == 200 and client.command("NOOP").code == 200
    row = of(gate, client)
    assert (row["user"], row["tls_version"], row["tls_cipher"]) == ("bob", None, None)


def test_the_mapped_user_is_shown(house, cas):
    """As in the log: who it is at the backend, not what the client typed."""
    gate = watched(house.gate(metrics=METRICS, **tables(cas)))
    client = by_certificate(gate, cas.leaf())
    assert of(gate, client)["user"] == MAPPED


@pytest.mark.parametrize("name", ['"},{"id":"', "<script>alert(1)</script>", "a\tb", "Jürgen", "\u202eresu", "日本",
                                  "\x7f\x9b2J"])
def test_hostile_names(house, name):
    """A-101: one string, the same that was sent, and only ASCII on the wire."""
    gate = house.gate(metrics=METRICS)
    client = gate.secured()
    client.send(b"USER " + name.encode() + b"\r\n")
    assert client.reply().code == 331
    text = fetch(gate, "/sessions").text
    assert re.fullmatch(r"[\x20-\x7e\n]*", text)
    assert [row["user"] for row in json.loads(text)] == [name]


def test_a_name_that_is_not_utf8(house):
    gate = house.gate(metrics=METRICS)
    client = gate.secured()
    client.send(b"USER j\xfcrgen\r\n")
    assert client.reply().code == 331
    assert [row["user"] for row in sessions(gate)] == ["j\\xfcrgen"]


def test_http_1_0_gets_the_same_unchunked(house):
    gate = house.gate(metrics=METRICS)
    gate.client()
    host, _, port = gate.ready["metrics"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"GET /sessions HTTP/1.0\r\n\r\n")
        raw = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"chunked" not in head and len(json.loads(body)) == 1


COUNT = 1500


def test_many_sessions(house):
    """All of them, each once, in pieces; a reader that takes its time gets them too."""
    gate = house.gate(metrics=METRICS, limits={"sessions_per_client": COUNT})
    for _ in range(COUNT):
        gate.clients.append(RawClient(gate.address(), gate.context, greet=False))
    wait_until(lambda: gate.metric("ftpsgate_sessions", site="ftp.test") == COUNT, "all are in")
    rows = sessions(gate)
    assert len(rows) == COUNT == len({row["id"] for row in rows})
    host, _, port = gate.ready["metrics"].rpartition(":")
    slow = http.client.HTTPConnection(host, int(port), timeout=10)
    slow.sock = socket.socket()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sock.settimeout(10)
    slow.sock.connect((host, int(port)))
    slow.request("GET", "/sessions")
    answer = slow.getresponse()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    text = b"".join(iter(lambda: answer.read(1000), b""))
    assert len(json.loads(text)) == COUNT
    slow.close()


def test_while_sessions_come_and_go(house):
    """Each answer is whole and holds the session that stays; the gate takes no harm."""
    gate = house.gate(metrics=METRICS, limits={"sessions_per_client": 500})
    stays = gate.logged_in()
    over = threading.Event()

    def churn():
        while not over.is_set():
            few = [RawClient(gate.address(), gate.context, greet=number % 2 == 0) for number in range(8)]
            for number, client in enumerate(few):
                client.reset() if number % 3 else client.close()
    threads = [threading.Thread(target=churn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            rows = sessions(gate)
            assert len({row["id"] for row in rows}) == len(rows)
            assert [row["user"] for row in rows if row["backend"]] == ["bob"]
            assert "ftpsgate" in fetch(gate, "/").text
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert stays.command("NOOP").code == 200


def test_a_reader_that_goes_away(house):
    """In the middle of the answer; the next one gets all."""
    gate = house.gate(metrics=METRICS, limits={"sessions_per_client": 500})
    for _ in range(400):
        gate.clients.append(RawClient(gate.address(), gate.context, greet=False))
    host, _, port = gate.ready["metrics"].rpartition(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            sock.sendall(b"GET /sessions HTTP/1.1\r\n\r\n")
            sock.recv(100)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert len(sessions(gate)) == 400


def test_while_draining(house):
    """The pages stay until the end, and tell of it."""
    gate = house.unshared(metrics=METRICS, server={"drain_timeout": "30s"})
    end = threading.Event()
    gate.backend.on("RETR", lambda session, _: (session.reply("150 go"), session.open_data(), end.wait(15))[0])
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    gate.terminate()
    gate.wait_event("draining")
    assert [row["state"] for row in sessions(gate)] == ["transfer"]
    assert fetch(gate, "/readyz").status == 503 and "draining" in fetch(gate, "/readyz").text
    assert "draining: no new sessions" in fetch(gate, "/").text
    end.set()
    data.close()
    client.close()
    assert gate.wait_exit() == 0
