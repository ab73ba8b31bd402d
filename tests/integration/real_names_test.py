"""Real clients through the gate to real servers: folders, and names of every kind (B-240 .. B-246)."""
import os

import pytest

from support.backends import KINDS
from support.clients import driver
from support.pairs import pairs


@pairs
def test_folders_and_names(client, backend):
    """RNFR and RNTO, DELE, MKD, RMD, and the listing of what is left."""
    for name in ("one", "two"):
        client.put(name, b"content")
    client.rename("one", "three")
    client.delete("two")
    client.mkdir("folder")
    client.mkdir("gone")
    client.rmdir("gone")
    assert sorted(path.name for path in backend.root.iterdir()) == ["folder", "three"]
    assert {name.rstrip("/") for name in client.list()} - {".", "..", "./", "../"} == {"folder", "three"}


NAMES = ["two  spaces in it", "h\xe4\xdf \u65e5\u672c.txt", "-leading dash", "100%", "a'b\"c", "x;y&z"]


@pairs
def test_odd_names(client, backend):
    """B-243, B-245, B-246"""
    for name in NAMES:
        client.put(name, name.encode())
        assert (backend.root / name).read_bytes() == name.encode()
        assert client.get(name) == name.encode()
    listed = {name.removeprefix("./") for name in client.list()}
    assert set(NAMES) <= listed


@pytest.mark.parametrize("backend", KINDS, indirect=True)
def test_latin_1_names(house, backend, tmp_path):
    """B-243: no transcoding, whatever the bytes mean."""
    gate = house.gate(backend={"servers": [backend.address]})
    client = driver("ftplib", gate, backend, tmp_path, encoding="latin-1")
    client.put("caf\xe9", b"latin")
    assert b"caf\xe9" in os.listdir(os.fsencode(backend.root))
    assert client.get("caf\xe9") == b"latin" and "caf\xe9" in client.list()
