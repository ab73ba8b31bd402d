"""Where the gate's password for a mapped user comes from, and where it must not be found (B-192, A-101)."""
import os
import pathlib
import re
import secrets

import pytest

from support import toml
from support.client_access import VERSIONS
from support.gate import run_command
from support.mapped import GENERIC, by_certificate, rule, secured, tables
from support.wait import wait_until

@pytest.fixture
def word():
    """A password that no process has seen before."""
    return "word-" + secrets.token_hex(12)


@pytest.fixture(scope="module")
def mine(cas):
    return cas.leaf("plc-7")


@pytest.fixture
def gate_of(house, cas):
    def start(word, *rules, **changes):
        gate = house.gate(**tables(cas, *rules), **changes)
        gate.never_logged.append(word)
        gate.never_seen.append(word.encode())
        return gate
    return start


SOURCES = {
    "value": lambda folder, word: {"password": word},
    "file": lambda folder, word: {"password_file": written(folder / "secret", word)},
    "file with a line end": lambda folder, word: {"password_file": written(folder / "secret", word + "\n")},
    "file of Windows": lambda folder, word: {"password_file": written(folder / "secret", word + "\r\n")},
    "file of the user": lambda folder, word: {"password_file": written(folder / "%u", word + "\n", user="plc-account")},
    "folder of the user": lambda folder, word: {"password_file": written(folder / "%u" / "ftp-%u", word,
                                                                         user="plc-account")},
    "environment": lambda folder, word: {"password_env": "FTPSGATE_TEST_WORD"},
}


def written(path, text, user=""):
    real = pathlib.Path(str(path).replace("%u", user))
    real.parent.mkdir(exist_ok=True)
    real.write_text(text)
    return str(path)


@pytest.mark.parametrize("source", SOURCES)
def test_sources(gate_of, mine, tmp_path, monkeypatch, word, source):
    """Each is what the backend hears; the log, the clients and the command of the same configuration never do."""
    monkeypatch.setenv("FTPSGATE_TEST_WORD", word)
    gate = gate_of(word, rule(**{"password": None, **SOURCES[source](tmp_path, word)}))
    by_certificate(gate, mine)
    assert gate.backend.lines == ["USER plc-account", f"PASS {word}"]
    for more in ([], ["--json"]):
        done = run_command("identity", "-c", gate.config, "--site", "ftp.test", *more, mine.certificate)
        assert done.returncode == 0 and word not in done.stdout + done.stderr
    assert word not in run_command("check", "-c", gate.config).stdout


@pytest.mark.parametrize("text", ["two  words", " leading", "trailing ", "caf\xe9 \u4e16", '"quoted\\', "#;$%u", "{cn}",
                                  "x" * 255])
def test_passwords_are_passed_byte_for_byte(gate_of, mine, tmp_path, text):
    """In a file as in a value; neither placeholders nor '%u' mean anything in them."""
    path = written(tmp_path / "secret", text + "\n")
    for keys in ({"password": text}, {"password": None, "password_file": path}):
        gate = gate_of("no such word", rule(**keys))
        by_certificate(gate, mine)
        assert gate.backend.session.received[1] == b"PASS " + text.encode() + b"\r\n"
        gate.settle()


def test_relative_to_the_configuration(house, cas, mine, word):
    """As all paths are."""
    gate = house.gate(**tables(cas, rule(password=None, password_file="secrets-%u")))
    (gate.folder / "secrets-plc-account").write_text(word)
    by_certificate(gate, mine)
    assert gate.backend.lines[1] == f"PASS {word}"


# ---- '%u' -----------------------------------------------------------------------------------------------------------

def test_a_file_each(gate_of, cas, tmp_path, word):
    """Two users of one rule; a new word counts from the next login on, without a reload."""
    gate = gate_of(word, rule(user="{cn}", password=None, password_file=str(tmp_path / "%u")))
    for name in ("anna", "bert"):
        (tmp_path / name).write_text(f"{name}-{word}")
        by_certificate(gate, cas.leaf(name))
        assert gate.backend.session.received[1].decode() == f"PASS {name}-{word}\r\n"
    (tmp_path / "bert").write_text("new-" + word)
    by_certificate(gate, cas.leaf("bert"))
    assert gate.backend.session.received[1].decode() == f"PASS new-{word}\r\n"


