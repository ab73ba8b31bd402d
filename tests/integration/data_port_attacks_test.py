"""Who else may come to a data port: thieves, strangers, second connections (A-012, A-021 .. A-027, A-030)."""
import pytest

from support.wait import wait_until


def silent(_gate, _client, data):
    """(a) TCP only."""
    return data


def without_ticket(gate, _client, data):
    """(b) a full handshake."""
    try:
        data.secure(gate.context)
        data.send(b"forged")
    except OSError:
        pass
    return data


def with_its_own_ticket(gate, _client, data):
    """(c) a ticket of another control session of the same user."""
    other = gate.logged_in()
    other.command("NOOP")
    try:
        data.secure(other.context, other.session)
        data.send(b"forged")
    except OSError:
        pass
    return data


THIEVES = [silent, without_ticket, with_its_own_ticket]


@pytest.mark.parametrize("thief", THIEVES)
def test_a_thief_at_the_same_address_gets_nothing(gate, thief):
    """A-022: it comes first, before the command; the client's own connection proves the session and wins, or the
    transfer is refused with 522; the thief never gets a byte of the file."""
    client = gate.logged_in()
    target = client.passive()
    stolen = thief(gate, client, client.connect_data(target))
    transfer = _transfer(client, target, "RETR a")
    assert transfer in (([150, 226], b"content of a\r\n"), ([150, 522], b"")), transfer
    try:
        assert b"content" not in stolen.read_all()
    except OSError:
        pass


def _transfer(client, target, command):
    """([codes], bytes received) with the client's own connection coming second."""
    data = None
    try:
        data = client.connect_data(target)
        client.send(command + "\r\n")
        first = client.reply()
        if first.code != 150:
            return [first.code], b""
        client.secure_data(data).read_all()
    except OSError:
        pass
    return [150, client.reply().code], data.received if data else b""


@pytest.mark.parametrize("thief", [without_ticket, with_its_own_ticket])
def test_a_thief_stores_nothing(gate, thief):
    """A-022, A-024: what it sends is never part of an upload; better, the client's own upload works."""
    client = gate.logged_in()
    session = gate.backend.session
    target = client.passive()
    thief(gate, client, client.connect_data(target))
    data = client.connect_data(target)
    client.send("STOR b\r\n")
    assert client.reply().code == 150
    try:
        client.secure_data(data)
        data.send(b"mine")
        data.finish()
    except OSError:
        pass
    assert client.reply().code in (226, 522)
    wait_until(lambda: session.uploads["b"].end, "the backend's upload ends")
    assert b"forged" not in session.uploads["b"].received


def test_the_session_survives_a_silent_candidate(gate):
    """A-022: it does not hold up the client who proves itself."""
    client = gate.logged_in()
    for _ in range(3):
        target = client.passive()
        for _ in range(2):
            client.connect_data(target)
        assert client.download_from(target, "RETR a").codes == [150, 226]


@pytest.mark.parametrize("level", ["P", "C"])
def test_one_connection_is_used_the_other_closed(house, level):
    """A-027: two from the client's own address, the session's ticket on both."""
    gate = house.gate(ssl={"data_channel_policy": "allow"})
    client = gate.logged_in(level)
    target = client.passive()
    both = [client.connect_data(target)]
    try:
        both.append(client.connect_data(target))
    except OSError:
        pass                        # in clear the first has won already, and the listener is gone
    assert client.command("RETR a").code == 150
    received = []
    for data in both:
        try:
            client.secure_data(data)
            received.append(data.read_all())
        except OSError:
            received.append(b"")
    assert b"".join(received) == b"content of a\r\n"
    assert client.reply().code == 226


def test_a_connection_after_the_transfer_finds_nobody(gate):
    """A-027, B-116: the listener is gone with its transfer."""
    client = gate.logged_in()
    target = client.passive()
    assert client.download_from(target, "RETR a").codes == [150, 226]
    with pytest.raises(OSError):
        client.connect_data(target)


def test_sessions_do_not_share_listeners(gate):
    """A-025: two sessions, each its own port; each gets its own file."""
    one, two = gate.logged_in(), gate.logged_in()
    here, there = one.passive(), two.passive()
    assert here != there
    for session in gate.backend.sessions:
        session.script.files["b"] = b"content of b"
    assert two.download_from(there, "RETR b").data == b"content of b"
    assert one.download_from(here, "RETR a").data == b"content of a\r\n"


def test_set_ups_that_are_never_used(gate):
    """A-026: thirty sessions leave listeners behind; another still transfers, and the ports come back."""
    clients = [gate.logged_in() for _ in range(30)]
    for client in clients:
        for _ in range(3):
            client.passive()
    assert gate.logged_in().download("RETR a").codes == [150, 226]
    for client in clients:
        client.close()
    wait_until(lambda: gate.descriptors() < gate.baseline + 30, "the listeners are closed")


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: ftp.test\r\n\r\n", b"USER bob\r\n"])
def test_a_browser_at_the_data_port(gate, sent):
    """A-012: gets no byte of the file."""
    client = gate.logged_in()
    target = client.passive()
    browser = client.connect_data(target)
    browser.send(sent)
    assert client.command("RETR a").code == 150
    received = browser.read_all()
    assert b"content" not in received and b"150" not in received
    assert client.reply().code in (425, 522)


@pytest.mark.parametrize("command", ["STOR b", "APPE b"])
@pytest.mark.parametrize("sent", [b"unasked", b"u" * 100_000], ids=["a little", "a lot"])
def test_a_backend_that_sends_on_an_upload(gate, command, sent):
    """A-075: while the upload is under way. Its bytes never reach the client, the transfer fails."""
    def store(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            session.uploads[name] = data
            data.send(sent)
            data.read_all()
        return "226 stored"
    gate.backend.on(command.split()[0], store)
    client = gate.logged_in()
    _, data = client.begin(command)
    try:
        data.send(b"the beginning of a file")
    except OSError:
        pass                        # cut off already
    assert client.reply().code == 426
    data.read_all()
    assert data.received == b""
    assert client.command("PWD").code == 257
