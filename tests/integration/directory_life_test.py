"""Look-ups that are under way when the gate reloads or ends, and what of the old settings stays behind."""
import os
import secrets
import socket

import pytest

from mapped_passwords_test import gives_memory_back, held_in_memory
from support.client_access import connect
from support.directory_site import DirectorySite
from support.mapped import rule, tables
from support.reloads import reload, site_of
from support.wait import wait_until

pytest_plugins = ["support.directory_fixtures"]
LONG = "60s"    # longer than any client of these tests waits


@pytest.fixture
def silent():
    """Accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener


@pytest.fixture
def waiting(tmp_path, house, cas, slapd, silent):
    """A gate whose directory says nothing, and how to begin a session that waits for it."""
    site = DirectorySite(tmp_path, house, cas)
    url = "ldaps://127.0.0.1:{}".format(silent.getsockname()[1])
    gate = house.unshared(server={"threads": 1, "drain_timeout": "1s"}, **site.tables(slapd, url=url, timeout=LONG))
    gate.baseline += 8      # connections with the directory

    def ask():
        client = connect(gate, cas.leaf("somebody"))
        client.handshake()
        client.send("USER x\r\n")
        silent.settimeout(10)
        return client, silent.accept()[0]
    return gate, ask


def test_the_last_session_of_old_settings_leaves(waiting, cas):
    """Nobody waits for the look-up that it has begun: the others on its thread go on."""
    gate, ask = waiting
    reload(gate)            # the first snapshot is no exception either
    old, _look_up = ask()
    reload(gate)
    other = connect(gate, cas.leaf("other"))
    other.handshake()
    old.close()
    gate.wait_event("session_closed")
    assert other.codes("NOOP", "NOOP") == [200, 200]


def test_sigterm(waiting):
    """The end does not wait for it."""
    gate, ask = waiting
    client, _look_up = ask()
    gate.terminate()
    assert client.reply().code == 421
    assert gate.wait_exit() == 0


def test_threads_of_old_settings_go_home(tmp_path, house, cas, slapd):
    """However often it is reloaded."""
    site = DirectorySite(tmp_path, house, cas)
    gate = house.unshared(server={"threads": 1}, **site.tables(slapd))
    gate.baseline += 8

    def threads():
        return len(os.listdir(f"/proc/{gate.child.pid}/task"))

    def look_somebody_up():
        client = connect(gate, cas.leaf("nobody-knows"))
        client.handshake()
        assert client.command("USER x").code in (331, 530)
        client.quit()
    look_somebody_up()
    before = threads()
    for _ in range(4):
        reload(gate)
        look_somebody_up()
    wait_until(lambda: threads() <= before, "the threads of old snapshots end")


@pytest.mark.parametrize("where", ["file", "value"])
def test_passwords_of_old_settings(house, cas, tmp_path, where):
    """Those of the first settings, too, are gone from memory once nobody uses them."""
    words = [f"word{number}-" + secrets.token_hex(16) for number in range(3)]
    path = tmp_path / "word"
    path.write_text(words[0])
    source = {"password": None, "password_file": str(path)} if where == "file" else {"password": words[0]}
    gate = house.unshared(server={"threads": 1}, **tables(cas, rule(**source)))
    if not gives_memory_back(gate.child.pid):
        pytest.skip("a sanitizer keeps what was freed")
    for word in words[1:]:
        if where == "file":
            path.write_text(word)
            reload(gate)
        else:
            reload(gate, lambda settings, word=word: site_of(settings)["identity"][0].update(password=word))
    if where == "file":
        wait_until(lambda: not any(held_in_memory(gate.child.pid, word) for word in words[:-1]), "they are wiped")
