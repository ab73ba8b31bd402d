"""What a client reads of the backend once the certificate logged in: values and paths as they are, nothing else about
the mapped user (A-032, B-242), and no login without a word about its end."""
import pytest

from support.mapped import MAPPED, by_certificate, login_event, rule, secured, tables, watched

METRICS = {"listen": "127.0.0.1:0"}


@pytest.fixture
def mine(cas):
    return cas.leaf("plc-7")


@pytest.mark.parametrize("line, answer", [
    ("SIZE a", "213 1000"), ("MDTM a", "213 20260101001000"), ("XCRC a", "213 1000"), ("HASH a", "213 SHA-1 0-9 1000 a"),
    ("AVBL /", "213 1000")])
def test_values_are_no_names(house, cas, mine, line, answer):
    """Also where they look like one."""
    gate = house.gate(**tables(cas, rule(user="1000")))
    gate.backend.on(line.partition(" ")[0], answer)
    assert by_certificate(gate, mine).command(line).raw == answer.encode() + b"\r\n"


def test_refusals_of_values_are_text(house, cas, mine):
    gate = watched(house.gate(**tables(cas)))
    gate.backend.on("SIZE", f"550 {MAPPED} may not see a on 127.0.0.2")
    assert by_certificate(gate, mine).command("SIZE a").code == 550


@pytest.mark.parametrize("line, answer, shown", [
    ("PWD", '257 "/x" is the folder of {0} on 127.0.0.2', '257 "/x" is the folder of user on 127.0.0.1'),
    ("PWD", '257 "/a ""b"" c" of "{0}"', '257 "/a ""b"" c" of "user"'),
    ("PWD", '257 {0} has no quotes', '257 user has no quotes'),
    ("MKD x", '257 "/x" created by {0}', '257 "/x" created by user'),
    ("MLST a", "250-Listing for {0}\r\n type=file; a\r\n250 End {0} 127.0.0.2",
     "250-Listing for user\r\n type=file; a\r\n250 End user 127.0.0.1"),
    ("STAT a", "213-Status for {0} on 127.0.0.2\r\n-rw a\r\n213 End of {0}",
     "213-Status for user on 127.0.0.1\r\n-rw a\r\n213 End of user")])
def test_the_text_around_a_path(house, cas, mine, line, answer, shown):
    gate = watched(house.gate(**tables(cas)))
    gate.backend.on(line.partition(" ")[0], answer.format(MAPPED))
    assert by_certificate(gate, mine).command(line).raw == shown.encode() + b"\r\n"


@pytest.mark.parametrize("verb, answer", [("PASS", None), ("USER", None), ("PASS", "hello"), ("USER", "999 what")])
def test_a_login_that_comes_to_nothing_is_told(house, cas, mine, verb, answer):
    """Silence and garbage of the backend: an event and a count, as for a refusal."""
    gate = watched(house.gate(metrics=METRICS, backend={"reply_timeout": "400ms", "retries": 0}, **tables(cas)))
    gate.backend.on(verb, lambda _session, _word: answer)
    labels = {"site": "ftp.test", "method": "certificate", "result": "refused"}
    before = gate.metric("ftpsgate_logins_total", **labels)
    client = secured(gate, mine)
    assert client.command("USER x").code in (421, 451, 530)
    assert login_event(gate)["result"] == "refused"
    assert gate.metric("ftpsgate_logins_total", **labels) == before + 1


def test_a_login_that_takes_too_long_is_told(house, cas, mine):
    """limits.login_timeout"""
    gate = watched(house.gate(limits={"login_timeout": "1s"}, **tables(cas)))
    gate.backend.on("PASS", lambda _session, _word: None)
    client = secured(gate, mine)
    assert client.command("USER x").code == 421
    assert login_event(gate)["result"] == "refused"
