"""A raw FTPS client: sends exactly the bytes it is told, reads one reply at a time, and may break every rule."""
import re
import select
import socket

from .data import DataConnection
from .tls import TlsStream, Truncated, reset_hard


class Reply:
    """`code`, `lines` without the code of first and last line (latin-1), `raw` as it came."""

    def __init__(self, raw):
        self.raw = raw
        self.lines = raw.decode("latin-1").split("\r\n")[:-1]
        self.code = int(self.lines[0][:3])
        self.text = "\n".join(self.lines)

    def __repr__(self):
        return f"<{self.text}>"


def unpadded(raw):
    """A multi-line reply without the space that RFC 959 section 4.2 puts before inner lines that begin with a code."""
    return re.sub(rb"\r\n (?=\d\d\d[ -])", b"\r\n", raw)


class Closed(Exception):
    """The gate ended the control connection where a reply was expected."""


class Transfer:
    """What became of one transfer: replies (first is None when refused), bytes, and how the data connection ended."""

    def __init__(self, first, final, data):
        self.first, self.final = first, final
        self.data, self.end = (data.received, data.end) if data else (b"", None)
        self.codes = [reply.code for reply in (first, final) if reply]


class RawClient:
    """A control connection. Implicit ones are secured at once; `greeting` is read unless told otherwise. `preamble` is
    what a balancer would send first, on data connections (`data_preamble`) too, which come from `source` then."""

    def __init__(self, address, context, *, implicit=False, server_name="ftp.test", greet=True,
                 record=lambda data: None,
                 source=None, preamble=b""):
        self.address, self.context, self.server_name, self.record = address, context, server_name, record
        self.sock = socket.create_connection(address, timeout=10, source_address=(source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream, self.secured, self.buffer, self.level, self.greeting = None, None, b"", "C", None
        self.data_connections, self.end = [], None
        self.data_preamble, self.balancer = preamble, source if preamble else None
        self.sock.sendall(preamble)
        if implicit:
            self.handshake()
            self.level = "P"
        if greet:
            self.greeting = self.reply()

    # Control connection.

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        self.stream.send(data) if self.stream else self.sock.sendall(data)

    def send_plain(self, data):
        """Past TLS."""
        self.sock.sendall(data)

    def command(self, line):
        """Sends one line and returns the next reply."""
        self.send((line if isinstance(line, bytes) else line.encode("latin-1")) + b"\r\n")
        return self.reply()

    def codes(self, *lines):
        return [self.command(line).code for line in lines]

    def reply(self):
        """The next whole reply; Closed at the end of the connection."""
        lines = [self._line()]
        assert re.match(rb"\d\d\d[ -]", lines[0]), f"not a reply: {lines[0]!r}"
        if lines[0][3:4] == b"-":
            while not lines[-1].startswith(lines[0][:3] + b" "):
                lines.append(self._line())
        return Reply(b"".join(lines))

    def _line(self):
        while b"\r\n" not in self.buffer:
            piece = self._receive()
            if not piece:
                raise Closed(self.buffer)
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line + b"\r\n"

    def _receive(self):
        try:
            piece = self.stream.recv() if self.stream else self.sock.recv(65536)
        except (Truncated, ConnectionResetError) as fault:
            self.end = "fin" if isinstance(fault, Truncated) else "rst"
            raise Closed(self.buffer) from None
        if not piece:
            self.end = "close_notify" if self.stream else "fin"
        self.record(piece)
        return piece

    def final(self):
        """The next reply that is not preliminary."""
        answer = self.reply()
        return answer if answer.code >= 200 else self.final()

    def silent(self, seconds=0.3):
        """No byte of a reply comes within this time."""
        if self.buffer or (self.stream and self.stream.tls.pending()):
            return False
        return not select.select([self.sock], [], [], seconds)[0]

    def is_closed(self):
        """The gate ends the connection without another byte. We do the same, or the gate lingers for us to do so."""
        rest = self.rest()
        self.sock.close()
        return not rest

    def rest(self):
        """Everything until the gate ends the connection; `end` tells how it did."""
        try:
            while piece := self._receive():
                self.buffer += piece
        except Closed:
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def handshake(self, session=None, context=None):
        self.context = context or self.context
        self.stream = self.secured = TlsStream(self.sock, self.context, self.server_name, session).handshake()
        return self

    def secure(self, mechanism="TLS"):
        """AUTH and the handshake."""
        answer = self.command(f"AUTH {mechanism}")
        assert answer.code == 234, answer
        assert not self.buffer, f"plaintext behind 234: {self.buffer!r}"
        return self.handshake()

    def login(self, user="bob", password="pw-of-bob"):
        assert self.command(f"USER {user}").code == 331
        answer = self.command(f"PASS {password}")
        assert answer.code == 230, answer
        return self

    def protect(self, level="P"):
        assert self.codes("PBSZ 0", f"PROT {level}") == [200, 200]
        self.level = level
        return self

    @property
    def session(self):
        """The TLS session to resume on data connections; its tickets come with the gate's first reply (B-160)."""
        return self.secured.tls.session

    def ccc(self):
        """CCC, close_notify both ways, clear from here on."""
        answer = self.command("CCC")
        if answer.code == 200:
            self.sock.sendall(self.stream.close_notify())
            self.leave_tls()
        return answer

    def leave_tls(self):
        self.buffer += self.stream.wait_close_notify()
        self.stream = None

    # Data connections.

    def passive(self, verb="EPSV"):
        """Sends EPSV or PASV, returns where to connect."""
        answer = self.command(verb)
        assert answer.code in (227, 229), answer
        return self.target_of(answer)

    def target_of(self, answer):
        if answer.code == 229:
            return (self.address[0], int(re.search(r"\(\|\|\|(\d+)\|\)", answer.text).group(1)))
        numbers = re.search(r"\((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)", answer.text).groups()
        return (".".join(numbers[:4]), int(numbers[4]) * 256 + int(numbers[5]))

    def connect_data(self, target, source=None):
        """TCP only."""
        source = source or self.balancer
        sock = socket.create_connection(target, timeout=10, source_address=(source, 0) if source else None)
        sock.sendall(self.data_preamble)
        data = DataConnection(sock, self.record)
        self.data_connections.append(data)
        return data

    def listen_data(self, verb="EPRT"):
        """Active mode: the listener, announced by PORT or EPRT."""
        host = self.sock.getsockname()[0]
        listener = socket.create_server((host, 0), family=self.sock.family)
        listener.settimeout(10)
        port = listener.getsockname()[1]
        text = (f"PORT {host.replace('.', ',')},{port >> 8},{port & 255}" if verb == "PORT"
                else f"EPRT |{2 if ':' in host else 1}|{host}|{port}|")
        answer = self.command(text)
        assert answer.code == 200, answer
        return listener

    def accept_data(self, listener):
        sock, self.active_peer = listener.accept()
        listener.close()
        data = DataConnection(sock, self.record)
        self.data_connections.append(data)
        return data

    def secure_data(self, data, resume=True):
        if self.level == "P":
            data.secure(self.context, self.session if resume else None, self.server_name)
        return data

    def begin(self, command, mode="EPSV", early=False):
        """Set-up, transfer command, 1yz, data connection up. Returns (first reply, data connection); the latter is
        None when the command was refused. `early`: the data handshake comes before the command (Q-03)."""
        active = mode in ("PORT", "EPRT")
        listener = self.listen_data(mode) if active else None
        data = None if active else self.connect_data(self.passive(mode))
        if early:
            self.secure_data(data)
        first = self.command(command)
        if first.code // 100 != 1:
            if data:
                data.close()
            return first, None
        data = data or self.accept_data(listener)
        return first, data if early else self.secure_data(data)

    def download(self, command, mode="EPSV", early=False):
        first, data = self.begin(command, mode, early)
        if not data:
            return Transfer(None, first, None)
        data.read_all()
        data.close()
        return Transfer(first, self.reply(), data)

    def download_from(self, target, command):
        """The set-up was made before."""
        data = self.connect_data(target)
        first = self.command(command)
        if first.code // 100 != 1:
            return Transfer(None, first, data)
        self.secure_data(data).read_all()
        return Transfer(first, self.reply(), data)

    def upload(self, command, content, mode="EPSV", early=False):
        first, data = self.begin(command, mode, early)
        if not data:
            return Transfer(None, first, None)
        data.send(content)
        data.finish()
        return Transfer(first, self.reply(), data)

    # Ends.

    def quit(self):
        answer = self.command("QUIT")
        self.rest()
        self.close()
        return answer

    def reset(self):
        reset_hard(self.sock)

    def close(self):
        for data in self.data_connections:
            data.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
