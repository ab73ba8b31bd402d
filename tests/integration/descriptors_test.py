"""A gate that may not open more files and connections (A-064): who has no place is told so at once, who has one is
served, nothing spins, and everything works again when there is room."""
import contextlib
import os
import resource

import pytest

from support import process
from support.gate import is_sanitized
from support.pages import METRICS
from support.raw import Closed, RawClient
from support.wait import wait_until

LIMIT = 256
ROOM = (LIMIT - 64) // 2    # proxy/server.cpp: two for each session
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def tight(house):
    """`ulimit -n 256`"""
    gate = house.unshared(lambda arguments, **options: process.start(["prlimit", f"--nofile={LIMIT}:{LIMIT}",
                                                                      *arguments], **options),
                          limits={"sessions_per_client": 1000}, metrics=METRICS)
    yield gate
    gate.settle()


def arrive(gate):
    """A client that connects and waits; the reply to its arrival is read later."""
    client = RawClient(gate.address(), gate.context, greet=False, record=gate.seen.extend)
    gate.clients.append(client)
    return client


def cpu_seconds(gate):
    with open(f"/proc/{gate.child.pid}/stat") as numbers:
        fields = numbers.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def refused(gate):
    return gate.metric("ftpsgate_sessions_total", site="ftp.test", result="refused")


def test_three_hundred_sessions(tight):
    """A-064: 421 for those who cannot be served; told at the start; counted and logged; recovers."""
    assert tight.ready["descriptors"] == LIMIT
    assert tight.wait_event("few_descriptors", sessions=ROOM)
    member = tight.logged_in()
    clients = [arrive(tight) for _ in range(300)]
    codes = [client.reply().code for client in clients]
    assert codes.count(220) == ROOM - 1 and codes.count(421) == 300 - (ROOM - 1), codes
    assert refused(tight) == 300 - (ROOM - 1)
    assert tight.wait_event("session_refused", reason="descriptors")
    assert member.download("RETR a").codes == [150, 226]
    assert arrive(tight).reply().code == 421
    clients[0].quit()
    wait_until(lambda: greeted(tight), "a place is free again")
    assert not tight.event("accept_failed")


def greeted(gate):
    with contextlib.suppress(Closed, OSError):
        return arrive(gate).reply().code == 220


def test_every_session_has_a_backend_and_some_have_data_connections(tight):
    """A-064: all that were let in can log in; a transfer without descriptors is 425, and later it works."""
    members = [tight.logged_in() for _ in range(ROOM)]
    codes = [member.command("EPSV").code for member in members]
    assert 229 in codes and set(codes) <= {229, 425, 421, 451}, codes
    served = codes.index(229)
    for number, member in enumerate(members):
        if number != served and codes[number] != 421:
            assert member.command("NOOP").code == 200
    for number, member in enumerate(members):
        if number != served:
            member.close()
    wait_until(lambda: members[served].download("RETR a").codes == [150, 226], "descriptors are given back")


@contextlib.contextmanager
def no_descriptors(gate):
    """Nothing more can be opened by the running gate."""
    before = resource.prlimit(gate.child.pid, resource.RLIMIT_NOFILE)
    lowest = min(set(range(10_000)) - {int(name) for name in os.listdir(f"/proc/{gate.child.pid}/fd")})
    resource.prlimit(gate.child.pid, resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(gate.child.pid, resource.RLIMIT_NOFILE, before)


def test_accepting_does_not_spin(tight):
    """A-064: the connection stays in the backlog, so there is always something to accept: each attempt waits longer.
    It takes little more than two seconds until the pause has its full length."""
    member = tight.logged_in()
    with no_descriptors(tight):
        before = cpu_seconds(tight)
        waiting = [arrive(tight) for _ in range(20)]
        event = wait_until(lambda: next((one for one in tight.events("accept_failed") if one["pause"] >= 1), None),
                           "the pause has grown to a second", 20)
        spent = cpu_seconds(tight) - before
        assert event["reason"]
        assert member.command("PWD").code == 257
        assert member.command("EPSV").code in (421, 425)
    assert len(tight.events("accept_failed")) <= 12
    assert is_sanitized() or spent < 0.7, spent
    assert [client.reply().code for client in waiting] == [220] * 20
