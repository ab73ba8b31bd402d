"""Client certificates and their accounts in a real Active Directory: Samba as a domain controller. Every way of mapping
(IIS.md section d.1), the accounts that may not log in, and certificates that try to be somebody else."""
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from support import der
from support.client_pki import at
from support.directory import PEOPLE
from support.directory_site import (ISSUER, DirectorySite, by_serial, is_unknown, refusal_of, reversed_serial,
                                    user_of)
from support.odd_certificates import BMP, IA5, OddRoot, odd_credential

pytest_plugins = ["support.directory_fixtures"]

UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
SID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2")
SID_NAME = bytes.fromhex("060a2b060104018237190201")
WEAK = ["upn", "issuer-subject", "subject", "rfc822"]


def upn(name):
    return x509.OtherName(UPN, der.tlv(0x0c, name if isinstance(name, bytes) else name.encode()))


def alternative(*names):
    return [(x509.SubjectAlternativeName(names), False)]


def sid_extension(sid):
    held = der.tlv(0xa0, der.octets(sid.encode()))
    return [(x509.UnrecognizedExtension(SID_EXTENSION, der.sequence(der.tlv(0xa0, SID_NAME, held))), False)]


def key_hash(credential):
    point = credential.entity.key.public_key().public_bytes(serialization.Encoding.X962,
                                                            serialization.PublicFormat.UncompressedPoint)
    return hashlib.sha1(point).hexdigest()


@pytest.fixture
def site(tmp_path, house, cas):
    return DirectorySite(tmp_path, house, cas)


@pytest.fixture
def directory(domain_controller):
    """The domain controller; the accounts of the test go away with it."""
    made = []

    class Accounts:
        server = domain_controller

        def add(self, name, **attributes):
            made.append(domain_controller.add(name, **attributes))
            return made[-1]
    yield Accounts()
    if made:
        domain_controller.remove(*made)


STRONG = {
    "issuer-serial": lambda c: {"altSecurityIdentities": by_serial(c)},
    "issuer-serial in capitals": lambda c: {"altSecurityIdentities":
                                            f"X509:<I>{ISSUER}<SR>{reversed_serial(c).upper()}"},
    "ski": lambda c: {"altSecurityIdentities": f"X509:<SKI>{key_hash(c)}"},
    "sha1-public-key": lambda c: {"altSecurityIdentities": f"X509:<SHA1-PUKEY>{key_hash(c)}"},
    "sha1-public-key, thumbprint": lambda c: {"altSecurityIdentities":
                                              f"X509:<SHA1-PUKEY>{hashlib.sha1(c.entity.der).hexdigest()}"},
    "user-certificate": lambda c: {"userCertificate": c.entity.der},
    "one of many": lambda c: {"altSecurityIdentities": ["X509:<SKI>00", by_serial(c), "Kerberos:a@B", "X509:<S>CN=x"]},
}


@pytest.mark.parametrize("form", STRONG)
def test_the_strong_forms_are_on_by_default(site, directory, cas, form):
    credential = cas.leaf()
    dn = directory.add("anna", **STRONG[form](credential))
    directory.add("other", altSecurityIdentities="X509:<SKI>00ff")
    report = site.ask(directory.server, credential)
    assert user_of(report) == "anna" and report["identity"]["rule"].lower() == dn.lower()


@pytest.mark.parametrize("form", ["issuer-serial", "ski", "sha1-public-key", "user-certificate"])
def test_a_form_that_is_not_named_does_not_match(site, directory, cas, form):
    """And the report says which were tried."""
    credential = cas.leaf()
    directory.add("anna", **STRONG[form](credential))
    others = [one for one in ("issuer-serial", "ski", "sha1-public-key", "sid", "user-certificate") if one != form]
    report = site.ask(directory.server, credential, map_by=others)
    assert is_unknown(report)
    assert {step["detail"].partition(": ")[0] for step in report["identity"]["steps"]} == set(others)
    assert user_of(site.ask(directory.server, credential, map_by=[form])) == "anna"


