"""The certificate in place of USER and PASS (B-069 .. B-075, A-032, A-051, IIS.md section d.5), as a client and the
backend see it."""
import itertools

import pytest

from support import process
from support.client_access import VERSIONS, alert_of, connect
from support.gate import run_command
from support.identity_cases import explained
from support.mapped import (GENERIC, MAPPED, SECRET, by_certificate, counted, deny, login_event, rule, secured, tables,
                            watched)
from support.odd_certificates import odd_credential
from support.raw import Closed
from support.wait import wait_until

SITE = "ftp.test"
METRICS = {"listen": "127.0.0.1:0"}
BOTH_WAYS = pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])


@pytest.fixture
def plc(house, cas):
    """plc(*rules, **[site.authentication]) -> the gate"""
    def start(*rules, backend=None, limits=None, policy="require", **authentication):
        more = {name: table for name, table in (("backend", backend), ("limits", limits)) if table}
        return watched(house.gate(metrics=METRICS, **more, **tables(cas, *rules, policy=policy, **authentication)))
    return start


@pytest.fixture(scope="module")
def mine(cas):
    return cas.leaf("plc-7")


@pytest.fixture(scope="module")
def unknown(cas):
    """Trusted, and nobody's: for rules with subject = "CN=plc-*"."""
    return cas.leaf("somebody")


PLCS = rule(subject="CN=plc-*")


# ---- what the backend hears -----------------------------------------------------------------------------------------

@BOTH_WAYS
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("reply", [232, 230])
@pytest.mark.parametrize("typed", ["anybody", "root", MAPPED, "x" * 200, "caf\xe9 with blanks", "anonymous"])
def test_the_backend_hears_the_mapped_user_only(plc, mine, typed, reply, version, implicit):
    """B-069: USER and PASS of the rule, once each, byte for byte, whatever was typed."""
    gate = plc(reply=reply)
    client = secured(gate, mine, version=version, implicit=implicit)
    assert client.command(f"USER {typed}").raw == b"%d User logged in.\r\n" % reply
    assert gate.backend.session.received == [f"USER {MAPPED}\r\n".encode(), f"PASS {SECRET}\r\n".encode()]
    assert client.command("PWD").code == 257
    assert login_event(gate) == {"method": "certificate", "user": MAPPED, "client_user": typed, "result": "ok"} or \
        not typed.isascii()


@pytest.mark.parametrize("line", ["PASS", "PASS x", "PASS wrong", f"PASS {SECRET}", "pass  two  words ", "PASS caf\xe9",
                                  "PASS " + "y" * 3000])
@pytest.mark.parametrize("reply", [232, 230])
def test_a_password_is_not_asked_for_and_goes_nowhere(plc, mine, line, reply):
    """B-070: 230, for clients that always send one; again and again."""
    gate = plc(reply=reply)
    gate.never_logged.append("wrong")
    client = by_certificate(gate, mine, code=reply)
    for _ in range(3):
        assert client.command(line).raw == b"230 User logged in.\r\n"
    assert client.command("PWD").code == 257
    assert gate.backend.lines == [f"USER {MAPPED}", f"PASS {SECRET}", "PWD"]


def test_password_in_the_same_flight(plc, mine):
    """Pipelined behind USER: still answered after it, still not passed on."""
    gate = plc()
    client = secured(gate, mine)
    client.send("USER x\r\nPASS y\r\nPWD\r\n")
    assert [client.reply().code for _ in range(3)] == [232, 230, 257]
    assert gate.backend.lines == [f"USER {MAPPED}", f"PASS {SECRET}", "PWD"]


def test_utf8_asked_for_before_the_login(plc, mine):
    """B-099 holds here too; the client sees the one reply to USER."""
    gate = plc()
    client = secured(gate, mine)
    assert client.codes("OPTS UTF8 ON", "USER x", "PASS y", "PWD") == [200, 232, 230, 257]
    assert gate.backend.lines == [f"USER {MAPPED}", f"PASS {SECRET}", "OPTS UTF8 ON", "PWD"]


