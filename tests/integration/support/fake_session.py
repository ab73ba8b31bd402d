"""One control connection of the fake backend: reads lines, keeps their exact bytes, answers from the script's table."""
import re
import socket
import threading

from .fake_data import FakeData

_TELNET = re.compile(rb"^(?:\xff[\xf0-\xfe])+")


class FakeSession(threading.Thread):
    """`received` holds every line with its terminator, as it came; `uploads` what was stored: name -> FakeData."""

    def __init__(self, backend, sock):
        super().__init__(daemon=True)
        self.backend, self.sock, self.script = backend, sock, backend.script
        self.buffer, self.received, self.uploads = b"", [], {}
        self.listener, self.target = None, None
        self.local, self.peer = sock.getsockname()[:2], sock.getpeername()[:2]
        self.ended = threading.Event()
        self.sock.settimeout(30)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)     # ABOR comes with urgent data (B-229)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        try:
            self._answer(self.script.greeting, "")
            while (line := self.read_line()) is not None:
                verb, _, argument = self.text_of(line).partition(" ")
                self._answer(self.script.replies.get(verb.upper(), "502 no such command"), argument)
        except (OSError, EOFError):
            pass                                    # the gate, or the script, ended the connection
        except Exception as fault:                  # noqa: BLE001 - shown by the fixture when the test is over
            self.backend.faults.append(fault)
        finally:
            self.close()
            self.ended.set()
            self.backend.changed()

    def _answer(self, answer, argument):
        if callable(answer):
            answer = answer(self, argument)
        for one in answer if isinstance(answer, (list, tuple)) else [answer]:
            if one is not None:
                self.reply(one)

    @staticmethod
    def text_of(line):
        """A received line without Telnet commands and line end, bytes as latin-1."""
        return _TELNET.sub(b"", line).rstrip(b"\r\n").decode("latin-1")

    def read_line(self):
        """The next line with its terminator, recorded; None when the gate closed."""
        while b"\n" not in self.buffer:
            piece = self.sock.recv(65536)
            if not piece:
                if self.buffer:
                    self.received.append(self.buffer)
                    self.buffer = b""
                return None
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        self.received.append(line + b"\n")
        self.backend.changed()
        return self.received[-1]

    def reply(self, answer):
        """bytes go out as they are, text gets a line end."""
        self.sock.sendall(answer if isinstance(answer, bytes) else answer.encode("latin-1") + b"\r\n")

    def close(self):
        if self.listener:
            self.listener.close()
            self.listener = None
        self.sock.close()

    def shut(self):
        """From another thread: wakes and ends this one."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def hang_up(self):
        """For scripts: ends the session here."""
        raise EOFError

    # Data connections: passive ones listen on the control connection's address, active ones remember the target.

    def listen(self):
        if self.listener:
            self.listener.close()
        self.listener = socket.create_server((self.local[0], 0), family=self.sock.family)
        self.listener.settimeout(6)
        self.target = None
        return self.listener.getsockname()[1]

    def enter_epsv(self, _argument):
        return f"229 Entering Extended Passive Mode (|||{self.listen()}|)"

    def enter_pasv(self, _argument):
        port = self.listen()
        return f"227 Entering Passive Mode ({self.local[0].replace('.', ',')},{port >> 8},{port & 255})"

    def take_port(self, argument):
        numbers = argument.split(",")
        self.target = (".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))
        return "200 PORT ok"

    def take_eprt(self, argument):
        _, _family, host, port, _ = argument.split(argument[0])
        self.target = (host, int(port))
        return "200 EPRT ok"

    def open_data(self):
        """The data connection of the last set-up; raises OSError when the gate does not come or accept."""
        if self.target:
            return FakeData(socket.create_connection(self.target, timeout=6, source_address=(self.local[0], 0)))
        accepted, self.data_peer = self.listener.accept()
        return FakeData(accepted)
