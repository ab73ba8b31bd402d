"""deploy/quickstart keeps its promise: from nothing to a login with a certificate, with this gate."""
import os
import pathlib
import subprocess

import pytest

from support.gate import SANITIZER_MARKS, binary

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "quickstart"


def test_it_ends_well_and_says_what_it_has_shown():
    done = subprocess.run([SCRIPT, "--once"], env={**os.environ, "FTPSGATE": str(binary())}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=240)
    if "cannot be downloaded" in done.stderr:
        pytest.skip(done.stderr.strip()[-200:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(mark in done.stdout + done.stderr for mark in SANITIZER_MARKS)
    for shown in ("explicit: 8 MiB up and down", "implicit: 8 MiB up and down", "A login without TLS is refused",
                  "A login with a wrong password is refused", "With the certificate of plc-7 and no password: the same",
                  "The same without a certificate is refused",
                  "The certificate of plc-8, which its authority has revoked, is refused"):
        assert shown in done.stdout
