"""The data connection with the backend: modes, odd 227 and 229 texts, addresses nobody should trust (B-136 .. B-149,
B-278, A-071 .. A-073)."""
import socket
import threading

import pytest

from support.fake_backend import send_file
from support.fake_session import FakeSession

QUICK = {"connect_timeout": "500ms"}


@pytest.mark.parametrize("client_mode", ["EPSV", "PASV", "PORT", "EPRT"])
@pytest.mark.parametrize("data_mode, expected", [("passive", {"EPSV"}), ("active", {"EPRT", "PORT"}), ("client", None)])
def test_mode_of_each_leg(house, data_mode, expected, client_mode):
    """B-136: independent of the client's, unless it is to follow."""
    gate = house.gate(backend={"data_mode": data_mode})
    client = gate.logged_in()
    assert client.download("RETR a", client_mode).data == b"content of a\r\n"
    assert client.upload("STOR b", b"new", client_mode).codes == [150, 226]
    used = {"EPSV", "PASV", "PORT", "EPRT"} & set(gate.backend.verbs())
    expected = expected or ({"EPSV", "PASV"} if client_mode in ("EPSV", "PASV") else {"PORT", "EPRT"})
    assert used and used <= expected


@pytest.mark.parametrize("code", [500, 501, 502, 504, 522])
def test_falls_back_to_pasv(house, code):
    """B-137: one success for the client; the backend is not asked again in this session."""
    gate = house.gate(banner=f"no EPSV: {code}")
    gate.backend.on("EPSV", f"{code} no EPSV here")
    client = gate.logged_in()
    for _ in range(2):
        assert client.download("RETR a", "EPSV").codes == [150, 226]
    assert gate.backend.verbs().count("EPSV") == 1 and gate.backend.verbs().count("PASV") == 2


def test_epsv_answered_like_pasv(gate):
    """B-138, Q-39"""
    gate.backend.on("EPSV", FakeSession.enter_pasv)
    assert gate.logged_in().download("RETR a").codes == [150, 226]


TEXTS_227 = ["227 Entering Passive Mode ({0},{1},{2}).", "227 Entering Passive Mode. {0},{1},{2}", "227 ={0},{1},{2}",
             "227 Entering Passive Mode ({0}, {1}, {2})", "227 Data transfer will passively listen to {0},{1},{2}",
             "227-hello\r\n227 ok ({0},{1},{2})", "227-ok ({0},{1},{2})\r\n text\r\n227 end"]
TEXTS_229 = ["229 Entering Extended Passive Mode (|||{3}|)", "229 ok (!!!{3}!)", "229 (|1|10.0.0.1|{3}|)",
             "229-first\r\n229 second (|||{3}|)",
             "229 Entering Extended Passive Mode (|||{3}|)."]


def says(text, address="127,0,0,2"):
    """EPSV or PASV that listens and answers with this text."""
    def answer(session, _argument):
        port = session.listen()
        return text.format(address, port >> 8, port & 255, port)
    return answer


def no_epsv(house):
    """A gate that has learnt that this backend has no EPSV, or is about to."""
    gate = house.gate(banner="PASV only", data=QUICK)
    gate.backend.on("EPSV", "500 no")
    return gate


@pytest.mark.parametrize("text", TEXTS_227)
def test_spellings_of_227(house, text):
    """B-139, B-025"""
    gate = no_epsv(house)
    gate.backend.on("PASV", says(text))
    assert gate.logged_in().download("RETR a").codes == [150, 226]


@pytest.mark.parametrize("text", TEXTS_229)
def test_spellings_of_229(gate, text):
    """B-142, B-025, Q-37"""
    gate.backend.on("EPSV", says(text))
    assert gate.logged_in().download("RETR a").codes == [150, 226]


@pytest.mark.parametrize("address", ["10,0,0,1", "192,168,1,1", "0,0,0,0", "127,0,0,1", "8,8,8,8", "169,254,169,254",
                                     "255,255,255,255"])
def test_the_address_in_227_is_not_used(house, address):
    """B-140, A-071: the port of the control connection's peer, always."""
    gate = no_epsv(house)
    gate.backend.on("PASV", says(TEXTS_227[0], address))
    assert gate.logged_in().download("RETR a").codes == [150, 226]


