"""TLS over memory buffers, so that every byte on the wire is in the test's hand."""
import select
import socket
import ssl
import struct

_IGNORE_UNEXPECTED_EOF = 0x80       # OpenSSL; the ssl module of Python 3.11 sets it without naming it


class Truncated(OSError):
    """The peer ended TCP (FIN) without close_notify."""


def client_context(authority, *, minimum=None, maximum=None, alpn=None, ciphers=None, credential=None):
    """Trusts the throw-away CA only, and takes the end of TCP without close_notify for what it is. `credential` is the
    client's own certificate, however weak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    context.check_hostname = False
    context.options &= ~_IGNORE_UNEXPECTED_EOF
    if ciphers or credential:
        context.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
    if credential:
        context.load_cert_chain(credential.certificate, credential.key)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class TlsStream:
    """One TLS client connection on a connected socket. `left_over` is plaintext that came behind close_notify."""

    def __init__(self, sock, context, server_name=None, session=None, received=b""):
        self.sock = sock
        self.inbound, self.outbound = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.inbound.write(received)
        self.tls = context.wrap_bio(self.inbound, self.outbound, server_hostname=server_name, session=session)
        self.ended = False

    def handshake(self):
        self._run(self.tls.do_handshake)
        return self

    def recv(self, count=65536):
        """b"" after close_notify; Truncated, ConnectionResetError and ssl.SSLError otherwise."""
        if self.ended:
            return b""
        try:
            data = self._run(lambda: self.tls.read(count))
        except ssl.SSLZeroReturnError:
            data = b""
        self.ended = not data
        return data

    def send(self, data):
        self.sock.sendall(self.sealed(data))

    def sealed(self, data):
        """The records that carry `data`, not sent."""
        self.tls.write(data)
        return self.outbound.read()

    def close_notify(self):
        """Our close_notify record, not sent."""
        try:
            self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass
        return self.outbound.read()

    def wait_close_notify(self):
        """Reads until the peer's close_notify; returns plaintext that came behind it. Call close_notify() before."""
        try:
            self._run(self.tls.unwrap)
        except ssl.SSLZeroReturnError:
            pass
        return self.inbound.read()

    def absorb(self, seconds):
        """Takes in what comes next (tickets, say) without waiting for data; False when nothing came."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return False
        self._fill()
        try:
            self.tls.read(1)
        except ssl.SSLWantReadError:
            pass
        return True

    def _run(self, step):
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
                continue
            except ssl.SSLError as fault:
                if isinstance(fault, ssl.SSLEOFError) or fault.reason == "UNEXPECTED_EOF_WHILE_READING":
                    raise Truncated() from None
                self._flush()               # our alert
                raise
            self._flush()
            return result

    def _flush(self):
        pending = self.outbound.read()
        if pending:
            self.sock.sendall(pending)

    def _fill(self):
        piece = self.sock.recv(65536)
        if piece:
            self.inbound.write(piece)
        else:
            self.inbound.write_eof()


def reset_hard(sock):
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
