"""Backends that are dead, slow or lie: what it costs the client when there is another one, and when there is none."""
import socket
import threading
import time

import pytest

from support.gate import PASSWORD, USER
from support.several import row                 # noqa: F401 - a fixture

LIMIT = 0.7     # connect_timeout


def hang_up(session, _):
    session.hang_up()


def silent(session, _):
    """Accepts, says nothing, and waits until the gate leaves."""
    session.read_line()
    session.hang_up()


def half_a_line(session, _):
    session.reply(b"220 hel")
    silent(session, _)


def endless(session, _):
    """One line after the other, for as long as it is listened to."""
    while True:
        session.reply("220-and another thing")


def trickle(session, _):
    """Never more than the patience for one line, never an end."""
    while not session.backend.over.wait(0.1):
        session.reply("220-wait")
    session.hang_up()


# How it greets: (what, the word it is counted by, what the log says)
LIES = {
    "closes at once": (hang_up, "no_greeting", "closed the connection before its greeting"),
    "says nothing": (silent, "no_greeting", "no greeting in time"),
    "half a line": (half_a_line, "no_greeting", "no greeting in time"),
    "trickles": (trickle, "no_greeting", "no greeting in time"),
    "endless": (endless, "bad_greeting", "greeted with what is no FTP reply"),
    "garbage": (b"\x16\x03\x01\x02\x00\r\n", "bad_greeting", "greeted with what is no FTP reply"),
    "another protocol": ("SSH-2.0-OpenSSH_9.2", "bad_greeting", "greeted with what is no FTP reply"),
    "530": ("530 go away 127.0.0.2", "bad_greeting", 'greeted with "530 go away 127.0.0.2"'),
    "421": ("421 too many users", "bad_greeting", 'greeted with "421 too many users"'),
    "120": ("120 ready in ten minutes", "bad_greeting", 'greeted with "120 ready in ten minutes"'),
}
lies = pytest.mark.parametrize("lie", LIES)


def spoil(of, index, lie):
    of.fakes[index].over = threading.Event()
    of.fakes[index].script.greeting = LIES[lie][0]


def tell(of, index):
    of.fakes[index].over.set()


@lies
def test_another_one_serves(row, lie):
    """It costs the client one connect_timeout at most, the next ones nothing."""
    _, word, reason = LIES[lie]
    of = row(2, backend={"balance": "first", "fall": 1})
    spoil(of, 0, lie)
    begin = time.monotonic()
    client = of.login()
    assert client.served_by == 1 and time.monotonic() - begin < LIMIT + 1
    failure = of.gate.event("backend_connect_failed")
    assert failure["reason"] == word and failure["detail"] == f"{of.fakes[0].address}: {reason}"
    assert of.gate.event("backend_down")["reason"] == reason
    assert of.metric("connects_total", 0, result=word) == 1 and of.metric("connects_total", 0, result="ok") == 0
    assert of.metric("connects_total", 1, result="ok") == 1
    assert [event["result"] for event in of.gate.events("login")] == ["ok"] and not of.gate.events("attack")
    begin = time.monotonic()
    assert of.login().served_by == 1 and time.monotonic() - begin < LIMIT
    assert len(of.fakes[0].sessions) == 1
    assert client.protect().upload("STOR x", b"data").codes == [150, 226]
    tell(of, 0)


@lies
def test_the_checks_find_it(row, lie):
    of = row(2, backend={"health_interval": "100ms", "fall": 2})
    of.wait_up(True, True)
    spoil(of, 0, lie)
    of.wait_up(False, True)
    assert of.served(2) == [1, 1]
    tell(of, 0)
    of.fakes[0].renew()
    of.fakes[0].over = threading.Event()
    of.wait_up(True, True)