@pytest.mark.parametrize("when", ["after PASS", "after USER"])
def test_account(plc, mine, when):
    """B-069: 332 is answered with the rule's account, once."""
    gate = plc(rule(account="sales"))
    gate.never_logged.append("sales")
    gate.backend.on("PASS" if when == "after PASS" else "USER", f"332 account for {MAPPED}?")
    by_certificate(gate, mine)
    passed = [f"PASS {SECRET}"] if when == "after PASS" else []
    assert gate.backend.lines == [f"USER {MAPPED}", *passed, "ACCT sales"]


def test_account_that_is_not_wanted_is_not_sent(plc, mine):
    gate = plc(rule(account="sales"))
    by_certificate(gate, mine)
    assert gate.backend.lines == [f"USER {MAPPED}", f"PASS {SECRET}"]


@pytest.mark.parametrize("step", ["PASS", "ACCT"])
def test_account_that_there_is_not(plc, mine, step):
    """B-072: 530, and the client is not asked in its place."""
    gate = plc(rule(account="sales") if step == "ACCT" else rule())
    gate.backend.on("PASS", "332 account?")
    gate.backend.on("ACCT", "332 another account?")
    client = secured(gate, mine)
    assert client.command("USER x").raw.decode() == GENERIC + "\r\n"
    assert client.codes("ACCT guess", "PASS guess", "PWD") == [503, 503, 530]
    assert not [line for line in gate.backend.lines if "guess" in line]


@pytest.mark.parametrize("greeting, heard", [("230 come in", []), (["120 soon", "220 now"], ["USER", "PASS"])])
def test_greetings(plc, mine, greeting, heard):
    """B-248"""
    gate = plc()
    gate.backend.script.greeting = greeting
    by_certificate(gate, mine)
    assert gate.backend.verbs() == heard


@pytest.mark.parametrize("verb, answer, heard", [("USER", "230 no password needed", 1), ("USER", "232 in", 1),
                                                 ("PASS", "202 superfluous", 2), ("PASS", "232 in", 2),
                                                 ("USER", "336 challenge", 2)])
def test_other_ways_to_be_let_in(plc, mine, verb, answer, heard):
    """B-249: the client gets its one reply whatever the backend's was."""
    gate = plc()
    gate.backend.on(verb, answer)
    client = by_certificate(gate, mine)
    assert client.command("PASS x").code == 230
    assert len(gate.backend.lines) == heard


@BOTH_WAYS
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["EPSV", "PASV", "EPRT", "PORT"])
def test_transfers(plc, mine, mode, version, implicit):
    """Both directions and lists, and back again."""
    gate = plc()
    client = by_certificate(gate, mine, version=version, implicit=implicit)
    content = bytes(range(256)) * 1000
    assert client.upload("STOR b", content, mode).codes == [150, 226]
    assert gate.backend.wait_upload("b").received == content
    gate.backend.script.files["b"] = content
    transfer = client.download("RETR b", mode)
    assert transfer.codes == [150, 226] and transfer.data == content and transfer.end == "close_notify"
    assert client.download("LIST", mode).data == b"a\r\nb\r\nempty\r\n"
    assert client.quit().code == 221


# ---- USER again -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lines", [["USER root", "PASS x"], ["USER root"], ["USER root", "USER eve", "PASS secret"],
                                   [f"USER {MAPPED}", "PASS x"]])
def test_user_again_is_the_same_user_again(plc, mine, lines):
    """A-051, B-075: no name of the client's, no password of the client's ever gets to the backend."""
    gate = plc()
    client = by_certificate(gate, mine)
    for line in lines:
        assert client.command(line).code == (232 if line.startswith("USER") else 230)
    assert client.command("PWD").code == 257
    assert {line for line in gate.backend.lines if line.startswith("USER")} == {f"USER {MAPPED}"}
    assert {line for line in gate.backend.lines if line.startswith("PASS")} == {f"PASS {SECRET}"}


@pytest.mark.parametrize("line, code", [("REIN", 502), ("ACCT root", 503), ("SITE SU root", 200),
                                        ("SITE USER root", 200), ("XPAS x", 500)])
