"""Patterns and templates that cannot be meant: told by `check` with line and column, before anybody logs in; and
certificates full of random bytes, of which the backend must never hear more than one proper name (A-041)."""
import random
import re

import pytest

from support import toml
from support.gate import run_command
from support.identity_cases import logged_in
from support.mapped import rule, tables
from support.odd_certificates import odd_credential

BAD_NAMES = ["", "CN", "CN=", "=x", ",", "CN=a,", ",CN=a", "CN=a,,O=b", "CN=a\\", 'CN="a', 'CN="a"b', "CN=a;b",
             "CN=a<b", 'CN=a"b', "XX=a", "CN=a\\zb", "CN=#zz", "CN=#0C", "CN=#0C01", "1.2.=x", "1..2=x", "CN=a+CN=b",
             "CN=a+", "a*=b", "CN=a\nO=b", "CN=\\00", "CN=a\\0D\\0Ab", "CN=\\FF", "CN=" + "a" * 300,
             "CN=\\ a", "2.5.4.3.=a"]
FAULTS = {
    "subject": BAD_NAMES, "issuer": BAD_NAMES,
    "serial": ["", "xyz", "0x", "1G", "-", "1 2", "0A,1B", ":"],
    "sha256": ["", "abc", "0" * 63, "0" * 65, "g" * 64, "*"],
    "spki_sha256": ["", "abc", "0" * 63, "0" * 65, "g" * 64, "*"],
    "email": ["", "nobody", "@example.com", "a@b c", "a\n@b", "a@b@c"],
    "dns": ["", "a b", "a/b", "caf\xe9.example", "a\n"],
    "upn": ["", "a\nb", " a", "b ", "\x7f"],
    "uri": ["", "a b", "urn:\xe9", "a\n"],
    "user": ["", "{who}", "{cn", "cn}", "{", "}", "{}", "{{cn}}", "{CN}", "{cn }", "{email.domain}", "{cn.local}",
             "a\nb", "a\rb", "\x00", "x" * 256, " plc", "plc ", "{cn} ", "a\u200b{cn}", "\xa0"],
    "account": ["", "a\nb", "a\x00", "x" * 256],
}


@pytest.mark.parametrize("key, text", [(key, text) for key, texts in FAULTS.items() for text in texts])
def test_faults_of_patterns(house, cas, tmp_path, key, text):
    """One fault each, at the place of the value."""
    keys = rule(**{"subject": "CN=*", key: text})
    path, lines = configuration(house, cas, tmp_path, keys)
    done = run_command("check", "-c", path)
    found = re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): error: (.*)$", done.stdout + done.stderr, re.M)
    rules = lines.index("[[site.identity]]")
    where = next(number for number, line in enumerate(lines, 1) if number > rules and line.startswith(f"{key} = "))
    assert done.returncode == 2 and len(found) == 1, done.stdout + done.stderr
    assert (int(found[0][0]), int(found[0][1])) == (where, len(f"{key} = ") + 1)
    assert f"identity[0].{key}: " in found[0][2]
    assert run_command("identity", "-c", path, "--site", "ftp.test", cas.root_list).returncode == 2


def configuration(house, cas, folder, *rules):
    """(path, lines), each rule a table of its own."""
    settings = tables(cas, rule())
    del settings["identity"]
    site = house.site(backend={"servers": ["127.0.0.2:21"]}, **settings)
    text = toml.dump({"metrics": {"listen": ""}, "site": [site]})
    for one in rules:
        text += "[[site.identity]]\n" + "".join(f"{key} = {literal(item)}\n" for key, item in one.items())
    path = folder / "gate.toml"
    path.write_text(text)
    return path, text.split("\n")


def literal(item):
    return re.sub(r"[\x00-\x1f\x7f]", lambda one: f"\\u{ord(one.group()):04x}", toml.value(item)) \
        if isinstance(item, str) else toml.value(item)


def test_every_fault_is_found(house, cas, tmp_path):
    """All rules, all keys, in one run."""
    path, _ = configuration(house, cas, tmp_path, rule("a", subject="CN"), rule("b", dns="a b", user="{who}"),
                            rule("a", serial="x"), rule("c", subject=None), rule("d", user=None),
                            rule("e", deny=True), {**rule("f"), "colour": "red"}, {"user": "x", "password": "y",
                                                                                  "subject": "CN=*"})
    told = run_command("check", "-c", path).stdout + run_command("check", "-c", path).stderr
    for part in ("identity[0].subject", "identity[1].dns", "identity[1].user", "identity[2].serial", "identity[2].name",
                 "identity[3]", "identity[4].user", "identity[5].user", "identity[5].password", "identity[6].colour",
                 "identity[7].name"):
        assert part in told, part


