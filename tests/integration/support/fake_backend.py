"""A scripted FTP server in threads, for what no real server does on demand: odd replies, broken data connections, and
exact records of what the gate sent. It listens on 127.0.0.2, see backends.py."""
import re
import socket
import threading

from .fake_session import FakeSession
from .wait import wait_until

FEATURES = ("211-Features\r\n UTF8\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n AUTH TLS\r\n SSCN\r\n"
            "211 End")
_LINE = re.compile(rb"(?:\xff[\xf0-\xfe])*[A-Z@][A-Z0-9@]*(?: [^\r\n\x00]*)?\r\n")


class Script:
    """What the backend answers: `replies` maps a verb to text, raw bytes, several of these, or a callable that gets
    the session and the argument, may do anything in between, and returns what is (still) to be sent."""

    def __init__(self):
        self.greeting = "220 fake backend"
        self.files = {"a": b"content of a\r\n", "empty": b""}
        self.replies = {
            "USER": "331 password please", "PASS": "230 logged in", "ACCT": "230 fine", "QUIT": quit_session,
            "TYPE": "200 ok", "MODE": "200 ok", "STRU": "200 ok", "NOOP": "200 ok", "OPTS": "200 ok", "ALLO": "200 ok",
            "SYST": "215 UNIX Type: L8", "FEAT": FEATURES, "PWD": '257 "/" is current', "SIZE": "213 14",
            "CWD": "250 ok", "CDUP": "250 ok", "DELE": "250 ok", "RMD": "250 ok", "MKD": '257 "/x" made',
            "RNFR": "350 go on", "RNTO": "250 renamed", "REST": "350 go on", "MDTM": "213 20200101000000",
            "STAT": "211 status of 127.0.0.2", "HELP": "214 help of 127.0.0.2", "SITE": "200 ok", "ABOR": "226 aborted",
            "MLST": "250-facts\r\n type=file;size=14; a\r\n250 End",
            "EPSV": FakeSession.enter_epsv, "PASV": FakeSession.enter_pasv,
            "PORT": FakeSession.take_port, "EPRT": FakeSession.take_eprt,
            "RETR": send_file, "LIST": send_listing, "NLST": send_listing, "MLSD": send_listing,
            "STOR": take_file, "APPE": take_file, "STOU": take_file,
        }


def quit_session(session, _argument):
    session.reply("221 bye")
    session.hang_up()


def send_file(session, name):
    if name not in session.script.files:
        return "550 no such file"
    session.reply("150 opening")
    try:
        with session.open_data() as data:
            data.send(session.script.files[name])
    except OSError:
        return "426 cut off"
    return "226 sent"


def send_listing(session, _argument):
    session.reply("150 opening")
    with session.open_data() as data:
        data.send("".join(f"{name}\r\n" for name in sorted(session.script.files)).encode("latin-1"))
    return "226 sent"


def take_file(session, name):
    session.reply("150 opening")
    with session.open_data() as data:
        session.uploads[name] = data
        data.read_all()
    session.backend.changed()
    return "226 stored" if data.end == "fin" else "426 cut off"


class FakeBackend:
    """Serves the current `script`; sessions that began under an earlier one keep theirs."""

    def __init__(self, host="127.0.0.2", port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=128)
        self.host, self.port = self.listener.getsockname()[:2]
        self.condition = threading.Condition()
        self.sessions, self.faults = [], []
        self.renew()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def renew(self):
        """Forgets sessions and script: each test starts with a well-behaved server."""
        self.script, self.sessions, self.faults = Script(), [], []

    def on(self, verb, answer):
        self.script.replies[verb] = answer

    def changed(self):
        with self.condition:
            self.condition.notify_all()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            session = FakeSession(self, sock)
            self.sessions.append(session)
            session.start()
            self.changed()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            session.shut()

    # What tests ask.

    @property
    def session(self):
        """The latest session, waited for."""
        return wait_until(lambda: self.sessions, "the gate connects to the backend")[-1]

    @property
    def lines(self):
        """All lines received, without line ends, in order of arrival within each session."""
        return [session.text_of(line) for session in self.sessions for line in session.received]

    def count(self, line):
        return self.lines.count(line)

    def verbs(self):
        return [line.partition(" ")[0] for line in self.lines]

    def wait_for(self, start, times=1):
        """Returns the first line that begins with `start`, once there are `times`."""
        found = []

        def there():
            found[:] = [line for line in self.lines if line.startswith(start)]
            return len(found) >= times
        with self.condition:
            assert self.condition.wait_for(there, timeout=8), f"backend did not get {start!r}, only {self.lines}"
        return found[0]

    def wait_upload(self, name):
        """The FakeData of a finished upload."""
        return wait_until(lambda: (d := self.session.uploads.get(name)) and d.end and d, f"upload of {name} ends")

    def all_ended(self):
        return all(session.ended.is_set() for session in self.sessions)

    def odd_lines(self):
        """Received lines that are not "VERB[ SP argument] CR LF" (B-280)."""
        return [line for session in self.sessions for line in session.received if not _LINE.fullmatch(line)]
