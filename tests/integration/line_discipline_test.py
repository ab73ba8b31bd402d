"""Bytes of the client become lines, and nothing else does (B-001 .. B-013, B-244, B-288, A-043, A-044, A-050, A-054,
A-061)."""
import select

import pytest

from support.gate import is_sanitized


def deleted(gate):
    return [line for line in gate.backend.lines if line.startswith("DELE")]


def test_split_anywhere(gate):
    """B-001, B-288: one byte a segment, each a TLS record, gives the same answers."""
    client = gate.logged_in()
    for byte in b"PWD\r\nCWD two  words\r\nNOOP\r\n":
        client.send(bytes([byte]))
    assert [client.reply().code for _ in range(3)] == [257, 250, 200]
    assert gate.backend.count("CWD two  words") == 1


def test_many_in_one_segment(gate):
    """B-001, B-013: answered in order."""
    client = gate.logged_in()
    client.send("PWD\r\nCWD a\r\nNOOP\r\nSIZE a\r\nMKD b\r\n" * 5)
    assert [client.reply().code for _ in range(25)] == [257, 250, 200, 213, 257] * 5


def test_one_command_at_a_time_for_the_backend(gate):
    """B-013: the next goes out after the last reply of the one before."""
    seen = []

    def slow(session, argument):
        seen.append(len(session.received))
        readable = select.select([session.sock], [], [], 0.15)[0] or b"\n" in session.buffer
        return "500 too early" if readable else "250 fine"
    gate.backend.on("SITE", slow)
    client = gate.logged_in()
    client.send("SITE a\r\nSITE b\r\nSITE c\r\n")
    assert [client.reply().code for _ in range(3)] == [250] * 3


def test_bare_line_feeds_end_lines(gate):
    """B-003: accepted, and re-emitted with CR LF; none is ever part of an argument."""
    client = gate.logged_in()
    client.send("CWD a\nNOOP\nPWD\r\n")
    assert [client.reply().code for _ in range(3)] == [250, 200, 257]
    assert b"CWD a\r\n" in gate.backend.session.received


BAD_BYTES = {"CR": b"DELE a\rDELE b\r\n", "CR NUL": b"DELE a\r\0b\r\n", "NUL": b"DELE a\0b\r\n",
             "NUL at the end": b"DELE a\0\r\n",
             "NUL first": b"\0DELE a\r\n", "CR first": b"\rDELE a\r\n", "CR CR": b"DELE a\r\r\n",
             "in the verb": b"DE\0LE a\r\n"}


@pytest.mark.parametrize("sent", BAD_BYTES.values(), ids=BAD_BYTES)
def test_cr_and_nul_inside_a_line_are_501(gate, sent):
    """B-004 .. B-006, A-043: the line is dropped, the session goes on."""
    client = gate.logged_in()
    client.send(sent)
    assert client.reply().code in ((501,) if sent[:1] not in b"\0\r" and b"DE\0" not in sent else (500, 501))
    assert not deleted(gate)
    assert client.codes("NOOP", "PWD") == [200, 257]


def test_a_line_feed_never_hides_in_an_argument(gate):
    """A-043: two commands of the client are two commands; each is checked by itself."""
    client = gate.logged_in()
    client.send(b"MKD x\nSITE EXEC id\r\n")
    assert [client.reply().code, client.reply().code] == [257, 502]
    assert "SITE EXEC id" not in gate.backend.lines


@pytest.mark.parametrize("length", [4095, 4096])
def test_up_to_the_limit(gate, length):
    """B-007, B-244: verb and argument count, the line end does not."""
    line = "CWD " + "a" * (length - 4)
    assert gate.logged_in().command(line).code == 250
    assert gate.backend.count(line) == 1


@pytest.mark.parametrize("length", [4097, 5000, 65_536, 1_000_000])
def test_beyond_the_limit(gate, length):
    """B-007, A-044: one 500, the tail is never a command; the DELE behind it is one."""
    client = gate.logged_in()
    client.send("CWD " + "a" * (length - 4) + "\r\nDELE x\r\n")
    assert [client.reply().code, client.reply().code] == [500, 250]
    assert deleted(gate) == ["DELE x"]
    assert not any(line.startswith("CWD") for line in gate.backend.lines)


def test_the_limit_is_configurable_and_three_are_too_many(house):
    """B-007: the third ends the session with 421."""
    client = house.gate(limits={"command_line": 128}).logged_in()
    assert client.command("CWD " + "a" * 124).code == 250
    assert client.codes("CWD " + "a" * 125, "CWD " + "a" * 125) == [500, 500]
    assert client.command("CWD " + "a" * 125).code in (500, 421)
    rest = client.rest()
    assert rest == b"" or rest.startswith(b"421")


