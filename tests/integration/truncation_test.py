"""Cut off is not complete, in either direction (B-167, B-168, B-170, D-07, A-028 .. A-030)."""
import socket
import threading

import pytest

from support.wait import wait_until

CUTS = {"FIN": "cut", "RST": "reset"}


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("sent", [0, 1, 100_000])
def test_an_upload_without_close_notify_is_426_and_reset_at_the_backend(gate, how, sent):
    """B-167, B-215, A-028: the backend must not see a clean end of file. A reset may overtake the handshake's last
    bytes: with nothing sent it can be a failed handshake for the gate."""
    client = gate.logged_in()
    session = gate.backend.session
    _, data = client.begin("STOR b")
    if sent:
        data.send(b"x" * sent)
        wait_until(lambda: "b" in session.uploads and session.uploads["b"].received, "the upload arrives")
    getattr(data, CUTS[how])()
    assert client.reply().code in ((426,) if sent or how == "FIN" else (426, 522))
    stored = gate.backend.wait_upload("b")
    assert stored.end == "rst"
    assert client.codes("NOOP", "PWD") == [200, 257]
    event = gate.wait_event("transfer", direction="upload")
    assert event


@pytest.mark.parametrize("verb", ["STOR b", "APPE b", "STOU b"])
def test_whatever_the_backend_says(gate, verb):
    """B-223, A-028: 426 although the backend answers 226."""
    def store(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            session.uploads["b"] = data
            data.read_all()
        return "226 stored, I believe"
    gate.backend.on(verb.split()[0], store)
    client = gate.logged_in()
    _, data = client.begin(verb)
    data.send(b"half a fi")
    data.cut()
    assert client.reply().code == 426
    assert gate.backend.wait_upload("b").end == "rst"
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_accepted_where_configured(house):
    """B-167, D-07: the bare FIN passes for an end of file, the backend's reply is shown."""
    gate = house.gate(ssl={"truncated_uploads": "accept"})
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"all of it, we hope")
    data.cut()
    assert client.reply().code == 226
    stored = gate.backend.wait_upload("b")
    assert (stored.received, stored.end) == (b"all of it, we hope", "fin")


def test_in_clear_the_end_of_tcp_is_the_end(house):
    """B-151: there is nothing else to go by, but a reset is still a cut."""
    gate = house.gate(ssl={"data_channel_policy": "allow"})
    client = gate.logged_in("C")
    assert client.upload("STOR b", b"clear").codes == [150, 226]
    _, data = client.begin("STOR c")
    data.send(b"x" * 1000)
    data.reset()
    assert client.reply().code == 426
    assert gate.backend.wait_upload("c").end == "rst"


@pytest.mark.parametrize("last_word", ["226 sent", "426 broken", "451 disk"])
def test_a_download_the_backend_resets(gate, last_word):
    """B-168, B-216, A-029: no close_notify, no 226."""
    got_it = threading.Event()

    def send(session, _name):
        session.reply("150 opening")
        data = session.open_data()
        data.send(b"half a file")
        assert got_it.wait(8)
        data.reset()
        return last_word
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    data.read_exactly(11)
    got_it.set()
    data.read_all()
    assert data.end in ("fin", "rst")
    assert client.reply().code == (426 if last_word.startswith("226") else int(last_word[:3]))
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_a_client_that_stops_a_download(gate):
    """B-170, B-214: one final reply, and the control connection is usable."""
    gate.backend.script.files["big"] = b"x" * 20_000_000
    client = gate.logged_in()
    for end in ("close", "reset"):
        _, data = client.begin("RETR big")
        data.read_exactly(1000)
        getattr(data, end)()
        assert client.reply().code in (426, 451)
        assert client.codes("NOOP", "PWD") == [200, 257]
    assert client.download("RETR a").codes == [150, 226]


def test_bytes_behind_close_notify_are_no_part_of_the_file(gate):
    """A-030: ignored, or the upload fails; never stored."""
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"file")
    data.sock.sendall(data.stream.close_notify() + b"more of it")
    assert data.await_end() in ("close_notify", "rst", "fin")
    assert client.reply().code in (226, 426)
    assert gate.backend.wait_upload("b").received == b"file"


def test_close_notify_first_is_an_empty_file(gate):
    """A-030, B-169"""
    client = gate.logged_in()
    assert client.upload("STOR b", b"").codes == [150, 226]
    stored = gate.backend.wait_upload("b")
    assert (stored.received, stored.end) == (b"", "fin")


def test_close_notify_without_fin_ends_the_upload(gate):
    """A-030, B-166: a client that keeps its side of TCP open is not waited for."""
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"file")
    data.sock.sendall(data.stream.close_notify())
    assert client.reply().code == 226
    assert gate.backend.wait_upload("b").end == "fin"
    assert data.await_end() == "close_notify"


@pytest.mark.parametrize("how", ["finish", "close"])
def test_a_client_that_knows_the_file_is_empty(gate, how):
    """B-169, B-284: it reads the size from the 150 (curl with vsftpd) and ends its side before the backend does;
    nothing is lost, so this is no failure."""
    closed = threading.Event()

    def send(session, _name):
        session.reply("150 Opening BINARY mode data connection for empty (0 bytes).")
        with session.open_data():
            assert closed.wait(8)
        return "226 Transfer complete."
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR empty")
    data.sock.sendall(data.stream.close_notify())
    data.close() if how == "close" else data.sock.shutdown(socket.SHUT_WR)
    closed.set()
    assert client.reply().code == 226
    assert client.command("PWD").code == 257