def test_no_other_way_to_another_account(plc, mine, line, code):
    """A-051"""
    gate = plc()
    client = by_certificate(gate, mine)
    assert client.command(line).code in (code, 500, 502)
    assert not {"REIN", "ACCT", "XPAS"} & set(gate.backend.verbs())
    assert not [text for text in gate.backend.lines[2:] if text.startswith(("USER", "PASS"))]


def test_user_again_where_the_name_must_match(plc, mine):
    """The earlier login is over (RFC 959), the other name is not tried."""
    gate = plc(user_must_match=True)
    client = by_certificate(gate, mine, user=MAPPED)
    assert client.codes("USER root", "PASS x", "PWD") == [530, 503, 530]
    assert client.codes(f"USER {MAPPED}", "PWD") == [232, 257]
    assert {line for line in gate.backend.lines if line.startswith("USER")} == {f"USER {MAPPED}"}


@pytest.mark.parametrize("typed, code", [(MAPPED, 232), ("root", 530), (MAPPED.upper(), 530), (MAPPED + " ", 530),
                                         (MAPPED + "\xe9", 530), (MAPPED[:-1], 530)])
def test_user_must_match(plc, mine, typed, code):
    """D-16, A-095: byte for byte."""
    gate = plc(user_must_match=True)
    client = secured(gate, mine)
    answer = client.command(f"USER {typed}")
    assert answer.code == code
    if code == 530:
        assert answer.raw.decode() == GENERIC + "\r\n" and not gate.backend.sessions
        assert gate.wait_event("login", result="refused", method="certificate")


# ---- IIS.md d.5 -----------------------------------------------------------------------------------------------------

POLICIES, WHO = ["ignore", "allow", "require"], ["mapped", "not mapped", "none"]
CELLS = list(itertools.product(POLICIES, WHO, [True, False], [True, False]))


def outcome_of(policy, who, basic, by_mapping):
    """One cell of the table: "alert", "refused", "mapped" or "typed"; None where such a site cannot be."""
    if (policy == "ignore" and by_mapping) or not (basic or by_mapping):
        return None
    if who == "none" and policy == "require":
        return "alert"
    if who == "mapped" and by_mapping and policy != "ignore":
        return "mapped"
    return "typed" if basic else "refused"


@pytest.mark.parametrize("policy, who, basic, by_mapping", [cell for cell in CELLS if outcome_of(*cell)])
@pytest.mark.parametrize("version", VERSIONS)
def test_precedence(house, cas, mine, unknown, policy, who, basic, by_mapping, version):
    """IIS.md d.5: each cell with its replies, its log event and its counter."""
    site = tables(cas, PLCS, policy=policy, basic=basic, client_certificate=by_mapping)
    if policy == "ignore":
        del site["identity"]
    gate = watched(house.gate(metrics=METRICS, **site))
    credential = {"mapped": mine, "not mapped": unknown, "none": None}[who]
    outcome = outcome_of(policy, who, basic, by_mapping)
    if outcome == "alert":
        alert = alert_of(connect(gate, credential, version=version))
        assert alert in ("certificate_required", "handshake_failure") and not gate.backend.sessions
        return
    codes, method, user, result = {
        "mapped": ([232, 230, 257], "certificate", MAPPED, "ok"),
        "typed": ([331, 230, 257], "password", "bob", "ok"),
        "refused": ([530, 503, 530], "certificate", "bob", "refused")}[outcome]
    with counted(gate, "ftpsgate_logins_total", site=SITE, method=method, result=result):
        client = secured(gate, credential, version=version)
        assert client.codes("USER bob", "PASS pw-of-bob", "PWD") == codes
        event = login_event(gate)
    assert event == {"method": method, "user": user, "result": result,
                     **({"client_user": "bob"} if outcome == "mapped" else {})}
    assert gate.backend.lines == {"mapped": [f"USER {MAPPED}", f"PASS {SECRET}", "PWD"],
                                  "typed": ["USER bob", "PASS pw-of-bob", "PWD"], "refused": []}[outcome]
    assert len(gate.events("login")) == 1


@pytest.mark.parametrize("policy, basic, by_mapping", sorted({(p, b, m) for p, w, b, m in CELLS
                                                              if outcome_of(p, w, b, m) is None}))
