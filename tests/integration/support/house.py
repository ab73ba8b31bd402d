"""Gates for the tests of one file: the same configuration is the same process, with a fake backend behind it."""
import json

from .fake_backend import FakeBackend
from .gate import Gate

DEFAULT = object()
TABLES = ("ssl", "client_certificates", "backend", "data", "limits", "commands")


class House:
    def __init__(self, folder, authority):
        self.folder, self.authority, self.gates = folder, authority, {}

    def site(self, **changes):
        """One site's settings: certificate for ftp.test, an explicit and an implicit listener, short time-outs."""
        leaf = self.authority.leaf()
        tables = {name: changes.pop(name, {}) for name in TABLES}
        tables["backend"] = {"health_interval": "0s", **tables["backend"]}     # what backends get is counted
        site = {"name": "ftp.test",
                "listen": [{"address": "127.0.0.1:0", "tls": "explicit"},
                           {"address": "127.0.0.1:0", "tls": "implicit"}],
                **changes}
        site["ssl"] = {"certificate": str(leaf.certificate), "private_key": str(leaf.key), **tables.pop("ssl")}
        if site["ssl"]["certificate"] is None:
            del site["ssl"]["certificate"], site["ssl"]["private_key"]
        site.update({name: table for name, table in tables.items() if table})
        return site

    def gate(self, *, server=None, log=None, metrics=None, backend_host="127.0.0.2", **changes):
        """The running gate for one site with these changes; started when it is new. Without `servers` the backend
        is a FakeBackend, gate.backend."""
        return self.gate_of([changes], server=server, log=log, metrics=metrics, backend_host=backend_host)

    def gate_of(self, sites, *, server=None, log=None, metrics=None, backend_host="127.0.0.2"):
        """The same for several sites, which share one fake backend."""
        tables = {name: table for name, table in (("server", server), ("metrics", metrics)) if table}
        key = json.dumps([sites, tables, log, backend_host], sort_keys=True, default=str)
        if key not in self.gates:
            self.gates[key] = self._start([self.site(**site) for site in sites], tables, log, backend_host)
        return self.gates[key]

    def _start(self, sites, tables, log, backend_host, started_by=None):
        fake = FakeBackend(backend_host)
        for site in sites:
            site["backend"] = {"servers": [fake.address], **site.get("backend", {})}
        settings = {**tables, "server": {"threads": 2, **tables.get("server", {})}, "site": sites}
        gate = Gate(self.folder / f"gate{len(self.gates)}", settings, self.authority, log or {})
        gate.backend = fake
        if backend_host == "127.0.0.2":
            gate.never_seen += [b"127.0.0.2", b"127,0,0,2"]
        gate.started_by = started_by or gate.started_by
        try:
            return gate.start()
        except BaseException:
            fake.stop()
            raise

    def unshared(self, started_by=None, **changes):
        """A gate of the test's own, for tests that end it. Must be stopped by the caller. `started_by` as Gate has it."""
        log = changes.pop("log", None)
        tables = {name: changes.pop(name) for name in ("server", "metrics") if name in changes}
        self.gates[object()] = gate = self._start([self.site(**changes)], tables, log, "127.0.0.2", started_by)
        return gate

    def settle(self):
        for gate in self.gates.values():
            gate.close_clients()
        for gate in self.gates.values():
            if gate.child.poll() is None:
                gate.settle()

    def stop(self):
        faults = []
        for gate in self.gates.values():
            try:
                gate.stop()
            except AssertionError as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
