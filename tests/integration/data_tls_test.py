"""TLS on data connections: resumption, binding to the control session, clean ends (B-150 .. B-169, B-171, A-024,
A-033)."""
import ssl
import threading

import pytest

from support.tls import client_context

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def context_of(gate, version, **options):
    return client_context(gate.authority, minimum=VERSIONS[version], maximum=VERSIONS[version], **options)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_control_session_is_resumed(gate, version):
    """B-150, B-156, B-160: same certificate, tickets in time for the first transfer."""
    client = gate.logged_in(context=context_of(gate, version))
    for mode in ("EPSV", "EPRT"):
        first, data = client.begin("RETR a", mode)
        assert first.code == 150 and data.resumed and data.stream.tls.version() == version
        assert data.read_all() == b"content of a\r\n" and data.end == "close_notify"
        assert client.reply().code == 226


@pytest.mark.parametrize("version", VERSIONS)
def test_session_ids_without_tickets(gate, version):
    """B-163: a client that takes no tickets, as TLS 1.2 allows."""
    context = context_of(gate, version)
    context.options |= ssl.OP_NO_TICKET
    client = gate.logged_in(context=context)
    if version == "TLSv1.3":
        pytest.skip("OpenSSL takes TLS 1.3 tickets all the same")
    first, data = client.begin("RETR a")
    assert data.resumed and data.read_all() == b"content of a\r\n"
    assert client.reply().code == 226


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command", ["RETR a", "STOR b", "LIST"])
def test_a_new_session_is_522(gate, version, command):
    """B-155, B-156: after the 1yz; the backend's last word is swallowed and nothing is stored or shown."""
    client = gate.logged_in(context=context_of(gate, version))
    data = client.connect_data(client.passive())
    assert client.command(command).code == 150
    received = _unbound(client, data)
    answer = client.reply()
    assert answer.code == 522 and "reus" in answer.text.lower() or "resum" in answer.text.lower()
    assert received == b""
    assert client.codes("PWD", "NOOP") == [257, 200]
    assert client.download("RETR a").codes == [150, 226]
    if command.startswith("STOR"):
        assert gate.backend.wait_upload("b").received == b""


def _unbound(client, data):
    """A data connection with a session of its own: bytes received, however it ends."""
    try:
        client.secure_data(data, resume=False)
        data.send(b"stolen")
        return data.read_all()
    except OSError:
        return data.received


@pytest.mark.parametrize("version", VERSIONS)
def test_another_control_sessions_ticket_is_522(gate, version):
    """A-024, B-157: bound to this control connection, not just to this gate."""
    context = context_of(gate, version)
    mine, other = gate.logged_in(context=context), gate.logged_in(context=context)
    assert mine.command("NOOP").code == other.command("NOOP").code == 200
    data = mine.connect_data(mine.passive())
    assert mine.command("RETR a").code == 150
    try:
        data.secure(context, other.session)
        assert not data.resumed
        assert data.read_all() == b""
    except OSError:
        pass
    assert mine.reply().code == 522
    assert mine.download("RETR a").codes == [150, 226]


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
def test_a_new_session_will_do_where_reuse_is_ignored(house, command):
    """data_session_reuse = "ignore"."""
    gate = house.gate(ssl={"data_session_reuse": "ignore"})
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    assert client.command(command).code == 150
    client.secure_data(data, resume=False)
    assert not data.resumed
    if command == "RETR a":
        assert data.read_all() == b"content of a\r\n"
    else:
        data.send(b"new")
        data.finish()
    assert client.reply().code == 226


@pytest.mark.parametrize("version", VERSIONS)
def test_control_sessions_are_never_resumed(gate, version):
    """B-164, A-014, A-015: a fresh handshake for every control connection."""
    context = context_of(gate, version)
    first = gate.logged_in(context=context)
    first.command("NOOP")
    second = gate.client(context=context)
    assert second.command("AUTH TLS").code == 234
    second.handshake(session=first.session)
    assert not second.stream.tls.session_reused


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("renew", [False, True], ids=["first ticket for ever", "newest ticket"])
def test_many_transfers_keep_resuming(gate, version, renew):
    """B-161: clients that reuse one ticket, and clients that renew it."""
    client = gate.logged_in(context=context_of(gate, version))
    client.command("NOOP")
    session = client.session
    for _ in range(40):
        data = client.connect_data(client.passive())
        assert client.command("RETR a").code == 150
        data.secure(client.context, session)
        assert data.resumed
        assert data.read_all() == b"content of a\r\n"
        assert client.reply().code == 226
        session = data.stream.tls.session if renew and data.stream.tls.session else session
        data.close()


