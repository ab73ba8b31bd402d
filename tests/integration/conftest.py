"""Fixtures of the black-box suite: `house.gate(...)` runs the real binary named by FTPSGATE in front of a scripted
backend, `backends.of(KIND)` a real FTP server. FTPSGATE_CACHE is where the servers are unpacked to."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.backends import Backends   # noqa: E402
from support.client_cas import ClientCas  # noqa: E402
from support.clients import driver      # noqa: E402
from support.gate import binary         # noqa: E402
from support.house import House         # noqa: E402
from support.http_server import HttpServer  # noqa: E402
from support.pki import Authority       # noqa: E402


def pytest_report_header():
    return f"ftpsgate: {binary()}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def cas(tmp_path_factory):
    """The CAs of client certificates."""
    return ClientCas(tmp_path_factory.mktemp("cas"))


@pytest.fixture(scope="module")
def web():
    """Where CRLs, OCSP answers and issuers' certificates are fetched from."""
    running = HttpServer()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def backends():
    running = Backends(os.environ.get("FTPSGATE_CACHE", binary().parent / "backends"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def gates(tmp_path_factory, authority):
    assert binary().exists(), f"no gate at {binary()}: build it, or name it in FTPSGATE"
    built = House(tmp_path_factory.mktemp("house"), authority)
    yield built
    built.stop()


@pytest.fixture
def house(gates):
    """Gates by configuration, shared by the tests of a file; what one test opened is gone before the next begins."""
    yield gates
    gates.settle()


@pytest.fixture
def gate(house):
    """The gate with its defaults: everything required, sessions resumed."""
    return house.gate()


@pytest.fixture
def backend(backends, request):
    """The real server named by the parameter, its folder emptied."""
    server = backends.of(request.param)
    for path in sorted(server.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return server


@pytest.fixture
def client(house, backend, tmp_path, request):
    """The real client named by the parameter, with a login at `backend` through a gate."""
    return driver(request.param, house.gate(backend={"servers": [backend.address]}), backend, tmp_path)
