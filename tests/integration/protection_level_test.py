"""PBSZ and PROT (B-046 .. B-057), and what the level means for a transfer (B-151 .. B-154)."""
import pytest

ALLOW = {"control_channel_policy": "allow", "data_channel_policy": "allow"}


@pytest.mark.parametrize("argument, code", [("0", 200), ("1", 200), ("16384", 200), ("4294967295", 200), ("", 501),
                                            ("x", 501),
                                            ("-1", 501), ("4294967296", 501), ("0x10", 501), ("1 2", 501)])
def test_pbsz(gate, argument, code):
    """B-046 .. B-048: any 32-bit number is answered PBSZ=0."""
    answer = gate.secured().command(f"PBSZ {argument}".rstrip())
    assert answer.code == code
    assert code != 200 or argument == "0" or "PBSZ=0" in answer.text


def test_neither_in_clear(house):
    """B-049, B-055"""
    assert house.gate(ssl=ALLOW).client().codes("PBSZ 0", "PROT P", "PROT C") == [503] * 3


@pytest.mark.parametrize("argument", ["P", "C", "S", "X"])
def test_prot_before_pbsz_is_503(gate, argument):
    """B-052, D-06"""
    assert gate.secured().command(f"PROT {argument}").code in ((503,) if argument in "PC" else (503, 536, 504))


@pytest.mark.parametrize("policy, clear, private", [("require", 534, 200), ("allow", 200, 200), ("deny", 200, 534)])
def test_prot_follows_the_data_policy(house, policy, clear, private):
    """B-050, B-051, before and after login (B-056)."""
    client = house.gate(ssl={"data_channel_policy": policy}).secured()
    assert client.codes("PBSZ 0", "PROT C", "PROT P") == [200, clear, private]
    client.login()
    assert client.codes("PROT C", "PROT P", "PBSZ 0", "prot p") == [clear, private, 200, private]


@pytest.mark.parametrize("argument, code", [("S", 536), ("E", 536), ("X", 504), ("PP", 504), ("", 501)])
def test_prot_of_other_levels(gate, argument, code):
    """B-053, B-054, D-17"""
    assert gate.secured().codes("PBSZ 0", f"PROT {argument}".rstrip()) == [200, code]


def test_the_level_is_that_of_the_transfer_command(house):
    """B-056, B-152: PROT between set-up and command counts, any number of times."""
    client = house.gate(ssl={"data_channel_policy": "allow"}).logged_in("C")
    for level in "PCP":
        target = client.passive()
        client.protect(level)
        data = client.connect_data(target)
        assert client.command("RETR a").code == 150
        assert client.secure_data(data).read_all() == b"content of a\r\n"
        assert data.end == ("close_notify" if level == "P" else "fin")
        assert client.reply().code == 226


@pytest.mark.parametrize("command", ["LIST", "NLST", "MLSD", "RETR a", "STOR b", "APPE b", "STOU"])
def test_clear_data_under_require_is_521(gate, command):
    """B-153, B-177, D-01: before any 1yz, the backend hears nothing of it, and the set-up is consumed."""
    client = gate.logged_in(level=None)
    client.passive()
    assert client.command(command).code == 521
    assert command.split()[0] not in gate.backend.verbs()
    client.protect()
    assert client.command(command).code == 425


def test_clear_level_means_clear_bytes(house):
    """B-151: a ClientHello that comes on an upload is file content."""
    gate = house.gate(ssl={"data_channel_policy": "allow"})
    client = gate.logged_in("C")
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    assert client.upload("STOR hello", hello).codes == [150, 226]
    assert gate.backend.wait_upload("hello").received == hello
