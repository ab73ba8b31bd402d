"""State that lives in the backend is passed on untouched (B-238 .. B-247)."""
import pytest


@pytest.mark.parametrize("order", ["REST first", "set-up first"])
def test_restart(gate, order):
    """B-239: whichever comes first, the backend gets REST just before RETR."""
    offsets = []

    def rest(session, number):
        offsets.append(int(number))
        return "350 go"

    def retr(session, name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(session.script.files[name][offsets[-1]:])
        return "226 done"
    gate.backend.on("REST", rest)
    gate.backend.on("RETR", retr)
    client = gate.logged_in()
    target = client.passive() if order == "set-up first" else None
    assert client.command("REST 8").code == 350
    target = target or client.passive()
    assert client.download_from(target, "RETR a").data == b"content of a\r\n"[8:]


@pytest.mark.parametrize("line", ["TYPE A", "TYPE I", "TYPE E", "TYPE L 8", "MODE S", "STRU F", "CWD a", "CDUP",
                                  "RNFR a", "ALLO 100 R 10", "MDTM a", "SIZE a",
                                  "MFMT 20200101000000 a", "MKD x", "RMD x", "XPWD", "XMKD x", "SMNT x", "HASH a",
                                  "XMD5 a", "LANG en", "CSID x"])
def test_passes_and_its_reply_comes_back(gate, line):
    """B-106, B-109, B-238, B-240"""
    gate.backend.on(line.split()[0], "250 answer")
    client = gate.logged_in()
    assert client.command(line).text == "250 answer"
    assert gate.backend.count(line) == 1


def test_mlst_facts(gate):
    """B-240, B-241: on the control connection, the leading space kept."""
    assert gate.logged_in().command("MLST a").raw == b"250-facts\r\n type=file;size=14; a\r\n250 End\r\n"


@pytest.mark.parametrize("command, verb", [("STOR x", "STOR"), ("APPE x", "APPE"), ("STOU", "STOU")])
def test_every_upload(gate, command, verb):
    """B-240"""
    assert gate.logged_in().upload(command, b"new").codes == [150, 226]
    assert gate.backend.count(command) == 1


@pytest.mark.parametrize("command", ["LIST", "LIST -la", "LIST two  words", "NLST", "NLST *", "MLSD", "MLSD x"])
def test_every_listing(gate, command):
    """B-240, B-246: the argument as it came."""
    transfer = gate.logged_in().download(command)
    assert (transfer.codes, transfer.data) == ([150, 226], b"a\r\nempty\r\n")
    assert gate.backend.count(command) == 1


NAMES = [" leading", "trailing ", "two  spaces", "-dash", "--", "*?[x]", '"quoted"', "%s%n", "caf\xe9",
         "\xc3\xa9\xe2\x82\xac", "\x80\x81\xfe", "a\\b", "~", ".",
         "..", "a/b/../c", "\t", "n" * 4000]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_names_are_bytes(gate, name):
    """B-243 .. B-246: in commands, in listings, in transfers."""
    client = gate.logged_in()
    gate.backend.session.script.files[name] = b"its content"
    assert client.command(f"DELE {name}").code == 250
    assert gate.backend.count(f"DELE {name}") == 1
    assert client.download(f"RETR {name}").data == b"its content"
    assert client.upload(f"STOR {name}", b"new").codes == [150, 226]
    assert name.encode("latin-1") + b"\r\n" in client.download("NLST").data


def test_a_name_with_iac(gate):
    """B-010, B-246: 0xFF, doubled on the wire on both sides."""
    client = gate.logged_in()
    client.send(b"DELE a\xff\xffb\r\n")
    assert client.reply().code == 250
    assert b"DELE a\xff\xffb\r\n" in gate.backend.session.received


@pytest.mark.parametrize("text", ['257 "/a ""b""/c" is current', '257 "" empty', '257 no quotes', '257 "/127.0.0.3/x"'])
def test_paths_in_replies_are_shown_as_they_are(gate, text):
    """B-242, B-247"""
    gate.backend.on("PWD", text)
    assert gate.logged_in().command("PWD").text == text


def test_the_gate_composes_no_command_in_between(gate):
    """B-145, B-280: what the backend gets is what the client said, plus what a set-up needs."""
    client = gate.logged_in()
    start = len(gate.backend.lines)
    assert client.codes("CWD x", "TYPE I", "RNFR a", "RNTO b") == [250, 200, 350, 250]
    assert client.download("RETR a").codes == [150, 226]
    assert gate.backend.lines[start:] == ["CWD x", "TYPE I", "RNFR a", "RNTO b", "EPSV", "RETR a"]
