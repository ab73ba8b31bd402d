"""AUTH: what it answers, what it resets, and that nothing in clear survives it (B-026 .. B-042, A-001, A-003)."""
import pytest

from support.raw import Closed


def test_greets_with_the_sites_banner(house):
    """B-026, and B-282: the backend is not asked for it."""
    gate = house.gate(banner="hello from here")
    assert gate.client().greeting.lines == ["220 hello from here"]
    assert not gate.backend.sessions


@pytest.mark.parametrize("mechanism", ["TLS", "SSL", "TLS-C", "tls", "Ssl"])
def test_accepts_every_name_of_tls(gate, mechanism):
    """B-028 .. B-030: 234, then TLS, and then the session works."""
    assert gate.client().secure(mechanism).login().command("PWD").code == 257


@pytest.mark.parametrize("mechanism", ["TLS", "TLS-C", "SSL"])
def test_leaves_the_data_level_clear(gate, mechanism):
    """B-030, B-057: only PROT P protects, also after AUTH SSL."""
    client = gate.client().secure(mechanism).login()
    client.passive()
    assert client.command("LIST").code == 521


def test_tls_p_protects_data_at_once(gate):
    """B-032"""
    client = gate.client().secure("TLS-P").login()
    client.level = "P"
    assert client.download("RETR a").codes == [150, 226]


def test_tls_p_is_refused_where_data_must_be_clear(house):
    """B-032"""
    client = house.gate(ssl={"data_channel_policy": "deny"}).client()
    assert client.codes("AUTH TLS-P", "NOOP") == [504, 200]


@pytest.mark.parametrize("line, code", [("AUTH", 501), ("AUTH GSSAPI", 504), ("AUTH KERBEROS_V4", 504),
                                        ("AUTH x", 504)])
def test_refuses_what_is_not_tls(gate, line, code):
    """B-033, B-034: the session goes on."""
    client = gate.client()
    assert client.command(line).code == code
    client.secure().login()


def test_is_534_on_a_site_without_certificate(house):
    """B-035"""
    gate = house.gate(listen=[{"address": "127.0.0.1:0", "tls": "explicit"}],
                      ssl={"certificate": None, "control_channel_policy": "allow", "data_channel_policy": "deny"})
    client = gate.client()
    assert client.codes("AUTH TLS", "AUTH SSL", "NOOP") == [534, 534, 200]
    client.login()
    assert client.download("RETR a").data == b"content of a\r\n"


def test_second_auth_is_503_and_changes_nothing(gate):
    """B-037, D-02"""
    client = gate.secured()
    assert client.codes("AUTH TLS", "AUTH SSL") == [503, 503]
    client.protect().login()
    assert client.codes("AUTH TLS", "PWD") == [503, 257]


def test_auth_after_a_clear_login_logs_out(house):
    """B-039: the user must log in again, on a new session with the backend."""
    gate = house.gate(ssl={"control_channel_policy": "allow"})
    client = gate.client().login()
    first = gate.backend.session
    client.secure()
    assert client.command("PWD").code == 530
    first.ended.wait(5)
    assert first.ended.is_set()
    client.protect().login()
    assert len(gate.backend.sessions) == 2
    assert client.download("RETR a").codes == [150, 226]


def test_user_in_clear_is_534_and_reaches_nobody(gate):
    """A-003, B-068: soft, again and again; then AUTH still works."""
    client = gate.client()
    assert client.codes("USER bob", "PASS pw-of-bob", "USER bob") == [534] * 3
    assert not gate.backend.sessions
    client.secure().login()


PIPELINED = {"a command": b"FEAT\r\n", "a login": b"USER x\r\nPASS y\r\n", "one byte": b"X", "a line end": b"\r\n",
             "64 KiB": b"NOOP\r\n" * 11000, "a ClientHello": b"\x16\x03\x01\x00\xf0\x01"}


@pytest.mark.parametrize("extra", PIPELINED.values(), ids=PIPELINED)
def test_bytes_behind_auth_end_the_connection(gate, extra):
    """A-001, B-042: one flight of AUTH and more; nothing is answered, no TLS, no backend."""
    client = gate.client()
    try:
        client.send(b"AUTH TLS\r\n" + extra)
    except (BrokenPipeError, ConnectionResetError):
        pass                                            # the gate was quicker than the 64 KiB
    assert client.is_closed()
    assert not gate.backend.sessions
    assert gate.wait_event("attack", kind="starttls_injection")


@pytest.mark.parametrize("mechanism", ["TLS", "SSL", "TLS-P"])
def test_an_earlier_pipelined_command_does_not_hide_the_injection(gate, mechanism):
    """A-001: NOOP is answered, then the connection ends."""
    client = gate.client()
    client.send(f"NOOP\r\nAUTH {mechanism}\r\nNOOP\r\n")
    assert client.reply().code == 200
    assert client.is_closed()


def test_plaintext_after_234_ends_the_connection(gate):
    """A-001, B-040: not TLS, so no handshake and no reply in clear."""
    client = gate.client()
    assert client.command("AUTH TLS").code == 234
    client.send("FEAT\r\nUSER bob\r\n")
    rest = client.rest()
    assert not rest or rest[0] == 0x15                  # at most a TLS alert
    assert not gate.backend.sessions


def test_the_injected_command_never_runs_inside_tls(gate):
    """A-001: whoever goes on with a handshake after the injection finds nobody."""
    client = gate.client()
    client.send("AUTH TLS\r\nUSER mallory\r\n")
    with pytest.raises((Closed, OSError, AssertionError)):
        client.reply()
        client.handshake()
    assert not gate.backend.sessions