GOOD = {"subject": ["CN=*", "CN=a\\,b , O=c", "2.5.4.3=x", 'CN="a;b"', "CN=#0C0161", "UID=a+CN=b"],
        "serial": ["0", "00ff", "A:B", "-1"], "sha256": ["AB" * 32, ":".join(["0a"] * 32)],
        "email": ["*", "*@*", "a*@b.example"], "dns": ["*", "*.b", "b"], "upn": ["*", "a", "\xe9*"],
        "uri": ["*", "urn:*"],
        "user": ["{cn}", "a{cn}b{serial}", "x" * 255, "with blanks", "\xe9"]}


@pytest.mark.parametrize("key, text", [(key, text) for key, texts in GOOD.items() for text in texts])
def test_what_is_no_fault(house, cas, tmp_path, key, text):
    path, _ = configuration(house, cas, tmp_path, rule(**{"subject": "CN=*", key: text}))
    done = run_command("check", "-c", path)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- random certificates --------------------------------------------------------------------------------------------

KINDS = ["cn", "email", "dns", "upn", "uri"]
PARTS = [b"\r\n", b"\r", b"\n", b"\0", b"DELE x", b"\r\nQUIT\r\n", b"\xff\xf4", b"\xc3\xa9", b"\xe2\x80\xa8", b" ",
         b"@", b".example", b"urn:", b"{cn}", b"%u", b"..", b"/", b"\\", b'"', b"*", b",O=x", b"\xc0\x8a", b"\x1b["]


def random_text(dice):
    """Mostly sound, so that many get through; sometimes anything."""
    letters = b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_"
    text = bytes(dice.choice(letters) for _ in range(dice.randint(0, 30)))
    for _ in range(dice.choice([0, 0, 1, 1, 2, 3])):
        part = dice.choice(PARTS) if dice.random() < 0.7 else dice.randbytes(dice.randint(1, 8))
        at = dice.randint(0, len(text))
        text = text[:at] + part + text[at:]
    return text


def random_certificate(dice, cas, kind):
    """(credential, the value that may become the user's name)"""
    text = random_text(dice)
    if kind == "cn":
        return odd_credential(cas, text), text
    form = {"email": b"%s@example.com", "dns": b"%s.example", "upn": b"%s", "uri": b"urn:%s"}[kind]
    text = form % text
    return odd_credential(cas, random_text(dice) or "client", [(kind, text)]), text


def test_random_certificates(house, cas):
    """A-041, B-191, B-192: 300 of them. Whatever is in a certificate, the backend gets either nothing or USER with the
    whole value, unchanged, and PASS."""
    rules = [rule("cn", user="{cn}", subject="CN=*", password="word")]
    sites = [{"name": "cn.test", "listen": [{"address": "127.0.0.1:0", "tls": "explicit"}], **tables(cas, *rules)}]
    for kind in KINDS[1:]:
        sites.append({**sites[0], "name": f"{kind}.test",
                      "identity": [rule(kind, user="{%s}" % kind, password="word", **{kind: "*"})]})
    gate = house.gate_of(sites)
    dice, mapped, refused = random.Random(20250), 0, 0
    for number in range(300):
        kind = KINDS[number % len(KINDS)]
        credential, text = random_certificate(dice, cas, kind)
        before = len(gate.backend.sessions)
        answer = logged_in(gate, f"{kind}.test", credential)
        gate.close_clients()
        if answer is not None and answer.code == 232:
            mapped += 1
            heard = gate.backend.session.received
            assert heard[:2] == [b"USER " + text + b"\r\n", b"PASS word\r\n"], text
            assert heard[2:] in ([], [b"QUIT\r\n"]), text
            assert not re.search(rb"[\x00-\x1f\x7f]", text) and text.decode()
        else:
            refused += 1
            assert (answer is None or answer.code == 530) and len(gate.backend.sessions) == before, (kind, text, answer)
    assert mapped >= 60 and refused >= 60, (mapped, refused)
    assert not gate.backend.odd_lines()
