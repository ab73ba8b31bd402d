"""Several sites on one address: HOST or SNI decides whose CAs a client is asked for and judged by, before it is asked
(B-277, A-012 .. A-014)."""
import ssl

import pytest

from support import process
from support.client_access import VERSIONS, admitted, alert_of, connect, refused
from support.client_pki import root
from support.gate import PASSWORD, USER
from support.raw import Closed, RawClient
from support.tls import client_context

SITES = {"ftp.test": "plant", "other.test": "office", "strict.test": None}     # the last ignores certificates


@pytest.fixture(scope="module")
def plants(cas):
    """A CA for each of two sites, with a client."""
    made = {name: root(f"{name} root") for name in ("plant", "office")}
    clients = {name: cas.credential(ca.issue(f"{name} client")) for name, ca in made.items()}
    return {name: cas.file(f"{name}.pem", ca.pem) for name, ca in made.items()}, clients


@pytest.fixture
def gate(house, plants):
    """Three sites that share an explicit and an implicit port; ftp.test is the default."""
    for attempt in range(4):
        shared = getattr(house, "shared", None) or [
            {"address": f"127.0.0.1:{process.free_port('127.0.0.1')}", "tls": tls} for tls in ("explicit", "implicit")]
        try:
            made = house.gate_of([described(house, plants, name, shared) for name in SITES])
            house.shared = shared
            return made
        except AssertionError:
            if attempt == 3:
                raise


def described(house, plants, name, listen):
    leaf = house.authority.leaf(name)
    certificates = {"policy": "ignore"}
    if SITES[name]:
        certificates = {"policy": "require", "ca_file": plants[0][SITES[name]],
                        "validation_flags": ["no-revocation-check"]}
    return {"name": name, "listen": listen, "client_certificates": certificates,
            "ssl": {"certificate": str(leaf.certificate), "private_key": str(leaf.key)}}


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["plant", "office", None])
@pytest.mark.parametrize("site", [*SITES, "nobody.test", None], ids=str)
def test_sni(gate, plants, site, who, version, implicit):
    """B-277: each site lets in whom its own CA vouches for. Unknown names, and none, get the first site."""
    options = {"site": "ftp.test", "server_name": site, "version": version, "implicit": implicit}
    credential = plants[1].get(who)
    judged_as = site if site in SITES else "ftp.test"
    wanted = SITES[judged_as]
    if wanted is None or who == wanted:
        admitted(gate, credential, **options)
        assert gate.wait_event("login", site=judged_as)
        return
    absent = "certificate_required" if version == "TLSv1.3" else "handshake_failure"
    assert refused(gate, credential, **options) == (absent if who is None else "unknown_ca")
    event = gate.wait_event("certificate_refused", site=judged_as)
    assert event["reason"] == ("absent" if who is None else "untrusted")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("host, who, alert", [("ftp.test", "plant", None), ("ftp.test", "office", "unknown_ca"),
                                              ("other.test", "office", None), ("other.test", "plant", "unknown_ca"),
                                              ("strict.test", None, None)])
def test_host(gate, plants, host, who, alert, version):
    """B-277: HOST before AUTH, without SNI."""
    client = opened(gate, plants[1].get(who), version, None)
    assert client.codes(f"HOST {host}", "AUTH TLS") == [220, 234]
    if alert:
        assert alert_of(client) == alert
    else:
        client.handshake().login(USER, PASSWORD)
        assert gate.wait_event("login", site=host)


def opened(gate, credential, version, server_name):
    """Connected, nothing said."""
    context = client_context(gate.authority, credential=credential, minimum=VERSIONS[version],
                             maximum=VERSIONS[version])
    client = RawClient(gate.address("explicit", "ftp.test"), context, server_name=server_name)
    gate.clients.append(client)
    return client


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("first, then, who", [("strict.test", "ftp.test", None), ("ftp.test", "strict.test", "plant"),
                                              ("other.test", "ftp.test", "office")])
