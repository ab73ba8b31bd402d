"""OCSP answers: those of the `openssl ocsp` command, and those that no honest responder gives."""
import subprocess
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from . import der
from .client_pki import DER, HOUR, Credential, at
from .http_server import OCSP, Answer

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
BY_KEY, BY_NAME = ocsp.OCSPResponderEncoding.HASH, ocsp.OCSPResponderEncoding.NAME


def nonce_of(request):
    """The nonce of a request as it came, or None."""
    try:
        return ocsp.load_der_ocsp_request(request).extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None


def answer(subject, status=GOOD, *, signer=None, carried=(), start=-60, end=HOUR, nonce=None, named=BY_KEY,
           digest=None, issuer=None, more=()):
    """DER about `subject`; signed by its issuer unless told otherwise. `end` None: no nextUpdate. `carried` are the
    certificates that come along; `issuer` goes into the certID in place of the true one."""
    signer = signer or subject.issuer
    revoked = status is REVOKED
    made = (ocsp.OCSPResponseBuilder()
            .add_response(subject.certificate, (issuer or subject.issuer).certificate, digest or hashes.SHA1(), status,
                          at(start), None if end is None else at(end), at(start) if revoked else None, None)
            .responder_id(named, signer.certificate))
    if carried:
        made = made.certificates([one.certificate for one in carried])
    if nonce is not None:
        made = made.add_extension(nonce, False)
    for extension, critical in more:
        made = made.add_extension(extension, critical)
    return made.sign(signer.key, hashes.SHA256()).public_bytes(DER)


def unsuccessful(status):
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(DER)


def contradiction(subject, *statuses):
    """One signed answer with a SingleResponse for each status, all about the same certificate."""
    parts = [_data_of(answer(subject, status)) for status in statuses]
    fields = der.inside(parts[0])
    singles = [der.inside(one)[-1] for one in parts]
    data = der.sequence(*fields[:-1], der.sequence(*(part for one in singles for part in der.inside(one))))
    ecdsa_with_sha256 = der.sequence(bytes.fromhex("06082a8648ce3d040302"))
    signature = subject.issuer.key.sign(data, ec.ECDSA(hashes.SHA256()))
    basic = der.sequence(data, ecdsa_with_sha256, der.bits(signature))
    kind = bytes.fromhex("06092b0601050507300101")
    return der.sequence(der.tlv(0x0a, b"\0"), der.tlv(0xa0, der.sequence(kind, der.octets(basic))))


def _data_of(response):
    """The ResponseData."""
    wrapped = der.inside(der.inside(response)[1])[0]
    return der.inside(der.elements(der.content(der.inside(wrapped)[1]))[0])[0]


class OpensslResponder:
    """Answers requests by running `openssl ocsp` over an index file, for one CA."""

    def __init__(self, folder, ca, signer=None):
        self.folder, self.signer = folder, signer or ca
        folder.mkdir(exist_ok=True)
        self.index, self.lock, self.count = folder / "index.txt", threading.Lock(), 0
        self.index.write_text("")
        (folder / "index.txt.attr").write_text("unique_subject = no\n")
        (folder / "ca.pem").write_bytes(ca.pem)
        (folder / "signer.pem").write_bytes(self.signer.pem)
        self.key = Credential(folder, self.signer).key

    def know(self, *entities, revoked=False):
        with open(self.index, "a") as index:
            for one in entities:
                end, serial = one.certificate.not_valid_after.strftime("%y%m%d%H%M%SZ"), f"{one.serial:02X}"
                serial = serial if len(serial) % 2 == 0 else "0" + serial
                since = at(-600).strftime("%y%m%d%H%M%SZ") if revoked else ""
                index.write(f"{'R' if revoked else 'V'}\t{end}\t{since}\t{serial}\tunknown\t/CN=x\n")

    def arguments(self):
        return ["openssl", "ocsp", "-index", self.index, "-CA", self.folder / "ca.pem", "-rsigner",
                self.folder / "signer.pem", "-rkey", self.key, "-nmin", "60"]

    def __call__(self, request):
        """For HttpServer: the answer to a POST."""
        with self.lock:
            self.count += 1
            stem = self.folder / f"request{self.count}"
        stem.write_bytes(request.body)
        done = subprocess.run([*map(str, self.arguments()), "-reqin", stem, "-respout", f"{stem}.out"],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        with open(f"{stem}.out", "rb") as response:
            return Answer(response.read(), kind=OCSP)
