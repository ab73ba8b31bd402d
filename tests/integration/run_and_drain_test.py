"""`ftpsgate run`: start, failure to start, and the end by signal (B-222, INTERFACE.md on signals and exit statuses)."""
import os
import signal
import socket
import subprocess
import threading

import pytest

from support import process, toml
from support.gate import binary, run_command
from support.raw import RawClient
from support.wait import wait_until


def test_ready_names_every_listener(house):
    """One `ready` event, once all are bound: each can be connected to."""
    gate = house.gate(listen=[{"address": "127.0.0.1:0", "tls": "explicit"},
                              {"address": "127.0.0.1:0", "tls": "implicit"},
                              {"address": "[::1]:0", "tls": "explicit"}, {"address": "127.0.0.8:0", "tls": "explicit"}])
    assert len(gate.events("ready")) == 1
    assert sum(map(len, gate.listeners.values())) == 4
    for which in range(3):
        assert gate.client(which=which).greeting.code == 220


@pytest.mark.parametrize("log", [{}, {"file": "gate.log"}])
def test_an_address_in_use_is_exit_1(gate, tmp_path, log):
    """The message names it, on standard error wherever the log goes."""
    host, port = gate.address()
    settings = {**gate.settings, "log": log, "site": [{**gate.settings["site"][0],
                                                      "listen": [{"address": f"{host}:{port}", "tls": "explicit"}]}]}
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(settings))
    done = run_command("run", "-c", path)
    assert done.returncode == 1 and str(port) in done.stderr
    assert not log or str(port) in (tmp_path / "gate.log").read_text()


@pytest.mark.parametrize("order", [("0.0.0.0", "127.0.0.8"), ("127.0.0.8", "0.0.0.0"), ("[::]", "[::1]")])
def test_a_wildcard_and_an_address_on_one_port(house, tmp_path, order):
    """As IIS has it, "*:21" and "1.2.3.4:21": the one that says more wins. A second gate finds both in use."""
    port = process.free_port("127.0.0.1")
    gate = house.gate_of([{"name": f"site{number}.test", "listen": [{"address": f"{host}:{port}", "tls": "explicit"}],
                           "banner": host} for number, host in enumerate(order)])

    def banner(host):
        client = RawClient((host, port), gate.context, record=gate.seen.extend)
        gate.clients.append(client)
        return client.greeting.text
    if ":" in order[0]:
        assert banner("::1") == "220 [::1]"
    else:
        assert [banner("127.0.0.8") for _ in range(20)] == ["220 127.0.0.8"] * 20
        assert banner("127.0.0.9") == "220 0.0.0.0"
    for site in gate.settings["site"]:
        path = tmp_path / "gate.toml"
        path.write_text(toml.dump({**gate.settings, "log": {}, "site": [site]}))
        done = run_command("run", "-c", path)
        assert done.returncode == 1 and str(port) in done.stderr


def test_an_address_that_is_not_ours_is_exit_1(gate, tmp_path):
    settings = {**gate.settings, "log": {}, "site": [{**gate.settings["site"][0],
                                                      "listen": [{"address": "192.0.2.1:2121", "tls": "explicit"}]}]}
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(settings))
    assert run_command("run", "-c", path).returncode == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_sessions_get_421(house, number):
    """B-222: in TLS or clear, then the end; exit 0."""
    gate = house.unshared()
    clients = [gate.client(), gate.secured(), gate.logged_in(), gate.client(implicit=True)]
    gate.child.send_signal(number)
    for client in clients:
        assert client.reply().code == 421
        assert client.is_closed()
    assert gate.wait_exit() == 0


@pytest.mark.parametrize("command", ["RETR a", "STOR b"])
def test_a_running_transfer_may_finish(house, command):
    """B-222: within drain_timeout; then 421. Nobody new is let in meanwhile."""
    gate = house.unshared(server={"drain_timeout": "20s"})
    go = threading.Event()
    content = b"x" * 500_000

    def send(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(content[:1000])
            go.wait(10)
            data.send(content[1000:])
        return "226 done"
    gate.backend.on("RETR", send)
    client, address = gate.logged_in(), gate.address()
    _, data = client.begin(command)
    data.read_exactly(1000) if command == "RETR a" else data.send(content[:1000])
    gate.terminate()
    wait_until(lambda: _refused(address), "nobody new is let in")
    assert gate.child.poll() is None
    go.set()
    if command == "RETR a":
        assert data.read_all() == content and data.end == "close_notify"
    else:
        data.send(content[1000:])
        data.finish()
    assert [client.reply().code, client.reply().code] == [226, 421]
    assert client.is_closed()
    assert gate.wait_exit() == 0
    assert command == "RETR a" or gate.backend.session.uploads["b"].received == content


def _refused(address):
    try:
        with socket.create_connection(address, timeout=5) as late:
            late.settimeout(5)
            return not late.recv(100).startswith(b"220")
    except OSError:
        return True


def test_the_drain_has_an_end(house):
    """B-222: after drain_timeout the transfer is cut, visibly; exit 0 all the same."""
    gate = house.unshared(server={"drain_timeout": "500ms"})
    end = threading.Event()

    def stall(session, _name):
        session.reply("150 go")
        data = session.open_data()
        data.send(b"half")
        end.wait(10)
        data.close()
    gate.backend.on("RETR", stall)
    client = gate.logged_in()
    _, data = client.begin("RETR a")
    data.read_exactly(4)
    gate.terminate()
    data.read_all()
    assert data.end in ("fin", "rst")
    assert b"226" not in client.rest()
    client.close()
    assert gate.wait_exit() == 0
    end.set()


def test_a_second_signal_ends_at_once(house):
    """Exit 1."""
    gate = house.unshared(server={"drain_timeout": "1m"})
    end = threading.Event()
    gate.backend.on("RETR", lambda session, _: (session.reply("150 go"), session.open_data(), end.wait(15))[0])
    client = gate.logged_in()
    address = gate.address()
    client.begin("RETR a")
    gate.terminate()
    wait_until(lambda: _refused(address), "the drain has begun")
    gate.terminate()
    assert gate.wait_exit(5) == 1
    gate.expected_status = 1
    end.set()


def test_runs_in_the_foreground_with_the_log_on_standard_error(gate, tmp_path):
    """log.file = "": the text format; nothing on standard output."""
    settings = {**gate.settings, "log": {"level": "info"}}
    path = tmp_path / "gate.toml"
    path.write_text(toml.dump(settings))
    with open(tmp_path / "out", "w") as out, open(tmp_path / "err", "w") as err:
        child = subprocess.Popen([binary(), "run", "-c", path], stdout=out, stderr=err)
        try:
            wait_until(lambda: "event=ready" in (tmp_path / "err").read_text(), "the gate is ready")
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(15) == 0
    assert (tmp_path / "out").read_text() == ""


def test_the_log_file_is_reopened(house):
    """SIGUSR1, for logrotate."""
    gate = house.unshared()
    os.rename(gate.log_file, str(gate.log_file) + ".1")
    gate.child.send_signal(signal.SIGUSR1)
    wait_until(lambda: gate.client().greeting and gate.event("session_opened"), "the new file is written")