def spoilt(kind, path):
    path = pathlib.Path(path)
    if kind == "empty":
        path.write_text("")
    elif kind == "empty line":
        path.write_text("\n")
    elif kind == "two lines":
        path.write_text("one\ntwo\n")
    elif kind == "a line end before":
        path.write_text("\nword")
    elif kind == "CR":
        path.write_bytes(b"one\rDELE x")
    elif kind == "NUL":
        path.write_bytes(b"one\0two")
    elif kind == "not UTF-8":
        path.write_bytes(b"caf\xe9")
    elif kind == "too long":
        path.write_text("x" * 256)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to(path.with_name("nothing"))


FAULTS = ["missing", "empty", "empty line", "two lines", "a line end before", "CR", "NUL", "not UTF-8", "too long",
          "endless", "folder", "FIFO", "dangling link"]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_file_that_will_not_do(gate_of, mine, tmp_path, kind):
    """530 and one line in the log that says which file and why; nothing gets to the backend. B-192, A-041."""
    gate = gate_of("DELE x", rule(password=None, password_file=str(tmp_path / "%u")))
    spoilt(kind, tmp_path / "plc-account")
    client = secured(gate, mine)
    assert client.command("USER x").raw.decode() == GENERIC + "\r\n"
    assert not gate.backend.sessions
    event = gate.wait_event("identity_refused")
    assert str(tmp_path / "plc-account") in event["detail"] and event["rule"] == "plc"
    assert len(gate.events("identity_refused")) == 1
    done = run_command("identity", "-c", gate.config, "--site", "ftp.test", mine.certificate)
    assert done.returncode == 4 and str(tmp_path / "plc-account") in done.stdout and "DELE" not in done.stdout


def test_no_guess_at_another_rule(gate_of, mine, tmp_path):
    """The rule matched: that its password is missing does not make the next one match."""
    gate = gate_of("no such word", rule("first", password=None, password_file=str(tmp_path / "%u")), rule("second"))
    assert secured(gate, mine).command("USER x").code == 530
    assert gate.wait_event("identity_refused")["rule"] == "first"


@pytest.mark.parametrize("name", ["../word", "..", ".", ".hidden", "a/../word", "/etc/passwd", "sub/word", "..\\word",
                                  "a..b", "%u", "x/"])
def test_names_do_not_lead_elsewhere(gate_of, cas, tmp_path, name):
    """A user's name out of a certificate is no path."""
    for folder in (tmp_path, tmp_path / "in", tmp_path / "in" / "sub", tmp_path / "in" / "a"):
        folder.mkdir(exist_ok=True)
        (folder / "word").write_text("stolen")
        (folder / ".hidden").write_text("stolen")
    gate = gate_of("stolen", rule(user="{cn}", password=None, password_file=str(tmp_path / "in" / "%u")))
    assert secured(gate, cas.leaf(name)).command("USER x").code == 530
    assert not gate.backend.sessions and gate.wait_event("identity_refused")


# ---- faults at load -------------------------------------------------------------------------------------------------

LOAD_FAULTS = {
    "missing file": lambda folder: {"password_file": str(folder / "missing")},
    "empty file": lambda folder: {"password_file": written(folder / "secret", "")},
    "two lines": lambda folder: {"password_file": written(folder / "secret", "one\ntwo")},
    "folder": lambda folder: {"password_file": str(folder)},
    "unset variable": lambda folder: {"password_env": "FTPSGATE_NOT_SET"},
    "no variable's name": lambda folder: {"password_env": "not a name"},
    "line end": lambda folder: {"password": "one\r\nDELE x"},
    "empty": lambda folder: {"password": ""},
    "NUL": lambda folder: {"password": "one\\u0000two"},
    "none": lambda folder: {},
    "two": lambda folder: {"password": "x", "password_env": "HOME"},
    "three": lambda folder: {"password": "x", "password_env": "HOME", "password_file": "y"},
    "account": lambda folder: {"password": "x", "account": "a\nb"},
}


