"""The log: one line an event, in both formats, with what happened and without what nobody may know (A-101,
INTERFACE.md)."""
import json
import re
import resource

import pytest

from support import process, toml
from support.gate import binary
from support.pages import METRICS, fetch
from support.raw import RawClient
from support.wait import wait_until


def test_a_session_in_json(gate):
    """Its events share the session's id, the site and the client's address."""
    client = gate.logged_in()
    client.download("RETR a")
    client.upload("STOR b", b"12345")
    client.download("LIST")
    client.quit()
    closed = gate.wait_event("session_closed")
    mine = [event for event in gate.events() if event.get("session") == closed["session"]]
    names = [event["event"] for event in mine]
    assert names[0] == "session_opened" and names[-1] == "session_closed"
    assert {"tls_established", "login", "transfer"} <= set(names)
    assert {event["site"] for event in mine if event["event"] != "session_opened"} == {"ftp.test"}
    assert all(event["client"].startswith("127.0.0.1") for event in mine)
    assert all(list(event)[0] == "event" or "event" in list(event)[:2] for event in mine)


def test_what_the_events_tell(gate):
    """channel, version, cipher, resumed; user, backend, result; direction, path, bytes, result."""
    client = gate.logged_in()
    client.download("RETR a")
    client.upload("STOR b", b"12345")
    client.quit()
    closed = gate.wait_event("session_closed")
    mine = [event for event in gate.events() if event.get("session") == closed["session"]]
    control = next(event for event in mine if event["event"] == "tls_established" and event["channel"] == "control")
    assert control["version"] == "TLSv1.3" and control["cipher"] and str(control["resumed"]).lower() in ("false", "no",
            "0")
    data = [event for event in mine if event["event"] == "tls_established" and event["channel"] == "data"]
    assert len(data) == 2 and all(str(event["resumed"]).lower() in ("true", "yes", "1") for event in data)
    login = next(event for event in mine if event["event"] == "login")
    assert login["user"] == "bob" and gate.backend.address in str(login["backend"]) and login["result"]
    transfers = {event["direction"]: event for event in mine if event["event"] == "transfer"}
    assert transfers["download"]["path"] == "a" and int(transfers["download"]["bytes"]) == 14
    assert transfers["upload"]["path"] == "b" and int(transfers["upload"]["bytes"]) == 5
    assert {"reason", "commands", "bytes", "seconds"} <= set(closed)


def test_text_format(house):
    """key=value, event first, quoted where it must be: every line can be taken apart again."""
    gate = house.gate(log={"format": "text"})
    client = gate.logged_in()
    client.download("RETR two words \"and quotes\"")
    client.quit()
    gate.wait_event("session_closed")
    assert {"ready", "session_opened", "login"} <= {event["event"] for event in gate.events()}
    assert all(re.match(r"(?:time=\S+ )?(?:level=\w+ )?event=\w+", line) for line in gate.log_text().splitlines())


SECRETS = ["s3cret-one", "s3cret two words", "s3cret\"quoted\\", "s3cret-caf\xe9"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("line", ["PASS {}", "pass {}", "PASS  {}", "PAS {}", "PASSW {}", "ACCT {}", "XPASS {}",
                                  "\xff\xf1PASS {}", "PA\xff\xf1SS {}", " PASS {}",
                                  "PASS {}\0"])
def test_a_password_is_never_logged(gate, secret, line):
    """A-101: right, wrong, mistyped, before and after the login, at level debug."""
    gate.never_logged.append("s3cret")
    client = gate.secured()
    client.command("USER bob")
    client.command(line.format(secret))
    client.command("USER bob")
    client.command("PASS pw-of-bob")
    client.command(line.format(secret))
    client.close()
    gate.wait_event("session_closed")
    assert "s3cret" not in gate.log_text()


def test_a_refused_password_is_not_logged(gate):
    """A-101: nor the backend's text that repeats it."""
    gate.never_logged.append("s3cret")
    gate.backend.on("PASS", lambda _session, word: f"530 {word} is wrong")
    client = gate.secured()
    client.codes("USER bob", "PASS s3cret")
    assert gate.wait_event("login", user="bob")


def test_a_password_in_clear_under_require_is_not_logged(gate):
    """A-101: refused, but said."""
    gate.never_logged.append("s3cret")
    assert gate.client().codes("USER bob", "PASS s3cret") == [534, 534]


HOSTILE = ["a\x1b[31mred", "a\x9bz", "a\x07", 'a" b="c', "a\\nb", "a event=login user=root", "\xff\xff" * 20,
           "x" * 4000, "\x80\xfe", "a\tb", "}\x01{"]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:16])
