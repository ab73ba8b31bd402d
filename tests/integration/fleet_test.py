"""Three gates behind HAProxy, with the very files of deploy/fleet, each on a machine of its own (support/networks.py), two
backends, and clients that loop: what is lost when a gate dies, and that nothing is when one drains."""
import collections
import os
import pathlib
import signal
import threading
import time
import tomllib

import pytest

from support import process
from support.backends import CLASSES, Backends
from support.gate import Gate, binary
from support.haproxy import Haproxy
from support.networks import Network
from support.raw import Closed, RawClient
from support.tls import client_context
from support.wait import wait_until

FILES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "fleet"
VIRTUAL = "203.0.113.10"
BALANCER = ["203.0.113.10/24", "10.20.0.2/24"]
GATES = {"gate1": ("10.20.0.11", 50000), "gate2": ("10.20.0.12", 51000), "gate3": ("10.20.0.13", 52000)}
BACKENDS = {"vsftpd": "10.20.0.21", "proftpd": "10.20.0.22"}
CLIENTS = [f"203.0.113.{last}" for last in range(101, 113)]
CONTENT = bytes(range(256)) * 256


class Told(Exception):
    """A 421 in place of a reply: the gate drains, and says so before anything has begun."""


Session = collections.namedtuple("Session", "client gate began ended fault")


class Fleet:
    """Everything, running."""

    def __init__(self, folder, authority, cache):
        self.network, self.running, self.gates = Network(), [], {}
        self.context = client_context(authority)
        try:
            self._start(folder, authority, cache)
        except BaseException:
            self.stop()
            raise

    def _start(self, folder, authority, cache):
        balancer = self.network.machine(*BALANCER)
        self.clients = self.network.machine(*(f"{address}/24" for address in CLIENTS))
        for kind, address in BACKENDS.items():
            machine = self.network.machine(f"{address}/24")
            login = (CLASSES["vsftpd"].user, CLASSES["vsftpd"].password)
            self.running.append(machine.call(CLASSES[kind], cache, where=(address, 21), login=login))
        self.login = login
        for name, (address, _) in GATES.items():
            machine = self.network.machine(f"{address}/24")
            gate = Gate(folder / name, settings_of(name, authority), authority, {})
            self.gates[name] = gate
            machine.call(gate.start)
        (folder / "haproxy").mkdir()
        # Fewer connections than there could be, as not every machine lets us have as many descriptors.
        config = (FILES / "haproxy.cfg").read_text().replace("maxconn 20000", "maxconn 500")
        haproxy = Haproxy(folder / "haproxy", config)
        self.running.insert(0, balancer.call(haproxy.start))
        self.clients.call(wait_until, self._answers, "the fleet answers")

    def _answers(self):
        try:
            with self.client(CLIENTS[0]) as client:
                return client.greeting.code == 220
        except (OSError, Closed):
            return False

    def client(self, source):
        return RawClient((VIRTUAL, 21), self.context, source=source, server_name="ftp.example.com")

    def stop(self):
        for one in self.running:
            one.stop()
        faults = []
        for gate in self.gates.values():
            try:
                gate.stop()
            except AssertionError as fault:
                faults.append(fault)
        self.network.stop()
        if faults:
            raise faults[0]


def settings_of(name, authority):
    """deploy/fleet/ftpsgate.toml, with what differs from gate to gate."""
    leaf = authority.leaf("ftp.example.com")
    settings = tomllib.loads((FILES / "ftpsgate.toml").read_text())
    site = settings["site"][0]
    site["ssl"].update(certificate=str(leaf.certificate), private_key=str(leaf.key))
    first = GATES[name][1]
    site["data"]["passive_ports"] = f"{first}-{first + 999}"
    settings["server"]["threads"] = 1
    return settings


@pytest.fixture
def fleet(tmp_path, authority):
    cache = os.environ.get("FTPSGATE_CACHE", binary().parent / "backends")
    Backends(cache).fetch()
    built = Fleet(tmp_path, authority, cache)
    yield built
    built.stop()


