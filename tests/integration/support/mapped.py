"""Sites where the certificate logs in: the rules, the tables of the site, and what is said in such a session."""
import contextlib

from .client_access import connect

MAPPED, SECRET = "plc-account", "word-of-the-plc"    # at the backend; no client may ever see either
GENERIC = "530 User cannot log in."


def rule(name="plc", **changes):
    """Everybody is MAPPED, unless the changes say otherwise; None takes a key away."""
    keys = {"name": name, "user": MAPPED, "password": SECRET, **changes}
    matchers = {"subject", "issuer", "serial", "sha256", "spki_sha256", "email", "dns", "upn", "uri"}
    if not matchers & keys.keys():
        keys["subject"] = "CN=*"
    return {key: value for key, value in keys.items() if value is not None}


def deny(name="nobody", **matchers):
    return rule(name, user=None, password=None, deny=True, **matchers)


def tables(cas, *rules, policy="require", **authentication):
    """What makes a site one where the certificate logs in, and nothing else does."""
    return {"client_certificates": cas.settings("no-revocation-check", policy=policy, crl_files=[]),
            "authentication": {"basic": False, "client_certificate": True, **authentication},
            "identity": list(rules) or [rule()]}


def watched(gate, *words):
    """The gate, of which no client may see `words` (A-032), nor its log the password."""
    for word in words or (MAPPED, SECRET):
        if word.encode() not in gate.never_seen:
            gate.never_seen.append(word.encode())
    if SECRET not in gate.never_logged:
        gate.never_logged.append(SECRET)
    return gate


def secured(gate, credential, **options):
    """TLS is up, nothing was said yet."""
    client = connect(gate, credential, **options)
    client.handshake()
    if options.get("implicit"):
        assert client.reply().code == 220
    return client


def by_certificate(gate, credential, user="anybody", code=232, **options):
    """Logged in with the certificate alone, data connections protected."""
    client = secured(gate, credential, **options).protect()
    answer = client.command(f"USER {user}")
    assert answer.code == code, answer
    return client


def login_event(gate, **fields):
    """The login event, without what differs from session to session."""
    event = gate.wait_event("login", **fields)
    return {key: event[key] for key in ("method", "user", "client_user", "result") if key in event}


@contextlib.contextmanager
def counted(gate, name, *, by=1, **labels):
    """The counter grows by so much meanwhile."""
    before = gate.metric(name, **labels)
    yield
    assert gate.metric(name, **labels) == before + by, (name, labels)