def test_sites_that_cannot_be(house, cas, policy, basic, by_mapping):
    """The other cells are faults of the configuration, told by name."""
    with pytest.raises(AssertionError, match="authentication|identity"):
        house.gate(**tables(cas, PLCS, policy=policy, basic=basic, client_certificate=by_mapping))


@pytest.mark.parametrize("who", ["mapped", "not mapped"])
@pytest.mark.parametrize("policy", ["allow", "require"])
def test_a_deny_rule_holds_without_certificate_logins(plc, mine, unknown, policy, who):
    """A rule with deny = true refuses where the client's own password would have counted."""
    gate = plc(deny(subject="CN=plc-*"), policy=policy, basic=True, client_certificate=False)
    client = secured(gate, mine if who == "mapped" else unknown)
    assert client.command("USER bob").code == (530 if who == "mapped" else 331)


@pytest.mark.parametrize("kind", ["it has a user", "no password file", "no value for the user", "two mails"])
def test_rules_with_a_user_do_nothing_without_certificate_logins(plc, cas, tmp_path, kind):
    """IIS.md d.5: the map is off, so what was typed decides, and nothing that mapping would need is looked at."""
    doubtful = odd_credential(cas, "plc-7", [("email", "a@b.example"), ("email", "c@d.example")])
    one, credential = {
        "it has a user": (rule(), cas.leaf("plc-7")),
        "no password file": (rule(password=None, password_file=str(tmp_path / "%u")), cas.leaf("plc-7")),
        "no value for the user": (rule(user="{email}"), cas.leaf("plc-7")),
        "two mails": (rule(email="*@b.example"), doubtful)}[kind]
    gate = plc(one, basic=True, client_certificate=False)
    assert secured(gate, credential).codes("USER bob", "PASS pw-of-bob", "PWD") == [331, 230, 257]
    assert login_event(gate) == {"method": "password", "user": "bob", "result": "ok"}
    assert not gate.events("identity_mapped") and not gate.events("identity_refused")
    status, report = explained(gate.config, SITE, credential)
    assert (status, report["result"], report["mapped"]) == (3, "accepted", False)
    assert (report["identity"]["outcome"], report["identity"]["user"]) == ("not_mapped", None)
    assert ("client_certificate is off" in report["detail"]) == (kind != "two mails")


def test_a_deny_rule(plc, mine, unknown):
    """530 and no more than that; the log says which rule."""
    gate = plc(deny("old plcs", subject="CN=plc-7"), rule(), basic=True)
    with counted(gate, "ftpsgate_identity_lookups_total", site=SITE, source="rule", result="denied"):
        client = secured(gate, mine)
        assert client.command("USER bob").raw.decode() == GENERIC + "\r\n"
    assert client.codes("PASS pw-of-bob", "PWD") == [503, 530]
    assert not gate.backend.sessions
    event = gate.wait_event("identity_refused")
    assert (event["rule"], event["result"], event["source"]) == ("old plcs", "denied", "rule")
    assert by_certificate(gate, unknown)


def test_in_clear(house, cas):
    """B-183: nobody has shown a certificate there, so it is as for the others without one; where one is required such
    a site cannot be."""
    clear = {"control_channel_policy": "allow"}
    with pytest.raises(AssertionError, match="logins in clear"):
        house.gate(ssl=clear, **tables(cas, basic=True))
    gate = watched(house.gate(ssl=clear, **tables(cas, policy="allow", basic=True)))
    assert gate.client().codes("USER bob", "PASS pw-of-bob", "PWD") == [331, 230, 257]
    assert gate.backend.lines == ["USER bob", "PASS pw-of-bob", "PWD"]
    assert house.gate(ssl=clear, **tables(cas, policy="allow")).client().command("USER bob").code == 530


def test_after_ccc(house, cas, mine):
    """B-175: the login stays; USER is a credential, whoever it would be."""
    gate = watched(house.gate(ssl={"control_channel_policy": "require-credentials-only"}, **tables(cas)))
    client = by_certificate(gate, mine)
    client.command("NOOP")
    assert client.ccc().code == 200
    assert client.codes("USER x", "PASS x", "PWD") == [534, 534, 257]
    assert gate.backend.lines == [f"USER {MAPPED}", f"PASS {SECRET}", "PWD"]


