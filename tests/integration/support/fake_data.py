"""The fake backend's side of a data connection, well or badly behaved."""
import socket
import struct


def reset_hard(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class FakeData:
    """One data connection. `end` says how the gate ended it: None (it did not), "fin" or "rst"."""

    def __init__(self, sock):
        self.sock, self.received, self.end = sock, b"", None
        self.sock.settimeout(10)

    def send(self, data):
        self.sock.sendall(data)

    def read_some(self):
        """What came next, b"" at the end."""
        try:
            piece = self.sock.recv(65536)
        except ConnectionResetError:
            self.end = "rst"
            return b""
        if not piece:
            self.end = "fin"
        self.received += piece
        return piece

    def read_all(self):
        while self.read_some():
            pass
        return self.received

    def read_exactly(self, count):
        while len(self.received) < count and self.read_some():
            pass
        return self.received

    def close(self):
        self.sock.close()

    def reset(self):
        reset_hard(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
