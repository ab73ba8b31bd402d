"""CAs, client certificates and CRLs, made with python3-cryptography while the tests run. Times are in seconds from now;
everything is valid unless the test says otherwise. OCSP answers are in ocsp.py."""
import base64
import datetime
import itertools
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from . import der

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
ANY, OCSP_SIGNING = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.OCSP_SIGNING
HOUR, DAY = 3600, 86400
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign")
_numbers = itertools.count(1000)


def at(seconds):
    """The time so many seconds from now, as the builders want it."""
    return datetime.datetime.utcnow().replace(microsecond=0) + datetime.timedelta(seconds=seconds)


def name_of(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def new_key(kind="ec"):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, int(kind[3:]))


def points(urls, **parts):
    """Distribution points of one URL each, so that they are tried in order."""
    return [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, parts.get("reasons"),
                                   parts.get("issuer")) for url in urls]


def key_usage(names):
    return x509.KeyUsage(**{use: use in names for use in _USES}, encipher_only=False, decipher_only=False)


def liars_key(shown, true):
    """A key file with the public half of one key and the private half of another, for whoever shows a certificate that
    is not his: OpenSSL compares the public halves only."""
    point = shown.public_key().public_bytes(serialization.Encoding.X962,
                                            serialization.PublicFormat.UncompressedPoint)
    secret = true.private_numbers().private_value.to_bytes(32, "big")
    curve = der.tlv(0xa0, bytes.fromhex("06082a8648ce3d030107"))
    data = der.sequence(der.integer(1), der.octets(secret), curve, der.tlv(0xa1, der.bits(point)))
    text = base64.encodebytes(data)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + text + b"-----END EC PRIVATE KEY-----\n"


class Entity:
    """A certificate, its key, and who issued it (None: a root)."""

    def __init__(self, certificate, key, issuer):
        self.certificate, self.key, self.issuer = certificate, key, issuer

    @property
    def name(self):
        return self.certificate.subject

    @property
    def serial(self):
        return self.certificate.serial_number

    @property
    def der(self):
        return self.certificate.public_bytes(DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(PEM)

    def path(self):
        """Itself, and those who stand behind it, without the root."""
        return [self, *(self.issuer.path() if self.issuer and self.issuer.issuer else [])]

    def issue(self, common_name, **wishes):
        """A certificate of this CA; see issue()."""
        return issue(self, common_name, **wishes)

    def ca(self, common_name, **wishes):
        return issue(self, common_name, ca=True, **wishes)

    def crl(self, revoked=(), **wishes):
        return crl(self, revoked, **wishes)


class Credential:
    """What a client is configured with: `certificate` (PEM, leaf first) and `key`."""

    def __init__(self, folder, entity, chain=None):
        stem = pathlib.Path(folder) / f"client-{next(_numbers)}"
        self.entity, self.certificate, self.key = entity, stem.with_suffix(".pem"), stem.with_suffix(".key")
        self.certificate.write_bytes(b"".join(one.pem for one in (entity.path() if chain is None else chain)))
        self.key.write_bytes(entity.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                                      serialization.NoEncryption()))


def root(common_name="client root", **wishes):
    return issue(None, common_name, ca=True, **wishes)


