"""Directories that run: see directory.py."""
import os

import pytest

from .directory import DomainController, Slapd


@pytest.fixture(scope="session")
def domain_controller(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("Samba as a domain controller wants root")
    running = DomainController(tmp_path_factory.mktemp("samba") / "dc1")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    running = Slapd(tmp_path_factory.mktemp("slapd") / "one")
    try:
        yield running.start()
    finally:
        running.stop()
