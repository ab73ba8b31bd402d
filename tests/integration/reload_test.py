"""SIGHUP: new sessions get what the files say now, running ones keep what they began with; faulty files change nothing
(A-103, INTERFACE.md on signals)."""
import os
import shutil
import threading

import pytest

from support import process
from support.backends import ADDRESS
from support.client_access import admitted, refused
from support.client_pki import huge_crl, root
from support.fake_backend import FakeBackend
from support.gate import PASSWORD, USER
from support.mapped import by_certificate, rule, tables
from support.raw import Closed
from support.reloads import (certificate_of, configure, hang_up, member, own, pem, reload, reload_refused,  # noqa: F401
                             setting, site_of, undisturbed)
from support.wait import wait_until


# ---- what is new for new sessions -----------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["the same files", "other files"])
@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_server_certificate(own, authority, tmp_path, how, implicit):
    first, second = authority.leaf(), authority.leaf(kind="rsa")
    paths = {"certificate": str(tmp_path / "server.pem"), "private_key": str(tmp_path / "server.key")}
    shutil.copy(first.certificate, paths["certificate"])
    shutil.copy(first.key, paths["private_key"])
    gate = own(ssl=paths)
    with undisturbed(gate) as old:
        assert certificate_of(old) == pem(first.certificate)
        if how == "the same files":
            shutil.copy(second.certificate, paths["certificate"])
            shutil.copy(second.key, paths["private_key"])
            reload(gate)
        else:
            reload(gate, setting("ssl", certificate=str(second.certificate), private_key=str(second.key)))
        new = member(gate, implicit)
        assert certificate_of(new) == pem(second.certificate)
        assert new.download("LIST").codes == [150, 226]


def test_connected_but_not_secured(own, authority):
    """A session that began under the old settings keeps them, AUTH included."""
    first, second = authority.leaf(), authority.leaf(kind="rsa")
    gate = own()
    client = gate.client()
    reload(gate, setting("ssl", certificate=str(second.certificate), private_key=str(second.key)))
    client.secure().login()
    assert certificate_of(client) == pem(first.certificate)


def test_client_ca(own, cas):
    """Whom it trusts."""
    other = root("another root")
    theirs, ours = cas.credential(other.issue("theirs")), cas.leaf("ours")
    path = cas.file("trusted.pem", cas.root.pem)
    gate = own(client_certificates=cas.settings("no-revocation-check", ca_file=path, crl_files=[]))
    refused(gate, theirs)
    with undisturbed(gate, admitted(gate, ours)):
        with open(path, "wb") as file:
            file.write(other.pem)
        reload(gate)
        assert refused(gate, ours) == "unknown_ca"
        admitted(gate, theirs)
        assert gate.wait_event("certificate_refused", reason="untrusted")


def test_client_certificate_policy(own, cas):
    gate = own(client_certificates={"policy": "ignore"})
    with undisturbed(gate):
        reload(gate, lambda settings: site_of(settings).update(
            client_certificates=cas.settings("no-revocation-check", crl_files=[])))
        assert refused(gate, None) in ("certificate_required", "handshake_failure")
        admitted(gate, cas.leaf())
        reload(gate, setting("client_certificates", policy="allow"))
        admitted(gate, None)


def test_crl_file(own, cas):
    """A client that was revoked meanwhile."""
    bad, good = cas.leaf("bad"), cas.leaf("good")
    path = cas.file("list.crl", cas.ca.crl(number=1))
    gate = own(client_certificates=cas.settings(crl_files=[cas.root_list, path], url_allow=[]))
    with undisturbed(gate, admitted(gate, bad)):
        with open(path, "wb") as file:
            file.write(cas.ca.crl([bad.entity], number=2))
        admitted(gate, bad)             # nobody has told the gate
        reload(gate)
        assert refused(gate, bad) == "certificate_revoked"
        admitted(gate, good)


