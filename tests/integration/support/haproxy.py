"""HAProxy, as a balancer or in front of a backend. Debian's package, started here with its own configuration."""
import contextlib
import pathlib
import shutil
import socket
import subprocess

import pytest

from . import process
from .wait import wait_until


class Haproxy:
    """Started by start(), ended by stop(). Logs to its own standard output."""

    def __init__(self, folder, text):
        self.folder = pathlib.Path(folder)
        self.program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not self.program:
            pytest.skip("haproxy is not installed (tests/install_packages)")
        self.config = self.folder / "haproxy.cfg"
        self.config.write_text(text)

    def start(self):
        checked = subprocess.run([self.program, "-c", "-f", self.config], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        with open(self.folder / "haproxy.log", "w") as log:
            self.child = process.start([self.program, "-db", "-f", self.config], stdout=log, stderr=log)
        return self

    def log(self):
        return (self.folder / "haproxy.log").read_text(errors="replace")

    def stop(self):
        process.end(self.child)


SETTINGS = """
global
    log stdout format raw local0
    maxconn 100
defaults
    mode tcp
    log global
    option tcplog
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen ftp
"""


@contextlib.contextmanager
def accepting(folder, backend):
    """In front of `backend`, which has its data ports beside it: takes connections with a PROXY header only. It listens
    on the backend's address, so that data connections of the gate find the server itself."""
    port = process.free_port(backend.host)
    with _running(folder, f"bind {backend.host}:{port} accept-proxy\n    server backend {backend.address}",
                  backend.host, port) as running:
        yield running


@contextlib.contextmanager
def sending(folder, gate, source, options):
    """In front of a gate's address, coming from `source`; `options`: those of a server line, "send-proxy"."""
    port = process.free_port("127.0.0.1")
    with _running(folder, f"bind 127.0.0.1:{port}\n    server gate {gate[0]}:{gate[1]} source {source} {options}",
                  "127.0.0.1", port) as running:
        yield running


@contextlib.contextmanager
def _running(folder, section, host, port):
    running = Haproxy(folder, f"{SETTINGS}    {section}\n").start()
    running.address = f"{host}:{port}"
    try:
        wait_until(lambda: _listens(host, port), "HAProxy listens")
        yield running
    finally:
        running.stop()


def _listens(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except OSError:
        return False
