"""A gate to which much has happened, for whoever looks at it: one site with client certificates, and one whose backend is
dead. See events_at() for what."""
import contextlib

from . import process
from .client_access import admitted, refused
from .client_pki import DAY, HOUR
from .pages import METRICS
from .raw import Closed

HOSTILE = '<script>document.title="owned"</script>"\'><img src=x onerror=alert(1)>'


class Eventful:
    """CRLs of the client CAs, one of them expired; clients that are refused for what is in them; a dead backend."""

    def __init__(self, cas):
        other = cas.root.ca("expired CA")
        stolen = cas.ca.issue("stolen-plc")
        self.stolen, self.late = cas.credential(stolen), cas.credential(other.issue("late-plc"))
        self.good = cas.leaf("plc-17")
        lists = (cas.file("fresh.crl", cas.ca.crl([stolen])),
                 cas.file("expired.crl", other.crl(start=-3 * DAY, end=-2 * DAY - HOUR)))
        self.settings = cas.settings(policy="allow", crl_files=[cas.root_list, *lists])
        self.dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"

    def gate(self, house, **dead):
        """`dead`: settings of the dead backend. Unless it is checked, it is down for a second only."""
        return house.gate_of([{"client_certificates": self.settings, "commands": {"deny": ["SITE"]}},
                              {"name": "dead.test", "hosts": ["dead.test"],
                               "backend": {"servers": [self.dead], "retries": 0, "fall": 1, **dead}}], metrics=METRICS)

    def events_at(self, gate):
        """Refused: a revoked certificate, one whose CRL is expired, a login for want of a backend, another one by the
        backend, a command, an attack. Then three sessions stay: with certificate, without, and not logged in."""
        refused(gate, self.stolen)
        refused(gate, self.late)
        lost = gate.client(site="dead.test", server_name="dead.test").secure()
        with contextlib.suppress(Closed):
            lost.command("USER bob")
            lost.command("PASS pw-of-bob")
        gate.backend.on("PASS", "530 no")
        failing = gate.secured()
        failing.command(b"USER " + HOSTILE.encode())
        assert failing.command("PASS wrong").code == 530
        gate.backend.on("PASS", "230 logged in")
        inside = gate.logged_in()
        assert inside.command("SITE CHMOD 777 /etc/passwd").code == 502
        inside.download("RETR a")
        injected = gate.client()
        injected.send(b"AUTH TLS\r\nUSER bob\r\n")
        injected.rest()
        admitted(gate, self.good)
        return gate