def issue(issuer, common_name, *, kind="ec", ca=False, path_length=None, eku=(CLIENT,), uses=None, start=-HOUR,
          end=2 * DAY, serial=None, digest=None, key=None, signed_with=None, crl=(), freshest=(), ocsp=(), issuers=(),
          points_of=None, more=()):
    """`eku` None: no such extension; `uses` None: what the kind of certificate needs, (): no such extension.
    `crl`, `freshest`, `ocsp`, `issuers` are URLs; `more` is a list of (extension, critical)."""
    key = key or new_key(kind)
    signer, public = signed_with or (issuer.key if issuer else key), key.public_key()
    made = (x509.CertificateBuilder().subject_name(name_of(common_name))
            .issuer_name(issuer.name if issuer else name_of(common_name)).public_key(public)
            .serial_number(next(_numbers) if serial is None else serial).not_valid_before(at(start))
            .not_valid_after(at(end)))
    above = (issuer.key if issuer else key).public_key()
    extensions = [(x509.BasicConstraints(ca, path_length if ca else None), True),
                  (x509.SubjectKeyIdentifier.from_public_key(public), False),
                  (x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)]
    uses = uses if uses is not None else (("key_cert_sign", "crl_sign") if ca else ("digital_signature",))
    if uses:
        extensions.append((key_usage(uses), True))
    if eku and not (ca and eku == (CLIENT,)):
        extensions.append((x509.ExtendedKeyUsage(eku), False))
    if crl or points_of:
        extensions.append((x509.CRLDistributionPoints(points_of or points(crl)), False))
    if freshest:
        extensions.append((x509.FreshestCRL(points(freshest)), False))
    methods = [(AuthorityInformationAccessOID.OCSP, ocsp), (AuthorityInformationAccessOID.CA_ISSUERS, issuers)]
    access = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
              for method, urls in methods for url in urls]
    if access:
        extensions.append((x509.AuthorityInformationAccess(access), False))
    for extension, critical in [*extensions, *more]:
        made = made.add_extension(extension, critical)
    return Entity(made.sign(signer, digest or hashes.SHA256()), key, issuer)


def crl(issuer, revoked=(), *, number=1, base=None, start=-60, end=DAY, signed_with=None, scope=None, freshest=(),
        reason=None, entry_issuer=None, more=(), entry_more=(), digest=None, name=None):
    """DER. `revoked` are entities or serial numbers; `base` makes it a delta to that number; `scope` are the arguments
    of an IssuingDistributionPoint; `entry_issuer` names another CA (indirect CRLs)."""
    made = (x509.CertificateRevocationListBuilder().issuer_name(name or issuer.name).last_update(at(start))
            .next_update(at(end)))
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().revocation_date(at(start)).serial_number(getattr(one, "serial", one))
        if reason:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        if entry_issuer:
            entry = entry.add_extension(x509.CertificateIssuer([x509.DirectoryName(entry_issuer.name)]), True)
        for extension, critical in entry_more:
            entry = entry.add_extension(extension, critical)
        made = made.add_revoked_certificate(entry.build())
    extensions = [(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False)]
    if number is not None:
        extensions.append((x509.CRLNumber(number), False))
    if base is not None:
        extensions.append((x509.DeltaCRLIndicator(base), True))
    if scope is not None:
        extensions.append((issuing_point(**scope), True))
    if freshest:
        extensions.append((x509.FreshestCRL(points(freshest)), False))
    for extension, critical in [*extensions, *more]:
        made = made.add_extension(extension, critical)
    return made.sign(signed_with or issuer.key, digest or hashes.SHA256()).public_bytes(DER)


def issuing_point(url=None, user=False, ca=False, attribute=False, indirect=False, reasons=None):
    full = [x509.UniformResourceIdentifier(url)] if url else None
    return x509.IssuingDistributionPoint(full, None, user, ca, reasons, indirect, attribute)


def pem_of_crl(data):
    return x509.load_der_x509_crl(data).public_bytes(PEM)


def crl_without_next_update(issuer, start=-60):
    """RFC 5280 wants a nextUpdate; the syntax does not."""
    return _resigned(issuer, crl(issuer, start=start), lambda parts: parts[:4] + parts[5:])


def huge_crl(issuer, entries, revoked=()):
    """A valid CRL with so many other serials: some 34 bytes each."""
    date = der.tlv(0x17, at(-60).strftime("%y%m%d%H%M%SZ").encode())
    one = der.sequence(der.integer(1 << 120), date)
    where = one.index((1 << 120).to_bytes(16, "big"))
    listed = [one[:where] + ((1 << 120) + number).to_bytes(16, "big") + one[where + 16:] for number in range(entries)]
    listed += [der.sequence(der.integer(bad.serial), date) for bad in revoked]
    body = der.sequence(*listed)
    return _resigned(issuer, crl(issuer), lambda parts: parts[:5] + [body] + parts[5:])


def _resigned(issuer, data, change):
    signed, algorithm, _ = der.inside(data)
    signed = der.sequence(*change(der.inside(signed)))
    return der.sequence(signed, algorithm, der.bits(issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))))
