"""What the client sees when a leg fails: one test for each row of the table B-210 .. B-223 (PROTOCOL.md 4.2).

Rows that have a file of their own: B-212 passive_setup, B-213 data_tls, B-214 and B-215 truncation, B-217 and B-220
transfer_replies, B-222 run_and_drain."""
import socket
import threading

import pytest

from support import process
from support.fake_data import reset_hard

QUICK = {"connect_timeout": "500ms"}


def dead_port(session, _argument):
    """229 that names a port where nobody listens."""
    return f"229 ok (|||{process.free_port(session.local[0])}|)"


@pytest.mark.parametrize("command", ["RETR a", "STOR b", "LIST"])
def test_backends_data_port_refuses_before_1yz(house, command):
    """B-210: 425; whatever the backend says later is swallowed."""
    gate = house.gate(data=QUICK)
    gate.backend.on("EPSV", dead_port)
    gate.backend.on(command.split()[0], "425 nobody came")
    client = gate.logged_in()
    client.connect_data(client.passive())
    assert client.command(command).code == 425
    assert client.codes("NOOP", "PWD") == [200, 257]


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
@pytest.mark.parametrize("last_word", ["425 nobody came", "226 done"])
def test_backends_data_port_refuses_after_1yz(house, command, last_word):
    """B-211, B-195: one final reply, 425 or 426; no close_notify."""
    gate = house.gate(data=QUICK)
    go = threading.Event()
    gate.backend.on("EPSV", dead_port)

    def start(session, _name):
        session.reply("150 go")
        go.wait(3)
        return last_word
    gate.backend.on(command.split()[0], start)
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    client.send(command + "\r\n")
    go.set()
    assert client.final().code in (425, 426)
    try:
        client.secure_data(data)
        data.read_all()
        assert data.end in ("fin", "rst")
    except OSError:
        pass
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_backends_data_port_swallows_connections(house):
    """B-210: a full backlog instead of a refusal, that is, connect_timeout."""
    gate = house.gate(data=QUICK)
    full = socket.socket()
    full.bind(("127.0.0.2", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    gate.backend.on("EPSV", f"229 ok (|||{full.getsockname()[1]}|)")
    gate.backend.on("RETR", "425 nobody came")
    client = gate.logged_in()
    client.connect_data(client.passive())
    client.send("RETR a\r\n")
    assert client.final().code == 425
    assert client.command("PWD").code == 257
    for one in [full, *fillers]:
        one.close()


@pytest.mark.parametrize("last_word", ["426 cut", "226 done, as far as I can see"])
def test_client_resets_a_download(gate, last_word):
    """B-214, B-223: 426 once; the backend's leg is reset so that it knows."""
    ends = []

    def send(session, _name):
        session.reply("150 go")
        data = session.open_data()
        try:
            while True:
                data.send(b"x" * 65536)
        except OSError as fault:
            ends.append(type(fault).__name__)
        data.close()
        return last_word
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    data.read_exactly(100_000)
    data.reset()
    assert client.reply().code == 426
    assert client.codes("NOOP", "PWD") == [200, 257]
    assert ends and ends[0] in ("ConnectionResetError", "BrokenPipeError")


def test_backends_data_leg_is_reset_and_then_silence(house):
    """B-216: no reply of the backend follows; 426 or 451 comes all the same, or 425 where the reset was so quick that the
    connection never came up for the gate (B-211)."""
    gate = house.gate(backend={"reply_timeout": "700ms"})

    def send(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.send(b"half")
        data.reset()
        while session.read_line() is not None:
            pass
        session.hang_up()
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    data.read_all()
    assert data.end in ("fin", "rst")
    assert client.reply().code in (425, 426, 451)


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_backends_control_dies_mid_transfer(gate, command, how):
    """B-218: 426, then 421 and the end; the data leg without close_notify."""
    up = threading.Event()

    def die(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.send(b"half") if command == "RETR a" else data.read_exactly(4)
        assert up.wait(8)
        session.script.gone = data
        reset_hard(session.sock) if how == "RST" else session.sock.close()
        session.hang_up()
    gate.backend.on(command.split()[0], die)
    client = gate.logged_in()
    _, data = client.begin(command)
    if command == "STOR b":
        data.send(b"half")
    up.set()
    assert [client.reply().code, client.reply().code] == [426, 421]
    assert client.is_closed()
    data.read_all()
    assert data.end in ("fin", "rst")
    gate.backend.script.gone.close()


@pytest.mark.parametrize("when", ["idle", "answer", "transfer"])
def test_421_of_the_backend(gate, when):
    """B-219, B-237: passed on, after the transfer's own reply where one is due; then close_notify and the end."""
    def leave(session, _argument):
        session.reply("421 time to go")
        session.hang_up()

    def send_and_leave(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(session.script.files[name])
        session.reply("226 sent")
        leave(session, name)
    gate.backend.on("SITE", leave)
    gate.backend.on("RETR", send_and_leave)
    client = gate.logged_in()
    if when == "transfer":
        assert client.download("RETR a").codes == [150, 226]
        assert client.reply().code == 421
    elif when == "answer":
        assert client.command("SITE x").code == 421
    else:
        gate.backend.session.reply("421 idle")
        gate.backend.session.shut()
        assert client.reply().code == 421
    assert client.is_closed() and client.end == "close_notify"


def test_421_instead_of_the_final_reply(gate):
    """B-219: the data were cut, so the transfer's own 426 may come first."""
    up = threading.Event()

    def leave(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.send(b"half")
        assert up.wait(8)
        session.reply("421 shutting down")
        data.reset()
        session.hang_up()
    gate.backend.on("RETR", leave)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    up.set()
    data.read_all()
    assert data.end in ("fin", "rst")
    first = client.reply()
    assert first.code == 421 or (first.code == 426 and client.reply().code == 421)
    assert client.is_closed()


def test_backend_hangs_up_while_idle(gate):
    """B-218, B-237: no silent login anew."""
    client = gate.logged_in()
    gate.backend.session.shut()
    assert client.reply().code == 421
    assert client.is_closed()
    assert len(gate.backend.sessions) == 1


@pytest.mark.parametrize("command", ["RETR big", "STOR b"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_clients_control_dies_mid_transfer(gate, command, how):
    """B-091, B-221: both legs are reset, the backend's session ends."""
    ends = []

    def download(session, _name):
        session.reply("150 go")
        data = session.open_data()
        try:
            while True:
                data.send(b"x" * 65536)
        except OSError:
            ends.append("rst")
        return "426 cut"

    def upload(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.read_all()
        ends.append(data.end)
        return "226 stored"
    gate.backend.on("RETR", download)
    gate.backend.on("STOR", upload)
    client = gate.logged_in()
    session = gate.backend.session
    _, data = client.begin(command)
    data.send(b"x" * 1000) if command == "STOR b" else data.read_exactly(1000)
    client.sock.close() if how == "close" else client.reset()
    assert session.ended.wait(8)
    assert ends == ["rst"]
    data.read_all()
    assert data.end in ("fin", "rst")
