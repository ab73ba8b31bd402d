"""The raw client's side of a data connection."""
import socket
import ssl

from .tls import TlsStream, Truncated, reset_hard


class DataConnection:
    """`end` says how the gate ended it: "close_notify", "fin" (clear, or TLS cut off), "rst"; None while open."""

    def __init__(self, sock, record=lambda data: None):
        self.sock, self.stream, self.record = sock, None, record
        self.received, self.end = b"", None
        sock.settimeout(10)

    def secure(self, context, session=None, server_name="ftp.test"):
        """The TLS handshake, always as the TLS client (B-133)."""
        self.stream = TlsStream(self.sock, context, server_name, session).handshake()
        return self

    @property
    def resumed(self):
        return self.stream.tls.session_reused

    def send(self, data):
        self.stream.send(data) if self.stream else self.sock.sendall(data)

    def read_some(self):
        try:
            piece = self.stream.recv() if self.stream else self.sock.recv(65536)
        except Truncated:
            return self._ended("fin")
        except ConnectionResetError:
            return self._ended("rst")
        if not piece:
            return self._ended("close_notify" if self.stream else "fin")
        self.received += piece
        self.record(piece)
        return piece

    def _ended(self, how):
        self.end = how
        return b""

    def read_all(self):
        while self.read_some():
            pass
        return self.received

    def read_exactly(self, count):
        while len(self.received) < count and self.read_some():
            pass
        return self.received

    def finish(self):
        """A clean end: close_notify and FIN, then waits for the gate's end."""
        if self.stream:
            self.sock.sendall(self.stream.close_notify())
        self.sock.shutdown(socket.SHUT_WR)
        return self.await_end()

    def await_end(self):
        """How the gate ended the connection, whatever it sends before."""
        try:
            if self.stream and not self.end:
                try:
                    self.stream.wait_close_notify()
                    self.end = "close_notify"
                except (Truncated, ssl.SSLError):
                    self.end = "fin"
            while self.sock.recv(65536):
                pass
            self.end = self.end or "fin"
        except ConnectionResetError:
            self.end = "rst"
        self.sock.close()
        return self.end

    def cut(self):
        """FIN without close_notify."""
        self.sock.close()

    def reset(self):
        reset_hard(self.sock)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
