"""Random certificate chains with their CRLs: mostly sound, with up to three things that are odd or wrong. The same seed
gives the same kinds of chains; keys and times differ."""
import random

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from . import der
from .client_pki import (ANY, CLIENT, DAY, HOUR, SERVER, Credential, Entity, crl_without_next_update, issue, new_key,
                         pem_of_crl, root)
from .odd_certificates import oid

ONE, OTHER = ObjectIdentifier("1.2.3.4.1"), ObjectIdentifier("1.2.3.4.2")
ANY_POLICY = ObjectIdentifier("2.5.29.32.0")
PURPOSES = {SERVER: "servers", CLIENT: "clients", ANY: "anything"}
STRANGE = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\0")
PLACE = "http://lists.test/"        # nobody is asked there: crl_files and revocation-cache-only


def policies(*which):
    return (x509.CertificatePolicies([x509.PolicyInformation(one, None) for one in which]), False)


def mapping(*pairs):
    """policyMappings: (issuerDomainPolicy, subjectDomainPolicy) each."""
    value = der.sequence(*(der.sequence(*(oid(one.dotted_string) for one in pair)) for pair in pairs))
    return (x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.33"), value), True)


class Plan:
    """What is to be made: wishes for issue() and crl(). cas[0] is the root; lists[n] are the CRLs of cas[n], which is
    about cas[n + 1] or the leaf."""

    def __init__(self, chance):
        self.chance, self.labels = chance, []
        self.cas = [{"more": []} for _ in range(chance.choice([1, 2, 2, 3]))]
        self.leaf = {"more": []}
        self.lists = [[{"number": 5}] for _ in self.cas]

    def pick(self, *choices):
        return self.chance.choice(choices)

    def any_ca(self):
        return self.chance.choice(self.cas)

    def lower_ca(self):
        """Not the root, where there is another."""
        return self.chance.choice(self.cas[1:] or self.cas)

    def below(self, ca):
        """The certificates under a CA: wishes."""
        return self.cas[next(n for n, one in enumerate(self.cas) if one is ca) + 1:] + [self.leaf]

    def any_list(self):
        return self.chance.choice([one for lists in self.lists for one in lists] or [{}])

    def note(self, *words):
        self.labels.append(" ".join(map(str, words)))


# What can be odd. Each changes the plan and notes what it did.

def revoked(plan):
    plan.any_list().update(revokes=True, reason=plan.pick(None, x509.ReasonFlags.key_compromise,
                                                          x509.ReasonFlags.certificate_hold))
    plan.note("revoked")


def no_list(plan):
    plan.chance.choice(plan.lists).clear()
    plan.note("no list")


def list_time(plan):
    start, end = plan.pick((-2 * DAY, -HOUR), (HOUR, DAY), (-30 * DAY, DAY))
    plan.any_list().update(start=start, end=end)
    plan.note("list valid from", start, "to", end)


def list_signer(plan):
    plan.any_list()["signer"] = plan.pick("stranger", "leaf")
    plan.note("list signed by another")


def list_scope(plan):
    scope = plan.pick({"user": True}, {"ca": True}, {"attribute": True}, {"url": "its"}, {"url": "http://other.test/x"},
                      {"reasons": frozenset([x509.ReasonFlags.key_compromise])}, {"indirect": True})
    plan.any_list()["scope"] = scope
    plan.note("scope", *scope)


def two_halves(plan):
    """One list for users, one for CAs; one of them may revoke."""
    which = plan.chance.randrange(len(plan.lists))
    plan.lists[which] = [{"number": 5, "scope": {"user": True}, "revokes": plan.pick(True, False)},
                         {"number": 5, "scope": {"ca": True}, "revokes": plan.pick(True, False)}]
    plan.note("two scopes")


def two_generations(plan):
    """An older list beside a newer one, and only one of them revokes."""
    which, older = plan.chance.randrange(len(plan.lists)), plan.pick(True, False)
    plan.lists[which] = [{"number": 4, "start": -2 * HOUR, "revokes": older},
                         {"number": 6, "start": -HOUR, "revokes": not older}]
    plan.note("two generations, revoked in the", "older" if older else "newer")


def list_critical(plan):
    plan.any_list().update(plan.pick({"more": [(STRANGE, True)]}, {"more": [(STRANGE, False)]},
                                     {"entry_more": [(STRANGE, True)], "others": True},
                                     {"entry_more": [(STRANGE, False)], "others": True}))
    plan.note("unknown extension in a list")


def list_foreign_entry(plan):
    """An entry about another CA's certificate with our serial, in an indirect list."""
    plan.any_list().update(revokes=True, scope={"indirect": True}, entry_of_stranger=True)
    plan.note("entry of another issuer")


def no_next_update(plan):
    plan.any_list()["open_ended"] = days = plan.pick(1, 30)
    plan.note("no nextUpdate, days old:", days)


def delta(plan):
    which = plan.chance.randrange(len(plan.lists))
    if not plan.lists[which]:
        return
    base = plan.lists[which][0]
    base.setdefault("freshest", [PLACE + "delta"])
    if plan.pick(True, False, False):
        base["revokes"], base["reason"] = True, x509.ReasonFlags.certificate_hold
    wishes = {"number": plan.pick(6, 6, 6, 5, 4), "base": plan.pick(5, 5, 5, 4, 6), "start": -30,
              "revokes": plan.pick(True, False)}
    wishes["reason"] = plan.pick(None, x509.ReasonFlags.remove_from_crl) if wishes["revokes"] else None
    wishes.update(plan.pick({}, {}, {"end": -10}, {"signer": "stranger"}, {"scope": {"user": True}}))
    plan.lists[which].append(wishes)
    plan.note("delta", wishes["number"], "on", wishes["base"], "revokes" if wishes["revokes"] else "",
              "takes back" if wishes["reason"] else "", "too late" if "end" in wishes else "")


def delta_only(plan):
    which = plan.chance.randrange(len(plan.lists))
    plan.lists[which] = [{"number": 6, "base": 5}]
    plan.note("only a delta")


def distribution_point(plan):
    plan.leaf["crl"] = [PLACE + "0"]
    plan.note("distribution point")


def usage_of_ca(plan):
    plan.any_ca()["uses"] = uses = plan.pick(("key_cert_sign",), ("crl_sign",), ("digital_signature",),
                                             ("key_cert_sign", "crl_sign", "digital_signature"), ())
    plan.note("CA may", *uses)


def eku_of_ca(plan):
    plan.lower_ca()["eku"] = eku = plan.pick((SERVER,), (SERVER, CLIENT), (ANY,))
    plan.note("CA for", *map(PURPOSES.get, eku))


def eku_of_leaf(plan):
    plan.leaf["eku"] = eku = plan.pick((SERVER,), (SERVER, CLIENT), (ANY,), None)
    plan.note("leaf for", *map(PURPOSES.get, eku or ()))


def usage_of_leaf(plan):
    plan.leaf["uses"] = uses = plan.pick(("key_encipherment",), ("key_agreement",), (), ("digital_signature",),
                                         ("content_commitment",))
    plan.note("leaf may", *uses)


def path_length(plan):
    plan.any_ca()["path_length"] = length = plan.pick(0, 0, 1, 2)
    plan.note("path length", length)


def no_ca(plan):
    plan.lower_ca()["ca"] = False
    plan.note("CA:FALSE")


def ca_as_leaf(plan):
    plan.leaf.update(ca=True, uses=("digital_signature", "key_cert_sign"))
    plan.note("CA as leaf")


def validity(plan):
    which = plan.pick(plan.leaf, plan.any_ca())
    start, end = plan.pick((-2 * DAY, -HOUR), (HOUR, DAY))
    which.update(start=start, end=end)
    plan.note("certificate valid from", start, "to", end)


def forged(plan):
    plan.pick(plan.leaf, plan.lower_ca())["forged"] = True
    plan.note("signed with another key")


def unknown_critical(plan):
    which, critical = plan.pick(plan.leaf, plan.any_ca()), plan.pick(True, True, False)
    which["more"].append((STRANGE, critical))
    plan.note("unknown extension", critical)


def names(plan):
    """A constraint on one CA, and names in the leaf that fit or not."""
    kind = plan.pick("permitted", "excluded")
    what = plan.pick([x509.DNSName("good.test")], [x509.RFC822Name("good.test")],
                     [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")]))],
                     [x509.UniformResourceIdentifier("good.test")])
    values = {"permitted": (what, None), "excluded": (None, what)}[kind]
    plan.any_ca()["more"].append((x509.NameConstraints(*values), True))
    host = plan.pick("a.good.test", "bad.test")
    plan.leaf["more"].append((x509.SubjectAlternativeName([plan.pick(
        x509.DNSName(host), x509.RFC822Name(f"me@{host[2:] if host[1] == '.' else host}"),
        x509.UniformResourceIdentifier(f"ftp://{host}/"))]), False))
    plan.note(kind, type(what[0]).__name__, host)


def explicit_policy(plan):
    """requireExplicitPolicy on one CA, and policies along the way that fit or not, under another name sometimes."""
    ca = plan.any_ca()
    ca["more"].append((x509.PolicyConstraints(plan.pick(0, 0, 1), plan.pick(None, None, 0, 1)), True))
    for one in plan.below(ca) + ([ca] if ca is not plan.cas[0] else []):
        chosen = plan.pick((ONE,), (ONE,), (ONE, OTHER), (ANY_POLICY,), (OTHER,), ())
        if chosen:
            one["more"].append(policies(*chosen))
        # OpenSSL does not look at mappings where there are no policies.
        if chosen and one is not plan.leaf and plan.pick(True, False):
            one["more"].append(plan.pick(mapping((ONE, OTHER)), mapping((OTHER, ONE)), mapping((ONE, ONE), (ONE, OTHER)),
                                         mapping((ONE, OTHER), (OTHER, ONE)), mapping((ONE, ANY_POLICY))))
    if plan.pick(True, False, False):
        plan.lower_ca()["more"].append((x509.InhibitAnyPolicy(0), True))
    plan.note("explicit policy")


ODDITIES = [revoked, revoked, no_list, list_time, list_time, list_signer, list_scope, list_scope, two_halves,
            two_generations, list_critical, list_critical, list_foreign_entry, no_next_update, delta, delta, delta,
            delta_only, distribution_point, usage_of_ca, usage_of_ca, eku_of_ca, eku_of_leaf, usage_of_leaf,
            path_length, no_ca, ca_as_leaf, validity, forged, unknown_critical, names, names, explicit_policy,
            explicit_policy]


class Case:
    """Files for both judges: `anchor`, `credential` (leaf and intermediates), `lists`; `plan` tells what is odd."""

    def __init__(self, folder, number, seed):
        self.folder, self.number = folder / f"case{number}", number
        self.folder.mkdir()
        self.plan = Plan(random.Random(f"{seed}-{number}"))
        chosen = self.plan.chance.choices(ODDITIES, k=self.plan.pick(0, 1, 1, 1, 2, 2, 3))
        for odd in dict.fromkeys(chosen):
            odd(self.plan)
        self._build()

    def __repr__(self):
        return f"case {self.number}: {len(self.plan.cas)} CAs; {'; '.join(self.plan.labels) or 'nothing odd'}"

    def _build(self):
        entities = []
        for depth, wishes in enumerate(self.plan.cas):
            wishes = {**wishes}
            if wishes.pop("forged", False):
                wishes["signed_with"] = new_key()
            made = {"ca": True, **wishes}
            entities.append(issue(entities[-1], f"CA {depth}", **made) if entities
                            else root("CA 0", **{k: v for k, v in made.items() if k != "ca"}))
        leaf = {**self.plan.leaf}
        if leaf.pop("forged", False):
            leaf["signed_with"] = new_key()
        entities.append(issue(entities[-1], "client", **leaf))
        self.anchor = self._write("anchor.pem", entities[0].pem)
        self.untrusted = self._write("untrusted.pem", b"".join(one.pem for one in entities[1:-1]))
        self.leaf = self._write("leaf.pem", entities[-1].pem)
        self.credential = Credential(self.folder, entities[-1])
        self.lists = []
        for ca, about, lists in zip(entities, entities[1:], self.plan.lists):
            for wishes in lists:
                self.lists.append(self._write(f"list{len(self.lists)}.pem",
                                              pem_of_crl(self._list(ca, about, entities[-1], dict(wishes)))))

    def _list(self, ca, about, leaf, wishes):
        if days := wishes.pop("open_ended", None):
            return crl_without_next_update(ca, start=-days * DAY)
        revokes = [about] if wishes.pop("revokes", False) else []
        revokes += [4711] if wishes.pop("others", False) else []
        signer = wishes.pop("signer", None)
        if signer:
            wishes["signed_with"] = leaf.key if signer == "leaf" else new_key()
        if wishes.pop("entry_of_stranger", False):
            wishes["entry_issuer"] = root("stranger")
        if wishes.get("scope", {}).get("url") == "its":
            wishes["scope"] = {"url": PLACE + "0"}
        return Entity(ca.certificate, ca.key, ca.issuer).crl(revokes, **wishes)

    def _write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path
