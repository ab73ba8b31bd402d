"""What of a backend's replies reaches the client, and that none is ever shifted (B-014 .. B-025, A-002, A-045 ..
A-048, A-074)."""
import threading

import pytest

from support.raw import unpadded

FORWARDED = {
    "one line": (b"250 fine\r\n", b"250 fine\r\n"),
    "several lines": (b"250-one\r\ntwo\r\n250 three\r\n", b"250-one\r\ntwo\r\n250 three\r\n"),
    "inner lines with codes": (b"250-one\r\n250-two\r\n226 three\r\n 250 four\r\n250 five\r\n",
                               b"250-one\r\n250-two\r\n226 three\r\n 250 four\r\n250 five\r\n"),
    "no text": (b"250 \r\n", b"250 \r\n"),
    "blank lines inside": (b"250-one\r\n\r\n250 two\r\n", b"250-one\r\n\r\n250 two\r\n"),
    "8-bit text": (b"250 caf\xe9 caf\xc3\xa9\r\n", b"250 caf\xe9 caf\xc3\xa9\r\n"),
    "blank lines before": (b"\r\n\r\n250 fine\r\n", b"250 fine\r\n"),
    "quotes": (b'257 "a ""b"" c" made\r\n', b'257 "a ""b"" c" made\r\n'),
    "facts": (b"250-list\r\n type=file;size=1; a  b\r\n250 end\r\n",
              b"250-list\r\n type=file;size=1; a  b\r\n250 end\r\n"),
    "421 in the text only": (b"250-one\r\n421 going\r\n230 in\r\n250 two\r\n",
                             b"250-one\r\n421 going\r\n230 in\r\n250 two\r\n"),
    "a security code in the text only": (b"250-234 go\r\n235 in\r\n250 334\r\n",
                                         b"250-234 go\r\n235 in\r\n250 334\r\n"),
}


@pytest.mark.parametrize("sent, shown", FORWARDED.values(), ids=FORWARDED)
@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
def test_is_shown_as_it_is(gate, sent, shown, split):
    """B-014, B-015, B-017, B-019, B-024, B-241, B-242, A-046"""
    gate.backend.on("SITE", [bytes([byte]) for byte in sent] if split else sent)
    client = gate.logged_in()
    assert unpadded(client.command("SITE x").raw) == unpadded(shown)
    assert client.codes("NOOP", "PWD") == [200, 257]


@pytest.mark.parametrize("sent", [b"250-one\r\ntwo\r\n250\r\n", b"250\r\n"])
def test_a_last_line_of_digits_only(gate, sent):
    """B-016"""
    gate.backend.on("SITE", sent)
    client = gate.logged_in()
    assert client.command("SITE x").code == 250
    assert client.codes("NOOP", "PWD") == [200, 257]


@pytest.mark.parametrize("control", [b"\0", b"\r", b"\x1b[31m", b"\x07", b"\x7f", b"\x01", b"a\rb"])
def test_controls_in_the_text_are_replaced(gate, control):
    """B-022, A-074: one line stays one line."""
    gate.backend.on("SITE", b"250 a" + control + b"z\r\n")
    raw = gate.logged_in().command("SITE x").raw
    assert raw.startswith(b"250 a") and raw.endswith(b"z\r\n")
    assert not any(byte < 32 or byte == 127 for byte in raw[:-2])


BROKEN = {"no reply": b"hello\r\n", "letters": b"25x fine\r\n", "two digits": b"25 fine\r\n",
          "code 000": b"000 null\r\n",
          "code 099": b"099 low\r\n", "code 600": b"600 high\r\n", "code 633": b"633 cGxhaW4=\r\n",
          "code 999": b"999 higher\r\n",
          "preliminary": b"150 to a command without data\r\n250 fine\r\n",
          "line of 9 KiB": b"250 " + b"x" * 9 * 1024 + b"\r\n",
          "reply of 70 KiB": b"250-\r\n" + (b"y" * 1000 + b"\r\n") * 70 + b"250 end\r\n",
          "1 MiB without line end": b"250 " + b"z" * 1024 * 1024}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_no_reply_is_451(gate, sent):
    """B-020, B-021, B-023, A-047, A-048: and the session with that backend is not trusted any more, where it is out of
    step."""
    gate.backend.on("SITE", sent)
    client = gate.logged_in()
    answer = client.command("SITE x")
    assert answer.code == 451 and len(answer.raw) < 200
    after = _next(client, "PWD")
    assert after in (257, 421)
    if after == 421:
        assert client.is_closed()


def _next(client, line):
    try:
        client.send(line + "\r\n")
    except OSError:
        pass
    return client.reply().code


@pytest.mark.parametrize("code", [232, 234, 235, 334, 335, 336, 431, 533, 534, 535, 536, 537, 631, 632, 633])
def test_security_codes_are_not_the_backends_to_give(gate, code):
    """A-046: nothing that would change the client's idea of its protection or login; a refusal may stay a refusal."""
    gate.backend.on("SITE", f"{code} trick")
    answer = gate.logged_in().command("SITE x")
    assert answer.code not in (232, 234, 235, 334, 335, 336, 631, 632, 633)
    assert answer.code // 100 in (4, 5)