def test_host_after_tls(gate, plants, first, then, who, version):
    """A-013, B-085: nobody moves to a site whose demands were not put to him."""
    client = opened(gate, plants[1].get(who), version, None)
    assert client.codes(f"HOST {first}", "AUTH TLS") == [220, 234]
    client.handshake()
    assert client.command(f"HOST {then}").code == 504
    assert client.command(f"USER {then}|bob").code in (504, 530)
    client.login(USER, PASSWORD)
    assert gate.wait_event("login", site=first)


@pytest.mark.parametrize("version", VERSIONS)
def test_host_among_sites_of_one_certificate(house, cas, plants, version):
    """A-013: two sites that show the same certificate, where one demands a client's: HOST within TLS does not lead from
    the one to the other."""
    require = {"policy": "require", "ca_file": plants[0]["plant"], "validation_flags": ["no-revocation-check"]}
    for _ in range(4):
        shared = [{"address": f"127.0.0.1:{process.free_port('127.0.0.1')}", "tls": "explicit"}]
        try:
            gate = house.gate_of([{"name": "ftp.test", "listen": shared},
                                  {"name": "same.test", "listen": shared, "client_certificates": require}])
            break
        except AssertionError:
            pass
    client = opened(gate, None, version, None).secure()
    assert client.command("HOST same.test").code == 504
    assert client.command("USER same.test|bob").code in (504, 530)
    client.login(USER, PASSWORD)
    assert gate.wait_event("login", site="ftp.test")


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("target", ["ftp.test", "other.test"])
def test_tickets_of_another_site(gate, target, version, implicit):
    """A-014, B-164: a ticket of the site that asks nobody for a certificate opens none that does."""
    options = {"site": "ftp.test", "version": version, "implicit": implicit}
    client = admitted(gate, None, server_name="strict.test", **options)
    assert client.command("NOOP").code == 200
    thief = connect(gate, None, server_name=target, **options)
    thief.context = client.context
    try:
        thief.handshake(session=client.session)
        if implicit:
            thief.reply()
        answer = thief.codes(f"USER {USER}", f"PASS {PASSWORD}")
    except (ssl.SSLError, Closed):
        answer = "refused"
    assert answer == "refused"
    assert gate.wait_event("certificate_refused", site=target, reason="absent")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("site", SITES)
def test_tickets_of_the_same_site(gate, plants, site, version):
    """A-014, B-164: the certificate is asked for and checked again, whichever site SNI chose."""
    options = {"site": "ftp.test", "server_name": site, "version": version}
    credential = plants[1].get(SITES[site])
    client = admitted(gate, credential, **options)
    client.command("NOOP")
    again = connect(gate, credential, **options)
    again.context = client.context
    again.handshake(session=client.session)
    assert not again.stream.tls.session_reused
    again.login(USER, PASSWORD)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("site", SITES)
def test_data_connections_stay_with_their_session(gate, plants, site, version):
    """A-024, B-157: a ticket of another session of the same site does not resume, whichever site SNI chose."""
    options = {"site": "ftp.test", "server_name": site, "version": version}
    credential = plants[1].get(SITES[site])
    mine, theirs = admitted(gate, credential, **options), admitted(gate, credential, **options)
    assert mine.command("NOOP").code == theirs.command("NOOP").code == 200
    data = mine.connect_data(mine.passive())
    assert mine.command("RETR a").code == 150
    try:
        data.secure(theirs.context, theirs.session, site)
        resumed, received = data.resumed, data.read_all()
    except OSError:
        resumed, received = False, b""
    assert not resumed
    # With the certificate of the control session it may well be another's handshake (B-159).
    assert (received == b"") == (credential is None)
    assert mine.reply().code == (522 if credential is None else 226)


def test_data_connections_stay_with_their_site(gate, plants):
    """A-024: a ticket of one site's session does not carry a data connection of another's."""
    mine = admitted(gate, plants[1]["plant"], site="ftp.test")
    theirs = admitted(gate, plants[1]["office"], site="ftp.test", server_name="other.test")
    assert mine.command("NOOP").code == theirs.command("NOOP").code == 200
    data = mine.connect_data(mine.passive())
    assert mine.command("RETR a").code == 150
    try:
        data.secure(theirs.context, theirs.session)
        assert not data.resumed and data.read_all() == b""
    except OSError:
        pass
    assert mine.reply().code == 522