@pytest.mark.parametrize("how", ["HOST", "SNI", "host|user", "default"])
def test_each_site_has_its_own_rules(house, cas, mine, how):
    """The site that the client asked for decides who it is (B-076, B-277)."""
    for _ in range(4):
        shared = [{"address": f"127.0.0.1:{process.free_port('127.0.0.1')}", "tls": "explicit"}]
        try:
            gate = house.gate_of([{"name": name, "listen": shared, **tables(cas, rule(user=f"user-of-{name[:-5]}"))}
                                  for name in ("first.test", "second.test")])
            break
        except AssertionError:
            pass
    wanted = "first" if how == "default" else "second"
    client = connect(gate, mine, site="first.test", server_name="second.test" if how == "SNI" else None)
    client.handshake()
    if how == "HOST":
        assert client.command("HOST second.test").code == 220
    assert client.command("USER second.test|x" if how == "host|user" else "USER x").code == 232
    assert gate.backend.lines[0] == f"USER user-of-{wanted}"
    assert gate.wait_event("identity_mapped")["site"] == f"{wanted}.test"


# ---- refusals -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("verb, text", [
    ("PASS", f"530 {MAPPED}: {SECRET} is wrong"), ("USER", f"530 no {MAPPED} here"), ("USER", f"500 {MAPPED}?"),
    ("PASS", f"530-{MAPPED}\r\n530-{SECRET}\r\n530 no"), ("PASS", f"553 {MAPPED.upper()}"), ("PASS", "331 more?"),
    ("PASS", f"431 {MAPPED}"), ("PASS", b"530 \xff\xfe" + MAPPED.encode() + b"\r\n")])
def test_what_the_backend_says_of_the_mapped_user_stays_here(plc, mine, verb, text):
    """B-071, A-032: one generic 530, which nobody can tell from another."""
    gate = plc()
    gate.backend.on(verb, text)
    with counted(gate, "ftpsgate_logins_total", site=SITE, method="certificate", result="refused"):
        client = secured(gate, mine)
        assert client.command("USER x").raw.decode() == GENERIC + "\r\n"
    assert client.codes("PASS x", "PWD") == [503, 530]
    assert gate.event("login")["result"] == "refused" and gate.event("login")["user"] == MAPPED
    gate.backend.renew()
    assert client.codes("USER x", "PWD") == [232, 257]


@pytest.mark.parametrize("verb", ["USER", "PASS", "greeting"])
def test_421_of_the_backend(plc, mine, verb):
    """A-032: passed on as a code, not as a text."""
    gate = plc(backend={"retries": 0})
    text = f"421 {MAPPED} has too many sessions at 127.0.0.2"
    if verb == "greeting":
        gate.backend.script.greeting = text
    else:
        gate.backend.on(verb, text)
    client = secured(gate, mine)
    assert client.command("USER x").raw == b"421 Service not available.\r\n"
    assert client.is_closed() and client.end == "close_notify"


@BOTH_WAYS
def test_a_backend_that_is_down(plc, mine, implicit):
    """421, and the end."""
    dead = f"127.0.0.2:{process.free_port('127.0.0.2')}"
    gate = plc(backend={"servers": [dead], "connect_timeout": "1s", "retries": 0})
    client = secured(gate, mine, implicit=implicit)
    assert client.command("USER x").code == 421
    assert client.is_closed() and client.end == "close_notify"
    assert login_event(gate)["result"] == "refused"


@pytest.mark.parametrize("how", ["at USER", "at PASS"])
def test_a_backend_that_vanishes(plc, mine, how):
    gate = plc()
    gate.backend.on("USER" if how == "at USER" else "PASS", lambda session, _: session.hang_up())
    client = secured(gate, mine)
    assert client.command("USER x").code == 421
    assert client.is_closed()


