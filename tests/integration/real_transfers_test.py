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