def test_an_address_that_is_trusted_by_configuration(house):
    """B-140: trust_passive_address."""
    gate = house.gate(backend={"trust_passive_address": True})
    gate.backend.on("EPSV", "500 no")

    def elsewhere(session, _argument):
        session.listener = socket.create_server(("127.0.0.4", 0))
        session.listener.settimeout(5)
        port = session.listener.getsockname()[1]
        return f"227 ok (127,0,0,4,{port >> 8},{port & 255})"
    gate.backend.on("PASV", elsewhere)
    assert gate.logged_in().download("RETR a").codes == [150, 226]


GARBAGE = ["227 Entering Passive Mode (", "227 Entering Passive Mode ()", "227 (1,2,3)", "227 (a,b,c,d,e,f)",
           "227 (127,0,0,2,999,1)",
           "227 (127,0,0,2,0,0)", "227 (127,0,0,2,-1,20)", "227 (127,0,0,2,1000000000,1000000000)", "227 %s%n%x",
           "227 \xff\xfe (",
           "227 " + "999," * 2000, "229 (|||", "229 (|||0|)", "229 (|||65536|)", "229 (|||x|)", "229 ()", "229 (||||)",
           "229 (|||99999999999999999999|)",
           "229 %n (|||-5|)"]


@pytest.mark.parametrize("text", GARBAGE, ids=lambda text: text[:24])
def test_unusable_replies_are_425(house, text):
    """B-141, A-047: the session with the backend goes on."""
    gate = house.gate(banner="garbage", data=QUICK)
    gate.backend.on("PASV" if text.startswith("227") else "EPSV", text)
    if text.startswith("227"):
        gate.backend.on("EPSV", "500 no")
    else:
        gate.backend.on("PASV", "500 no")
    client = gate.logged_in()
    assert client.command("EPSV").code == 425
    assert client.codes("PWD", "LIST") == [257, 425]
    assert not gate.backend.session.ended.is_set()


@pytest.mark.parametrize("port", [1, 22, 25, 1023])
def test_low_ports_of_the_backend_are_425(house, port):
    """B-143, A-072"""
    gate = house.gate(banner="low", data=QUICK)
    gate.backend.on("EPSV", f"229 ok (|||{port}|)")
    gate.backend.on("PASV", f"227 ok (127,0,0,2,0,{port & 255})")
    client = gate.logged_in()
    answer = client.command("EPSV")
    assert answer.code == 425 or client.command("LIST").code == 425
    assert client.command("PWD").code == 257


def test_set_up_is_asked_for_at_once(gate):
    """B-144: so that nothing falls between REST and the transfer, RNFR and RNTO."""
    client = gate.logged_in()
    client.passive()
    assert gate.backend.verbs()[-1] == "EPSV"
    data = client.connect_data(client.passive())
    assert client.command("REST 3").code == 350
    assert client.command("RETR a").code == 150
    client.secure_data(data).read_all()
    assert client.reply().code == 226
    verbs = gate.backend.verbs()
    assert verbs[verbs.index("REST") + 1] == "RETR"
    assert client.codes("RNFR a", "RNTO b") == [350, 250]
    verbs = gate.backend.verbs()
    assert verbs[verbs.index("RNFR") + 1] == "RNTO"


def test_a_set_up_the_backend_refuses_is_a_reply_to_it(gate):
    """B-144: 425 at EPSV, not a surprise at RETR."""
    gate.backend.on("EPSV", "425 no port")
    gate.backend.on("PASV", "425 no port")
    assert gate.logged_in().codes("EPSV", "PWD") == [425, 257]


def test_a_backend_that_connects_at_port(house):
    """B-146, Q-34: its early connection is parked until the transfer command."""
    gate = house.gate(backend={"data_mode": "active"})
    early = []

    def connect(session, argument):
        answer = session.take_eprt(argument) if argument[0] == "|" else session.take_port(argument)
        early.append(session.open_data())
        return answer

    def send(session, name):
        session.reply("125 already there")
        early[-1].send(session.script.files[name])
        early[-1].close()
        return "226 sent"
    for verb in ("EPRT", "PORT"):
        gate.backend.on(verb, connect)
    gate.backend.on("RETR", send)
    assert gate.logged_in().download("RETR a").codes == [125, 226]


