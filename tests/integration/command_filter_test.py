"""Which verbs pass: the built-in table, commands.deny, commands.allow, pass_unknown, aliases, evasions (D-10, A-031,
A-049, A-051 .. A-053)."""
import pytest

ALIASES = [("MKD", "XMKD"), ("RMD", "XRMD"), ("CWD", "XCWD"), ("CDUP", "XCUP"), ("PWD", "XPWD"), ("STOR", "APPE"),
           ("STOR", "STOU"),
           ("APPE", "STOR"), ("LIST", "NLST"), ("LIST", "MLSD"), ("MLSD", "MLST"), ("NLST", "LIST"), ("XMKD", "MKD")]


@pytest.mark.parametrize("line", ["XYZZY", "FOO bar", "DELE\xa0x", "D\xc4\x93LE x", "SITE\tEXEC id",
                                  "PA\xff\xf1\xff\xf1SW", "X" * 300, "PAS pw-of-bob"])
def test_unknown_verbs_stay_outside(gate, line):
    """D-10, A-031, A-052: 500 or 502, the backend never hears of them; nor does the reply repeat the line."""
    client = gate.logged_in()
    before = list(gate.backend.lines)
    answer = client.command(line)
    assert answer.code in (500, 502) and "pw-of-bob" not in answer.text
    assert gate.backend.lines == before


def test_unknown_verbs_may_be_let_through(house):
    """pass_unknown; what opens data connections or deals with protection still is not."""
    gate = house.gate(commands={"pass_unknown": True})
    gate.backend.on("XYZZY", "200 a hollow voice")
    client = gate.logged_in()
    assert client.command("xyzzy now").text == "200 a hollow voice"
    before = list(gate.backend.lines)
    for line, code in [("P@SW", 502), ("LPSV", 502), ("SPSV", 502), ("XPSV", 502), ("SSCN ON", 502), ("ADAT x", 503),
                       ("MODE B", 504)]:
        assert client.command(line).code == code
    assert client.command("MIC x").code in (502, 537)
    assert gate.backend.lines == before


@pytest.mark.parametrize("denied, line", [("DELE", "DELE a"), ("SITE", "SITE CHMOD 1 a"), ("DELE", "dele a"),
                                          ("REST", "REST 5"), ("RETR", "RETR a")])
def test_denied_verbs_are_502(house, denied, line):
    """commands.deny: logged, never forwarded."""
    gate = house.gate(commands={"deny": [denied]})
    client = gate.logged_in()
    before = list(gate.backend.lines)
    assert client.codes(line, "PWD") == [502, 257]
    assert line not in gate.backend.lines[len(before):]
    assert gate.wait_event("command_denied")


@pytest.mark.parametrize("denied, alias", ALIASES)
def test_an_alias_is_denied_with_its_group(house, denied, alias):
    """A-052"""
    gate = house.gate(commands={"deny": [denied]})
    client = gate.logged_in()
    assert client.command(f"{alias} x" if alias not in ("PWD", "XPWD", "CDUP", "XCUP", "STOU") else alias).code == 502
    assert alias not in gate.backend.verbs()


def test_listing_by_stat_is_denied_with_list(house):
    """A-052: STAT with a path is a listing; without, it is the gate's own."""
    gate = house.gate(commands={"deny": ["LIST"]})
    client = gate.logged_in()
    assert client.command("STAT .").code == 502
    assert client.command("STAT").code in (211, 212, 213)
    assert "STAT" not in gate.backend.verbs()


def test_an_allow_list_lets_nothing_else_pass(house):
    """commands.allow: the login, TLS and QUIT go without saying."""
    gate = house.gate(commands={"allow": ["USER", "PASS", "AUTH", "PBSZ", "PROT", "QUIT", "EPSV", "PASV", "RETR",
                                          "NOOP"]})
    client = gate.logged_in()
    assert client.download("RETR a").codes == [150, 226]
    assert client.codes("DELE a", "STOR b", "LIST", "MKD x", "NOOP") == [502, 502, 502, 502, 200]
    assert not {"DELE", "STOR", "LIST", "MKD"} & set(gate.backend.verbs())
    assert client.command("QUIT").code == 221


@pytest.mark.parametrize("argument", ["18446744073709551616", "-1", "0x10", "1 2", "", "99999999999999999999999999"])
def test_rest_out_of_range(gate, argument):
    """A-053: 501 by the gate or the backend, never a wrapped number."""
    gate.backend.on("REST", lambda _session,
                    number: "350 go" if number.isdigit() and int(number) < 2 ** 63 else "501 no")
    client = gate.logged_in()
    assert client.codes(f"REST {argument}".rstrip(), "PWD") == [501, 257]


@pytest.mark.parametrize("line", ["USER root\r\nPASS x", "PASS x", "ACCT x", "REIN", "AUTH TLS"])
def test_no_change_of_user_behind_the_gates_back(gate, line):
    """A-051: in a session that is logged in, the backend gets none of these as they are."""
    client = gate.logged_in()
    before = list(gate.backend.lines)
    client.send(line + "\r\nNOOP\r\n")
    codes = [client.reply().code for _ in range(line.count("\r\n") + 2)]
    assert codes[-1] == 200
    if not line.startswith("USER"):
        assert codes[0] in (202, 230, 502, 503, 530)
        assert gate.backend.lines == before