def test_secret(own, cas, tmp_path):
    """A running session that says USER again logs in with what it began with; new ones with the new word."""
    path, mine = tmp_path / "secret", cas.leaf("mine")
    path.write_text("old-word\n")
    gate = own(**tables(cas, rule(password=None, password_file=str(path))))
    gate.never_logged += ["old-word", "new-word"]
    with undisturbed(gate, by_certificate(gate, mine)):
        path.write_text("new-word\n")
        reload(gate)
        by_certificate(gate, mine)
        assert gate.backend.session.received[1] == b"PASS new-word\r\n"
    old = gate.clients[0]
    assert old.command("USER x").code == 232
    assert gate.backend.session.received[1] == b"PASS old-word\r\n"


def test_rules(own, cas):
    """Who is mapped to whom."""
    mine, others = cas.leaf("mine"), cas.leaf("others")
    gate = own(**tables(cas, rule(subject="CN=mine", user="before")))
    with undisturbed(gate, by_certificate(gate, mine)):
        reload(gate, lambda settings: site_of(settings).update(
            identity=[rule(subject="CN=others", user="after")], authentication={"client_certificate": True}))
        by_certificate(gate, others)
        assert gate.backend.lines[-2] == "USER after"
        client = admitted(gate, mine)
        assert client.command("PWD").code == 257 and gate.backend.count(f"USER {USER}") == 1


def test_banner_and_texts(own):
    gate = own(banner="before")
    assert gate.client().greeting.text == "220 before"
    with undisturbed(gate):
        reload(gate, setting(None, banner="after"))
        assert gate.client().greeting.text == "220 after"


LIMITS = {
    "command_line": ({"command_line": 128}, lambda client: client.command("NOOP " + "x" * 200).code, 500),
    "failed_logins": ({"failed_logins": 1}, lambda client: failed(client), 421),
    "login_timeout": ({"login_timeout": "300ms"}, lambda client: client.reply().code, 421),
}


def failed(client):
    assert client.codes("USER bob", "PASS wrong")[1] == 530
    return client.reply().code


@pytest.mark.parametrize("name", LIMITS)
def test_limits(own, name):
    """For sessions that begin now; the older one does as before."""
    values, act, code = LIMITS[name]
    gate = own()
    gate.never_logged.append("wrong")
    with undisturbed(gate):
        waiting = gate.secured()
        reload(gate, setting("limits", **values))
        gate.backend.on("PASS", lambda _session, word: "230 in" if word == PASSWORD else "530 no")
        assert act(gate.secured()) == code
        assert waiting.command("NOOP").code == 200
        assert waiting.codes("USER bob", "PASS wrong", "USER bob", f"PASS {PASSWORD}") == [331, 530, 331, 230]


def test_idle_timeout(own):
    gate = own()
    with undisturbed(gate) as old:
        reload(gate, setting("limits", idle_timeout="400ms"))
        new = gate.logged_in()
        assert new.reply().code == 421 and new.is_closed()
    assert old.command("NOOP").code == 200


def test_commands_and_policies(own):
    """[site.commands], [site.ssl], [site.data]"""
    gate = own()
    with undisturbed(gate) as old:
        def change(settings):
            site_of(settings).update(commands={"deny": ["DELE"]}, data={"allow_active": False})
            site_of(settings)["ssl"]["control_channel_policy"] = "require-credentials-only"
            site_of(settings)["ssl"]["minimum_version"] = "TLSv1.3"
        reload(gate, change)
        new = gate.logged_in()
        assert new.codes("DELE a", "PORT 127,0,0,1,200,200", "CCC")[:2] == [502, 502]
    assert old.codes("DELE a", "CCC") == [250, 534]


def test_backend(own):
    """New sessions go to the new server; the old one keeps those it has."""
    gate, other = own(), FakeBackend(ADDRESS[4])
    try:
        with undisturbed(gate):
            reload(gate, setting("backend", servers=[other.address]))
            gate.logged_in()
            assert other.lines[:2] == [f"USER {USER}", f"PASS {PASSWORD}"] and len(gate.backend.sessions) == 1
    finally:
        gate.close_clients()
        wait_until(other.all_ended, "the other backend's sessions end")
        other.stop()


