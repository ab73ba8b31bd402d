"""Which real client is tried with which real server; the fixtures `client` and `backend` (conftest.py) take these."""
import pytest

from .backends import KINDS

CLIENTS = ("curl", "curl-implicit", "lftp", "ftplib")

pairs = pytest.mark.parametrize("client, backend", [(client, kind) for kind in KINDS for client in CLIENTS],
                                indirect=True)