TELNET = {"WILL": b"\xff\xfb\x01", "WONT": b"\xff\xfc\x01", "DO": b"\xff\xfd\x01", "DONT": b"\xff\xfe\x01",
          "NOP": b"\xff\xf1", "IP": b"\xff\xf4",
          "DM": b"\xff\xf2", "IP DM": b"\xff\xf4\xff\xf2", "AYT": b"\xff\xf6", "GA": b"\xff\xf9"}


@pytest.mark.parametrize("sequence", TELNET.values(), ids=TELNET)
@pytest.mark.parametrize("at", [0, 2, 5])
def test_telnet_is_taken_out(gate, sequence, at):
    """B-008, B-009: anywhere in the line, never forwarded."""
    client = gate.logged_in()
    line = b"CWD abc\r\n"
    client.send(line[:at] + sequence + line[at:])
    assert client.reply().code == 250
    assert line in gate.backend.session.received


def test_escaped_iac_is_one_byte_and_escaped_again(gate):
    """B-010"""
    client = gate.logged_in()
    client.send(b"CWD a\xff\xffb\r\n")
    assert client.reply().code == 250
    assert b"CWD a\xff\xffb\r\n" in gate.backend.session.received


@pytest.mark.parametrize("sent", [b"\xff" * 65_536 + b"\r\n", b"\xff\xfa" + b"x" * 5000 + b"\r\n",
                                  b"\xff\xfa\xff\xf0\r\n", b"CWD \xff\r\n",
                                  b"\xff\xfb", b"CWD " + b"\xff\xfd\x01" * 3000 + b"\r\n"])
def test_telnet_at_its_worst(gate, sent):
    """A-050: another session is as well as ever, and this one is answered or ended."""
    client = gate.logged_in()
    for start in range(0, len(sent), 4093):
        client.send(sent[start:start + 4093])
    client.send(b"\xff\xf0\r\nQUIT\r\n")
    assert client.rest()
    assert gate.logged_in().command("PWD").code == 257


def test_iac_split_over_segments(gate):
    """A-050"""
    client = gate.logged_in()
    for piece in (b"CWD a\xff", b"\xffb\xff", b"\xfb", b"\x01c\r", b"\n"):
        client.send(piece)
    assert client.reply().code == 250
    assert b"CWD a\xff\xffbc\r\n" in gate.backend.session.received


@pytest.mark.parametrize("sent, emitted", [("pwd", "PWD"), ("pWd", "PWD"), ("cwd x", "CWD x"), ("CWD  x", "CWD  x"),
                                           ("CWD x ", "CWD x "),
                                           ("CWD a  b", "CWD a  b"), ("PWD ", "PWD"), ("noop", None),
                                           ("CWD \tx", "CWD \tx")])
def test_verbs_and_spaces(gate, sent, emitted):
    """B-011, B-012, B-245: any case; one space separates, the others belong to the name."""
    client = gate.logged_in()
    assert client.command(sent).code in (200, 250, 257)
    assert emitted is None or gate.backend.count(emitted) == 1


@pytest.mark.parametrize("sent", [" PWD", "\tPWD", "  DELE x", "", " "])
def test_leading_white_space_is_500(gate, sent):
    """B-012, A-031"""
    client = gate.logged_in()
    assert client.codes(sent, "NOOP") == [500, 200]
    assert not deleted(gate)


@pytest.mark.parametrize("argument", ['"', '\\', '"a', 'a"', '""', '\\"', "%s%n%x", "'", "*?[", "{a,b}", "~root", "-rf",
                                      "$(id)", "`id`", "a;b", "|id",
                                      '"' * 4000, "\\" * 4000, "caf\xe9", "\xc3\xa9", "a\x01b", "\x7f", "."])
def test_arguments_are_bytes(gate, argument):
    """B-246, A-054, B-243: whatever they are, they arrive as they came."""
    client = gate.logged_in()
    answer = client.command(f"CWD {argument}")
    assert answer.code == 250
    assert gate.backend.count(f"CWD {argument}") == 1


def test_a_pipelining_bomb_is_not_stored(gate):
    """A-061, B-013: a client that does not read replies is not read from; memory stays flat. The gate's reading ends
    when its queue and the sockets' buffers are full: nothing moves for a while then, which is the subject."""
    client = gate.logged_in()
    before = resident(gate)
    bomb = memoryview(b"".join(client.stream.sealed(b"SITE x\r\n" * 2000) for _ in range(2000)))
    client.sock.setblocking(False)
    sent = 0
    while sent < len(bomb) and select.select([], [client.sock], [], 0.4)[1]:
        sent += client.sock.send(bomb[sent:sent + 65536])
    assert sent < len(bomb), "the gate reads without end"
    if not is_sanitized():
        assert resident(gate) - before < 24_000_000


def resident(gate):
    with open(f"/proc/{gate.child.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * 4096
