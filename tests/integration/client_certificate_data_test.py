"""The client's certificate on data connections: by resumption, or presented again (B-158, B-159, B-184; IIS sub-status
49)."""
import subprocess

import pytest

from support import process
from support.clients import DRIVERS, Failed
from support.client_access import VERSIONS, admitted
from support.tls import client_context

COMMANDS = ["RETR a", "STOR b", "LIST"]


@pytest.fixture
def gate_for(house, cas):
    def start(policy="require", reuse="require", **changes):
        wanted = cas.settings("no-revocation-check", policy=policy, crl_files=[])
        return house.gate(client_certificates=wanted, ssl={"data_session_reuse": reuse}, **changes)
    return start


@pytest.fixture(scope="module")
def mine(cas):
    return cas.leaf("mine")


@pytest.fixture(scope="module")
def others(cas):
    """What somebody else might present: a stranger's valid certificate, and the same name and key in another one."""
    own = cas.ca.issue("mine")
    return {"another certificate": cas.leaf("another"), "the same name": cas.credential(own), "none": None}


def context_for(client, gate, credential, version):
    """A context of its own: nothing to resume with."""
    if credential == "mine":
        return client.context
    return client_context(gate.authority, credential=credential, minimum=VERSIONS[version], maximum=VERSIONS[version])


def transfer_anew(client, command, context):
    """A data connection with a full handshake: (resumed, what was received, final code)."""
    data = client.connect_data(client.passive())
    assert client.command(command).code == 150
    try:
        data.secure(context, None)
        if command.startswith("STOR"):
            data.send(b"uploaded")
            data.finish()
        else:
            data.read_all()
    except OSError:
        pass
    data.close()
    return data.received, client.reply()


@pytest.mark.parametrize("reuse", ["require", "ignore"])
@pytest.mark.parametrize("policy", ["require", "allow"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["EPSV", "EPRT"])
def test_resumption_carries_the_certificate(gate_for, mine, policy, reuse, version, mode):
    """B-158: nothing is asked for again."""
    client = admitted(gate_for(policy, reuse), mine, version=version)
    for command in ("RETR a", "LIST"):
        first, data = client.begin(command, mode)
        assert first.code == 150 and data.resumed
        assert data.read_all() and data.end == "close_notify"
        assert client.reply().code == 226
    assert client.upload("STOR b", b"uploaded", mode).codes == [150, 226]


@pytest.mark.parametrize("reuse", ["require", "ignore"])
@pytest.mark.parametrize("policy", ["require", "allow"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_certificate_will_do(gate_for, mine, policy, reuse, version, command):
    """B-159: a full handshake with the certificate of the control connection."""
    gate = gate_for(policy, reuse)
    client = admitted(gate, mine, version=version)
    received, last = transfer_anew(client, command, client.context)
    assert last.code == 226
    if command.startswith("STOR"):
        assert gate.backend.wait_upload("b").received == b"uploaded"
    else:
        assert received
    assert not gate.events("attack")


@pytest.mark.parametrize("command, reuse", [("RETR a", "ignore"), ("STOR b", "require")])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["another certificate", "the same name", "none"])
def test_anything_else_is_522(gate_for, mine, others, who, command, version, reuse):
    """B-159, B-184: whatever data_session_reuse says, where the certificate is required. Nothing is stored or shown."""
    gate = gate_for("require", reuse)
    client = admitted(gate, mine, version=version)
    received, last = transfer_anew(client, command, context_for(client, gate, others[who], version))
    assert last.code == 522 and received == b""
    assert client.download("RETR a").codes == [150, 226]
    if command.startswith("STOR"):
        assert gate.backend.wait_upload("b").received == b""
    reason = "not_resumed" if who == "none" else "other_certificate"
    assert gate.wait_event("tls_failed", channel="data", reason=reason)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who, code", [("another certificate", 522), ("the same name", 522), ("none", 226)])
def test_where_neither_is_required(gate_for, mine, others, who, code, version):
    """policy = "allow" and data_session_reuse = "ignore": a certificate that is shown must not be another one."""
    gate = gate_for("allow", "ignore")
    client = admitted(gate, mine, version=version)
    _, last = transfer_anew(client, "RETR a", context_for(client, gate, others[who], version))
    assert last.code == code


@pytest.mark.parametrize("version", VERSIONS)
def test_who_came_without_is_not_asked(gate_for, mine, version):
    """policy = "allow", no certificate on the control connection: one on a data connection proves nothing."""
    gate = gate_for("allow", "require")
    client = admitted(gate, None, version=version)
    assert client.download("RETR a").codes == [150, 226]
    _, last = transfer_anew(client, "RETR a", context_for(client, gate, mine, version))
    assert last.code == 522


def test_another_sessions_data_connection(gate_for, mine):
    """A-024: not even the same certificate takes the port of a session that somebody else opened first, resumed from
    his own."""
    gate = gate_for()
    first, second = admitted(gate, mine, version="TLSv1.3"), admitted(gate, mine, version="TLSv1.3")
    target = first.passive()
    data = first.connect_data(target)
    assert first.command("RETR a").code == 150
    data.secure(second.context, second.session)
    assert not data.resumed
    assert data.read_all() == b"content of a\r\n"       # the same certificate was presented: B-159
    assert first.reply().code == 226


@pytest.mark.parametrize("backend", ["pyftpdlib"], indirect=True)
@pytest.mark.parametrize("kind", ["curl", "curl-implicit", "lftp", "lftp-implicit", "ftplib"])
def test_real_clients(house, cas, mine, backend, tmp_path, kind):
    """Q-01, Q-02, Q-08: with their certificate they do all they do without; without it they get nowhere."""
    made, implicit = DRIVERS[kind]
    gate = house.gate(backend={"servers": [backend.address]},
                      client_certificates=cas.settings("no-revocation-check", crl_files=[]))

    def client(**options):
        one = made(gate.address("implicit" if implicit else "explicit"), gate.authority, backend.user,
                   backend.password, tmp_path, **({"implicit": True} if implicit else {}), **options)
        if hasattr(one, "close"):
            gate.clients.append(one)
        return one
    content = bytes(range(256)) * 2000
    own = client(credential=mine)
    own.put("file", content)
    assert own.get("file") == content and "file" in own.list()
    own.put_many({"one": b"1" * 1000, "two": b"2" * 100000})
    assert own.get_many(["one", "two"]) == [b"1" * 1000, b"2" * 100000]
    with pytest.raises((Failed, OSError)):
        client().list()


def test_gnutls_cli(gate_for, mine):
    """GnuTLS as client, with a certificate."""
    gate = gate_for()
    host, port = gate.address("implicit")
    child = process.start(["gnutls-cli", f"--x509cafile={gate.authority.certificate}", "--no-ca-verification",
                           f"--x509certfile={mine.certificate}", f"--x509keyfile={mine.key}", "-p", port, host],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        child.stdin.write(b"USER bob\r\nPASS pw-of-bob\r\nPWD\r\nQUIT\r\n")     # it leaves at the end of its input
        child.stdin.flush()
        told = child.stdout.read()
    finally:
        process.end(child)
    assert b"230 " in told and b"257 " in told and b"221 " in told, told