ISSUERS = {
    "comma": ([{"O": "Digi, Inc."}, {"CN": "CA"}], 'O="Digi, Inc.",CN=CA'),
    "quote": ([{"CN": 'a"b'}], 'CN="a""b"'),
    "plus": ([{"CN": "a+b"}], 'CN="a+b"'),
    "backslash, star, parentheses": ([{"CN": "a\\b*(c)"}], "CN=a\\b*(c)"),
    "looks like another part": ([{"CN": "a<S>b"}], 'CN="a<S>b"'),
    "not ASCII": ([{"O": "M\xfcller \u4e16"}, {"CN": "CA"}], "O=M\xfcller \u4e16,CN=CA"),
    "BMPString": ([{"CN": (BMP, "\xdcber CA".encode("utf-16-be"))}], "CN=\xdcber CA"),
    "several in one part": ([[("CN", "CA"), ("UID", "7")]], "CN=CA OID.0.9.2342.19200300.100.1.1=7"),
    "domain": ([{"DC": (IA5, "com")}, {"DC": (IA5, "corp")}, {"CN": "CORP-CA"}], "DC=com,DC=corp,CN=CORP-CA"),
}


@pytest.mark.parametrize("kind", ISSUERS)
def test_issuers_with_special_characters(site, directory, cas, kind):
    """As Windows writes them, through filters and a real directory's own idea of them."""
    subject, text = ISSUERS[kind]
    ca = OddRoot(subject)
    credential = odd_credential(cas, "anna", issuer=ca, serial=0x0102030405)
    directory.add("anna", altSecurityIdentities=f"X509:<I>{text}<SR>0504030201")
    clients = {"ca_file": cas.file(f"odd-{kind}.pem".replace(" ", "-"), ca.pem)}
    assert user_of(site.ask(directory.server, credential, clients=clients)) == "anna"


@pytest.mark.parametrize("serial", [1, 0x7f, 0x80, 0xff00, 0x80000000, 0x8000000000000001])
def test_serial_numbers_of_every_length(site, directory, cas, serial):
    """Also with the zero byte in front that DER writes and Windows keeps."""
    credential = cas.leaf(serial=serial)
    plain = reversed_serial(credential)
    forms = [plain] + ([plain + "00"] if serial.bit_length() % 8 == 0 else [])
    for number, text in enumerate(forms):
        directory.add(f"anna{number}", altSecurityIdentities=f"X509:<I>{ISSUER}<SR>{text}")
        report = site.ask(directory.server, credential)
        if number == 0:
            assert user_of(report) == "anna0"
        else:
            assert "more than one account" in refusal_of(report)


def test_the_sid_of_the_extension(site, directory, cas):
    sid = directory.server.sid(directory.add("anna"))
    credential = cas.leaf(more=sid_extension(sid))
    assert user_of(site.ask(directory.server, credential)) == "anna"
    assert is_unknown(site.ask(directory.server, credential, map_by=["issuer-serial", "ski"]))
    assert is_unknown(site.ask(directory.server, cas.leaf(more=sid_extension(sid + "9"))))
    group = directory.server.sid(f"CN=Domain Users,{PEOPLE}")
    assert is_unknown(site.ask(directory.server, cas.leaf(more=sid_extension(group)))), "a group is no account"
    assert "SID" in refusal_of(site.ask(directory.server, cas.leaf(more=sid_extension("S-1-5-21-x"))))


@pytest.mark.parametrize("whose, forms, found", [
    ("her own", ["upn"], True), ("her own", ["sid", "upn"], True), ("bert's", ["upn"], False),
    ("bert's", ["upn", "sid"], False), ("nobody's", ["sid", "upn"], False), ("no SID", ["upn"], False),
    ("her own", ["issuer-serial"], True), ("bert's", ["issuer-serial"], False),
    ("bert's", ["user-certificate", "issuer-serial"], False)])
def test_the_sid_of_the_extension_binds_whatever_found_the_account(site, directory, cas, whose, forms, found):
    """KB5014754, CVE-2022-26923: a SID in the certificate that is another account's refuses."""
    dn = directory.add("anna", userPrincipalName="anna@example.test")
    bert = directory.server.sid(directory.add("bert"))
    sid = {"her own": directory.server.sid(dn), "bert's": bert, "nobody's": bert + "99", "no SID": "S-1-5-21-x"}[whose]
    credential = cas.leaf(more=alternative(upn("anna@example.test")) + sid_extension(sid))
    directory.server.modify(dn, "altSecurityIdentities", by_serial(credential))
    report = site.ask(directory.server, credential, map_by=forms)
    assert user_of(report) == "anna" if found else "SID" in refusal_of(report)


