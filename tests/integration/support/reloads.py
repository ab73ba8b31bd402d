"""SIGHUP, and what goes on meanwhile."""
import contextlib
import copy
import signal
import ssl
import threading

import pytest

from . import toml
from .gate import PASSWORD, USER
from .wait import wait_until


def configure(gate, change=None):
    """Writes the file anew; `change` gets the settings, as dictionaries, to alter."""
    gate.settings = copy.deepcopy(gate.settings)
    if change:
        change(gate.settings)
    fresh = gate.config.with_suffix(".new")
    fresh.write_text(toml.dump(gate.settings))
    fresh.replace(gate.config)          # in one go, as the gate may be reading


def hang_up(gate):
    """SIGHUP; returns its `reload` event."""
    before = len(gate.events("reload"))
    gate.child.send_signal(signal.SIGHUP)
    return wait_until(lambda: gate.events("reload")[before:], "the gate has read its files again", 20)[0]


def reload(gate, change=None):
    configure(gate, change)
    event = hang_up(gate)
    assert event["result"] == "ok", gate.events("reload_fault")
    return event


def reload_refused(gate):
    """Of files that are faulty already; returns the faults."""
    before = len(gate.events("reload_fault"))
    event = hang_up(gate)
    assert event["result"] == "refused"
    return [fault["detail"] for fault in gate.events("reload_fault")[before:]]


@contextlib.contextmanager
def undisturbed(gate, client=None):
    """A session in the middle of a download, which comes to its good end after the block; then the session goes on."""
    client = client or gate.logged_in()
    content, go = bytes(range(256)) * 2000, threading.Event()

    def serve(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(content[:1000])
            go.wait(20)
            data.send(content[1000:])
        return "226 done"
    gate.backend.on("RETR", serve)
    first, data = client.begin("RETR big")
    assert first.code == 150
    data.read_exactly(1000)
    try:
        yield client
    finally:
        go.set()
    assert data.read_all() == content and data.end == "close_notify"
    assert client.reply().code == 226
    assert client.command("PWD").code == 257
    assert client.upload("STOR later", b"later").codes == [150, 226]
    assert client.download("LIST").codes == [150, 226]


@pytest.fixture
def own(house):
    """own(**changes) -> a gate for this test alone"""
    made = []

    def start(**changes):
        made.append(house.unshared(metrics={"listen": "127.0.0.1:0"}, **changes))
        return made[-1]
    yield start
    for gate in made:
        if gate.child.poll() is None:
            gate.settle()
            gate.terminate()
        assert gate.wait_exit() == gate.expected_status


def site_of(settings, which=0):
    return settings["site"][which]


def setting(table, **values):
    """A change of the first site's settings, for reload()."""
    def change(settings):
        (site_of(settings) if table is None else site_of(settings).setdefault(table, {})).update(values)
    return change


def member(gate, implicit):
    """Logged in, by either kind of listener."""
    return gate.client(implicit=True).login(USER, PASSWORD) if implicit else gate.logged_in()


def certificate_of(client):
    return client.secured.tls.getpeercert(True)


def pem(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text())
