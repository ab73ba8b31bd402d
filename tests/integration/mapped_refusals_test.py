"""Clients with a certificate that are refused at USER: why is nobody's business but the operator's (A-032, A-100)."""
from support.mapped import GENERIC, MAPPED, SECRET, by_certificate, deny, rule, secured, tables, watched
from support.odd_certificates import odd_credential
from support.wait import wait_until


def refusals(cas, folder):
    """{why: (rules, [site.authentication] and more, credential, what the backend says to PASS)}"""
    ca_file, word = cas.file("directory.pem", cas.root.pem), folder / "word"
    word.write_text("word\n")
    down = {"enabled": True, "url": "ldaps://127.0.0.1:1", "ca_file": ca_file, "bind_dn": "cn=gate", "base_dn": "dc=x",
            "bind_password_file": str(word), "password": SECRET}
    two_names = odd_credential(cas, [{"CN": "guest"}, {"CN": "plc-7"}])
    twice = odd_credential(cas, "plc-7", [("upn", "guest@x"), ("upn", "plc-7@x")])
    mine, files = cas.leaf("plc-7"), str(folder / "%u")
    return {"not mapped": ([rule(subject="CN=plc-*")], {}, cas.leaf("somebody"), None),
            "denied": ([deny("bad", subject="CN=plc-7"), rule()], {}, mine, None),
            "two CNs": ([rule(subject="CN=*")], {}, two_names, None), "two UPNs": ([rule(upn="*")], {}, twice, None),
            "a control character": ([rule()], {}, odd_credential(cas, "plc\r\n7"), None),
            "no value for the user": ([rule(user="{email}")], {}, mine, None),
            "no password": ([rule(password=None, password_file=files)], {}, mine, None),
            "another name": ([rule()], {"user_must_match": True}, mine, None),
            "directory down": ([rule(subject="CN=plc-*")], {"active_directory": down}, cas.leaf("somebody"), None),
            "refused by the backend": ([rule()], {}, mine, f"530 {MAPPED} is locked"),
            "refused by the backend with another code": ([rule()], {}, mine, "553 no")}


def test_refusals_cannot_be_told_apart(house, cas, tmp_path):
    """A-100: to the client they are all one, from USER on; the log knows which."""
    heard, told = {}, set()
    for why, (rules, more, credential, answer) in refusals(cas, tmp_path).items():
        site = tables(cas, *rules)
        if "active_directory" in more:
            site.update(more)
        else:
            site["authentication"].update(more)
        gate = watched(house.gate(**site))
        if answer:
            gate.backend.on("PASS", answer)
        client = secured(gate, credential)
        heard[why] = [client.command(line).raw for line in ("USER x", "PASS x", "PWD", "SYST")]
        event = gate.event("identity_refused") or {}
        told.add((event.get("rule"), event.get("detail"), gate.wait_event("login").get("reason")))
        assert bool(gate.backend.sessions) == bool(answer), why
        house.settle()
    assert {replies[0].decode() for replies in heard.values()} == {GENERIC + "\r\n"}
    assert len({tuple(replies) for replies in heard.values()}) == 1, heard
    assert len(told) >= 9, told


def test_a_certificate_that_expires_during_the_session(house, cas):
    """USER again is a new decision: what held with the handshake holds no more."""
    gate = watched(house.gate(**tables(cas)))
    client = by_certificate(gate, cas.leaf("plc-7", end=10))
    wait_until(lambda: client.command("USER x").code == 530, "USER again is refused", 30)
    assert client.command("PWD").code == 530
    assert "expired" in gate.wait_event("login", result="refused")["reason"]