def test_uploads_bring_tickets_too(gate):
    """B-160, B-161: before the client closes, or clients that use each TLS 1.3 ticket once (curl) have none for
    their next upload."""
    client = gate.logged_in(context=context_of(gate, "TLSv1.3"))
    client.command("NOOP")
    used = client.session.id
    _, data = client.begin("STOR b")
    assert data.stream.absorb(2) and data.stream.tls.session.id != used
    data.send(b"new")
    data.finish()
    assert client.reply().code == 226


@pytest.mark.parametrize("early", [False, True], ids=["behind the command", "before it"])
def test_a_refused_download_costs_no_ticket(gate, early):
    """B-160, Q-03: whoever did the data handshake has new tickets, though no byte of the file will carry them."""
    held = threading.Event()

    def refuse(_session, _name):
        assert held.wait(10), "the data handshake came to no end"
        return "550 not that one"
    gate.backend.on("RETR", refuse)
    client = gate.logged_in(context=context_of(gate, "TLSv1.3"))
    client.command("NOOP")
    used = client.session.id
    data = client.connect_data(client.passive())
    if not early:
        client.send("RETR a\r\n")
    client.secure_data(data)
    assert data.stream.absorb(2) and data.stream.tls.session.id != used
    if early:
        client.send("RETR a\r\n")
    held.set()
    assert client.reply().code == 550


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["EPSV", "EPRT"])
@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 1_000_003])
def test_both_ways_end_with_close_notify(gate, version, mode, size):
    """B-165, B-166, B-169, B-171: byte for byte, close_notify, FIN, never RST."""
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    gate.backend.script.files["file"] = content
    client = gate.logged_in(context=context_of(gate, version))
    first, data = client.begin("RETR file", mode)
    assert data.read_all() == content and data.end == "close_notify"
    assert data.finish() == "close_notify"
    assert client.reply().code == 226
    first, data = client.begin("STOR up", mode)
    data.send(content) if content else None
    assert data.finish() == "close_notify"
    assert (first.code, client.reply().code) == (150, 226)
    stored = gate.backend.wait_upload("up")
    assert stored.received == content and stored.end == "fin"


def test_close_notify_is_answered_before_the_backends_last_word(gate):
    """B-166, Q-08: a client that waits for it before it reads 226."""
    seen = threading.Event()

    def store(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.read_all()
        assert seen.wait(8), "the gate kept its close_notify until the backend had answered"
        return "226 stored"
    gate.backend.on("STOR", store)
    client = gate.logged_in()
    _, data = client.begin("STOR b")
    data.send(b"new")
    assert data.finish() == "close_notify"
    seen.set()
    assert client.reply().code == 226


def test_the_gate_does_not_insist_on_the_clients_close_notify(gate):
    """B-165: at the end of a download."""
    client = gate.logged_in()
    for _ in range(3):
        _, data = client.begin("RETR a")
        assert data.read_all() == b"content of a\r\n" and data.end == "close_notify"
        data.cut()
        assert client.reply().code == 226


@pytest.mark.parametrize("junk", [b"", b"not TLS at all, but a file\r\n" * 10, b"\x16\x03\x01\x00\x05hello",
                                  b"\x15\x03\x03\x00\x02\x02\x28"])
@pytest.mark.parametrize("command", ["STOR b", "RETR a"])
def test_what_is_no_handshake_is_522(gate, command, junk):
    """A-033, B-155, B-213: the backend gets nothing of it, the client nothing of the file."""
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    assert client.command(command).code == 150
    data.send(junk)
    if not junk:
        data.cut()
    assert client.reply().code in ((522,) if junk else (522, 425, 426))
    if junk:
        assert b"content" not in data.read_all()
    assert client.command("PWD").code == 257
    if command == "STOR b":
        assert gate.backend.wait_upload("b").received == b""


def test_a_slow_handshake_is_522_and_the_control_connection_answers(house):
    """A-035, B-155: half a ClientHello; ABOR and NOOP are not held up."""
    gate = house.gate(ssl={"handshake_timeout": "800ms"})
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    assert client.command("RETR a").code == 150
    data.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    client.send("NOOP\r\n")
    codes = sorted([client.reply().code, client.reply().code])
    assert codes == [200, 522]
    data = client.connect_data(client.passive())
    assert client.command("RETR a").code == 150
    data.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    client.send("ABOR\r\n")
    assert client.reply().code in (426, 522)
    assert client.reply().code in (225, 226)
    assert client.command("PWD").code == 257
