"""The way to the directory: servers that are down, slow, or not who they should be; which one is asked; what is
remembered. slapd, and a domain controller for StartTLS."""
import os
import pathlib
import re
import signal
import socket
import time

import pytest
from cryptography import x509

from support import process, toml
from support.client_access import connect
from support.client_pki import HOUR, root
from support.directory import Slapd
from support.directory_site import ISSUER, WORD, DirectorySite, by_serial, is_unknown, refusal_of, user_of
from support.gate import run_command
from support.mapped import counted, rule
from support.odd_certificates import odd_credential
from support.wait import wait_until

pytest_plugins = ["support.directory_fixtures"]


@pytest.fixture
def site(tmp_path, house, cas):
    return DirectorySite(tmp_path, house, cas)


@pytest.fixture
def anna(slapd, cas):
    """A credential whose account is anna's."""
    credential = cas.leaf("anna")
    number = slapd.entries
    slapd.add(f"anna{number}", sAMAccountName="anna", altSecurityIdentities=by_serial(credential))
    return credential


@pytest.fixture
def other(tmp_path_factory, anna):
    """A second server with the same entry."""
    running = Slapd(tmp_path_factory.mktemp("slapd") / "two")
    try:
        running.start().add("anna", altSecurityIdentities=by_serial(anna))
        yield running
    finally:
        running.stop()


@pytest.fixture
def silent():
    """Accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield "ldaps://127.0.0.1:{}".format(listener.getsockname()[1])


def down():
    return f"ldaps://127.0.0.1:{process.free_port('127.0.0.1')}"


# Reaching it.

def test_ldaps_and_start_tls(site, slapd, anna, cas):
    assert user_of(site.ask(slapd, anna)) == "anna"
    assert user_of(site.ask(slapd, anna, url=slapd.plain_url, start_tls=True)) == "anna"
    assert is_unknown(site.ask(slapd, cas.leaf()))


def test_start_tls_with_a_domain_controller(site, domain_controller, cas):
    credential = cas.leaf()
    dn = domain_controller.add("stella", altSecurityIdentities=by_serial(credential))
    try:
        report = site.ask(domain_controller, credential, url=f"ldap://{domain_controller.address}", start_tls=True)
        assert user_of(report) == "stella"
    finally:
        domain_controller.remove(dn)


def test_the_directory_is_down(site, slapd, anna):
    assert "no answer" in refusal_of(site.ask(slapd, anna, url=down()))


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_silent_server_costs_the_time_out_and_no_more(site, slapd, anna, silent, scheme):
    begun = time.monotonic()
    report = site.ask(slapd, anna, url=silent.replace("ldaps", scheme), start_tls=scheme == "ldap", timeout="700ms")
    assert "no answer" in refusal_of(report)
    assert time.monotonic() - begun < 6


def test_a_server_that_stops_answering(site, slapd, anna):
    """Stopped with its sockets open: the kernel still accepts for it."""
    os.kill(slapd.child.pid, signal.SIGSTOP)
    try:
        assert "no answer" in refusal_of(site.ask(slapd, anna, timeout="700ms"))
    finally:
        os.kill(slapd.child.pid, signal.SIGCONT)


def test_a_wrong_password_is_refused(site, slapd, anna):
    assert "Invalid credentials" in refusal_of(site.ask(slapd, anna, bind_password="wrong"))


@pytest.mark.parametrize("password, words", [
    ("", "is empty"), ("one\ntwo", "is not one line"), ("a\0b", "is not one line"), ("x" * 1025, "at most 1024 bytes"),
    ("caf\udce9", "is not one line")])
def test_a_bind_password_is_one_line(site, house, slapd, password, words):
    """Told by `check`, at the place of the file's name."""
    table = site.directory(slapd)
    pathlib.Path(table["bind_password_file"]).write_bytes(password.encode(errors="surrogateescape") + b"\n")
    settings = {**site.tables(slapd), "active_directory": table}
    whole = {"site": [house.site(backend={"servers": ["127.0.0.1:9"]}, **settings)]}
    config = site.file("check.toml", toml.dump(whole))
    done = run_command("check", "-c", config)
    assert done.returncode == 2
    assert re.search(rf"{config}:\d+:\d+: error: .*bind_password_file: .*{words}", done.stdout + done.stderr)


def test_a_wrong_base_is_an_answer(site, slapd, anna, other):
    before = other.connections()
    report = site.ask(slapd, anna, base_dn="dc=nowhere," + slapd.base, url=f"{slapd.url} {other.url}")
    assert "No such object" in refusal_of(report) and other.connections() == before


# Who it is.

CERTIFICATES = {
    "of another address": lambda server: server.certificate(server.ca, "127.0.0.9"),
    "of another CA": lambda server: server.certificate(root("directory CA")),
    "that has expired": lambda server: server.certificate(server.ca, start=-2 * HOUR, end=-HOUR),
}