@pytest.mark.parametrize("key, value", [("level", "error"), ("format", "text")])
def test_log(own, key, value):
    """[log] too."""
    gate = own()
    configure(gate, lambda settings: settings["log"].update({key: value}))
    os.kill(gate.child.pid, 1)
    if key == "format":
        gate.settings["log"]["format"] = "json"
        wait_until(lambda: "event=reload" in gate.log_text(), "the reload is told in the new format")
        gate.mark = len(gate.log_text())
        gate.settings["log"]["format"] = "text"
        gate.client().quit()
        assert gate.wait_event("session_closed")
        gate.mark = len(gate.log_text())
        return
    wait_until(lambda: gate.metric("ftpsgate_reloads_total", result="ok") == 1, "the reload is counted")
    gate.client().quit()
    wait_until(lambda: gate.metric("ftpsgate_sessions", site="ftp.test") == 0, "the session is over")
    assert not gate.events("session_opened")


def test_another_log_file(own, tmp_path):
    gate = own()
    old, gate.log_file = gate.log_file, tmp_path / "other.log"
    configure(gate, lambda settings: settings["log"].update(file=str(gate.log_file)))
    os.kill(gate.child.pid, 1)
    gate.mark = 0
    wait_until(lambda: gate.event("reload"), "the new file is written")
    size = old.stat().st_size
    gate.client().quit()
    assert gate.wait_event("session_closed") and old.stat().st_size == size


# ---- faults ---------------------------------------------------------------------------------------------------------

def spoil(gate, cas, kind):
    """Makes the file, or one that it names, faulty."""
    text, first = gate.config.read_text(), site_of(gate.settings)
    if kind == "TOML":
        gate.config.write_text(text + "\n[[[\n")
    elif kind == "unknown key":
        gate.config.write_text(text.replace("[site.limits]", "[site.limits]\nlimitz = 5"))
    elif kind == "combination":
        gate.config.write_text(text.replace('policy = "require"', 'policy = "ignore"'))
    elif kind == "no file":
        gate.config.unlink()
    elif kind == "certificate":
        os.rename(first["ssl"]["certificate"], first["ssl"]["certificate"] + ".away")
    elif kind == "key of another":
        other = gate.authority.leaf("other.test")
        gate.config.write_text(text.replace(first["ssl"]["private_key"], str(other.key)))
    elif kind == "CRL":
        with open(first["client_certificates"]["crl_files"][0], "wb") as file:
            file.write(cas.root.crl()[:-20])
    elif kind == "ca_file":
        with open(first["client_certificates"]["ca_file"], "wb") as file:
            file.write(b"nothing")
    elif kind == "secret":
        os.unlink(first["identity"][0]["password_file"])
    elif kind == "pattern":
        gate.config.write_text(text.replace("CN=mine", "CN"))


FAULTY = {"TOML": "", "unknown key": "limitz", "combination": "", "no file": "",
          "certificate": "ssl.certificate: cannot read", "key of another": "private_key", "CRL": "crl_files",
          "ca_file": "ca_file", "secret": "password_file: cannot read",
          "pattern": "subject"}


@pytest.mark.parametrize("kind", FAULTY)
def test_faulty_files_change_nothing(own, cas, tmp_path, authority, kind):
    """Told as `check` tells it, with line and column; counted; and after the repair all is well."""
    leaf, mine, secret = authority.leaf(), cas.leaf("mine"), tmp_path / "secret"
    secret.write_text("word-of-mine")
    server = {"certificate": str(tmp_path / "server.pem"), "private_key": str(tmp_path / "server.key")}
    shutil.copy(leaf.certificate, server["certificate"])
    shutil.copy(leaf.key, server["private_key"])
    wanted = tables(cas, rule(subject="CN=mine", password=None, password_file=str(secret)))
    wanted["client_certificates"] = {"policy": "require", "ca_file": cas.file("ca.pem", cas.root.pem),
                                     "crl_files": [cas.file("l.crl", cas.root.crl()), cas.file("c.crl", cas.ca.crl())]}
    gate = own(banner="before", ssl=server, limits={"sessions": 50}, **wanted)
    gate.never_logged.append("word-of-mine")
    with undisturbed(gate, by_certificate(gate, mine)):
        configure(gate, setting(None, banner="after"))
        spoil(gate, cas, kind)
        faults = reload_refused(gate)
        assert faults and any(FAULTY[kind] in fault for fault in faults), faults
        assert all(str(gate.config) in fault for fault in faults), faults
        assert gate.client().greeting.text == "220 before"
        by_certificate(gate, mine)
        assert gate.backend.session.received[1] == b"PASS word-of-mine\r\n"
        assert gate.metric("ftpsgate_reloads_total", result="refused") == 1
        assert gate.metric("ftpsgate_reloads_total", result="ok") == 0
    repair(gate, cas, kind, secret, wanted)
    reload(gate)
    assert gate.client().greeting.text == "220 after"
    by_certificate(gate, mine)
    assert gate.metric("ftpsgate_reloads_total", result="ok") == 1