class Looping:
    """Clients that log in, upload, download, compare and quit, over and over; each from an address of its own."""

    def __init__(self, fleet):
        self.fleet, self.sessions, self.ending = fleet, [], threading.Event()
        self.threads = [fleet.clients.thread(self._loop, source) for source in CLIENTS]
        for thread in self.threads:
            thread.start()

    def _loop(self, source):
        while not self.ending.is_set():
            began, gate, fault = time.monotonic(), [None], None
            try:
                self._session(source, gate)
            except Told:
                pass
            except Exception as what:      # noqa: BLE001 - whatever it is, it is a session that was lost
                fault = what
            self.sessions.append(Session(source, gate[0], began, time.monotonic(), fault))

    def _session(self, source, gate):
        with self.fleet.client(source) as client:
            self._expect(client.greeting, 220)
            self._expect(client.command("AUTH TLS"), 234)
            client.handshake()
            for line, code in (("PBSZ 0", 200), ("PROT P", 200), (f"USER {self.fleet.login[0]}", 331),
                               (f"PASS {self.fleet.login[1]}", 230), ("TYPE I", 200)):
                self._expect(client.command(line), code)
            client.level, name = "P", f"file-{source}-{time.monotonic_ns()}"
            for verb in (f"STOR {name}", f"RETR {name}"):
                self._transfer(client, source, verb, gate)
            self._expect(client.command("QUIT"), 221)

    def _transfer(self, client, source, verb, gate):
        answer = self._expect(client.command("EPSV"), 229)
        target = client.target_of(answer)
        gate[0] = next(name for name, (_, first) in GATES.items() if first <= target[1] < first + 1000)
        data = client.connect_data(target, source)
        self._expect(client.command(verb), 150, 125)
        client.secure_data(data)
        if verb.startswith("STOR"):
            data.send(CONTENT)
            data.finish()
        else:
            assert data.read_all() == CONTENT, f"{len(data.received)} bytes of {len(CONTENT)}"
        data.close()
        answer = client.reply()         # begun: now 226 is the only good one
        assert answer.code == 226, answer

    @staticmethod
    def _expect(answer, *codes):
        if answer.code == 421:
            raise Told()
        assert answer.code in codes, answer
        return answer

    def go_on(self, sessions):
        """Each client goes through as many further sessions."""
        start = time.monotonic()
        for source in CLIENTS:
            wait_until(lambda: sum(s.client == source and s.began > start for s in self.sessions) >= sessions,
                       f"{source} goes on", 60)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()

    def lost(self):
        return [session for session in self.sessions if session.fault]


def test_a_gate_dies_and_one_drains(fleet):
    """Killed: what ran there is lost, nothing else, and whoever comes next gets in. Drained: nothing is lost. PROXY
    headers all the way: each gate knows its clients, and no data connection is anybody else's."""
    looping = Looping(fleet)
    looping.go_on(2)
    used = {session.client: session.gate for session in looping.sessions}
    assert set(used.values()) == set(GATES), f"every gate has clients: {used}"
    assert not looping.lost()
    for name, gate in fleet.gates.items():
        known = {event["client"].partition(":")[0] for event in gate.events("login")}
        assert known == {client for client, its_gate in used.items() if its_gate == name}
        assert {event["via"].partition(":")[0] for event in gate.events("session_opened")} == {"10.20.0.2"}

    backends = {event["backend"] for gate in fleet.gates.values() for event in gate.events("login")}
    assert backends == {f"{address}:21" for address in BACKENDS.values()}

    killed = fleet.gates["gate1"]
    killed.expected_status = -signal.SIGKILL
    at = time.monotonic()
    os.kill(killed.child.pid, signal.SIGKILL)
    killed.wait_exit()
    over = time.monotonic()
    looping.go_on(2)
    lost = looping.lost()
    there = [client for client, gate in used.items() if gate == "gate1"]
    assert {session.client for session in lost} <= set(there), lost
    # Who reconnects while the kernel still closes what the dead gate had may lose a second one.
    assert all(session.began < over and session.ended > at for session in lost), f"who came later got in: {lost}"
    print(f"killed: {len(lost)} sessions lost of {len(looping.sessions)}, {len(there)} clients were there")

    drained = fleet.gates["gate2"]
    began = time.monotonic()
    drained.terminate()
    assert drained.wait_exit(60) == 0
    looping.go_on(2)
    looping.stop()
    assert looping.lost() == lost, [session for session in looping.lost() if session.ended > began]
    last = {session.client: session.gate for session in looping.sessions if session.began > began + 1}
    assert "gate3" in last.values() and "gate1" not in last.values()
    assert not [event for gate in fleet.gates.values() for event in gate.events("attack")]