@pytest.mark.parametrize("kind", CERTIFICATES)
@pytest.mark.parametrize("start_tls", [False, True])
def test_a_server_with_a_wrong_certificate_gets_no_password(site, tmp_path, anna, kind, start_tls):
    """Whatever libldap's own configuration says (LDAPTLS_REQCERT=never)."""
    wrong = Slapd(tmp_path / "wrong", tls=CERTIFICATES[kind])
    trusting = {"LDAPTLS_REQCERT": "never", "LDAPTLS_CACERT": "/nonexistent"}
    wrong.trust = {"LDAPTLS_REQCERT": "never"}  # the test's own tools
    try:
        wrong.start().add("anna", altSecurityIdentities=by_serial(anna))
        before = wrong.binds()
        report = site.ask(wrong, anna, url=wrong.plain_url if start_tls else wrong.url, start_tls=start_tls,
                          environment=trusting)
        assert "no answer" in refusal_of(report) and wrong.binds() == before
    finally:
        wrong.stop()


def test_the_ca_of_the_configuration_is_the_only_one(site, slapd, anna):
    other_ca = site.file("ca.pem", root("directory CA").pem.decode())
    report = site.ask(slapd, anna, ca_file=other_ca, environment={"LDAPTLS_CACERT": str(slapd.ca_file)})
    assert "no answer" in refusal_of(report)


# Several servers.

@pytest.mark.parametrize("first", ["down", "silent", "wrong certificate", "wrong password"])
def test_the_next_server_takes_over(site, slapd, anna, other, silent, first):
    urls = {"down": down(), "silent": silent, "wrong certificate": slapd.url, "wrong password": slapd.url}
    authorities = [other.ca_file] if first == "wrong certificate" else [other.ca_file, slapd.ca_file]
    ca_file = site.file("both.pem", "".join(file.read_text() for file in authorities))
    if first == "wrong password":
        other.stop()
        other.change_password("another-password")
        other.start()
    report = site.ask(other, anna, url=f"{urls[first]} {other.url}", ca_file=ca_file, timeout="1s")
    assert user_of(report) == "anna"
    steps = [step for step in report["identity"]["steps"] if step["name"].startswith("ldap")]
    assert [step["name"] for step in steps] == [urls[first], other.url] and not steps[0]["matched"]


def test_a_server_that_answered_decides(site, slapd, other, cas, anna):
    """Though the next one would know the client."""
    credential = cas.leaf()
    other.add("late", altSecurityIdentities=by_serial(credential))
    ca_file = site.file("both.pem", slapd.ca_file.read_text() + other.ca_file.read_text())
    before = other.searches()
    assert is_unknown(site.ask(slapd, credential, url=f"{slapd.url} {other.url}", ca_file=ca_file))
    assert other.searches() == before


# Referrals and odd entries.

def test_referrals_are_not_followed(site, slapd, anna, other):
    """Neither as the answer nor beside the entries that were found."""
    elsewhere = site.ask(slapd, anna, base_dn="dc=elsewhere")
    assert "referral" in refusal_of(elsewhere)
    before = other.connections()
    slapd.add_referral("elsewhere", f"{other.url}/{other.base}")
    assert user_of(site.ask(slapd, anna)) == "anna"
    assert other.connections() == before


@pytest.mark.parametrize("attributes, words", [
    ({"sAMAccountName": None}, "no sAMAccountName"),
    ({"sAMAccountName": ["a", "b"]}, "several sAMAccountName"),
    ({"sAMAccountName": b"anna\r\nDELE x"}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": b"anna\0"}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": b"anna\x1b[2J"}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": b"anna\x7f"}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": "anna\x85".encode()}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": "anna\u2028".encode()}, "sAMAccountName holds a control character"),
    ({"sAMAccountName": b" anna"}, "sAMAccountName begins or ends with a space"),
    ({"sAMAccountName": b"anna "}, "sAMAccountName begins or ends with a space"),
    ({"sAMAccountName": "anna\u200b".encode()}, "sAMAccountName holds a character that is not seen"),
    ({"sAMAccountName": "\u202eanna".encode()}, "sAMAccountName holds a character that is not seen"),
    ({"sAMAccountName": "\xa0anna".encode()}, "sAMAccountName holds a character that is not seen"),
    ({"sAMAccountName": b"\xff\xfe"}, "sAMAccountName is not valid UTF-8"),
    ({"sAMAccountName": b"a" * 256}, "sAMAccountName is longer than 255 bytes"),
    ({"userAccountControl": None}, "userAccountControl cannot be read"),
    ({"userAccountControl": [512, 514]}, "userAccountControl cannot be read"),
])
def test_entries_that_no_domain_controller_would_hold(site, slapd, cas, attributes, words):
    credential = cas.leaf()
    slapd.add(f"odd{slapd.entries}", altSecurityIdentities=by_serial(credential),
              **attributes)
    assert words in refusal_of(site.ask(slapd, credential))