@pytest.mark.parametrize("form", WEAK)
def test_the_weak_forms_match_only_when_they_are_named(site, directory, cas, form):
    """KB5014754, A-094."""
    credential = cas.leaf("anna", more=alternative(x509.RFC822Name("anna@mail.example"), upn("anna@example.test")))
    values = {"upn": {"userPrincipalName": "anna@example.test"},
              "issuer-subject": {"altSecurityIdentities": f"X509:<I>{ISSUER}<S>CN=anna"},
              "subject": {"altSecurityIdentities": "X509:<S>CN=anna"},
              "rfc822": {"altSecurityIdentities": "X509:<RFC822>anna@mail.example"}}
    directory.add("anna", **values[form])
    assert is_unknown(site.ask(directory.server, credential))
    others = [one for one in WEAK if one != form]
    assert is_unknown(site.ask(directory.server, credential, map_by=others))
    assert user_of(site.ask(directory.server, credential, map_by=["sid", form])) == "anna"


def test_issuer_subject_and_serial_in_one_string_never_match(site, directory, cas):
    """Documented by mistake, found in the wild."""
    credential = cas.leaf("anna")
    directory.add("anna", altSecurityIdentities=f"X509:<I>{ISSUER}<S>CN=anna<SR>{reversed_serial(credential)}")
    every = ["issuer-serial", "ski", "sha1-public-key", "sid", "user-certificate", *WEAK]
    assert is_unknown(site.ask(directory.server, credential, map_by=every))


def test_the_serial_the_wrong_way_round_does_not_match(site, directory, cas):
    credential = cas.leaf(serial=0x0102030405)
    directory.add("anna", altSecurityIdentities=f"X509:<I>{ISSUER}<SR>0102030405")
    assert is_unknown(site.ask(directory.server, credential))


def test_the_order_of_map_by_decides(site, directory, cas):
    credential = cas.leaf()
    directory.add("anna", altSecurityIdentities=by_serial(credential))
    directory.add("bert", altSecurityIdentities=f"X509:<SKI>{key_hash(credential)}")
    assert user_of(site.ask(directory.server, credential, map_by=["issuer-serial", "ski"])) == "anna"
    assert user_of(site.ask(directory.server, credential, map_by=["ski", "issuer-serial"])) == "bert"


def test_two_accounts_are_refused(site, directory, cas):
    credential = cas.leaf()
    for name in ("anna", "bert"):
        directory.add(name, altSecurityIdentities=by_serial(credential))
    assert "more than one account" in refusal_of(site.ask(directory.server, credential))


def test_nobody_knows_the_certificate(site, directory, cas):
    report = site.ask(directory.server, cas.leaf())
    assert is_unknown(report) and report["status"] == 3 and report["identity"]["source"] == "active_directory"


# Accounts that may not log in.

def file_time(when):
    return (when - datetime.datetime(1601, 1, 1)) // datetime.timedelta(microseconds=1) * 10


def test_a_disabled_account_is_refused(site, directory, cas):
    credential = cas.leaf()
    dn = directory.add("anna", altSecurityIdentities=by_serial(credential))
    directory.server.modify(dn, "userAccountControl", 514)
    assert "it is disabled" in refusal_of(site.ask(directory.server, credential))
    directory.server.modify(dn, "userAccountControl", 512)
    assert user_of(site.ask(directory.server, credential)) == "anna"


@pytest.mark.parametrize("expires, refused", [(-3600, True), (3600, False), ("0", False),
                                              ("9223372036854775807", False)])
def test_an_account_that_has_expired_is_refused(site, directory, cas, expires, refused):
    credential = cas.leaf()
    when = expires if isinstance(expires, str) else file_time(at(expires))
    directory.add("anna", altSecurityIdentities=by_serial(credential), accountExpires=when)
    report = site.ask(directory.server, credential)
    assert "it has expired" in refusal_of(report) if refused else user_of(report) == "anna"


