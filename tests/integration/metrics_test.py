"""Every metric of INTERFACE.md moves when it should, by as much as happened, and not otherwise."""
import contextlib
import re
import threading

import pytest

from support import process
from support.client_access import admitted, refused
from support.mapped import by_certificate, deny, rule, tables, watched
from support.pages import METRICS, series
from support.raw import Closed
from support.reloads import own, reload, reload_refused, setting  # noqa: F401
from support.wait import wait_until

SITE = 'site="ftp.test"'


class Moved:
    """What has changed since: {series: difference}, times left out."""

    def __init__(self, gate):
        self.gate, self.before = gate, series(gate)

    def now(self):
        after = series(self.gate)
        return {name: value - self.before.get(name, 0) for name, value in after.items()
                if value != self.before.get(name, 0) and "_seconds_bucket" not in name and "_seconds_sum" not in name}

    def wait(self, expected):
        """Until exactly this has changed; what a client saw may be counted a moment later."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.now() == expected, "the counters", 3)
        assert self.now() == expected


def name(metric, **labels):
    inside = ",".join(f'{key}="{value}"' for key, value in sorted({"site": "ftp.test", **labels}.items()))
    return f"ftpsgate_{metric}{{{inside}}}"


def commands(**counts):
    return {name("commands_total", verb=verb): count for verb, count in counts.items()}


def handshake(channel, result="ok"):
    return {name("tls_handshakes_total", channel=channel, result=result): 1,
            name("tls_handshake_seconds_count", channel=channel): 1}


def backend(gate, count=1):
    return {name("backend_sessions", backend=gate.backend.address): count,
            name("backend_connects_total", backend=gate.backend.address, result="ok"): 1}


def test_a_session_and_its_transfers(house):
    """Sessions, handshakes, logins, commands, transfers, bytes, backends."""
    gate = house.gate(metrics=METRICS)
    moved = Moved(gate)
    client = gate.client()
    moved.wait({name("sessions"): 1})
    client.secure()
    moved.wait({name("sessions"): 1, **commands(AUTH=1), **handshake("control")})

    moved = Moved(gate)
    client.login()
    moved.wait({**backend(gate), **commands(USER=1, PASS=1),
                name("logins_total", method="password", result="ok"): 1})

    moved = Moved(gate)
    client.protect()
    client.upload("STOR b", b"12345")
    moved.wait({**commands(PBSZ=1, PROT=1, EPSV=1, STOR=1), **handshake("data", "resumed"),
                name("transfers_total", direction="upload", result="ok"): 1,
                name("transfer_bytes_total", direction="upload"): 5,
                name("transfer_seconds_count", direction="upload"): 1})

    moved = Moved(gate)
    client.download("RETR nothing")
    assert client.command("XYZZY").code == 500
    client.quit()
    moved.wait({name("sessions"): -1, name("sessions_total", result="closed"): 1,
                name("backend_sessions", backend=gate.backend.address): -1,
                **commands(EPSV=1, RETR=1, QUIT=1, other=1),
                name("transfers_total", direction="download", result="refused"): 1,
                name("transfer_seconds_count", direction="download"): 1})


@pytest.mark.parametrize("way", ["HOST", "SNI", "host|user"])
def test_a_session_that_goes_to_another_site_counts_once(house, way):
    """By the site where it ends."""
    shared = [{"address": f"127.0.0.1:{process.free_port('127.0.0.1')}", "tls": "explicit"}]
    gate = house.gate_of([{"name": "ftp.test", "listen": shared}, {"name": "other.test", "listen": shared}],
                         metrics=METRICS)
    before = series(gate)

    def total(metric):
        now = series(gate)
        return {site: sum(now[key] - before.get(key, 0) for key in now
                          if key.startswith(f"ftpsgate_{metric}{{") and f'site="{site}"' in key)
                for site in ("ftp.test", "other.test")}
    client = gate.client(server_name="other.test" if way == "SNI" else None)
    assert total("sessions") == {"ftp.test": 1, "other.test": 0}
    if way == "HOST":
        assert client.command("HOST other.test").code == 220
    client.secure().login("other.test|bob" if way == "host|user" else "bob")
    assert total("sessions") == {"ftp.test": 0, "other.test": 1}
    assert total("sessions_total") == {"ftp.test": 0, "other.test": 0}
    client.quit()
    wait_until(lambda: total("sessions_total") == {"ftp.test": 0, "other.test": 1}, "it has ended")
    assert total("sessions") == {"ftp.test": 0, "other.test": 0}


def test_listings(house):
    gate = house.gate(metrics=METRICS)
    client = gate.logged_in()
    moved = Moved(gate)
    listed = client.download("LIST")
    moved.wait({**commands(EPSV=1, LIST=1), **handshake("data", "resumed"),
                name("transfers_total", direction="list", result="ok"): 1,
                name("transfer_bytes_total", direction="list"): len(listed.data),
                name("transfer_seconds_count", direction="list"): 1})


def test_a_refused_login(house):
    gate = house.gate(metrics=METRICS)
    gate.backend.on("PASS", "530 no")
    client = gate.secured()
    moved = Moved(gate)
    assert client.codes("USER bob", "PASS wrong") == [331, 530]
    moved.wait({name("backend_connects_total", backend=gate.backend.address, result="ok"): 1,
                **commands(USER=1, PASS=1), name("logins_total", method="password", result="refused"): 1})


def test_passive_ports(house):
    """Taken by PASV, given back by the transfer."""
    port = process.free_port("127.0.0.1")
    gate = house.gate(metrics=METRICS, data={"passive_ports": f"{port}-{port}"})
    client = gate.logged_in()
    ports = name("passive_ports_in_use")
    assert series(gate)[ports] == 0
    target = client.passive()
    assert series(gate)[ports] == 1
    assert client.download_from(target, "RETR a").codes == [150, 226]
    assert series(gate)[ports] == 0


def test_certificates_and_revocation(house, cas):
    gate = house.gate(metrics=METRICS, client_certificates=cas.settings(
        crl_files=[cas.root_list, cas.file("metrics.crl", cas.ca.crl([revoked := cas.ca.issue("revoked")]))]))
    moved = Moved(gate)
    refused(gate, cas.credential(revoked))
    wait_until(lambda: gate.event("session_closed"), "the session is over")
    changed = moved.now()
    assert changed[name("client_certificates_total", result="revoked")] == 1
    assert changed[name("revocation_checks_total", source="cache", result="revoked")] == 1
    assert changed[name("tls_handshakes_total", channel="control", result="certificate_refused")] == 1
    moved = Moved(gate)
    admitted(gate, cas.leaf())
    changed = moved.now()
    assert changed[name("client_certificates_total", result="accepted")] == 1
    assert changed[name("revocation_checks_total", source="cache", result="good")] == 2      # and its CA's
    assert series(gate)[name("crl_next_update_timestamp_seconds", issuer="CN=client CA")] > 0


@pytest.mark.parametrize("rules, result", [([rule()], "mapped"), ([rule(subject="CN=nobody")], "not_mapped"),
                                           ([deny(subject="CN=*"), rule()], "denied")])
def test_identity(house, cas, rules, result):
    gate = watched(house.gate(metrics=METRICS, **tables(cas, *rules)))
    moved = Moved(gate)
    by_certificate(gate, cas.leaf(), code=232 if result == "mapped" else 530)
    changed = moved.now()
    assert changed[name("identity_lookups_total", source="rule", result=result)] == 1
    assert changed[name("logins_total", method="certificate", result="ok" if result == "mapped" else "refused")] == 1


ATTACKS = {
    "starttls_injection": lambda client: client.send(b"AUTH TLS\r\nUSER bob\r\n"),
    "bounce": lambda client: client.secure().login().command("PORT 192,0,2,1,100,1"),
    "cross_protocol": lambda client: client.send(b"GET / HTTP/1.1\r\n"),
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_attacks(house, kind):
    gate = house.gate(metrics=METRICS)
    moved = Moved(gate)
    ATTACKS[kind](gate.client())
    wait_until(lambda: moved.now().get(name("attacks_total", kind=kind)) == 1, f"{kind} is counted")
    assert [one for one in moved.now() if "attacks" in one] == [name("attacks_total", kind=kind)]


def test_a_dead_backend(house):
    dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"
    gate = house.gate(metrics=METRICS, backend={"servers": [dead], "retries": 1})
    moved = Moved(gate)
    client = gate.secured()
    with contextlib.suppress(Closed):
        client.command("USER bob")
        client.command("PASS pw-of-bob")
    client.rest()
    client.close()
    wait_until(lambda: gate.event("session_closed"), "the session is over")
    changed = moved.now()
    assert changed[name("backend_connects_total", backend=dead, result="refused")] == 2
    assert changed[name("sessions_total", result="backend_unreachable")] == 1


def test_too_many_sessions(house):
    gate = house.gate(metrics=METRICS, limits={"sessions_per_client": 1})
    gate.client()
    moved = Moved(gate)
    assert gate.client(greet=False).reply().code == 421
    moved.wait({name("sessions_total", result="refused"): 1})


def test_reloads(own):  # noqa: F811
    gate = own()
    moved = Moved(gate)
    reload(gate)
    assert moved.now()['ftpsgate_reloads_total{result="ok"}'] == 1
    gate.config.write_text("nonsense")
    reload_refused(gate)
    assert moved.now()['ftpsgate_reloads_total{result="refused"}'] == 1


def test_a_crl_that_is_not_used_any_more_raises_no_alarm(own, cas):  # noqa: F811
    """Its end is not exposed any more once the configuration is without it."""
    other = cas.root.ca("old CA")
    old = cas.file("old.crl", other.crl(start=-7200, end=-3600))
    gate = own(client_certificates=cas.settings(crl_files=[cas.root_list, old]))
    assert name("crl_next_update_timestamp_seconds", issuer="CN=old CA") in series(gate)
    reload(gate, setting("client_certificates", crl_files=[cas.root_list]))
    assert name("crl_next_update_timestamp_seconds", issuer="CN=old CA") not in series(gate)


def test_scraped_while_everything_moves(house):
    """No series twice, every line well-formed."""
    gate = house.gate(metrics=METRICS)
    over = threading.Event()

    def work():
        while not over.is_set():
            with gate_client(gate) as client:
                client.download("RETR a")
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            found = series(gate)
            assert all(re.fullmatch(r'ftpsgate_\w+(\{(\w+="[^"]*",?)+\})?', one) for one in found)
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def gate_client(gate):
    client = gate.logged_in()
    try:
        yield client
    finally:
        client.quit()