def test_what_is_only_similar_is_not_the_same(site, slapd, cas):
    """A directory takes two blanks for one; the gate compares for itself (A-095)."""
    slapd.add(f"similar{slapd.entries}", altSecurityIdentities="X509:<S>CN=si mi")
    assert user_of(site.ask(slapd, cas.leaf("si mi"), map_by=["subject"])).startswith("similar")
    assert user_of(site.ask(slapd, cas.leaf("SI mi"), map_by=["subject"])).startswith("similar")
    report = site.ask(slapd, cas.leaf("si  mi"), map_by=["subject"])
    assert is_unknown(report) and "only accounts with a similar value" in report["identity"]["steps"][-1]["detail"]


def test_an_issuer_that_could_be_another_ca(site, slapd, anna, cas):
    """A-093, B-190: issuer and serial are another CA's as well, where ca_file has two roots and not the issuer."""
    other = root("other root")
    twin = cas.credential(other.ca("client CA").issue("anna", serial=anna.entity.serial))
    roots = {"ca_file": cas.file("roots.pem", cas.root.pem + other.pem)}
    pinned = {"ca_file": cas.file("pinned.pem", cas.root.pem + other.pem + cas.ca.pem)}
    for credential in (anna, twin):
        assert "several roots" in refusal_of(site.ask(slapd, credential, clients=roots))
    assert is_unknown(site.ask(slapd, cas.leaf(), clients=roots))
    assert user_of(site.ask(slapd, anna, clients=pinned)) == "anna"
    assert "several roots" in refusal_of(site.ask(slapd, twin, clients=pinned))


def constrained(cas):
    """A CA that may name hosts, and nobody else."""
    return cas.root.ca("constrained", more=[(x509.NameConstraints([x509.DNSName("plant.example")], None), True)])


@pytest.mark.parametrize("form, values", [
    ("subject", {"altSecurityIdentities": "X509:<S>CN=konrad"}),
    ("rfc822", {"altSecurityIdentities": "X509:<RFC822>konrad@b.example"}),
    ("upn", {"userPrincipalName": "konrad@b.example"})])
def test_names_that_constraints_leave_open(site, slapd, cas, form, values):
    """B-274: a CA that may name hosts names a person."""
    names = [("dns", "a.plant.example"), ("email", "konrad@b.example"), ("upn", "konrad@b.example")]
    dn = slapd.add(f"konrad{slapd.entries}", **values)
    bound = odd_credential(cas, "konrad", names, issuer=constrained(cas))
    assert "name constraints" in refusal_of(site.ask(slapd, bound, map_by=[form]))
    assert user_of(site.ask(slapd, odd_credential(cas, "konrad", names), map_by=[form])) in dn


def test_constraints_say_nothing_against_issuer_and_serial(site, slapd, cas):
    """The account names the issuer then (B-274)."""
    credential = odd_credential(cas, "otto", [("dns", "a.plant.example")], issuer=constrained(cas), serial=0x010203)
    slapd.add(f"otto{slapd.entries}", altSecurityIdentities="X509:<I>CN=constrained<SR>030201")
    assert user_of(site.ask(slapd, credential)).startswith("otto")


def test_too_many_entries_are_refused(site, slapd, cas):
    credential = cas.leaf()
    for number in range(12):
        slapd.add(f"many{number}", altSecurityIdentities=by_serial(credential))
    assert "too many entries" in refusal_of(site.ask(slapd, credential))


# A gate that runs: connections are kept, answers are remembered.

@pytest.fixture
def running(site, house):
    """Starts gates; their kept connections are no leak."""
    def start(server, *, metrics=None, identity=(), **changes):
        more = {name: table for name, table in (("metrics", metrics), ("identity", list(identity))) if table}
        gate = house.gate(**more, **site.tables(server, **changes))
        gate.baseline += 4 if not hasattr(gate, "directory") else 0
        gate.directory = server
        gate.never_seen.append(WORD.encode())
        gate.never_logged.append(WORD)
        return gate
    return start


def login(gate, credential):
    """The reply to USER, on a session of its own."""
    client = connect(gate, credential)
    client.handshake()
    reply = client.command("USER whoever")
    client.close()
    return reply.code


def test_what_was_found_is_remembered(running, slapd, anna, cas):
    gate = running(slapd, cache_time="1h")
    assert login(gate, anna) == 232
    after = slapd.searches()
    assert [login(gate, anna) for _ in range(3)] == [232] * 3
    unknown = cas.leaf()
    assert login(gate, unknown) == 331
    between = slapd.searches()
    assert between > after and login(gate, unknown) == 331
    assert slapd.searches() == between