def repair(gate, cas, kind, secret, wanted):
    certificate = site_of(gate.settings)["ssl"]["certificate"]
    if kind == "certificate":
        os.rename(certificate + ".away", certificate)
    secret.write_text("word-of-mine")
    with open(wanted["client_certificates"]["ca_file"], "wb") as file:
        file.write(cas.root.pem)
    with open(wanted["client_certificates"]["crl_files"][0], "wb") as file:
        file.write(cas.root.crl())
    configure(gate)


# ---- what goes on ---------------------------------------------------------------------------------------------------

def test_sessions_per_client_are_still_counted(own):
    """Those of before the reload count as well."""
    gate = own(limits={"sessions_per_client": 2})
    first, second = gate.client(), gate.logged_in()
    assert is_turned_away(gate)
    reload(gate)
    assert is_turned_away(gate)
    first.quit()
    wait_until(lambda: not is_turned_away(gate), "a place becomes free")
    reload(gate, setting("limits", sessions_per_client=3))
    third = gate.client()
    assert third.greeting.code == 220
    fourth = gate.client(greet=False)
    assert fourth.reply().code in (220, 421)
    reload(gate, setting("limits", sessions_per_client=1))
    assert is_turned_away(gate)
    assert second.command("PWD").code == 257
    gate.close_clients()
    wait_until(lambda: not is_turned_away(gate), "all places are free")


def is_turned_away(gate):
    client = gate.client(greet=False)
    try:
        return client.reply().code == 421
    except (Closed, OSError):
        return True
    finally:
        client.close()


def test_passive_ports_are_still_taken(own):
    """One port for all: who has it keeps it."""
    port = process.free_port("127.0.0.1")
    gate = own(data={"passive_ports": f"{port}-{port}"})
    old = gate.logged_in()
    assert old.passive()[1] == port
    reload(gate)
    new = gate.logged_in()
    assert new.command("EPSV").code in (421, 425)
    assert old.download_from(("127.0.0.1", port), "LIST").codes == [150, 226]
    wait_until(lambda: new.command("EPSV").code == 229, "the port is free again")


def test_counters_go_on(own):
    """A reload is no restart."""
    gate = own()
    old = gate.logged_in()
    logins = {"site": "ftp.test", "method": "password", "result": "ok"}
    assert gate.metric("ftpsgate_logins_total", **logins) == 1
    reload(gate)
    gate.logged_in()
    assert gate.metric("ftpsgate_logins_total", **logins) == 2
    assert gate.metric("ftpsgate_sessions", site="ftp.test") == 2
    old.quit()
    wait_until(lambda: gate.metric("ftpsgate_sessions", site="ftp.test") == 1, "the gauge falls")
    assert gate.metric("ftpsgate_backend_sessions", site="ftp.test", backend=gate.backend.address) == 1


def test_expiry_of_the_new_certificate(own, authority):
    name = "ftpsgate_certificate_not_after_timestamp_seconds"
    gate, longer = own(), authority.leaf(days=9)
    before = gate.metric(name, site="ftp.test")
    reload(gate, setting("ssl", certificate=str(longer.certificate), private_key=str(longer.key)))
    assert gate.metric(name, site="ftp.test") > before + 5 * 86400


class Visitor(threading.Thread):
    """Comes and goes as fast as it can, until told to stop; `fault` is what went wrong."""

    def __init__(self, gate, stop, implicit):
        super().__init__(daemon=True)
        self.gate, self.stopping, self.implicit, self.visits, self.fault = gate, stop, implicit, 0, None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.visit()
                self.visits += 1
        except BaseException as fault:      # noqa: BLE001 - told by the test
            self.fault = fault

    def visit(self):
        client = member(self.gate, self.implicit)
        if not self.implicit:
            assert client.greeting.text in ("220 odd", "220 even")
        assert client.upload("STOR b", b"y" * 5000).codes == [150, 226]
        transfer = client.download("RETR a")
        assert transfer.codes == [150, 226] and transfer.end == "close_notify"
        assert client.quit().code == 221


