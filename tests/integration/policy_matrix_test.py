"""The 3 x 3 policies of both channels, explicit and implicit, in clear and in TLS, PROT C and P (B-172 .. B-179,
B-185)."""
import itertools

import pytest

CONTROL = ["require", "require-credentials-only", "allow"]
DATA = ["require", "allow", "deny"]
POLICIES = list(itertools.product(CONTROL, DATA))
IN_CLEAR = ["FEAT", "HELP", "NOOP", "SYST", "OPTS UTF8 ON", "HOST ftp.test"]


def gate_of(house, control, data):
    return house.gate(ssl={"control_channel_policy": control, "data_channel_policy": data})


def transfer_code(client, protected):
    """The code that decides about a transfer: 521, or 226 with its bytes as protected as they claim to be."""
    client.level = "P" if protected else "C"
    transfer = client.download("RETR a")
    if transfer.first:
        assert transfer.data == b"content of a\r\n" and transfer.end == ("close_notify" if protected else "fin")
    return transfer.codes[-1]


@pytest.mark.parametrize("control, data", POLICIES)
def test_login_in_clear(house, control, data):
    """B-172, B-174, B-176: credentials in clear only under allow; then transfers go by the data policy (B-179)."""
    gate = gate_of(house, control, data)
    client = gate.client()
    if control != "allow":
        assert client.codes("USER bob", "PASS pw-of-bob", "ACCT x") == [534] * 3
        assert not gate.backend.sessions
        return
    client.login()
    assert transfer_code(client, protected=False) == (521 if data == "require" else 226)
    assert client.codes("PBSZ 0", "PROT P") == [503, 503]


@pytest.mark.parametrize("line", IN_CLEAR)
@pytest.mark.parametrize("control", CONTROL)
def test_what_may_be_said_in_clear(house, control, line):
    """B-172: answered without TLS, whatever the policy."""
    client = gate_of(house, control, "require").client()
    assert client.command(line).code not in (530, 534)
    assert client.command("QUIT").code == 221


@pytest.mark.parametrize("line", ["PWD", "LIST", "RETR a", "STOR a", "EPSV", "PORT 127,0,0,1,99,99", "SITE x", "STAT",
                                  "STAT a", "TYPE I", "REST 1", "ACCT x", "CWD x"])
def test_what_may_not(house, line):
    """B-172: everything else is 534 under require."""
    gate = gate_of(house, "require", "require")
    assert gate.client().codes(line, line.lower(), "NOOP") == [534, 534, 200]
    assert not gate.backend.sessions


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("control, data", POLICIES)
def test_levels_in_tls(house, control, data, implicit):
    """B-177, B-178, B-185: what PROT answers, and what a transfer under each level becomes."""
    gate = gate_of(house, control, data)
    client = gate.client(implicit=implicit) if implicit else gate.secured()
    client.login()
    start = implicit and data != "deny"
    assert transfer_code(client, start) == (521 if not start and data == "require" else 226)
    assert client.command("PBSZ 0").code == 200
    for level, refused_by in (("P", "deny"), ("C", "require"), ("P", "deny")):
        code = client.command(f"PROT {level}").code
        assert code == (534 if data == refused_by else 200)
        if code == 200:
            assert transfer_code(client, level == "P") == 226


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("control, data", POLICIES)
def test_leaving_tls(house, control, data, implicit):
    """B-173, B-175: CCC by the control policy; afterwards no credentials in clear where they are protected."""
    gate = gate_of(house, control, data)
    client = gate.client(implicit=implicit) if implicit else gate.secured()
    client.login()
    client.command("NOOP")
    protected = implicit and data != "deny"
    if control == "require":
        assert client.command("CCC").code == 534
    else:
        assert client.ccc().code == 200
        assert control == "allow" or client.command("USER eve").code == 534
    assert client.command("PWD").code == 257
    assert transfer_code(client, protected) == (521 if not protected and data == "require" else 226)


@pytest.mark.parametrize("control, data", POLICIES)
def test_a_site_without_certificate(house, control, data):
    """B-035, B-185: works in clear where both policies let it; otherwise it is refused as a configuration, or nobody
    gets in."""
    changes = {"listen": [{"address": "127.0.0.1:0", "tls": "explicit"}],
               "ssl": {"certificate": None, "control_channel_policy": control, "data_channel_policy": data}}
    try:
        gate = house.gate(**changes)
    except AssertionError as refused:
        assert control != "allow" or data == "require", refused
        return
    client = gate.client()
    assert client.command("AUTH TLS").code == 534
    assert client.command("USER bob").code == (331 if control == "allow" else 534)
    if control == "allow":
        assert client.command("PASS pw-of-bob").code == 230
        assert transfer_code(client, False) == (521 if data == "require" else 226)
