"""PROXY headers, written and read independently of the gate (HAProxy's doc/proxy-protocol.txt)."""
import re
import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, destination):
    """Both as (host, port)."""
    family = "TCP6" if ":" in source[0] else "TCP4"
    return f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}\r\n".encode()


def v2(source, destination, tlvs=b""):
    kind = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    body = b"".join(socket.inet_pton(kind, end[0]) for end in (source, destination))
    body += struct.pack(">HH", source[1], destination[1]) + tlvs
    return SIGNATURE + bytes([0x21, 0x21 if kind == socket.AF_INET6 else 0x11]) + struct.pack(">H", len(body)) + body


def local():
    """A balancer's own connection."""
    return SIGNATURE + b"\x20\0\0\0"


def read(sock):
    """Takes a header of either version from the socket, not a byte more, and returns (source, destination)."""
    first = _exactly(sock, 6)
    if first == b"PROXY ":
        line = first
        while not line.endswith(b"\r\n"):
            line += _exactly(sock, 1)
        words = re.fullmatch(rb"PROXY TCP[46] (\S+) (\S+) (\d+) (\d+)\r\n", line).groups()
        return (words[0].decode(), int(words[2])), (words[1].decode(), int(words[3]))
    head = first + _exactly(sock, 10)
    assert head[:13] == SIGNATURE + b"\x21", head
    kind, size = (socket.AF_INET, 4) if head[13] == 0x11 else (socket.AF_INET6, 16)
    body = _exactly(sock, struct.unpack(">H", head[14:])[0])
    assert len(body) == 2 * size + 4, body
    ports = struct.unpack(">HH", body[2 * size:])
    return ((socket.inet_ntop(kind, body[:size]), ports[0]), (socket.inet_ntop(kind, body[size:2 * size]), ports[1]))


def _exactly(sock, count):
    read = b""
    while len(read) < count:
        piece = sock.recv(count - len(read))
        assert piece, f"the end inside a PROXY header: {read!r}"
        read += piece
    return read