@pytest.mark.parametrize("fault", LOAD_FAULTS)
def test_faults_are_told_at_load(house, cas, tmp_path, fault):
    """By `check`, with line and column, and without the words themselves."""
    settings = {**LOAD_FAULTS[fault](tmp_path)}
    site = house.site(backend={"servers": ["127.0.0.2:21"]}, **tables(cas, rule(**{"password": None, **settings})))
    path = tmp_path / "gate.toml"
    text = toml.dump({"metrics": {"listen": ""}, "site": [site]}).replace("\\\\u0000", "\\u0000")
    path.write_text(text)
    done = run_command("check", "-c", path)
    assert done.returncode == 2
    told = done.stdout + done.stderr
    found = re.findall(rf"{re.escape(str(path))}:(\d+):(\d+): error: (.*)", told)
    line = next(number for number, content in enumerate(text.splitlines(), 1) if content.startswith("identity ="))
    assert found and all(int(one[0]) == line and int(one[1]) > 10 for one in found), told
    assert "DELE" not in told and "one" not in re.sub(r"\bone of\b|\bone line\b", "", told).split()


# ---- memory ---------------------------------------------------------------------------------------------------------

def held_in_memory(pid, word):
    """How often the end of the word is in what the process can read. (Who frees a block writes over its beginning.)"""
    found, word = 0, word[-16:]
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if not rights.startswith("rw") or end - start > 1 << 32:
                continue
            try:
                memory.seek(start)
                found += memory.read(end - start).count(word.encode())
            except (OSError, ValueError, OverflowError):
                continue
    return found


def gives_memory_back(pid):
    """A sanitizer keeps what was freed; BoringSSL's receive buffers, which it does not wipe, are then never reused."""
    return not re.search("lib[at]san", pathlib.Path(f"/proc/{pid}/maps").read_text())


def test_wiped_after_use(house, cas, mine, tmp_path, word):
    """A password that is read for the login is gone from memory after it, while the session goes on; so is one that the
    client sent for nothing (B-070), once something else came."""
    (tmp_path / "plc-account").write_text(word)
    typed = "typed-" + secrets.token_hex(12)
    gate = house.gate(server={"threads": 1}, **tables(cas, rule(password=None, password_file=str(tmp_path / "%u"))))
    pid = gate.child.pid
    try:
        assert held_in_memory(pid, "plc-account") or held_in_memory(pid, "ftp.test")
    except PermissionError:
        pytest.skip("the memory of a child cannot be read here")
    for version in VERSIONS:
        client = by_certificate(gate, mine, version=version)
        assert gate.backend.session.received[1].decode() == f"PASS {word}\r\n"
        wait_until(lambda: not held_in_memory(pid, word), "the mapped password is wiped")
        assert client.command(f"PASS {typed}").code == 230
        if gives_memory_back(pid):
            assert client.codes(*["NOOP"] * 20) == [200] * 20
            assert client.download("RETR a").codes == [150, 226]
            wait_until(lambda: not held_in_memory(pid, typed), "the typed password is wiped")
        client.quit()


def test_not_where_other_processes_look(gate_of, mine, tmp_path, word):
    """Neither arguments nor open files."""
    gate = gate_of(word, rule(password=None, password_file=written(tmp_path / "secret", word)))
    by_certificate(gate, mine)
    assert word.encode() not in pathlib.Path(f"/proc/{gate.child.pid}/cmdline").read_bytes()
    held = [os.readlink(f"/proc/{gate.child.pid}/fd/{number}") for number in os.listdir(f"/proc/{gate.child.pid}/fd")]
    assert str(tmp_path / "secret") not in held