def test_a_backend_that_says_nothing(plc, mine):
    """reply_timeout holds for the mapped login."""
    gate = plc(backend={"reply_timeout": "400ms", "retries": 0})
    gate.backend.on("PASS", lambda _session, _word: None)
    client = secured(gate, mine)
    assert client.command("USER x").code in (421, 451, 530)


@pytest.mark.parametrize("why", ["deny rule", "not mapped", "refused by the backend", "name does not match"])
def test_three_refusals_and_the_session_is_over(plc, mine, unknown, why):
    """limits.failed_logins: 530 each, then 421 and the end."""
    gate = {"deny rule": lambda: plc(deny(subject="CN=*"), rule()), "not mapped": lambda: plc(PLCS),
            "refused by the backend": plc, "name does not match": lambda: plc(user_must_match=True)}[why]()
    gate.backend.on("PASS", "530 no")
    client = secured(gate, unknown)
    assert client.codes("USER a", "USER b", "USER c") == [530, 530, 530]
    assert client.reply().code == 421 and client.is_closed() and client.end == "close_notify"
    assert len(gate.events("login")) == 3
    assert gate.wait_event("session_closed")["reason"] == "failed_logins"


def test_a_client_that_leaves_meanwhile(plc, mine):
    """The backend is still thinking: its session ends too."""
    gate = plc()
    gate.backend.on("PASS", lambda session, _word: session.read_line())
    client = secured(gate, mine)
    client.send("USER x\r\n")
    gate.backend.wait_for("PASS")
    client.close()
    wait_until(gate.backend.all_ended, "the backend's session ends")


def test_nothing_is_asked_before_user(plc, mine):
    """A-066: a certificate alone costs the backend nothing."""
    gate = plc()
    client = secured(gate, mine)
    assert client.codes("NOOP", "FEAT", "SYST", "PASS x", "PWD") == [200, 211, 215, 503, 530]
    assert not gate.backend.sessions and not gate.events("identity_mapped")


# ---- what it tells --------------------------------------------------------------------------------------------------

def test_events_and_counters(plc, mine, unknown):
    """identity_mapped, login; ftpsgate_identity_lookups_total, ftpsgate_logins_total."""
    gate = plc(PLCS)
    with counted(gate, "ftpsgate_identity_lookups_total", site=SITE, source="rule", result="mapped"), \
            counted(gate, "ftpsgate_logins_total", site=SITE, method="certificate", result="ok"):
        by_certificate(gate, mine, user="typed").quit()
    event = gate.wait_event("identity_mapped")
    assert (event["rule"], event["user"], event["source"], event["site"]) == ("plc", MAPPED, "rule", SITE)
    assert event["session"] == gate.event("login")["session"]
    with counted(gate, "ftpsgate_identity_lookups_total", site=SITE, source="rule", result="not_mapped"), \
            counted(gate, "ftpsgate_logins_total", site=SITE, method="certificate", result="refused"):
        assert secured(gate, unknown).command("USER typed").code == 530
    assert login_event(gate, result="refused")["user"] == "typed"
    assert len(gate.events("identity_mapped")) == 1 and len(gate.events("login")) == 2


SAYS = {"SITE": f"200-hello {MAPPED}\r\n200 {MAPPED.upper()}, done",
        "CWD": f"250-Message for {MAPPED}:\r\n  {MAPPED}, go on\r\n250 ok", "DELE": f"550 {MAPPED}: not yours",
        "SIZE": f"550 \"/home/{MAPPED}/a\" is no file", "SYST": f"215 UNIX ({MAPPED})", "HELP": f"214 ask {MAPPED}",
        "MDTM": f"550 {MAPPED}", "RNFR": f"350 go on, {MAPPED}", "ALLO": f"202 {MAPPED}", "TYPE": f"200 {MAPPED}: ok",
        "FEAT": f"211-Features of {MAPPED}\r\n SIZE\r\n X-{MAPPED}\r\n211 End of {MAPPED}", "QUIT": f"221 bye {MAPPED}",
        "NLST": f"450 {MAPPED} has no files", "MLST": f"550 {MAPPED}", "OPTS": f"200 {MAPPED}", "CLNT": f"200 {MAPPED}"}


