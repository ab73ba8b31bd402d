"""Real clients through the gate to real servers: files arrive unchanged (B-136, B-161, B-195, B-208, B-239)."""
import hashlib
import random

import pytest

from support.clients import Curl, driver
from support.pairs import pairs

NOISE = random.Random(4217).randbytes((1 << 20) + 1)


@pairs
@pytest.mark.parametrize("content", [b"", b"x", NOISE], ids=["0 bytes", "1 byte", "1 MiB and 1"])
def test_up_and_down(client, backend, content):
    """B-208: what arrives is what was sent, both ways."""
    client.put("file", content)
    assert (backend.root / "file").read_bytes() == content
    assert client.get("file") == content


@pairs
def test_resume(client, backend):
    """B-239: both ways."""
    content = NOISE[:300_000]
    client.put("file", content[:100_000])
    client.put("file", content, offset=100_000)
    assert (backend.root / "file").read_bytes() == content
    assert client.get("file", offset=200_000) == content[200_000:]


@pairs
def test_many_small_files(client, backend):
    """B-161, B-195: two hundred transfers in one session (two sessions with lftp). curl pauses for a second before
    every other one, so it does forty."""
    count = 20 if isinstance(client, Curl) else 100
    contents = {f"small {number}": f"content {number}".encode() for number in range(count)}
    client.put_many(contents)
    assert client.get_many(list(contents)) == list(contents.values())
    assert len(list(backend.root.iterdir())) == count


@pytest.mark.parametrize("kind, backend", [("curl", "vsftpd"), ("lftp", "proftpd"), ("ftplib", "pure-ftpd")],
                         indirect=["backend"])
def test_64_mib(house, backend, tmp_path, kind):
    """B-208: by checksum."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = driver(kind, gate, backend, tmp_path)
    content = NOISE * 64
    client.put("big", content)
    wanted = hashlib.sha256(content).digest()
    assert hashlib.sha256((backend.root / "big").read_bytes()).digest() == wanted
    assert hashlib.sha256(client.get("big")).digest() == wanted


@pytest.mark.parametrize("backend", ["vsftpd"], indirect=True)
@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                                   "ECDHE-ECDSA-AES256-GCM-SHA384"])
def test_each_cipher_suite_in_bulk(house, backend, tmp_path, suite):
    """B-208: under TLS 1.3 the gate seals and opens these records itself; under TLS 1.2 BoringSSL does."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = driver("curl", gate, backend, tmp_path)
    client.base += (["--tls13-ciphers", suite] if suite.startswith("TLS_") else
                    ["--tls-max", "1.2", "--ciphers", suite])
    content = NOISE * 5
    client.put("big", content)
    assert (backend.root / "big").read_bytes() == content
    assert client.get("big") == content
    wanted = suite if suite.startswith("TLS_") else "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    assert {event["cipher"] for event in gate.events("tls_established")} == {wanted}