@pytest.mark.parametrize("rules", [[], [rule(subject="CN=somebody else")]], ids=["directory alone", "behind rules"])
def test_look_ups_are_counted(running, slapd, anna, cas, rules):
    """ftpsgate_identity_lookups_total: by who was asked last, with each result."""
    locked = cas.leaf()
    slapd.add(f"locked{slapd.entries}", altSecurityIdentities=by_serial(locked), userAccountControl=514)
    gate = running(slapd, metrics={"listen": "127.0.0.1:0"}, identity=rules)
    for credential, result, code in ((anna, "mapped", 232), (cas.leaf(), "not_mapped", 331), (locked, "refused", 530)):
        counts = {"site": "ftp.test", "result": result}
        with counted(gate, "ftpsgate_identity_lookups_total", source="active_directory", **counts), \
                counted(gate, "ftpsgate_identity_lookups_total", source="rule", by=0, **counts):
            assert login(gate, credential) == code


def test_a_client_of_a_rule_is_none_of_the_directorys(running, slapd, anna, cas):
    """Rules first; the directory is not asked for whom one of them has, nor for whom one of them doubts."""
    gate = running(slapd, identity=[rule(subject="CN=anna"), rule("mail", email="*@b.example")])
    before = slapd.searches()
    assert login(gate, anna) == 232 and gate.wait_event("identity_mapped")["rule"] == "plc"
    assert login(gate, odd_credential(cas, "bert", [("email", "a@b.example"), ("email", "c@d.example")])) == 530
    assert slapd.searches() == before
    assert login(gate, cas.leaf("bert")) == 331 and slapd.searches() > before


def test_a_rule_about_others_does_not_keep_a_client_from_the_directory(running, slapd, cas):
    """Several OUs, as accounts of Active Directory have them, are no doubt about a rule for somebody else."""
    credential = odd_credential(cas, [{"OU": "Staff"}, {"OU": "Berlin"}, {"CN": "anna"}], serial=0x01020304)
    slapd.add(f"anna{slapd.entries}", sAMAccountName="anna", altSecurityIdentities=f"X509:<I>{ISSUER}<SR>04030201")
    gate = running(slapd, identity=[rule(subject="CN=plc-*,O=Example")])
    assert login(gate, credential) == 232 and gate.wait_event("identity_mapped")["user"] == "anna"


def test_nothing_is_remembered_when_the_time_is_zero(running, slapd, anna):
    gate = running(slapd, cache_time="0s")
    before = slapd.searches()
    assert [login(gate, anna) for _ in range(3)] == [232] * 3
    assert slapd.searches() == before + 3


def test_failures_are_not_remembered_and_connections_are_opened_again(running, slapd, anna):
    gate = running(slapd, cache_time="0s")
    assert login(gate, anna) == 232
    slapd.stop()
    assert login(gate, anna) == 530
    slapd.start()
    before = slapd.connections()
    assert [login(gate, anna) for _ in range(20)] == [232] * 20
    assert slapd.connections() <= before + 4, "one for each thread, kept"


def test_a_kept_connection_that_falls_silent(running, slapd, anna, other, site):
    """The next server is asked; the session waits no longer than the time-out."""
    ca_file = site.file("both.pem", slapd.ca_file.read_text() + other.ca_file.read_text())
    gate = running(slapd, cache_time="0s", url=f"{slapd.url} {other.url}", ca_file=ca_file, timeout="1s")
    for _ in range(8):
        assert login(gate, anna) == 232
    os.kill(slapd.child.pid, signal.SIGSTOP)
    try:
        assert login(gate, anna) == 232 and other.searches() > 0
    finally:
        os.kill(slapd.child.pid, signal.SIGCONT)


def test_a_slow_directory_does_not_hold_up_those_who_are_known(running, slapd, anna, cas):
    gate = running(slapd, cache_time="1h", timeout="5s")
    assert login(gate, anna) == 232
    os.kill(slapd.child.pid, signal.SIGSTOP)
    try:
        waiting = [connect(gate, cas.leaf()) for _ in range(6)]
        for client in waiting:
            client.handshake()
            client.send("USER x\r\n")
        begun = time.monotonic()
        assert login(gate, anna) == 232 and time.monotonic() - begun < 3
    finally:
        os.kill(slapd.child.pid, signal.SIGCONT)
    wait_until(lambda: slapd.answers(), "slapd goes on")


def test_many_at_once(running, slapd, anna):
    gate = running(slapd, cache_time="0s")
    clients = [connect(gate, anna) for _ in range(30)]
    for client in clients:
        client.handshake()
        client.send("USER x\r\n")
    assert [client.reply().code for client in clients] == [232] * 30
