"""The replies of a transfer: how many, when, and with which text (B-194 .. B-209)."""
import hashlib
import random
import threading

import pytest

from support.raw import unpadded


def scripted(*steps):
    """A transfer made of replies (text), "data" (send the file and close) and "connect"."""
    def run(session, name):
        data = None
        for step in steps:
            if step == "connect":
                data = session.open_data()
            elif step == "data":
                data = data or session.open_data()
                data.send(session.script.files.get(name, b"listing\r\n"))
                data.close()
            else:
                session.reply(step)
    return run


@pytest.mark.parametrize("steps, codes", [
    (("150 go", "data", "226 done"), [150, 226]), (("125 go", "data", "226 done"), [125, 226]),
                                          (("150 go", "data", "250 done"), [150, 250]),
    (("connect", "125 go", "data", "226 done"), [125, 226]), (("150 go", "226 done", "data"), [150, 226]),
    (("150 go", "150 still", "data", "226 done"), [150, 226]),
                                          (("125 a", "150 b", "150 c", "data", "226 done"), [125, 226])])
def test_one_preliminary_and_one_final(gate, steps, codes):
    """B-194, B-195, B-196, B-200: whatever the backend's order and number."""
    gate.backend.on("RETR", scripted(*steps))
    client = gate.logged_in()
    for _ in range(2):
        transfer = client.download("RETR a")
        assert (transfer.codes, transfer.data, transfer.end) == (codes, b"content of a\r\n", "close_notify")
    assert client.codes("NOOP", "PWD") == [200, 257]


@pytest.mark.parametrize("first, final", [
    ("125-Submitting job\r\n name\r\n125 wait", "250-statistics\r\n226 no, still text\r\n250 done"),
    ("150 Opening BINARY mode data connection for a (14 bytes).", "226 Transfer complete."),
                                          ("150 FILE: unique.1", "226 FILE: unique.1"),
    ("150 caf\xe9 \xff", "226-a\r\n b\r\n226 c")])
def test_texts_are_kept(gate, first, final):
    """B-201 .. B-203, B-024: clients parse size and name from them."""
    gate.backend.on("RETR", scripted(first, "data", final))
    transfer = gate.logged_in().download("RETR a")
    assert unpadded(transfer.first.raw) == first.encode("latin-1") + b"\r\n"
    assert unpadded(transfer.final.raw) == final.encode("latin-1") + b"\r\n"


def test_unique_names_reach_the_client(gate):
    """B-203: STOU."""
    gate.backend.on("STOU", lambda session, _: (_store(session, "150 FILE: u.1"), "250 FILE: u.1")[1])
    transfer = gate.logged_in().upload("STOU", b"new")
    assert "u.1" in transfer.first.text and transfer.final.text == "250 FILE: u.1"


def _store(session, first):
    session.reply(first)
    with session.open_data() as data:
        data.read_all()


def test_an_early_226_is_held_until_the_data_are_out(gate):
    """B-196: the client is not told "complete" before it is."""
    go = threading.Event()

    def send(session, name):
        session.reply("150 go")
        data = session.open_data()
        session.reply("226 done already")
        go.wait(8)
        data.send(session.script.files[name])
        data.close()
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    assert client.silent()
    go.set()
    assert data.read_all() == b"content of a\r\n" and data.end == "close_notify"
    assert client.reply().code == 226


def test_an_early_226_of_an_upload_is_held_too(gate):
    """B-197: only after the client's own end."""
    def store(session, name):
        session.reply("150 go")
        session.reply("226 done already")
        with session.open_data() as data:
            session.uploads[name] = data
            data.read_all()
    gate.backend.on("STOR", store)
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"new")
    assert client.silent()
    assert data.finish() == "close_notify"
    assert client.reply().code == 226
    assert gate.backend.wait_upload("b").received == b"new"


