"""PORT and EPRT from the client (B-125 .. B-135, B-279, A-018, A-019)."""
import re

import pytest

from support import process

MALFORMED = ["", "x", "127,0,0,1,99", "127,0,0,1,99,99,1", "127,0,0,256,99,99", "127,0,0,1,256,1", "127,0,0,-1,99,99",
             "127,0,0,1,9 9,99",
             "127.0.0.1.99.99", "127,0,0,1,99,", ",0,0,1,99,99", "a,b,c,d,e,f", "127,0,0,1,0x10,1", "127,0,0,1,0,0"]
FOREIGN = ["127,0,0,2,99,99", "10,0,0,1,99,99", "0,0,0,0,99,99", "255,255,255,255,99,99", "127,0,0,9,99,99",
           "169,254,169,254,99,99"]


@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
@pytest.mark.parametrize("command, data", [("RETR a", b"content of a\r\n"), ("LIST", b"a\r\nempty\r\n")])
def test_download(gate, verb, command, data):
    """B-125, B-133: the gate connects and is the TLS server all the same."""
    transfer = gate.logged_in().download(command, verb)
    assert (transfer.codes, transfer.data, transfer.end) == ([150, 226], data, "close_notify")


@pytest.mark.parametrize("verb", ["PORT", "EPRT"])
def test_upload(gate, verb):
    """B-133"""
    assert gate.logged_in().upload("STOR b", b"new", verb).codes == [150, 226]
    assert gate.backend.wait_upload("b").received == b"new"


@pytest.mark.parametrize("argument", MALFORMED)
def test_malformed_port_is_501(gate, argument):
    """B-126"""
    client = gate.logged_in()
    assert client.codes(f"PORT {argument}".rstrip(" "), "PWD") == [501, 257]


@pytest.mark.parametrize("argument", FOREIGN)
def test_foreign_address_is_500(gate, argument):
    """B-127, A-018: nobody's bouncer. Nothing is stored, an attack is counted."""
    client = gate.logged_in()
    assert client.codes(f"PORT {argument}", "LIST") == [500, 425]
    assert gate.wait_event("attack", kind="bounce")


@pytest.mark.parametrize("argument", ["|1|127.0.0.2|9999|", "|1|10.0.0.1|9999|", "|2|::1|9999|",
                                      "|2|::ffff:10.0.0.1|9999|"])
def test_foreign_address_in_eprt(gate, argument):
    """B-127, B-129, A-018: another family than the control connection's is refused one way or the other."""
    client = gate.logged_in()
    assert client.command(f"EPRT {argument}").code in ((500,) if argument[1] == "1" else (500, 522))
    assert client.command("LIST").code == 425


@pytest.mark.parametrize("port", [1, 21, 25, 1023])
def test_low_port_is_504(gate, port):
    """B-128, A-019"""
    client = gate.logged_in()
    assert client.codes(f"PORT 127,0,0,1,{port >> 8},{port & 255}", f"EPRT |1|127.0.0.1|{port}|", "LIST") == [504, 504,
            425]


@pytest.mark.parametrize("delimiter", ["|", "!", "/", "~", "+", "x"])
def test_eprt_takes_any_delimiter(gate, delimiter):
    """B-129"""
    argument = delimiter.join(["", "1", "127.0.0.1", "9999", ""])
    assert gate.logged_in().command(f"EPRT {argument}").code == 200


@pytest.mark.parametrize("argument", ["", "|1|127.0.0.1|9999", "1|127.0.0.1|9999|", "|1|127.0.0.1|9999|x",
                                      "|1|127.0.0.1|0|", "|1|127.0.0.1|65536|",
                                      "|1|127.0.0.1|-1|", "|1|127.0.0.1||", "|1|127.0.0|9999|", "||||", "|1|::1|9999|",
                                      "|2|127.0.0.1|9999|",
                                      "|1|localhost|9999|"])
def test_malformed_eprt_is_501(gate, argument):
    """B-130"""
    assert gate.logged_in().command(f"EPRT {argument}".rstrip(" ")).code == 501


@pytest.mark.parametrize("family", ["3", "0", "10"])
def test_unknown_family_is_522_and_names_the_known_ones(gate, family):
    """B-129, B-130"""
    answer = gate.logged_in().command(f"EPRT |{family}|127.0.0.1|9999|")
    assert answer.code == 522 and re.search(r"\(1(,2)?\)|\(1,2\)", answer.text)


@pytest.mark.parametrize("bad", ["PORT 10,0,0,1,99,99", "PORT x", "EPRT |3|x|1|", "PORT 127,0,0,1,0,25", "EPSV 3"])
def test_a_failed_set_up_clears_the_former_one(gate, bad):
    """B-131"""
    client = gate.logged_in()
    client.listen_data("PORT").close()
    assert client.command(bad).code // 100 == 5
    assert client.command("LIST").code == 425


def test_port_over_ipv6(house):
    """B-132: EPRT works, PORT does not."""
    client = house.gate(listen=[{"address": "[::1]:0", "tls": "explicit"}]).logged_in()
    assert client.command("PORT 127,0,0,1,99,99").code in (501, 500)
    assert client.download("RETR a", "EPRT").codes == [150, 226]


def test_connects_from_the_address_of_the_control_connection(house):
    """B-279: on a host with several addresses."""
    client = house.gate(listen=[{"address": "127.0.0.5:0", "tls": "explicit"}]).logged_in()
    assert client.download("RETR a", "EPRT").codes == [150, 226]
    assert client.active_peer[0] == "127.0.0.5"


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
def test_a_client_that_does_not_accept(house, command):
    """B-134: 425, and the session goes on."""
    client = house.gate(data={"connect_timeout": "500ms"}).logged_in()
    port = process.free_port("127.0.0.1")
    assert client.command(f"EPRT |1|127.0.0.1|{port}|").code == 200
    client.send(f"{command}\r\n")
    assert client.final().code in (425, 426)
    assert client.download("RETR a").codes == [150, 226]


def test_active_mode_switched_off(house):
    """B-135: 502; passive mode works, FEAT does not offer EPRT."""
    client = house.gate(data={"allow_active": False}).logged_in()
    assert client.codes("PORT 127,0,0,1,99,99", "EPRT |1|127.0.0.1|9999|") == [502, 502]
    assert " EPRT" not in client.command("FEAT").lines
    assert client.download("RETR a").codes == [150, 226]
