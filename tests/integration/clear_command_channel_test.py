"""CCC: when TLS may be left on the control connection, and what still holds afterwards (B-038, B-058 .. B-064, A-004
.. A-006)."""
import pytest

POLICIES = {"allow": {"control_channel_policy": "allow"},
            "credentials": {"control_channel_policy": "require-credentials-only"}}


def test_is_534_where_tls_is_required(gate):
    """B-058, B-173: before and after login; the session stays in TLS."""
    client = gate.secured()
    assert client.command("CCC").code == 534
    assert client.login().codes("CCC", "PWD") == [534, 257]


@pytest.mark.parametrize("policy", POLICIES)
def test_is_533_in_clear(house, policy):
    """B-059"""
    assert house.gate(ssl=POLICIES[policy]).client().codes("CCC", "NOOP") == [533, 200]


@pytest.mark.parametrize("policy", POLICIES)
def test_is_534_before_login(house, policy):
    """B-062, A-006: no handshake loop for the unauthenticated."""
    client = house.gate(ssl=POLICIES[policy]).secured()
    assert client.command("CCC").code == 534
    client.login()


@pytest.mark.parametrize("policy", POLICIES)
def test_leaves_tls_after_login(house, policy):
    """B-061, B-175: 200 inside TLS, close_notify both ways, then clear."""
    client = house.gate(ssl=POLICIES[policy]).logged_in()
    assert client.ccc().code == 200
    assert client.codes("PWD", "NOOP") == [257, 200]


@pytest.mark.parametrize("policy", POLICIES)
def test_security_commands_are_over(house, policy):
    """B-038, B-061, B-175, A-005: AUTH and the login 534, PBSZ and PROT 503; none reaches the backend."""
    gate = house.gate(ssl=POLICIES[policy])
    client = gate.logged_in()
    client.ccc()
    before = len(gate.backend.lines)
    assert client.codes("AUTH TLS", "PBSZ 0", "PROT P", "PROT C") == [534, 503, 503, 503]
    if policy == "credentials":
        assert client.codes("USER eve", "PASS eve") == [534, 534]
    assert client.command("PWD").code == 257
    assert gate.backend.lines[before:] == ["PWD"]


def test_data_stay_protected_and_bound(house):
    """B-061, A-034: the control's TLS session is still what data connections resume."""
    client = house.gate(ssl=POLICIES["allow"]).logged_in()
    client.command("NOOP")
    client.ccc()
    transfer = client.download("RETR a")
    assert (transfer.codes, transfer.data, transfer.end) == ([150, 226], b"content of a\r\n", "close_notify")
    first, data = client.begin("STOR b")
    assert first.code == 150 and data.resumed
    data.send(b"x")
    data.finish()
    assert client.reply().code == 226


def test_plaintext_glued_to_close_notify_is_the_next_command(house):
    """B-063: one TCP segment with the close_notify record and two commands."""
    client = house.gate(ssl=POLICIES["allow"]).logged_in()
    assert client.command("CCC").code == 200
    client.send_plain(client.stream.close_notify() + b"PWD\r\nNOOP\r\n")
    client.leave_tls()
    assert [client.reply().code, client.reply().code] == [257, 200]


def test_plaintext_after_an_unasked_close_notify_is_never_read(house):
    """B-064, A-004: also where clear control connections are allowed."""
    for policy in ("require", "allow"):
        gate = house.gate(ssl={"control_channel_policy": policy})
        client = gate.logged_in()
        before = list(gate.backend.lines)
        try:
            client.send_plain(client.stream.close_notify() + b"DELE x\r\n")
            client.send_plain(b"DELE y\r\n")
        except OSError:
            pass
        assert client.is_closed()
        gate.backend.session.ended.wait(5)
        assert [line for line in gate.backend.lines[len(before):] if line != "QUIT"] == []
