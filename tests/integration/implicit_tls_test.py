"""The implicit port: TLS first, then as if AUTH TLS, PBSZ 0, PROT P had been said (B-031, A-017)."""
import ssl

import pytest

from support.raw import Closed, RawClient


def test_no_byte_before_the_handshake(gate):
    """B-031: a client that waits for a greeting in clear gets none."""
    plain = _tcp_to_implicit(gate)
    assert plain.silent()


def test_greets_inside_tls_and_protects_data(gate):
    """B-031: 220, and a transfer without PBSZ or PROT is protected."""
    client = gate.client(implicit=True)
    assert client.greeting.code == 220
    client.login()
    transfer = client.download("RETR a")
    assert (transfer.codes, transfer.data, transfer.end) == ([150, 226], b"content of a\r\n", "close_notify")


def test_prot_needs_no_pbsz(gate):
    """B-031: the exchange counts as done."""
    client = gate.client(implicit=True)
    assert client.codes("PROT P", "PBSZ 0", "PROT P") == [200] * 3


def test_starts_with_clear_data_where_protection_is_denied(house):
    """B-031, B-185: implicit and data policy deny go together."""
    client = house.gate(ssl={"data_channel_policy": "deny"}).client(implicit=True).login()
    client.level = "C"
    assert client.command("PROT P").code == 534
    assert client.download("RETR a").data == b"content of a\r\n"


@pytest.mark.parametrize("line, code", [("AUTH TLS", 503), ("REIN", 502), ("CCC", 534)])
def test_tls_can_neither_be_asked_for_again_nor_left(gate, line, code):
    """D-02, D-05, B-058"""
    assert gate.client(implicit=True).login().codes(line, "PWD") == [code, 257]


@pytest.mark.parametrize("data", [b"USER x\r\n", b"AUTH TLS\r\n", b"\r\n", b"GET / HTTP/1.1\r\n\r\n",
                                  b"\x16\x03\x01\x00\x05hello",
                                  b"\x80\x2e\x01\x03\x01"])
def test_what_is_not_tls_is_closed_without_a_greeting(house, data):
    """A-017: never a plaintext 220; a TLS alert at most."""
    gate = house.gate(ssl={"handshake_timeout": "500ms"})
    plain = _tcp_to_implicit(gate)
    plain.send(data)
    rest = plain.rest()
    assert b"220" not in rest
    assert not rest or rest[0] == 0x15
    assert not gate.backend.sessions


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n",
                                  b"\x16\x03\x01garbage\r\n"])
def test_tls_on_the_explicit_port_is_not_echoed(gate, data):
    """A-017: 500, 501 or the end, without the bytes."""
    client = gate.client()
    client.send(data)
    try:
        answer = client.reply()
    except Closed:
        return
    assert answer.code in (500, 501)
    assert data[:3] not in answer.raw and b"garbage" not in answer.raw


def test_a_handshake_on_the_explicit_port_fails(gate):
    """A-017: no TLS without AUTH."""
    client = gate.client(greet=False)
    with pytest.raises((ssl.SSLError, OSError)):
        client.handshake()


def _tcp_to_implicit(gate):
    client = RawClient(gate.address("implicit"), gate.context, greet=False, record=gate.seen.extend)
    gate.clients.append(client)
    return client
