"""A gate in front of several fake backends."""
import pytest

from .fake_backend import FakeBackend
from .gate import PASSWORD, USER
from .pages import METRICS, fetch
from .wait import wait_until

NAME = "ftp.test"


class Row:
    """Fake backends in the order of the configuration, and the gate in front of them."""

    def __init__(self, house):
        self.house, self.fakes, self.gate, self.stopped = house, [], None, set()

    def add(self, count):
        self.fakes += [FakeBackend() for _ in range(count)]
        return self

    def start(self, *, servers=None, backend=None, **changes):
        """`servers`: what stands in the configuration for each, with "address" left out."""
        listed = [{"address": fake.address, **keys} for fake, keys in zip(self.fakes, servers or [{}] * len(self.fakes))]
        settings = {"servers": listed, "connect_timeout": "700ms", **(backend or {})}
        self.gate = self.house.unshared(metrics=METRICS, backend=settings, **changes)
        return self

    def login(self, user=USER, **options):
        """Logged in; .served_by is the index of the backend."""
        before = self.counts()
        client = self.gate.secured(**options).login(user, PASSWORD)
        client.served_by, = [i for i, (now, then) in enumerate(zip(self.counts(), before)) if now > then]
        return client

    def served(self, times, **options):
        """By whom that many logins one after the other were served."""
        found = []
        for _ in range(times):
            client = self.login(**options)
            found.append(client.served_by)
            assert client.command("QUIT").code == 221
        self.wait_sessions(0)
        return found

    def counts(self):
        return [fake.verbs().count("PASS") for fake in self.fakes]

    def stop(self, index):
        """Connections to it are refused from now on."""
        self.fakes[index].stop()
        self.stopped.add(index)

    def revive(self, index):
        self.fakes[index] = FakeBackend(port=self.fakes[index].port)
        self.stopped.discard(index)

    def metric(self, name, index, **labels):
        return self.gate.metric(f"ftpsgate_backend_{name}", site=NAME, backend=self.fakes[index].address, **labels)

    def is_up(self, index):
        return self.metric("up", index) == 1

    def wait_up(self, *expected):
        wait_until(lambda: [self.is_up(i) for i in range(len(self.fakes))] == list(expected), f"up: {expected}", 20)

    def wait_sessions(self, count):
        wait_until(lambda: sum(self.metric("sessions", i) for i in range(len(self.fakes))) == count,
                   f"{count} sessions with backends")

    def changes(self):
        """backend_up and backend_down in the order of the log, with the index."""
        indexes = {fake.address: i for i, fake in enumerate(self.fakes)}
        return [(event["event"], indexes[event["backend"]]) for event in self.gate.events()
                if event["event"] in ("backend_up", "backend_down")]

    def ready(self):
        answer = fetch(self.gate, "/readyz")
        return answer.status, answer.text.splitlines()

    def end(self):
        if self.gate:
            self.gate.close_clients()
            self.gate.terminate()
            assert self.gate.wait_exit() == 0
        for index, fake in enumerate(self.fakes):
            wait_until(fake.all_ended, "the sessions with the backends end")
            assert not fake.faults, fake.faults
            assert not fake.odd_lines(), "B-280"
            if index not in self.stopped:
                fake.stop()


@pytest.fixture
def row(house):
    """row(count, **changes) -> a Row that runs, or row() to build one"""
    made = []

    def start(count=2, **changes):
        made.append(Row(house).add(count).start(**changes))
        return made[-1]
    yield start
    for one in made:
        one.end()
