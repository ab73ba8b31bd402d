"""Machines of a make-believe network: network namespaces on one switch, with any addresses, ports below 1024 for everybody,
and no way out. Needs root; where the system does not allow it, the test is skipped."""
import concurrent.futures
import ctypes
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Machine:
    """A namespace. What call() runs, and every socket and process it makes, is in there; processes live as long as the
    machine."""

    def __init__(self, name):
        self.file = f"/run/netns/{name}"
        # One thread that stays: a child's parent is the thread that made it, and children end with it (process.py).
        self.inside = concurrent.futures.ThreadPoolExecutor(1, initializer=self.enter)
        self.call(self._open_ports)

    def enter(self):
        """The calling thread's network is this machine's from now on."""
        descriptor = os.open(self.file, os.O_RDONLY)
        try:
            if _LIBC.setns(descriptor, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)

    def call(self, step, *arguments, **options):
        return self.inside.submit(step, *arguments, **options).result()

    def thread(self, step, *arguments):
        """Runs beside; not started."""
        def run():
            self.enter()
            step(*arguments)
        return threading.Thread(target=run, daemon=True)

    @staticmethod
    def _open_ports():
        pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")


class Network:
    """machine() adds one; stop() ends them, their processes should have ended before."""

    def __init__(self):
        if not shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin"):
            pytest.skip("no ip(8) (tests/install_packages)")
        self.stem, self.machines, self.names = f"ftpsgate-{os.getpid()}", [], []
        try:
            self.switch = self._add("switch")
            self._ip("-n", self.switch, "link", "add", "switch", "type", "bridge")
            self._ip("-n", self.switch, "link", "set", "switch", "up")
        except subprocess.CalledProcessError as fault:
            self.stop()
            pytest.skip(f"network namespaces are not permitted here: {fault.stderr.strip()}")

    def machine(self, *addresses):
        """With these addresses, as "192.0.2.1/24"."""
        number = len(self.machines)
        name = self._add(str(number))
        self._ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", f"port{number}", "netns",
                 self.switch)
        self._ip("-n", self.switch, "link", "set", f"port{number}", "master", "switch", "up")
        for address in addresses:
            self._ip("-n", name, "address", "add", address, "dev", "eth0")
        for link in ("lo", "eth0"):
            self._ip("-n", name, "link", "set", link, "up")
        self.machines.append(Machine(name))
        return self.machines[-1]

    def _add(self, name):
        self._ip("netns", "add", f"{self.stem}-{name}")
        self.names.append(f"{self.stem}-{name}")
        return self.names[-1]

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    def stop(self):
        for machine in self.machines:
            machine.inside.shutdown()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
