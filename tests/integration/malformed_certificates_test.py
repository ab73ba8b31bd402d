"""What a client sends in the place of certificates and nobody can read: refused, logged and counted as such, whoever
found out first, the TLS library or the gate."""
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from support import der
from support.client_access import VERSIONS, admitted, refused
from support.odd_certificates import OddEntity, extension, odd

METRICS = {"listen": "127.0.0.1:0"}


@pytest.fixture
def gate(house, cas):
    return house.gate(client_certificates=cas.settings("no-revocation-check"), metrics=METRICS)


def resigned(cas, entity, change):
    """The certificate with other contents, signed anew."""
    to_be_signed, algorithm, _ = der.inside(entity.der)
    body = der.sequence(*change(der.inside(to_be_signed)))
    signature = cas.ca.key.sign(body, ec.ECDSA(hashes.SHA256()))
    return OddEntity(der.sequence(body, algorithm, der.bits(signature)), entity.key, cas.ca)


def version_1_with_extensions(cas):
    return resigned(cas, odd(cas.ca), lambda parts: parts[1:])


def more_than_the_library_takes(cas):
    return odd(cas.ca, more=[extension("1.2.3.4", b"x" * 110_000)])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("make", [version_1_with_extensions, more_than_the_library_takes])
def test_unreadable(gate, cas, make, version):
    labels = {"site": "ftp.test", "result": "malformed"}
    before = gate.metric("ftpsgate_client_certificates_total", **labels)
    try:
        refused(gate, cas.credential(make(cas)), version=version)
    except OSError:
        pass        # the connection ends while it is still sending
    event = gate.wait_event("certificate_refused", reason="malformed")
    assert event["site"] == "ftp.test" and event["detail"]
    assert gate.metric("ftpsgate_client_certificates_total", **labels) == before + 1
    admitted(gate, cas.leaf())