@pytest.mark.parametrize("code", [552, 452, 550, 426])
def test_a_negative_reply_of_an_upload_comes_at_once(gate, code):
    """B-197, B-217: a client that is blocked in write() is woken by the end of its data connection."""
    def store(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.read_exactly(10)
        session.reply(f"{code} no more room")
        data.close()
    gate.backend.on("STOR", store)
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    with pytest.raises(OSError):
        for _ in range(2000):
            data.send(b"x" * 65536)
    assert client.reply().code == code
    assert client.codes("NOOP", "PWD") == [200, 257]


REFUSALS = ["550 no such file", "450 busy", "553 bad name", "425 no data connection", "530 not yours",
            "550-no\r\n really\r\n550 no"]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("stage", ["nothing", "connected", "secured"])
def test_a_refusal_without_preliminary_reply_does_not_hang(gate, refusal, stage):
    """B-198: however far the client's data connection is; it is closed, and the code is the backend's."""
    gate.backend.on("RETR", refusal)
    client = gate.logged_in()
    target = client.passive()
    data = client.connect_data(target) if stage != "nothing" else None
    if stage == "secured":
        client.secure_data(data)
    answer = client.command("RETR a")
    assert answer.raw == refusal.encode() + b"\r\n"
    if data:
        assert data.read_all() == b"" and data.end is not None
    assert client.codes("NOOP", "LIST", "PWD") == [200, 425, 257]


@pytest.mark.parametrize("reply", ["226 nothing there", "250 empty"])
@pytest.mark.parametrize("connect", [False, True])
def test_a_completion_without_preliminary_reply(gate, reply, connect):
    """B-199: an empty directory, say. The client's data connection, if any, ends."""
    gate.backend.on("LIST", reply)
    client = gate.logged_in()
    target = client.passive()
    data = client.connect_data(target) if connect else None
    assert client.command("LIST").text == reply
    if data:
        try:
            client.secure_data(data)
            assert data.read_all() == b""
        except OSError:
            pass
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_no_final_reply_is_451_then_421(house):
    """B-204, B-220: both data connections ended cleanly, then silence."""
    gate = house.gate(backend={"reply_timeout": "700ms"})
    gate.backend.on("RETR", scripted("150 go", "data"))
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    assert data.read_all() == b"content of a\r\n"
    assert [client.reply().code, client.reply().code] == [451, 421]
    assert client.is_closed()


def test_a_late_final_reply_is_waited_for(house):
    """B-204: within reply_timeout; nothing else is said meanwhile."""
    gate = house.gate(backend={"reply_timeout": "8s"})
    go = threading.Event()
    gate.backend.on("STOR", lambda session, _: (_store(session, "150 go"), go.wait(8), "226 processed")[2])
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"x")
    data.finish()
    assert client.silent(0.5)
    go.set()
    assert client.reply().code == 226


def test_226_without_the_end_of_the_data_is_no_success(gate):
    """B-205: after the linger time 426, no close_notify. (Takes the five seconds of the linger time.)"""
    end = threading.Event()

    def send(session, name):
        session.reply("150 go")
        data = session.open_data()
        data.send(session.script.files[name])
        session.reply("226 done")
        end.wait(12)
        data.close()
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    assert data.read_all() == b"content of a\r\n"
    end.set()
    assert data.end in ("fin", "rst")
    assert client.reply().code == 426
    assert client.command("PWD").code == 257


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
def test_legs_that_do_not_move_are_cut(house, command):
    """B-206: data.idle_timeout."""
    gate = house.gate(data={"idle_timeout": "600ms"})
    end = threading.Event()

    def stall(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.send(b"first bytes") if command == "RETR a" else data.read_exactly(5)
        end.wait(8)
        data.close()
        return "426 gave up"
    gate.backend.on(command.split()[0], stall)
    client = gate.logged_in()
    _, data = client.begin(command)
    if command == "STOR b":
        data.send(b"first bytes")
    data.read_all()
    assert data.end in ("fin", "rst")
    end.set()
    assert client.final().code in (425, 426, 451)
    assert client.command("PWD").code == 257


def test_the_control_idle_timer_rests_during_a_transfer(house):
    """B-207: the passing of time is the subject: data move for longer than limits.idle_timeout."""
    gate = house.gate(limits={"idle_timeout": "500ms"})

    def trickle(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            for _ in range(12):
                data.send(b"drop")
                threading.Event().wait(0.1)
        return "226 done"
    gate.backend.on("RETR", trickle)
    transfer = gate.logged_in().download("RETR a")
    assert (transfer.codes, transfer.data) == ([150, 226], b"drop" * 12)


@pytest.mark.parametrize("kind", ["TYPE A", "TYPE I", "TYPE L 8"])
def test_bytes_are_bytes(gate, kind):
    """B-109, B-208, B-209: no type changes anything; 8 MB of noise, line ends included."""
    noise = random.Random(1).randbytes(8_000_000) + b"\r\n\n\r"
    gate.backend.script.files["noise"] = noise
    client = gate.logged_in()
    assert client.command(kind).code == 200
    got = client.download("RETR noise")
    assert hashlib.sha256(got.data).digest() == hashlib.sha256(noise).digest() and got.codes == [150, 226]
    assert client.upload("STOR b", noise).codes == [150, 226]
    assert gate.backend.wait_upload("b").received == noise


def test_a_directory_of_ten_thousand(gate):
    """B-208"""
    gate.backend.script.files = {f"file {number:05}": b"" for number in range(10_000)}
    for command in ("LIST", "NLST", "MLSD"):
        transfer = gate.logged_in().download(command)
        assert transfer.data.count(b"\r\n") == 10_000 and transfer.codes == [150, 226]


def test_many_in_one_session(gate):
    """B-195: two hundred, no reply shifted."""
    client = gate.logged_in()
    for number in range(100):
        content = f"content {number}".encode()
        gate.backend.session.script.files[f"f{number}"] = content
        assert client.download(f"RETR f{number}").data == content
        assert client.upload(f"STOR u{number}", content).codes == [150, 226]
    assert client.command("PWD").code == 257