def test_names_cannot_forge_lines(gate, name):
    """A-101, A-074: one escaped, capped record an event."""
    client = gate.secured()
    client.send(b"USER " + name.encode("latin-1") + b"\r\n")
    client.reply()
    client.command("PASS pw-of-bob")
    client.command("CWD " + name)
    client.protect()
    client.download("RETR " + name)
    client.quit()
    gate.wait_event("session_closed")
    for line in gate.log_file.read_bytes().split(b"\n"):
        assert len(line) < 8192
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", line)
        assert not line or json.loads(line.decode("utf-8"))["event"]


@pytest.mark.parametrize("text", [b"250 \x1b[2J\x07\r\n", b'250 "} 1\\nfoo 2\r\n', b"250 event=attack kind=none\r\n",
                                  b"250 \xff\xfe\x80\r\n"])
def test_replies_cannot_forge_lines(gate, text):
    """A-074: nor can the backend."""
    gate.backend.on("SITE", text)
    client = gate.logged_in()
    assert client.command("SITE x").code == 250
    client.quit()
    gate.wait_event("session_closed")
    for line in gate.log_file.read_bytes().split(b"\n"):
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", line)
        assert not line or json.loads(line.decode("utf-8"))["event"]


@pytest.mark.parametrize("level, told", [("error", False), ("warning", False), ("info", True), ("debug", True)])
def test_levels(gate, tmp_path, level, told):
    """A session that goes well is worth no more than level info."""
    port = process.free_port("127.0.0.1")
    log = tmp_path / "log"
    site = {**gate.settings["site"][0], "listen": [{"address": f"127.0.0.1:{port}", "tls": "explicit"}]}
    config = tmp_path / "gate.toml"
    config.write_text(toml.dump({**gate.settings, "log": {"level": level, "format": "text", "file": str(log)},
                                 "site": [site]}))
    child = process.start([binary(), "run", "-c", config])
    try:
        client = wait_until(lambda: _connected(port, gate), "the gate listens")
        client.secure().login()
        client.quit()
        child.terminate()
        assert child.wait(15) == 0
    finally:
        process.end(child)
    assert ("event=login" in (log.read_text() if log.exists() else "")) == told


def _connected(port, gate):
    try:
        return RawClient(("127.0.0.1", port), gate.context)
    except OSError:
        return None


def test_a_disk_that_is_full(house, tmp_path):
    """Sessions and transfers go on without their lines; the status page says so; later lines are whole. The limit for
    the size of files stands for the disk's end."""
    gate = house.gate(metrics=METRICS, log={"transfer_log": str(tmp_path / "xferlog")})
    client = gate.logged_in()
    assert "could not be written" not in fetch(gate, "/").text
    before = resource.prlimit(gate.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gate.child.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        size = gate.log_file.stat().st_size
        assert client.upload("STOR b", b"content").codes == [150, 226]
        other = gate.logged_in()
        assert other.download("RETR a").codes == [150, 226]
        assert gate.log_file.stat().st_size == size
        assert "log lines could not be written" in fetch(gate, "/").text
    finally:
        resource.prlimit(gate.child.pid, resource.RLIMIT_FSIZE, before)
    assert client.download("RETR a").codes == [150, 226]
    assert gate.wait_event("transfer", direction="download", result="ok")