@pytest.mark.parametrize("sent", [b"250 fine\r\n250 again\r\n", b"250 fine\r\n220 hello\r\n",
                                  b"250 fine\r\n500 what\r\n", b"250 fine\r\nnoise\r\n",
                                  b"250 fine\r\n150 go\r\n"])
def test_a_reply_too_many_ends_the_session(gate, sent):
    """A-045, B-020: 421, never the answer to the next command."""
    gate.backend.on("SITE", sent)
    client = gate.logged_in()
    assert client.command("SITE x").code == 250
    assert client.reply().code == 421
    assert client.is_closed()


@pytest.mark.parametrize("unasked", ["220 hello", "226 done", "500 what", "331 password", "226-a\r\n226 b", "hello"])
def test_an_unasked_reply_ends_the_session(gate, unasked):
    """A-045: while nothing is outstanding."""
    client = gate.logged_in()
    gate.backend.session.reply(unasked)
    assert client.reply().code == 421
    assert client.is_closed()


def test_a_late_second_final_reply_of_a_transfer(gate):
    """A-045: 226 twice."""
    done = threading.Event()

    def send(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(session.script.files[name])
        session.reply("226 sent")
        assert done.wait(8)
        return "226 sent again"
    gate.backend.on("RETR", send)
    client = gate.logged_in()
    assert client.download("RETR a").codes == [150, 226]
    done.set()
    assert client.reply().code == 421
    assert client.is_closed()


def test_markers_line_up(gate):
    """A-045: the answer to command n is the answer to command n."""
    gate.backend.on("SITE", lambda _session, argument: f"250 {argument}")
    client = gate.logged_in()
    client.send("".join(f"SITE {number}\r\n" for number in range(100)))
    assert [client.reply().text for _ in range(100)] == [f"250 {number}" for number in range(100)]


@pytest.mark.parametrize("greeting", [b"220 x\r\n234 ok\r\n230 in\r\n", b"220 x\r\n220 y\r\n",
                                      b"220 x\r\n331 ok\r\n230 in\r\n"])
def test_a_greeting_with_more_behind_it(gate, greeting):
    """A-002: the client sees one 220, the gate's; nobody is logged in by bytes that came too early."""
    gate.backend.script.greeting = greeting
    client = gate.secured()
    assert client.greeting.code == 220
    answer = client.command("USER bob")
    answer = client.command("PASS pw-of-bob") if answer.code == 331 else answer
    assert answer.code == 421 and client.is_closed()


@pytest.mark.parametrize("final", [b"226 other\r\n", b""])
def test_a_reply_without_its_end(gate, final):
    """B-018: no matching last line; after five seconds 451, and that backend session ends."""
    gate.backend.on("SITE", b"250-one\r\ntwo\r\n" + final)
    client = gate.logged_in()
    assert client.command("SITE x").code == 451
    assert gate.backend.session.ended.wait(5)


def test_silence_is_451(house):
    """A-048: reply_timeout bounds the wait for any reply."""
    gate = house.gate(backend={"reply_timeout": "600ms"})
    gate.backend.on("SITE", None)
    client = gate.logged_in()
    assert client.command("SITE x").code in (451, 421)
    assert gate.backend.session.ended.wait(5)


def test_an_endless_reply_is_cut(gate):
    """A-048, B-023: at 64 KiB, not at the backend's pleasure."""
    def flood(session, _argument):
        session.reply(b"250-begin\r\n")
        while True:
            session.reply(b"more and more and more\r\n" * 100)
    gate.backend.on("SITE", flood)
    client = gate.logged_in()
    assert client.command("SITE x").code == 451
    assert gate.backend.session.ended.wait(5)


@pytest.mark.parametrize("text", ["250 see 127.0.0.2", "250-at 127.0.0.2:21\r\n250 127,0,0,2,1,1", "550 127.0.0.2: no"])
def test_the_backends_address_is_taken_out(gate, text):
    """A-032, B-285: of any text; addresses that only look like it stay."""
    gate.backend.on("SITE", text)
    answer = gate.logged_in().command("SITE x")
    assert answer.code == int(text[:3])
    assert "127.0.0.2" not in answer.text and "127,0,0,2" not in answer.text


def test_other_addresses_stay(gate):
    """A-032: whole addresses only."""
    gate.backend.on("SITE", "250 127.0.0.20 and 1.127.0.0.3")
    assert gate.logged_in().command("SITE x").text == "250 127.0.0.20 and 1.127.0.0.3"


@pytest.mark.parametrize("verb, line", [("PASS", "230"), ("USER", "331"), ("PASS", "530"), ("CWD", "550")])
def test_texts_of_the_login_do_not_leak(gate, verb, line):
    """A-032: welcome messages and refusals are texts too."""
    gate.backend.on(verb, f"{line} hello from 127.0.0.2")
    client = gate.secured()
    assert "127.0.0.2" not in client.command("USER bob").text + client.command("PASS pw-of-bob").text
