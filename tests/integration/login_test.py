"""The login through the gate and its end (B-027, B-068 .. B-075, B-086, B-089 .. B-093, B-248 .. B-250, A-051,
A-066)."""
import pytest

from support import process


def test_user_and_password_reach_the_backend(gate):
    """B-073"""
    gate.secured().login("bob", "pw-of-bob")
    assert gate.backend.lines[:2] == ["USER bob", "PASS pw-of-bob"]


@pytest.mark.parametrize("password", ["two  words", " leading", "trailing ", "caf\xe9", "", "a" * 2000])
def test_passwords_are_passed_byte_for_byte(gate, password):
    """B-073, B-245"""
    client = gate.secured()
    assert client.codes("USER bob", f"PASS {password}") == [331, 230]
    assert gate.backend.lines[1] == f"PASS {password}".rstrip(" ") or gate.backend.lines[1] == f"PASS {password}"


def test_a_refused_login_may_be_tried_again(gate):
    """B-073: the backend's 530, then its 230."""
    gate.backend.on("PASS", lambda _session, word: "230 in" if word == "right" else "530 no")
    client = gate.secured()
    assert client.codes("USER bob", "PASS wrong", "USER bob", "PASS right", "PWD") == [331, 530, 331, 230, 257]


def test_account(gate):
    """B-092: 332 and ACCT are passed on."""
    gate.backend.on("PASS", "332 account?")
    assert gate.secured().codes("USER bob", "PASS x", "ACCT sales", "PWD") == [331, 332, 230, 257]
    assert gate.backend.count("ACCT sales") == 1


@pytest.mark.parametrize("code", [230, 202])
def test_password_accepted_with_another_code(gate, code):
    """B-249: 202 is a success too."""
    gate.backend.on("PASS", f"{code} fine")
    client = gate.secured()
    assert client.command("USER bob").code == 331
    assert client.command("PASS x").code in (202, 230)
    assert client.command("PWD").code == 257


def test_user_that_needs_no_password(gate):
    """B-249"""
    gate.backend.on("USER", "230 welcome")
    client = gate.secured()
    assert client.command("USER bob").code == 230 or client.command("PASS x").code == 230
    assert client.command("PWD").code == 257


@pytest.mark.parametrize("answer", ["331 go", "336 challenge"])
def test_challenges(gate, answer):
    """B-249, A-046: the client gets a 3yz that asks for the password, no security code."""
    gate.backend.on("USER", answer)
    client = gate.secured()
    assert client.command("USER bob").code == 331
    assert client.command("PASS x").code == 230


def test_greeting_120_then_220(gate):
    """B-248"""
    gate.backend.script.greeting = ["120 soon", "220 now"]
    gate.secured().login()


def test_greeting_230_needs_no_login(gate):
    """B-248: the gate does not send USER; the client may still say it."""
    gate.backend.script.greeting = "230 come in"
    client = gate.secured()
    answer = client.command("USER bob")
    assert answer.code == 230 or client.command("PASS x").code == 230
    assert client.command("PWD").code == 257
    assert "USER" not in gate.backend.verbs()


def test_greeting_in_pieces(gate):
    """B-250: a multi-line greeting in several segments."""
    gate.backend.script.greeting = [b"220-hel", b"lo\r\n220 no", b"t this\r", b"\n"]
    gate.secured().login()


def refusal(client):
    """What ends the login: the answer to USER, or to PASS where the gate connects no sooner."""
    answer = client.command("USER bob")
    return answer if answer.code != 331 else client.command("PASS pw-of-bob")


@pytest.mark.parametrize("greeting", ["421 too many", "500 no", b"", "not a reply"])
def test_a_backend_that_will_not_have_us(house, greeting):
    """B-027, B-250: 421 and the end, whatever its reason."""
    gate = house.gate(backend={"reply_timeout": "600ms", "retries": 0})

    def refuse(session, _):
        session.reply(greeting if isinstance(greeting, bytes) else greeting.encode() + b"\r\n")
        session.hang_up()
    gate.backend.script.greeting = refuse
    client = gate.secured()
    answer = refusal(client)
    assert (answer.code == 421 and client.is_closed()) or (answer.code == 451 and greeting == "not a reply")


def test_nobody_at_the_backends_address(house):
    """B-027: 421, close_notify, end; no address in it."""
    dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"
    client = house.gate(backend={"servers": [dead], "connect_timeout": "1s", "retries": 0}).secured()
    assert refusal(client).code == 421
    assert client.is_closed() and client.end == "close_notify"


def test_the_next_server_is_tried(house):
    """retries: one that refuses is passed over."""
    gate = house.gate(backend={"connect_timeout": "1s"})
    dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"
    both = house.gate(backend={"servers": [dead, gate.backend.address], "connect_timeout": "1s", "retries": 2})
    for _ in range(2):
        both.secured().login()


def test_no_backend_before_user(gate):
    """A-066, B-282: handshakes and small talk cost the backend nothing."""
    for _ in range(5):
        gate.secured().codes("FEAT", "NOOP", "PBSZ 0", "PROT P", "HELP", "OPTS UTF8 ON", "STAT", "CLNT x")
    assert not gate.backend.sessions


BEFORE_LOGIN = ["PWD", "LIST", "EPSV", "PASV", "PORT 127,0,0,1,99,99", "CWD x", "STAT x", "SITE CHMOD 1 a", "DELE x",
                "RETR a", "STOR a",
                "REST 1", "RNFR a", "TYPE I", "SIZE a", "MLST"]


@pytest.mark.parametrize("line", BEFORE_LOGIN)
def test_is_530_before_login(gate, line):
    """B-093: the backend hears nothing."""
    client = gate.secured()
    assert client.command(line).code == 530
    assert not gate.backend.sessions
    assert client.codes("USER bob", line) == [331, 530]
    assert gate.backend.lines in ([], ["USER bob"])


def test_password_without_user_is_503(gate):
    """RFC 959: bad sequence."""
    assert gate.secured().command("PASS x").code == 503


def test_user_after_login_is_no_way_to_another_account(gate):
    """B-075, A-051: whatever it is answered, the first session's rights do not go to another name unproved."""
    client = gate.logged_in()
    if client.command("USER root").code == 331:
        gate.backend.on("PASS", "530 no")
        assert client.command("PWD").code == 530


def test_quit(gate):
    """B-089: 221 in TLS, close_notify; QUIT to the backend."""
    client = gate.logged_in()
    session = gate.backend.session
    assert client.command("QUIT").code == 221
    assert client.is_closed() and client.end == "close_notify"
    session.ended.wait(5)
    assert gate.backend.lines[-1] == "QUIT"


@pytest.mark.parametrize("start", ["clear", "tls"])
def test_quit_before_login(gate, start):
    """B-089"""
    client = gate.client() if start == "clear" else gate.secured()
    assert client.command("QUIT").code == 221
    assert client.is_closed()


def test_quit_during_a_transfer_waits_for_it(gate):
    """B-090"""
    gate.backend.script.files["big"] = b"x" * 3_000_000
    client = gate.logged_in()
    _, data = client.begin("RETR big")
    client.send("QUIT\r\n")
    assert len(data.read_all()) == 3_000_000 and data.end == "close_notify"
    assert [client.reply().code, client.reply().code] == [226, 221]


def test_a_client_that_vanishes_frees_the_backend(gate):
    """B-221, B-286: without a transfer."""
    for end in ("close", "reset"):
        client = gate.logged_in()
        session = gate.backend.session
        getattr(client, end)()
        assert session.ended.wait(5)