def test_twenty_times_under_load(own):
    """No connection is lost, no transfer cut, and nothing stays open. Every other time without waiting."""
    gate, stop = own(banner="odd"), threading.Event()
    visitors = [Visitor(gate, stop, implicit) for implicit in (False, True, False, True)]
    for visitor in visitors:
        visitor.start()
    for number in range(20):
        configure(gate, setting(None, banner="even" if number % 2 else "odd"))
        os.kill(gate.child.pid, 1) if number % 3 else hang_up(gate)
    wait_until(lambda: all(visitor.visits > 3 or visitor.fault for visitor in visitors), "everybody came often", 60)
    stop.set()
    for visitor in visitors:
        visitor.join(30)
        assert not visitor.is_alive() and visitor.fault is None, visitor.fault
    # Not hang_up(): the event that it sees may be that of a signal before, and the last file may not be read yet.
    wait_until(lambda: gate.client().greeting.text == "220 even", "the last file is read", 20)
    assert {event["result"] for event in gate.events("reload")} == {"ok"}
    assert not gate.events("tls_failed") and not gate.events("attack")


def test_nobody_waits_for_it(own, cas):
    """Lists of many megabytes are read beside the only worker, not by it."""
    path = cas.file("huge.crl", cas.ca.crl())
    gate = own(server={"threads": 1},
               client_certificates=cas.settings(crl_files=[cas.root_list, path], url_allow=[]))
    client = admitted(gate, cas.leaf())
    with open(path, "wb") as file:
        file.write(huge_crl(cas.ca, 400_000))
    reader = threading.Thread(target=hang_up, args=(gate,))
    reader.start()
    answered = 0
    while reader.is_alive():
        assert client.command("NOOP").code == 200
        answered += 1
    assert answered > 20 and gate.event("reload", result="ok")


def test_descriptors_return(own, cas):
    """Files and sockets, after many reloads, good and bad."""
    gate = own(client_certificates=cas.settings("no-revocation-check", crl_files=[]))
    mine = cas.leaf()
    reload(gate)
    admitted(gate, mine).quit()
    gate.close_clients()
    wait_until(lambda: gate.metric("ftpsgate_sessions", site="ftp.test") == 0, "the session is over")
    before = sorted(open_files(gate))
    for number in range(15):
        if number % 3 == 2:
            gate.config.write_text("nonsense")
            reload_refused(gate)
        reload(gate, setting(None, banner=f"number {number}"))
        admitted(gate, mine).quit()
    gate.close_clients()
    wait_until(lambda: len(open_files(gate)) <= len(before), "everything is closed again")


def open_files(gate):
    folder = f"/proc/{gate.child.pid}/fd"
    found = []
    for number in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{number}").split(":")[0])
        except FileNotFoundError:
            pass
    return found


def test_while_it_drains(own):
    """SIGHUP after SIGTERM changes nothing any more."""
    gate = own(server={"drain_timeout": "20s"})
    with_transfer = gate.logged_in()
    go = threading.Event()

    def serve(session, _name):
        session.reply("150 go")
        with session.open_data() as data:
            data.send(b"half")
            go.wait(10)
        return "226 done"
    gate.backend.on("RETR", serve)
    _, data = with_transfer.begin("RETR a")
    data.read_exactly(4)
    gate.terminate()
    gate.wait_event("draining")
    os.kill(gate.child.pid, 1)
    go.set()
    data.read_all()
    assert [with_transfer.reply().code, with_transfer.reply().code] == [226, 421]
    with_transfer.close()
    assert gate.wait_exit() == 0 and not gate.events("reload")


def test_tickets_of_before(own):
    """A-014: they open no control connection afterwards either, and data connections of running sessions resume."""
    gate = own()
    with undisturbed(gate) as old:
        reload(gate)
        new = gate.client()
        assert new.command("AUTH TLS").code == 234
        new.context = old.context
        new.handshake(session=old.session)
        assert not new.stream.tls.session_reused
        new.login()