def test_an_account_that_is_locked_out_is_refused(site, directory, cas):
    credential = cas.leaf()
    dn = directory.add("anna", altSecurityIdentities=by_serial(credential))
    assert user_of(site.ask(directory.server, credential)) == "anna"
    directory.server.lock(dn)
    assert "it is locked out" in refusal_of(site.ask(directory.server, credential))
    directory.server.modify(dn, "lockoutTime", 0)
    assert user_of(site.ask(directory.server, credential)) == "anna"


# What the backend is told.

def test_another_attribute_names_the_user(site, directory, cas):
    credential = cas.leaf()
    dn = directory.add("anna", altSecurityIdentities=by_serial(credential), employeeID="e17")
    assert user_of(site.ask(directory.server, credential, user_attribute="employeeID")) == "e17"
    assert "no carLicense" in refusal_of(site.ask(directory.server, credential, user_attribute="carLicense"))
    directory.server.modify(dn, "otherTelephone", ["1", "2"])
    assert "several otherTelephone" in refusal_of(
        site.ask(directory.server, credential, user_attribute="otherTelephone"))
    directory.server.modify(dn, "employeeID", "e17\r\nDELE x")
    assert "employeeID" in refusal_of(site.ask(directory.server, credential, user_attribute="employeeID"))


def test_a_password_file_for_each_user(site, directory, cas, tmp_path):
    credential = cas.leaf()
    directory.add("anna", altSecurityIdentities=by_serial(credential))
    options = {"password": None, "password_file": str(tmp_path / "%u.word")}
    assert "no password" in refusal_of(site.ask(directory.server, credential, **options))
    (tmp_path / "anna.word").write_text("her word\n")
    assert user_of(site.ask(directory.server, credential, **options)) == "anna"


# Certificates that would like to be somebody else.

EVIL_NAMES = ["anna\0", "anna\0.evil", "anna\r\nDELE x", "anna\n", "\x7fanna", "anna ", " anna", "anna\x85",
              "anna\u2028"]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_doubtful_subject_is_refused_before_the_directory_is_asked(site, directory, cas, name):
    """A directory ignores a NUL at the end (A-090); the one here is not even there."""
    directory.add("anna", altSecurityIdentities="X509:<S>CN=anna")
    report = site.ask(directory.server, cas.leaf(name), map_by=["subject"])
    assert "subject: the subject has a CN" in refusal_of(report)
    gone = site.ask(directory.server, cas.leaf(name), map_by=["subject"], url="ldaps://127.0.0.1:1")
    assert refusal_of(gone) == refusal_of(report)


@pytest.mark.parametrize("name", [b"anna@example.test\0", b"anna@example.test\n", b"anna\0@example.test", b"\xff\xfe",
                                  b"anna@example.test ", b"a\xc0\x80", b""])
def test_a_doubtful_upn_is_refused(site, directory, cas, name):
    directory.add("anna", userPrincipalName="anna@example.test")
    report = site.ask(directory.server, cas.leaf(more=alternative(upn(name))), map_by=["upn"])
    assert "upn: the UPN" in refusal_of(report)


def test_two_upns_are_refused(site, directory, cas):
    directory.add("anna", userPrincipalName="anna@example.test")
    names = alternative(upn("anna@example.test"), upn("other@example.test"))
    assert "more than once" in refusal_of(site.ask(directory.server, cas.leaf(more=names), map_by=["upn"]))


@pytest.mark.parametrize("name", ["*", "an*", "anna)(objectClass=*", "anna\\", "\\61nna", "ann\xe4", "\u0430nna",
                                  "(anna", "anna*)(|(cn=*", "ANNA,CN=x", "anna<S>CN=anna", "a" * 64])
def test_names_match_nobody_else(site, directory, cas, name):
    """Filters keep their shape, and what a directory takes for the same is not the same (A-095)."""
    directory.add("anna", altSecurityIdentities="X509:<S>CN=anna", userPrincipalName="anna@example.test")
    names = alternative(upn(f"{name}@example.test"))
    assert is_unknown(site.ask(directory.server, cas.leaf(name, more=names), map_by=["subject", "upn"]))


def test_evil_names_do_no_harm_where_nobody_looks_at_them(site, directory, cas):
    credential = cas.leaf("anna\0\r\nDELE x")
    directory.add("bert", altSecurityIdentities=by_serial(credential))
    assert user_of(site.ask(directory.server, credential)) == "bert"