def test_a_backend_that_answers_after_the_connection(gate):
    """B-147: 150 only once the data connection is there."""
    def send(session, name):
        data = session.open_data()
        session.reply("150 now")
        data.send(session.script.files[name])
        data.close()
        return "226 sent"
    gate.backend.on("RETR", send)
    assert gate.logged_in().download("RETR a").codes == [150, 226]


def test_a_backend_that_accepts_late(gate):
    """B-147: 150 first, the connection in its own time."""
    go = threading.Event()

    def send(session, name):
        session.reply("150 soon")
        go.wait(5)
        data = session.open_data()
        data.send(session.script.files[name])
        data.close()
        return "226 sent"
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    first, data = client.begin("RETR a")
    assert first.code == 150
    go.set()
    assert data.read_all() == b"content of a\r\n" and client.reply().code == 226


@pytest.mark.parametrize("verb", ["EPRT", "PORT"])
def test_active_leg_takes_the_backend_only(house, verb):
    """A-073: a connection from another host is refused, the backend's own works."""
    gate = house.gate(backend={"data_mode": "active"})
    if verb == "PORT":
        gate.backend.on("EPRT", "500 no")

    def send(session, name):
        stranger = socket.create_connection(session.target, timeout=5, source_address=("127.0.0.7", 0))
        stranger.settimeout(5)
        try:
            assert stranger.recv(1) == b""
        except ConnectionResetError:
            pass
        return send_file(session, name)
    gate.backend.on("RETR", send)
    assert gate.logged_in().download("RETR a").data == b"content of a\r\n"


def test_active_leg_that_only_a_stranger_wants(house):
    """A-073: 425 (or 426 behind the 1yz), no byte of the stranger's."""
    gate = house.gate(backend={"data_mode": "active"}, data=QUICK)

    def send(session, _name):
        session.reply("150 here I come")
        stranger = socket.create_connection(session.target, timeout=5, source_address=("127.0.0.7", 0))
        try:
            stranger.sendall(b"forged")
            stranger.recv(1)
        except OSError:
            pass
        session.script.waiting.wait(5)
        return "425 could not"
    gate.backend.script.waiting = threading.Event()
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    first, data = client.begin("RETR a")
    assert client.reply().code in (425, 426)
    gate.backend.script.waiting.set()
    assert b"forged" not in data.read_all()
    assert client.command("PWD").code == 257


@pytest.mark.parametrize("line", ["P@SW", "LPSV", "LPRT 4,4,127,0,0,1,2,99,99", "SPSV", "XPRT x", "XPSV", "p@sw",
                                  "CPSV"])
def test_other_verbs_for_data_connections_are_502(gate, line):
    """B-148, A-031"""
    client = gate.logged_in()
    before = list(gate.backend.lines)
    assert client.codes(line, "LIST") == [502, 425]
    assert gate.backend.lines == before


@pytest.mark.parametrize("data_mode", ["passive", "active"])
def test_data_come_from_the_address_of_the_control_connection(house, data_mode):
    """B-278: the backend compares addresses."""
    gate = house.gate(backend={"source_address": "127.0.0.6", "data_mode": data_mode})
    client = gate.logged_in()
    assert client.download("RETR a").codes == [150, 226]
    session = gate.backend.session
    assert session.peer[0] == "127.0.0.6"
    assert (session.target or session.data_peer)[0] == "127.0.0.6"


def test_a_backend_on_ipv6(house):
    """B-136: either mode, whatever the client's family is."""
    for data_mode in ("passive", "active"):
        client = house.gate(backend={"data_mode": data_mode}, backend_host="::1").logged_in()
        for mode in ("EPSV", "PASV", "PORT"):
            assert client.download("RETR a", mode).codes == [150, 226]


def test_a_server_that_has_pret(gate):
    """B-149: forwarded, and the set-up is as it was."""
    gate.backend.on("FEAT", "211-Features\r\n PRET\r\n211 End")
    gate.backend.on("PRET", "200 fine")
    client = gate.logged_in()
    assert " PRET" in client.command("FEAT").lines
    target = client.passive()
    assert client.command("PRET RETR a").code == 200
    assert client.download_from(target, "RETR a").codes == [150, 226]
