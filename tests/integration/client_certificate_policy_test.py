"""Who gets in on the control connection: policy x kind of certificate x TLS version x explicit or implicit (B-180 ..
B-184, B-186 .. B-188, B-271 .. B-273)."""
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes

from support.client_access import VERSIONS, admitted, refused
from support.client_pki import ANY, DAY, HOUR, SERVER, liars_key, root

pytestmark = pytest.mark.filterwarnings("ignore:SHA1 signatures are deprecated")

# Kind: (word in log and metrics, alert); None: accepted.
KINDS = {
    "none": ("absent", None),
    "via an intermediate": None,
    "directly from the root": None,
    "RSA": None,
    "without its chain": ("untrusted", "unknown_ca"),
    "self-signed": ("untrusted", "unknown_ca"),
    "other CA": ("untrusted", "unknown_ca"),
    "other CA of the same name": ("untrusted|bad_signature", "unknown_ca|bad_certificate"),
    "expired": ("expired", "certificate_expired"),
    "not yet valid": ("not_yet_valid", "certificate_expired"),
    "server only": ("usage", "unsupported_certificate"),
    "any usage": None,
    "no usage named": None,
    "CA": ("usage", "unsupported_certificate"),
    "no digitalSignature": ("usage", "unsupported_certificate|illegal_parameter"),  # the latter TLS 1.3, by itself
    "CA for servers only": ("usage", "unsupported_certificate"),
    "RSA of 1024 bits": ("weak", "unsupported_certificate"),
    "signed with SHA-1": ("weak", "unsupported_certificate"),
    "revoked": ("revoked", "certificate_revoked"),
    "of a revoked CA": ("revoked", "certificate_revoked"),
}


@pytest.fixture(scope="module")
def world(cas):
    """Credential for each kind, and the CRLs that decide."""
    ca, top = cas.ca, cas.root
    stranger, namesake = root("stranger"), root()
    servers, withdrawn = top.ca("CA for servers", eku=(SERVER,)), top.ca("withdrawn CA")
    made = {"via an intermediate": ca.issue("client"), "directly from the root": top.issue("client"),
            "RSA": ca.issue("client", kind="rsa2048"), "self-signed": root("client", uses=("digital_signature",)),
            "other CA": stranger.issue("client"), "other CA of the same name": namesake.issue("client"),
            "expired": ca.issue("client", start=-2 * DAY, end=-HOUR),
            "not yet valid": ca.issue("client", start=HOUR, end=DAY), "server only": ca.issue("client", eku=(SERVER,)),
            "any usage": ca.issue("client", eku=(ANY,)), "no usage named": ca.issue("client", eku=None, uses=()),
            "CA": ca.ca("client", uses=("key_cert_sign", "digital_signature")),
            "no digitalSignature": ca.issue("client", uses=("key_encipherment",)),
            "CA for servers only": servers.issue("client"), "RSA of 1024 bits": ca.issue("client", kind="rsa1024"),
            "signed with SHA-1": ca.issue("client", digest=hashes.SHA1()), "revoked": ca.issue("client"),
            "of a revoked CA": withdrawn.issue("client")}
    credentials = {kind: cas.credential(entity) for kind, entity in made.items()}
    credentials["none"] = None
    lone = ca.issue("client")
    credentials["without its chain"] = cas.credential(lone, chain=[lone])
    lists = [top.crl([withdrawn]), ca.crl([made["revoked"]]), servers.crl(), withdrawn.crl()]
    return credentials, [cas.file("list.crl", one) for one in lists]


@pytest.fixture
def gate_for(house, cas, world):
    def start(policy):
        return house.gate(client_certificates=cas.settings(policy=policy, crl_files=world[1], url_allow=[]),
                          metrics={"listen": "127.0.0.1:0"})
    return start


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["require", "allow", "ignore"])
def test_truth_table(gate_for, world, policy, kind, version, implicit):
    """B-180 .. B-183, B-271"""
    gate, credential = gate_for(policy), world[0][kind]
    options = {"version": version, "implicit": implicit}
    verdict = None if policy == "ignore" or (kind == "none" and policy == "allow") else KINDS[kind]
    result = {"none": "absent"}.get(kind, "accepted")
    if verdict is None:
        words = [] if policy == "ignore" else [result]
        before = {word: certificates(gate, word) for word in words}
        assert admitted(gate, credential, **options).command("PWD").code == 257
        assert not gate.events("certificate_refused")
        assert {word: certificates(gate, word) for word in words} == {w: n + 1 for w, n in before.items()}
        return
    before = {word: certificates(gate, word) for word in verdict[0].split("|")}
    alert = refused(gate, credential, **options)
    wanted = verdict[1] or ("certificate_required" if version == "TLSv1.3" else "handshake_failure")
    assert alert in wanted.split("|")
    event = gate.wait_event("certificate_refused")
    assert event["reason"] in before and event["detail"] and event["site"] == "ftp.test"
    # Under TLS 1.3 the library refuses a key usage before it shows the certificate.
    assert kind in ("none", "no digitalSignature") or "CN=client" in event["certificate"]
    assert certificates(gate, event["reason"]) == before[event["reason"]] + 1
    assert not gate.backend.sessions and not gate.events("login")


def certificates(gate, result):
    return gate.metric("ftpsgate_client_certificates_total", site="ftp.test", result=result)


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
@pytest.mark.parametrize("policy", ["ignore", "allow", "require"])
def test_certificate_request(gate_for, cas, world, policy, version):
    """B-180: none at all under ignore. B-272: else it names the site's CAs and no others."""
    gate = gate_for(policy)
    host, port = gate.address("implicit")
    credential = world[0]["via an intermediate"]
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-msg", f"-{version}", "-cert",
                           credential.certificate, "-key", credential.key], input="QUIT\r\n", capture_output=True,
                          text=True, timeout=20)
    assert "CertificateRequest" in done.stdout if policy != "ignore" else "CertificateRequest" not in done.stdout
    names = done.stdout.partition("Acceptable client certificate CA names\n")[2].partition("\nRequested")[0]
    assert names.splitlines()[:1] == ([] if policy == "ignore" else ["CN = client root"])
    assert "CN = throw-away test CA" not in names


@pytest.mark.parametrize("version", VERSIONS)
def test_the_log_tells_who_came(gate_for, world, version):
    """tls_established names the certificate of the control connection."""
    gate, credential = gate_for("require"), world[0]["via an intermediate"]
    admitted(gate, credential, version=version)
    event = gate.wait_event("tls_established", channel="control")
    assert "CN=client" in str(event)
    digest = credential.entity.certificate.fingerprint(hashes.SHA256()).hex()
    assert digest in str(event).lower().replace(":", "")


@pytest.mark.parametrize("version", VERSIONS)
def test_someone_elses_certificate(gate_for, cas, world, version):
    """A-099: whoever shows a certificate proves to have its key, before anything is said about the certificate."""
    gate = gate_for("require")
    stolen = cas.credential(world[0]["via an intermediate"].entity)
    stolen.key.write_bytes(liars_key(shown=stolen.entity.key, true=world[0]["directly from the root"].entity.key))
    assert refused(gate, stolen, version=version) in ("decrypt_error", "bad_signature")
    assert not gate.backend.sessions and not gate.events("login")
