"""What a client with a certificate gets: in, or an alert."""
import ssl

from .gate import PASSWORD, USER
from .raw import RawClient
from .tls import client_context

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
DEFAULT = object()


def connect(gate, credential, *, implicit=False, version=None, site=None, server_name="ftp.test"):
    """Up to the ClientHello: TCP, and AUTH TLS where it is explicit."""
    only = {"minimum": VERSIONS[version], "maximum": VERSIONS[version]} if version else {}
    context = client_context(gate.authority, credential=credential, **only)
    client = RawClient(gate.address("implicit" if implicit else "explicit", site), context, greet=not implicit,
                       server_name=server_name, record=gate.seen.extend)
    gate.clients.append(client)
    if not implicit:
        assert client.command("AUTH TLS").code == 234
    return client


def admitted(gate, credential, **options):
    """The client, logged in and with protected data connections."""
    client = connect(gate, credential, **options)
    client.handshake()
    if options.get("implicit"):
        assert client.reply().code == 220
    client.protect()
    return client.login(USER, PASSWORD)


def refused(gate, credential, **options):
    """The alert that the client gets, as RFC 8446 section 6.2 names it; fails when it gets in."""
    client = connect(gate, credential, **options)
    alert = alert_of(client)
    client.close()
    return alert


def alert_of(client):
    """Runs the handshake. Under TLS 1.3 the gate has its say when the client is through already."""
    try:
        client.handshake()
        received = client.stream.recv()
    except ssl.SSLError as fault:
        assert "ALERT_" in (fault.reason or ""), fault
        return fault.reason.partition("ALERT_")[2].lower()
    raise AssertionError(f"no alert, but {received!r}")