@pytest.mark.parametrize("verb", SAYS)
def test_replies_do_not_name_the_mapped_user(plc, mine, verb):
    """A-032: in the control connection's replies. The gate's fixture looks at every byte once more."""
    gate = plc()
    gate.backend.on(verb, SAYS[verb].encode() + b"\r\n")
    client = by_certificate(gate, mine)
    if verb == "NLST":
        assert client.download("NLST").codes == [450]
        return
    line = verb if verb in ("SYST", "FEAT", "HELP", "QUIT") else f"{verb} {'I' if verb == 'TYPE' else 'a'}"
    answer = client.command(line)
    assert MAPPED not in answer.text.lower() and answer.code // 100 in (2, 3, 5)


@pytest.mark.parametrize("command", ["RETR a", "LIST", "STOR b"])
@pytest.mark.parametrize("at", ["begin", "end"])
def test_replies_of_transfers_do_not_either(plc, mine, command, at):
    gate = plc()

    def serve(session, name):
        session.reply(f"150-for {MAPPED}\r\n150 {MAPPED}" if at == "begin" else "150 go")
        with session.open_data() as data:
            data.send(b"content") if command != "STOR b" else data.read_all()
        return f"226-{MAPPED}: stored\r\n226 by {MAPPED}" if at == "end" else "226 done"
    gate.backend.on(command.partition(" ")[0], serve)
    client = by_certificate(gate, mine)
    transfer = client.upload(command, b"x") if command == "STOR b" else client.download(command)
    assert transfer.codes == [150, 226]
    assert MAPPED not in transfer.first.text + transfer.final.text


def test_status_without_a_path(plc, mine):
    """B-104: the gate's own, also after a mapped login."""
    gate = plc()
    gate.backend.on("STAT", f"211 {MAPPED} at 127.0.0.2")
    answer = by_certificate(gate, mine).command("STAT")
    assert answer.code == 211 and "STAT" not in gate.backend.verbs()


@pytest.mark.parametrize("line, answer", [("PWD", b'257 "/home/home-owner" is current\r\n'),
                                          ("MKD x", b'257 "/home/home-owner/x" made\r\n'),
                                          ("STAT x", b"213-Status\r\n-rw------- 1 home-owner 0 x\r\n213 End\r\n")])
def test_paths_and_lists_are_passed_on_as_they_are(house, cas, mine, line, answer):
    """Byte for byte, as clients build paths from them, and as LIST shows the same: what a home folder is called, and
    who is shown as a file's owner, is the backend's to choose. Not watched, as it would be seen."""
    gate = house.gate(**tables(cas, rule(user="home-owner")))
    gate.backend.on(line.partition(" ")[0], answer)
    assert by_certificate(gate, mine).command(line).raw == answer


def test_a_client_that_does_not_wait(plc, mine):
    """Closed in the middle of its own login: neither crash nor another's reply."""
    gate = plc()
    for _ in range(10):
        client = secured(gate, mine)
        client.send("USER x\r\nPASS y\r\n")
        client.reset()
    with pytest.raises((Closed, OSError)):
        client.reply()
    assert by_certificate(gate, mine).command("PWD").code == 257


@pytest.mark.parametrize("basic", [True, False])
def test_explained_when_nobody_knows_the_certificate(plc, unknown, basic):
    """Accepted but not mapped is exit 3 (INTERFACE.md), also where USER and PASS are of no use then."""
    gate = plc(PLCS, basic=basic)
    status, report = explained(gate.config, SITE, unknown)
    assert (status, report["result"], report["mapped"]) == (3, "accepted", False)
    assert ("530" in report["detail"]) != basic
    assert secured(gate, unknown).command("USER x").code == (331 if basic else 530)


def test_explained_by_the_command(plc, mine):
    """`ftpsgate identity` of the same configuration tells the user, and no password."""
    gate = plc()
    for more in ([], ["--json"]):
        done = run_command("identity", "-c", gate.config, "--site", SITE, *more, mine.certificate)
        assert done.returncode == 0 and MAPPED in done.stdout
        assert SECRET not in done.stdout + done.stderr
