"""Some hundred random chains with CRLs, judged by `ftpsgate identity` and by `openssl verify`: two libraries, one
answer (A-087, PROTOCOL 5.1). Where they differ there is a reason, which is written down here."""
import concurrent.futures
import re
import subprocess

import pytest

from support import toml
from support.chain_cases import Case
from support.gate import run_command

CASES, SEED = 320, 3
ACCEPTED, REFUSED = 3, 4
_ERROR = re.compile(r"error (\d+) at (\d+) depth")
INVALID_PURPOSE = 26                            # X509_V_ERR_...
ABOUT_LISTS = (3, 8, 11, 12, 35, 36, 44)


class Judged:
    """A case with both verdicts; `errors` are OpenSSL's (number, depth)."""

    def __init__(self, case, site):
        self.case = case
        self.errors = by_openssl(case)
        self.openssl = not self.errors
        status, self.said = by_gate(case, site)
        assert status in (ACCEPTED, REFUSED), f"{case}: {self.said}"
        self.gate = status == ACCEPTED

    def __repr__(self):
        openssl = "accepts" if self.openssl else f"refuses with {self.errors}"
        return f"{self.case}\n  openssl {openssl}\n  gate: {self.said}"


def by_openssl(case):
    arguments = ["openssl", "verify", "-CAfile", case.anchor, "-no-CApath", "-no-CAstore", "-untrusted", case.untrusted,
                 "-crl_check_all", "-extended_crl", "-use_deltas", "-purpose", "sslclient", "-policy_check", "-policy",
                 "2.5.29.32.0", "-auth_level", "2"]
    if not case.untrusted.stat().st_size:
        del arguments[6:8]
    for one in case.lists:
        arguments += ["-CRLfile", one]
    done = subprocess.run([*map(str, arguments), case.leaf], capture_output=True, text=True, timeout=20)
    errors = [(int(number), int(depth)) for number, depth in _ERROR.findall(done.stderr)]
    assert (done.returncode == 0) == (not errors), f"{case}: {done.stderr}"
    return errors


def by_gate(case, site):
    certificates = {"policy": "require", "ca_file": str(case.anchor), "crl_files": [str(one) for one in case.lists],
                    "validation_flags": ["revocation-cache-only"]}
    config = case.folder / "gate.toml"
    config.write_text(toml.dump({"metrics": {"listen": ""}, "site": [{**site, "client_certificates": certificates}]}))
    done = run_command("identity", "-c", config, "--site", site["name"], case.credential.certificate, timeout=60)
    return done.returncode, done.stdout.rpartition("result: ")[2].strip() or done.stderr


@pytest.fixture(scope="module")
def judged(gates, tmp_path_factory):
    folder, site = tmp_path_factory.mktemp("cases"), gates.site(backend={"servers": ["127.0.0.2:21"]})
    cases = [Case(folder, number, SEED) for number in range(CASES)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda case: Judged(case, site), cases))


# Why the gate accepts what OpenSSL refuses.

def all_about_the_anchor(one, *numbers):
    return all(number in numbers and depth == len(one.case.plan.cas) for number, depth in one.errors)


def no_list_for_the_anchor(one):
    """B-252: the anchor is trusted because the operator says so; nobody asks who might have revoked it."""
    return all_about_the_anchor(one, *ABOUT_LISTS)


def usage_of_the_anchor(one):
    """B-186: extended key usage is demanded of every CA but the root, as Windows does."""
    return all_about_the_anchor(one, INVALID_PURPOSE)


def any_usage(one):
    """D-14: anyExtendedKeyUsage includes clientAuth; OpenSSL's purpose does not know it."""
    named = any("anything" in label for label in one.case.plan.labels)
    return named and all(number == INVALID_PURPOSE for number, _ in one.errors)


# Why the gate refuses what OpenSSL accepts.

def ca_as_leaf(one):
    """B-188"""
    return "CA as leaf" in one.case.plan.labels and "usage" in one.said


def no_digital_signature(one):
    """B-187: keyAgreement is enough for OpenSSL, though no cipher of ours uses it."""
    return any(label.startswith("leaf may") for label in one.case.plan.labels) and "usage" in one.said


def old_without_next_update(one):
    """B-264: a list that never ends is believed for a week."""
    return any(label.endswith("days old: 30") for label in one.case.plan.labels)


def taken_back_late(one):
    """B-264: OpenSSL asks no delta for its time; ours has to be valid to release a certificate from a hold."""
    late = any("takes back" in label and "too late" in label for label in one.case.plan.labels)
    return late and "revoked by the CRL" in one.said


ACCEPTED_BY_THE_GATE_ALONE = [no_list_for_the_anchor, usage_of_the_anchor, any_usage]
REFUSED_BY_THE_GATE_ALONE = [ca_as_leaf, no_digital_signature, old_without_next_update, taken_back_late]


def test_no_false_accept(judged):
    """The gate lets nobody in whom OpenSSL refuses, but for the reasons above."""
    wrong = [one for one in judged if one.gate and not one.openssl
             and not any(reason(one) for reason in ACCEPTED_BY_THE_GATE_ALONE)]
    assert not wrong, "\n".join(map(repr, wrong))


def test_no_false_refusal(judged):
    """And it refuses nobody else."""
    wrong = [one for one in judged if one.openssl and not one.gate
             and not any(reason(one) for reason in REFUSED_BY_THE_GATE_ALONE)]
    assert not wrong, "\n".join(map(repr, wrong))


def test_the_cases_are_worth_it(judged):
    """Enough of both verdicts, and every reason is needed by some case."""
    accepted = sum(one.gate for one in judged)
    assert CASES // 5 < accepted < CASES * 4 // 5
    alone = [one for one in judged if one.gate != one.openssl]
    for reason in ACCEPTED_BY_THE_GATE_ALONE + REFUSED_BY_THE_GATE_ALONE:
        assert any(reason(one) for one in alone if one.gate == (reason in ACCEPTED_BY_THE_GATE_ALONE)), reason.__name__


def test_what_is_sound_is_accepted(judged):
    """By both."""
    sound = [one for one in judged if not one.case.plan.labels]
    assert sound and all(one.gate and one.openssl for one in sound), sound
