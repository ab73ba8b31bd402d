"""What the gate negotiates: versions, ciphers, ALPN, certificates side by side (B-043 .. B-045, A-007, A-009 ..
A-012)."""
import ssl
import subprocess

import pytest

from support.tls import client_context

V = ssl.TLSVersion
OLD = {"TLSv1.0": V.TLSv1, "TLSv1.1": V.TLSv1_1}
NEW = {"TLSv1.2": V.TLSv1_2, "TLSv1.3": V.TLSv1_3}


def handshake(gate, implicit=True, **options):
    """A session with this context, or the ssl.SSLError."""
    context = client_context(gate.authority, **options)
    client = gate.client(implicit=implicit, context=context)
    return client if implicit else client.secure()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("version", NEW)
def test_tls_1_2_and_1_3(gate, version, implicit):
    """B-045"""
    client = handshake(gate, implicit, minimum=NEW[version], maximum=NEW[version])
    assert client.stream.tls.version() == version


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", OLD)
def test_nothing_older(gate, version):
    """B-045, A-010: a client that can do no better is refused with an alert."""
    with pytest.raises(ssl.SSLError, match="(?i)alert|version|protocol"):
        handshake(gate, minimum=OLD[version], maximum=OLD[version], ciphers="ALL:@SECLEVEL=0")


def test_minimum_version(house):
    """minimum_version = "TLSv1.3"."""
    gate = house.gate(ssl={"minimum_version": "TLSv1.3"})
    assert handshake(gate).stream.tls.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        handshake(gate, maximum=V.TLSv1_2)


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
                                     "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
                                     "ECDHE-ECDSA-AES128-SHA256"])
def test_no_weak_ciphers(house, ciphers):
    """A-010: ECDHE with AEAD only, whichever certificate it would take."""
    with pytest.raises(ssl.SSLError):
        handshake(both_certificates(house), maximum=V.TLSv1_2, ciphers=ciphers + ":@SECLEVEL=0")


def both_certificates(house):
    ecdsa, rsa = house.authority.leaf(), house.authority.leaf(kind="rsa")
    return house.gate(ssl={"certificate": [str(ecdsa.certificate), str(rsa.certificate)],
                           "private_key": [str(ecdsa.key), str(rsa.key)]})


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                     "ECDHE-ECDSA-CHACHA20-POLY1305",
                                     "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                                     "ECDHE-RSA-CHACHA20-POLY1305"])
def test_ecdsa_and_rsa_side_by_side(house, ciphers):
    """The client's list decides, on data connections too."""
    gate = both_certificates(house)
    client = handshake(gate, implicit=False, maximum=V.TLSv1_2, ciphers=ciphers)
    assert client.stream.tls.cipher()[0] == ciphers
    client.protect().login()
    assert client.download("RETR a").codes == [150, 226]


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_either_kind_alone(house, kind):
    """As the only certificate, both versions."""
    leaf = house.authority.leaf(kind=kind)
    gate = house.gate(ssl={"certificate": str(leaf.certificate), "private_key": str(leaf.key)})
    for version in NEW.values():
        assert handshake(gate, minimum=version, maximum=version).login().download("RETR a").codes == [150, 226]


@pytest.mark.parametrize("offered, selected", [(["ftp"], "ftp"), (["x-filezilla-ftp", "ftp"], "ftp"),
                                               (["http/1.1", "ftp"], "ftp"), (None, None)])
@pytest.mark.parametrize("implicit", [False, True])
def test_alpn(gate, offered, selected, implicit):
    """B-044: ftp, or nothing where nothing is offered; never FileZilla's own protocol."""
    client = handshake(gate, implicit, alpn=offered)
    assert client.stream.tls.selected_alpn_protocol() == selected
    client.login()
    assert client.command("PWD").code == 257


@pytest.mark.parametrize("offered", [["http/1.1"], ["h2", "http/1.1"], ["x-filezilla-ftp"], ["ftp-data"], ["imap"]])
@pytest.mark.parametrize("implicit", [False, True])
def test_alpn_without_ftp_is_refused(gate, offered, implicit):
    """B-044, A-011: fatal no_application_protocol."""
    with pytest.raises(ssl.SSLError, match="(?i)application.protocol"):
        handshake(gate, implicit, alpn=offered)


@pytest.mark.parametrize("offered, selected", [(["ftp-data"], "ftp-data"), (["ftp"], "ftp"), (["http/1.1"], None),
                                               (["ftp-data", "http/1.1"], "ftp-data")])
def test_alpn_on_data_connections(house, offered, selected):
    """B-044, A-012: a browser's handshake gets nothing."""
    gate = house.gate(ssl={"data_session_reuse": "ignore"})
    client = gate.logged_in()
    data = client.connect_data(client.passive())
    assert client.command("RETR a").code == 150
    context = client_context(gate.authority, alpn=offered)
    if selected:
        data.secure(context)
        assert data.stream.tls.selected_alpn_protocol() == selected
        assert data.read_all() == b"content of a\r\n" and client.reply().code == 226
        return
    try:
        data.secure(context)
        assert data.stream.tls.selected_alpn_protocol() is None, "else none (B-044)"
        assert data.read_all() == b"content of a\r\n"
        assert client.reply().code == 226
    except ssl.SSLError:
        assert client.reply().code == 522


def s_client(gate, *options, said=b"", implicit=False):
    host, port = gate.address("implicit" if implicit else "explicit")
    start = [] if implicit else ["-starttls", "ftp"]
    done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile",
                           str(gate.authority.certificate), "-crlf", *start, *options],
                          input=said, capture_output=True, timeout=15)
    return done.returncode, done.stdout.decode("latin-1") + done.stderr.decode("latin-1")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_s_client(gate, version):
    """An independent client: STARTTLS as it does it, the chain verifies."""
    status, text = s_client(gate, version, "-verify_return_error", "-ign_eof", said=b"NOOP\nQUIT\n")
    assert status == 0 and "Verify return code: 0 (ok)" in text and "\n200 " in text and "\n221 " in text


def test_no_renegotiation(gate):
    """B-045, A-007: R makes s_client ask for it under TLS 1.2."""
    _, text = s_client(gate, "-tls1_2", said=b"R\n", implicit=True)
    assert "RENEGOTIATING" in text
    assert "no renegotiation" in text.lower() or "error" in text.lower() or "alert" in text.lower()
    assert gate.secured().command("NOOP").code == 200


def test_no_early_data_no_compression(gate):
    """B-045, A-009"""
    _, text = s_client(gate, "-tls1_3", "-ign_eof", said=b"NOOP\nQUIT\n")
    assert "Max Early Data: 0" in text and "Compression: NONE" in text
