"""ABOR, STAT, NOOP and whatever else is said during a transfer (B-224 .. B-237)."""
import socket
import threading

import pytest

IAC_IP_DM = b"\xff\xf4\xff\xf2"


def endless(session, _name):
    """Sends until it is cut off, then answers 426 and, at its turn, ABOR."""
    session.reply("150 go")
    data = session.open_data()
    try:
        while True:
            data.send(b"x" * 65536)
    except OSError:
        pass
    data.close()
    return "426 cut off"


@pytest.fixture
def client(gate):
    gate.backend.on("RETR", endless)
    return gate.logged_in()


def test_nothing_to_abort(gate):
    """B-224: one 225 or 226."""
    client = gate.logged_in()
    assert client.command("ABOR").code in (225, 226)
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_abort_after_the_set_up(gate):
    """B-225, B-122: the listener is closed, the set-up gone."""
    client = gate.logged_in()
    target = client.passive()
    assert client.command("ABOR").code in (225, 226)
    with pytest.raises(OSError):
        socket.create_connection(target, timeout=5)
    assert client.codes("LIST", "PWD") == [425, 257]
    assert client.download("LIST").codes == [150, 226]


@pytest.mark.parametrize("read", [0, 100_000])
def test_abort_of_a_download(client, read):
    """B-226, B-232: 426, then 226, also when the client has stopped to read; no close_notify."""
    _, data = client.begin("RETR a")
    data.read_exactly(read)
    client.send("ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]
    data.read_all()
    assert data.end in ("fin", "rst")
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_abort_of_an_upload(gate):
    """B-226: the backend must not take what came for the whole."""
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"half")
    client.send("ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]
    assert gate.backend.wait_upload("b").end == "rst"
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_abort_before_the_client_connects(gate):
    """B-226: after 1yz, nobody on the data port yet."""
    client = gate.logged_in()
    client.passive()
    assert client.command("RETR a").code == 150
    client.send("ABOR\r\n")
    assert client.reply().code in (425, 426)
    assert client.reply().code in (225, 226)
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_abort_that_comes_too_late(gate):
    """B-227: two final replies all the same."""
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    data.read_all()
    client.send("ABOR\r\n")
    assert client.reply().code in (226, 426)
    assert client.reply().code in (225, 226)
    assert client.codes("NOOP", "PWD") == [200, 257]


@pytest.mark.parametrize("answer", [None, "226 one for both"])
def test_a_backend_that_answers_the_pair_with_less(gate, answer):
    """B-228: the gate supplies what is missing, later replies are not shifted. (Takes the five seconds it waits.)"""
    def one_answer(session, _name):
        session.reply("150 go")
        data = session.open_data()
        try:
            while True:
                data.send(b"x" * 65536)
        except OSError:
            data.close()
    gate.backend.on("RETR", one_answer)
    gate.backend.on("ABOR", answer)
    client = gate.logged_in()
    client.begin("RETR a")[1].read_exactly(1000)
    client.send("ABOR\r\n")
    assert client.reply().code in (426, 226)
    assert client.reply().code in (225, 226)
    last = client.command("PWD")
    assert last.code == 257 or (last.code == 421 and client.is_closed())


def test_abort_is_announced_to_the_backend(gate, client):
    """B-229: IAC IP, IAC DM before ABOR, for servers that look for nothing else meanwhile."""
    client.begin("RETR a")[1].read_exactly(1000)
    client.send("ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]
    raw = [line for line in gate.backend.session.received if line.rstrip().endswith(b"ABOR")]
    assert raw == [IAC_IP_DM + b"ABOR\r\n"]


@pytest.mark.parametrize("prefix", [IAC_IP_DM, b"\xff\xf4", b"\xff\xf2", b"\xff\xf4" * 100])
def test_telnet_signals_before_abort(client, prefix):
    """B-230, B-009: inside TLS, taken out."""
    client.begin("RETR a")[1].read_exactly(1000)
    client.send(prefix + b"ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]
    assert client.command("PWD").code == 257


def test_urgent_data_does_not_disturb_tls(gate):
    """B-231: the last byte of a record comes as TCP urgent data."""
    client = gate.logged_in()
    for _ in range(3):
        client.sock.send(client.stream.sealed(b"NOOP\r\n"), socket.MSG_OOB)
        assert client.reply().code == 200


def test_urgent_data_in_clear(house):
    """B-231, B-229: as ftplib and lftp send ABOR."""
    gate = house.gate(ssl={"control_channel_policy": "allow", "data_channel_policy": "allow"})
    gate.backend.on("RETR", endless)
    client = gate.client().login()
    client.begin("RETR a")[1].read_exactly(1000)
    client.sock.send(b"\xff\xf4\xff", socket.MSG_OOB)
    client.sock.sendall(b"\xf2ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]
    assert client.command("PWD").code == 257


def test_stat_during_a_transfer(gate, client):
    """B-233: the gate's own answer, before the transfer's; the backend is not asked."""
    client.begin("RETR a")[1].read_exactly(1000)
    answer = client.command("STAT")
    assert answer.code in (211, 213) and "127.0.0.2" not in answer.text
    assert "STAT" not in gate.backend.verbs()
    client.send("ABOR\r\n")
    assert [client.reply().code, client.reply().code] == [426, 226]


def test_noop_during_a_transfer(gate):
    """B-234: as many 200 as NOOP, the backend hears none."""
    go = threading.Event()

    def send(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(b"first ")
            go.wait(8)
            data.send(session.script.files[name])
        return "226 done"
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    client.send("NOOP\r\n" * 5)
    go.set()
    data.read_all()
    assert sorted(client.reply().code for _ in range(6)) == [200] * 5 + [226]
    assert client.command("PWD").code == 257
    assert "NOOP" not in gate.backend.verbs()


def test_other_commands_wait_for_the_end(gate):
    """B-235, B-013"""
    gate.backend.script.files["big"] = b"x" * 2_000_000
    client = gate.logged_in()
    _, data = client.begin("RETR big")
    client.send("PWD\r\nSIZE a\r\nCWD x\r\n")
    data.read_all()
    assert [client.reply().code for _ in range(4)] == [226, 257, 213, 250]


def test_abort_storm(gate, client):
    """A-036, in small: the session outlives thirty aborted transfers, at different moments."""
    for number in range(30):
        data = client.connect_data(client.passive())
        assert client.command("RETR a").code == 150
        if number % 3:
            client.secure_data(data)
            data.read_exactly(1 + 5000 * number)
        client.send("ABOR\r\n")
        assert client.reply().code in (425, 426, 522)
        assert client.reply().code in (225, 226)
        data.close()
    assert client.codes("NOOP", "PWD") == [200, 257]
