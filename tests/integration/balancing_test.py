"""[site.backend] with several servers: which of them a session goes to."""
import pytest

from support.mapped import MAPPED, SECRET, rule, secured, tables, watched
from support.several import row                 # noqa: F401 - a fixture


def test_round_robin_by_weight(row):
    of = row(3, servers=[{"weight": 2}, {}, {}])
    assert of.served(8) == [0, 1, 2, 0] * 2


def test_least_sessions(row):
    """What counts is what is open, and its weight."""
    of = row(3, servers=[{}, {}, {"weight": 2}], backend={"balance": "least-sessions"})
    clients = [of.login() for _ in range(8)]
    assert sorted(client.served_by for client in clients) == [0, 0, 1, 1, 2, 2, 2, 2]
    leaving = [client for client in clients if client.served_by == 1]
    for client in leaving:
        assert client.command("QUIT").code == 221
    of.wait_sessions(6)
    assert [of.login().served_by for _ in range(2)] == [1, 1]


def test_first(row):
    of = row(2, backend={"balance": "first", "retries": 1})
    assert of.served(3) == [0, 0, 0]
    of.stop(0)
    assert of.served(4) == [1, 1, 1, 1]


def test_per_user(row):
    """A user stays with its server; when that is gone only its own users move, and they all come back."""
    of = row(3, backend={"balance": "per-user"})
    users = [f"user{i}" for i in range(40)]      # that one server has none of them: 3 in 10 millions

    def homes():
        return {user: of.served(1, user=user)[0] for user in users}
    before = homes()
    assert set(before.values()) == {0, 1, 2} and homes() == before
    of.stop(0)
    moved = homes()
    assert {user for user in users if moved[user] != before[user]} == {user for user in users if before[user] == 0}


def test_per_user_means_the_user_that_the_backend_sees(row, cas):
    """What is typed does not matter where the certificate logs in."""
    of = row(4, backend={"balance": "per-user"}, **tables(cas, rule()))
    gate = watched(of.gate)
    mine, indexes = cas.leaf("plc-7"), []
    for number in range(8):
        before = of.counts()
        client = secured(gate, mine)
        assert client.command(f"USER somebody{number}").code == 232
        indexes += [i for i, (now, then) in enumerate(zip(of.counts(), before)) if now > then]
        assert client.command("QUIT").code == 221
    assert len(indexes) == 8 and len(set(indexes)) == 1
    assert of.fakes[indexes[0]].count(f"USER {MAPPED}") == 8 and of.fakes[indexes[0]].count(f"PASS {SECRET}") == 8


def test_per_client(row):
    of = row(3, backend={"balance": "per-client"})
    homes = {number: of.served(2, source=f"127.0.1.{number}") for number in range(1, 41)}
    assert all(len(set(found)) == 1 for found in homes.values())
    assert {found[0] for found in homes.values()} == {0, 1, 2}


def test_backups_serve_while_nobody_else_can(row):
    of = row(3, servers=[{"backup": True}, {}, {"backup": True}])
    assert of.served(6) == [1] * 6
    of.stop(1)
    served = of.served(6)
    assert set(served) == {0, 2}
    assert of.served(4).count(1) == 0


@pytest.mark.parametrize("method", ["round-robin", "least-sessions", "per-user", "per-client", "first"])
def test_one_server_serves_whatever_the_method(row, method):
    of = row(1, backend={"balance": method})
    client = of.login()
    assert client.command("PWD").code == 257


def test_the_backend_is_asked_for_nothing_before_there_are_credentials(row):
    """A-066, B-096"""
    of = row(2)
    for _ in range(5):
        of.gate.secured().codes("FEAT", "NOOP", "PBSZ 0", "PROT P", "HELP", "USER bob")
    assert not any(fake.sessions for fake in of.fakes)


def test_many_at_once_are_spread(row):
    """Sessions count from when the server is chosen, not from when it has answered."""
    of = row(2, backend={"balance": "least-sessions"})
    clients = [of.gate.secured() for _ in range(20)]
    for client in clients:
        assert client.command("USER bob").code == 331
    for client in clients:
        client.send("PASS pw-of-bob\r\n")
    assert [client.reply().code for client in clients] == [230] * 20
    assert of.counts() == [10, 10]
