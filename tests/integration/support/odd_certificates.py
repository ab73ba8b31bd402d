"""Client certificates with any bytes in their names, put together by hand: python3-cryptography refuses to make most of
those that an attacker would like to have."""
import base64
import itertools

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import der
from .client_pki import DAY, HOUR, Credential, at, new_key

UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e
TYPES = {"CN": "2.5.4.3", "SN": "2.5.4.4", "serialNumber": "2.5.4.5", "C": "2.5.4.6", "O": "2.5.4.10",
         "OU": "2.5.4.11", "UID": "0.9.2342.19200300.100.1.1", "DC": "0.9.2342.19200300.100.1.25",
         "emailAddress": "1.2.840.113549.1.9.1"}
_UPN = "1.3.6.1.4.1.311.20.2.3"
_numbers = itertools.count(0x7a000000)


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    body = bytearray()
    for number in (first * 40 + second, *rest):
        digits = [number & 0x7f]
        while number := number >> 7:
            digits.insert(0, 0x80 | (number & 0x7f))
        body += bytes(digits)
    return der.tlv(0x06, bytes(body))


def value(text):
    """A string is a UTF8String, bytes too; (tag, bytes) is what it says."""
    tag, content = text if isinstance(text, tuple) else (UTF8, text)
    return der.tlv(tag, content.encode() if isinstance(content, str) else content)


def name(subject):
    """A string is a CN; else a list of RDNs in the order of the DER, each {type: value} or [(type, value), ...]."""
    rdns = [{"CN": subject}] if isinstance(subject, (str, bytes, tuple)) else subject
    made = []
    for rdn in rdns:
        pairs = rdn.items() if isinstance(rdn, dict) else rdn
        made.append(der.tlv(0x31, *sorted(der.sequence(oid(TYPES.get(kind, kind)), value(text))
                                          for kind, text in pairs)))
    return der.sequence(*made)


def general(kind, text):
    """A GeneralName: "email", "dns", "uri", "upn"; of the latter (tag, bytes) may be given."""
    if kind == "upn":
        return der.tlv(0xa0, oid(_UPN), der.tlv(0xa0, value(text)))
    content = text.encode() if isinstance(text, str) else text
    return der.tlv({"email": 0x81, "dns": 0x82, "uri": 0x86}[kind], content)


def extension(kind, content, critical=False):
    return der.sequence(oid(kind), *([b"\x01\x01\xff"] if critical else []), der.octets(content))


def alternative(names):
    """[(kind, text), ...] as the extension subjectAltName; bytes stand for themselves."""
    parts = [one if isinstance(one, bytes) else general(*one) for one in names]
    return extension("2.5.29.17", der.sequence(*parts))


class OddEntity:
    """What Credential needs of an entity."""

    def __init__(self, data, key, issuer):
        self.der, self.key, self.issuer = data, key, issuer

    @property
    def pem(self):
        return pem_of(self.der)

    def path(self):
        return [self, *self.issuer.path()]


class OddRoot:
    """A CA with any bytes in its name, for `issuer` of those below. Its own path is nothing to be sent."""
    issuer = None

    def __init__(self, subject):
        self.key, self.subject, self.name = new_key(), subject, self
        self.der = certificate(self, subject, next(_numbers), self.key,
                               [extension("2.5.29.19", der.sequence(b"\x01\x01\xff"), True)])

    def public_bytes(self):
        return name(self.subject)

    @property
    def pem(self):
        return pem_of(self.der)

    def path(self):
        return []


def pem_of(data):
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def certificate(issuer, subject, serial, key, extensions):
    signing = der.sequence(oid("1.2.840.10045.4.3.2"))
    times = [der.tlv(0x17, at(when).strftime("%y%m%d%H%M%SZ").encode()) for when in (-HOUR, 2 * DAY)]
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = der.sequence(der.tlv(0xa0, der.integer(2)), der.integer(serial), signing, issuer.name.public_bytes(),
                        der.sequence(*times), name(subject), public, der.tlv(0xa3, der.sequence(*extensions)))
    return der.sequence(body, signing, der.bits(issuer.key.sign(body, ec.ECDSA(hashes.SHA256()))))


def odd(issuer, subject="client", names=(), *, serial=None, key=None, more=()):
    """A client certificate of `issuer`; `names` are alternative names, `more` whole extensions."""
    key = key or new_key()
    extensions = [extension("2.5.29.37", der.sequence(oid("1.3.6.1.5.5.7.3.2"))),
                  *([alternative(names)] if names else []), *more]
    number = next(_numbers) if serial is None else serial
    return OddEntity(certificate(issuer, subject, number, key, extensions), key, issuer)


def odd_credential(cas, *arguments, issuer=None, **wishes):
    return Credential(cas.folder, odd(issuer or cas.ca, *arguments, **wishes))