@lies
def test_all_of_them_lie(row, lie):
    """421 and the end in a time that the client can bear; nothing of the backends is told (A-032)."""
    of = row(3, backend={"reply_timeout": "1s"})
    for index in range(3):
        spoil(of, index, lie)
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    begin, answer = time.monotonic(), client.command(f"PASS {PASSWORD}")
    if answer.code == 451:      # the last one made no sense, or did not answer
        answer = client.reply()
    assert answer.code == 421 and client.is_closed() and time.monotonic() - begin < 3 * LIMIT + 6
    assert sum(len(fake.sessions) for fake in of.fakes) == 3
    assert {verb for fake in of.fakes for verb in fake.verbs()} <= {"QUIT"}     # nobody got a login
    assert len(of.gate.events("login")) == 1
    for index in range(3):
        tell(of, index)


def test_nobody_listens(row):
    of = row(2, backend={"balance": "first"})
    of.stop(0)
    assert of.served(3) == [1, 1, 1]
    assert of.metric("connects_total", 0, result="refused") == 3
    assert of.served(3) == [1, 1, 1]
    assert of.metric("connects_total", 0, result="refused") == 3       # down by now


def test_packets_vanish(row):
    """A full backlog answers nobody: connect_timeout once, then it is down."""
    of = row(2, backend={"balance": "first", "fall": 1})
    with FullBacklog(of, 0):
        begin = time.monotonic()
        assert of.login().served_by == 1
        assert LIMIT <= time.monotonic() - begin + 0.01 < LIMIT + 1
        assert of.metric("connects_total", 0, result="timed_out") == 1
        begin = time.monotonic()
        assert of.login().served_by == 1 and time.monotonic() - begin < LIMIT


class FullBacklog:
    """In place of the fake backend's listener one whose queue is full: the kernel drops what more would come."""

    def __init__(self, of, index):
        self.of, self.index = of, index

    def __enter__(self):
        address = (self.of.fakes[self.index].host, self.of.fakes[self.index].port)
        self.of.stop(self.index)        # and nothing else listens there again
        self.sockets = [socket.socket()]
        self.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets[0].bind(address)
        self.sockets[0].listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            self.sockets.append(filler)

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()


@pytest.mark.parametrize("verb", ["USER", "PASS"])
@pytest.mark.parametrize("how", ["421", "closes"])
def test_after_the_login_was_sent_nobody_else_gets_it(row, verb, how):
    """Neither name nor password go to a second server."""
    of = row(2, backend={"balance": "first"})
    of.fakes[0].on(verb, "421 full" if how == "421" else hang_up)
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    assert client.command(f"PASS {PASSWORD}").code == 421 and client.is_closed()
    assert not of.fakes[1].sessions


def test_530_to_the_password_is_an_answer(row):
    """The server is well; another one is not asked whether it knows the user."""
    of = row(2, backend={"balance": "first", "fall": 1})
    of.fakes[0].on("PASS", "530 who are you")
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    assert client.command(f"PASS {PASSWORD}").text == "530 who are you"
    assert of.is_up(0) and not of.fakes[1].sessions


def test_retries_bound_it(row):
    of = row(4, backend={"balance": "first", "retries": 1})
    for index in range(4):
        spoil(of, index, "421")
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    assert client.command(f"PASS {PASSWORD}").code == 421 and client.is_closed()
    assert [len(fake.sessions) for fake in of.fakes] == [1, 1, 0, 0]


def test_a_slow_one_alone_is_waited_for(row):
    """With one server connect_timeout is for the connection only: some look up who comes before they greet."""
    of, go = row(1), threading.Event()

    def greet(session, _):
        go.wait(2 * LIMIT)
        return "220 good morning"
    of.fakes[0].script.greeting = greet
    begin = time.monotonic()
    assert of.login().command("PWD").code == 257
    assert time.monotonic() - begin >= 2 * LIMIT


def test_the_client_leaves_while_the_greeting_is_waited_for(row):
    """Says nothing about the server."""
    of = row(2, backend={"balance": "first", "fall": 1, "connect_timeout": "5s"})
    spoil(of, 0, "says nothing")
    client = of.gate.secured()
    assert client.command(f"USER {USER}").code == 331
    client.send(f"PASS {PASSWORD}\r\n")
    assert of.fakes[0].session
    client.close()
    of.gate.wait_event("session_closed")
    assert of.is_up(0) and not of.gate.events("backend_connect_failed")
