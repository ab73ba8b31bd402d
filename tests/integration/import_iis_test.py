"""`ftpsgate import-iis`: from an applicationHost.config to a gate that does what IIS did (INTERFACE.md; IIS.md sections c
and f)."""
import re
import shutil
import tomllib

import pytest

from support.client_access import admitted, alert_of, connect
from support.gate import run_command

SAMPLE = r"""<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <system.applicationHost>
    <sites>
      <site name="ftp.example.com" id="5">
        <application path="/">
          <virtualDirectory path="/" physicalPath="c:\inetpub\www.example.com" />
        </application>
        <bindings>
          <binding protocol="ftp" bindingInformation="*:21:" />
        </bindings>
        <ftpServer serverAutoStart="true">
          <security>
            <authentication>
              <anonymousAuthentication enabled="false" />
              <basicAuthentication enabled="true" />
            </authentication>
            <ssl serverCertHash="57686f6120447564652c2049495320526f636b73"
                 controlChannelPolicy="SslRequire" dataChannelPolicy="SslRequire" />
            <sslClientCertificates clientCertificatePolicy="CertRequire" useActiveDirectoryMapping="false" />
          </security>
        </ftpServer>
      </site>
    </sites>
  </system.applicationHost>
</configuration>
"""
LOSSY = SAMPLE.replace('<ftpServer serverAutoStart="true">', '<ftpServer>\n<userIsolation mode="1" />')


@pytest.fixture
def convert(tmp_path):
    """convert(text or bytes) -> the finished process; the file is applicationHost.config in tmp_path."""
    def run(content, *options):
        path = tmp_path / "applicationHost.config"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return run_command("import-iis", *options, path)
    return run


def fill_in(text, folder, authority, ca_file):
    """What only the operator knows: the files that are named, and the backend's address."""
    leaf = authority.leaf()
    sources = {"certificate": leaf.certificate, "private_key": leaf.key, "ca_file": ca_file}
    for key, name in re.findall(r'^(certificate|private_key|ca_file) = "([^"]+)"$', text, re.MULTILINE):
        shutil.copy(sources[key], folder / name)
    return text.replace('"fill-in.invalid:21"', '"192.0.2.5:21"')


def test_the_seeds_sample_passes_check(convert, tmp_path, authority, cas):
    done = convert(SAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "57686f6120447564652c2049495320526f636b73" in done.stdout and "FILL IN" in done.stdout
    config = tmp_path / "ftpsgate.toml"
    config.write_text(done.stdout)
    assert run_command("check", "-c", config).returncode == 2, "the files are not there yet"
    config.write_text(fill_in(done.stdout, tmp_path, authority, cas.ca_file))
    checked = run_command("check", "-c", config)
    assert (checked.returncode, checked.stdout) == (0, "OK: 1 sites\n"), checked.stderr


@pytest.fixture
def gate(convert, house, cas):
    """The sample's site, running; port, certificates and backend are the test's own."""
    site, = tomllib.loads(convert(SAMPLE).stdout)["site"]
    assert site["listen"] == [{"address": "0.0.0.0:21", "tls": "explicit"}]
    for key in ("certificate", "private_key"):
        del site["ssl"][key]
    del site["backend"], site["client_certificates"]["ca_file"]
    site["listen"][0]["address"] = "127.0.0.1:0"
    site["client_certificates"] = {**cas.settings(), **site["client_certificates"]}
    return house.gate(**site)


def test_the_seeds_sample_requires_tls(gate):
    client = gate.client()
    assert client.command("USER bob").code == 534
    assert client.command("PASS pw").code in (503, 530, 534)


def test_the_seeds_sample_requires_a_certificate(gate, cas, web):
    client = connect(gate, None, version="TLSv1.2")
    assert alert_of(client) in ("handshake_failure", "certificate_required")
    client = admitted(gate, cas.leaf(crl=[web.serve(cas.ca.crl())]))
    assert client.download("LIST").codes == [150, 226]
    assert client.command("PROT C").code == 534


def test_a_wildcard_and_an_address_come_over(convert, tmp_path, authority, cas):
    """IIS listens on both; so does the gate (run_and_drain_test), and nothing is left out."""
    second = re.search(r"<site .*</site>", SAMPLE, re.DOTALL).group(0)
    second = second.replace('"*:21:"', '"192.0.2.1:21:"').replace("ftp.example.com", "two.example.com")
    done = convert(SAMPLE.replace("</sites>", second + "</sites>"))
    assert done.returncode == 0, done.stderr
    assert [site["listen"][0]["address"] for site in tomllib.loads(done.stdout)["site"]] == ["0.0.0.0:21",
                                                                                             "192.0.2.1:21"]


def test_what_is_left_out_is_said(convert, tmp_path):
    done = convert(LOSSY)
    assert done.returncode == 3
    assert re.fullmatch(re.escape(str(tmp_path)) + r"/applicationHost\.config:13:16: warning: userIsolation: mode=.*\n",
                        done.stderr)
    assert '# LEFT OUT (line 13): userIsolation: mode="1"' in done.stdout
    tomllib.loads(done.stdout)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_encodings_of_windows(convert, encoding):
    expected = convert(SAMPLE).stdout
    done = convert(SAMPLE.replace("UTF-8", "UTF-16" if "16" in encoding else "UTF-8").encode(encoding))
    assert (done.returncode, done.stdout) == (0, expected)


UNREADABLE = {
    "not well formed": (SAMPLE.replace("</site>", "</sit>"), r":23:\d+: error: is not well formed: .+"),
    "cut off": (SAMPLE[:700], r":\d+:\d+: error: is not well formed: .+"),
    "empty": ("", r": error: has no element, and so is no XML"),
    "no XML": ("name: ftp\nport: 21\n", r": error: has no element, and so is no XML"),
    "a program": (b"\x7fELF\x02\x01\x01\0\0", r":1:5: error: .+"),
    "other XML": ("<html><body/></html>", r":1:1: error: is no configuration of IIS: .+"),
    "entities": ('<!DOCTYPE c [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><configuration x="&c;"/>',
                 r": error: has a document type declaration, which no IIS writes .+"),
    "deep": ("<configuration>" + "<a>" * 100_000 + "</a>" * 100_000 + "</configuration>", r":1:\d+: error: is nested .+"),
    "Latin-1": (SAMPLE.replace("ftp.example", "f\u00fcr").encode("latin-1"), r":5:20: error: is not UTF-8 .+"),
}


@pytest.mark.parametrize("content, expected", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(convert, tmp_path, content, expected):
    done = convert(content)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(re.escape(str(tmp_path)) + "/applicationHost\\.config" + expected + "\n", done.stderr), done.stderr


def test_no_such_file(tmp_path):
    for path, reason in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        done = run_command("import-iis", path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{path}: error: cannot read: {reason}\n")
    assert run_command("import-iis").returncode == 2
