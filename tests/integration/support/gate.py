"""The real binary as a child process: configuration in, `ready` event out, and what must hold when it ends."""
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

from . import process, toml
from .raw import RawClient
from .tls import client_context
from .wait import wait_until

SANITIZER_MARKS = ("Sanitizer", "runtime error:", "SUMMARY:")
USER, PASSWORD = "bob", "pw-of-bob"


def binary():
    default = pathlib.Path(__file__).resolve().parents[3] / "build" / "ftpsgate"
    return pathlib.Path(os.environ.get("FTPSGATE", default)).resolve()


def is_sanitized():
    """Slower by a lot, and AddressSanitizer holds back what was freed: figures say nothing there; the same tests run
    without it, too."""
    content = binary().read_bytes()
    return b"__asan_init" in content or b"__tsan_init" in content


def run_command(*arguments, timeout=20, **options):
    """The binary with a sub-command that ends by itself."""
    done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **options)
    assert not any(mark in done.stderr for mark in SANITIZER_MARKS), done.stderr
    return done


def listeners_of(ready):
    """The `ready` event's listeners, "SITE=ADDRESS:PORT/MODE,...", as {(site, mode): [(host, port), ...]}."""
    found = {}
    for entry in ready["listeners"].split(","):
        site, _, rest = entry.strip().partition("=")
        place, _, mode = rest.rpartition("/")
        host, _, port = place.rpartition(":")
        found.setdefault((site, mode), []).append((host.strip("[]"), int(port)))
    return found


_PAIR = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?: |$)')


def parse_text(line):
    """A line of the text format as a dictionary; the whole line must be key=value pairs."""
    pairs = list(_PAIR.finditer(line))
    assert pairs and "".join(pair.group(0) for pair in pairs) == line, f"not key=value: {line!r}"
    return {pair.group(1): pair.group(2) if pair.group(2) is not None else pair.group(3) for pair in pairs}


class Gate:
    """Started by start(), ended by stop(). Its log is JSON at level debug."""

    def __init__(self, folder, settings, authority, log):
        self.folder, self.authority = pathlib.Path(folder), authority
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_file = self.folder / "log"
        self.config = self.folder / "ftpsgate.toml"
        self.settings = {"log": {"level": "debug", "format": "json", "file": str(self.log_file), **log},
                         "metrics": {"listen": ""}, **settings}
        self.config.write_text(toml.dump(self.settings))
        self.context = client_context(authority)
        self.clients, self.seen, self.backend = [], bytearray(), None
        self.never_seen = []            # bytes that no client may receive
        self.never_logged = [PASSWORD]  # text that no log line may hold
        self.expected_status = 0
        self.child, self.mark = None, 0
        self.started_by = lambda arguments, **options: process.start(arguments, **options)

    def start(self):
        self.stderr = open(self.folder / "stderr", "w+")
        self.child = self.started_by([binary(), "run", "-c", self.config], stdout=self.stderr, stderr=self.stderr)
        self.ready = wait_until(lambda: self._ended() or self.event("ready"), "the gate is ready", 20)
        self.listeners = listeners_of(self.ready)
        self.baseline = self.descriptors()
        return self

    def _ended(self):
        assert self.child.poll() is None, f"the gate ended with {self.child.returncode}: {self.errors()}"

    # Its log.

    def log_text(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def events(self, name=None):
        """Those of the running test (see settle), in order."""
        parse = json.loads if self.settings["log"]["format"] == "json" else parse_text
        parsed = [parse(line) for line in self.log_text()[self.mark:].split("\n")[:-1]]
        return [event for event in parsed if name in (None, event["event"])]

    def event(self, name, **fields):
        """The first event of that name with these fields, or None."""
        return next((e for e in self.events(name) if all(str(e.get(k)) == str(v) for k, v in fields.items())), None)

    def wait_event(self, name, **fields):
        return wait_until(lambda: self.event(name, **fields), f"log event {name} {fields}")

    def errors(self):
        self.stderr.flush()
        return (self.folder / "stderr").read_text(errors="replace")

    # Its counters.

    def metric(self, name, **labels):
        """The value of one series, 0 where it does not exist; needs metrics={"listen": "127.0.0.1:0"}."""
        with urllib.request.urlopen(f"http://{self.ready['metrics']}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in lines:
            series, _, value = line.rpartition(" ")
            stem, _, rest = series.partition("{")
            if stem == name and wanted == {pair for pair in rest.rstrip("}").split(",") if pair}:
                return float(value)
        return 0.0

    # Clients.

    def address(self, mode="explicit", site=None, which=0):
        site = site or self.settings["site"][0]["name"]
        return self.listeners[site, mode][which]

    def client(self, *, implicit=False, site=None, which=0, **options):
        """A RawClient; closed when the test is over."""
        address = self.address("implicit" if implicit else "explicit", site, which)
        client = RawClient(address, options.pop("context", self.context), implicit=implicit, record=self.seen.extend,
                           **options)
        self.clients.append(client)
        return client

    def secured(self, **options):
        """AUTH TLS done."""
        return self.client(**options).secure()

    def logged_in(self, level="P", **options):
        """Secured, protected data connections (unless level is None), logged in."""
        client = self.secured(**options)
        if level:
            client.protect(level)
        return client.login(USER, PASSWORD)

    # Ends.

    def descriptors(self):
        """Sockets only: an event loop opens its own descriptors when it first has something to do."""
        folder, found = f"/proc/{self.child.pid}/fd", 0
        for number in os.listdir(folder):
            try:
                found += os.readlink(f"{folder}/{number}").startswith("socket:")
            except FileNotFoundError:
                pass
        return found

    def close_clients(self):
        for client in self.clients:
            client.close()
        self.clients.clear()

    def settle(self):
        """Between tests: no clients, no backend sessions, every socket given back (B-286), only proper lines
        (B-280)."""
        self.close_clients()
        assert self.child.poll() is None, f"the gate died: {self.errors()}"
        wait_until(lambda: self.descriptors() <= self.baseline,
                   f"file descriptors return to the baseline of {self.baseline} (B-286)")
        if self.backend:
            wait_until(self.backend.all_ended, "the sessions with the backend end")
            assert not self.backend.faults, self.backend.faults
            assert not self.backend.odd_lines(), "B-280"
            self.backend.renew()
        wait_until(self._all_closed, "every session_opened in the log is followed by its session_closed")
        self.mark = len(self.log_text())

    def _all_closed(self):
        log = self.log_text()
        return log.count("session_opened") <= log.count("session_closed")

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def wait_exit(self, deadline=15):
        wait_until(lambda: self.child.poll() is not None, "the gate ends", deadline)
        return self.child.returncode

    def stop(self):
        """SIGTERM, and everything that must hold at the end of every test."""
        try:
            if self.child.poll() is None:
                self.terminate()
            status = self.wait_exit()
        finally:
            process.end(self.child)
            if self.backend:
                self.backend.stop()
        errors, log, seen = self.errors(), self.log_text(), bytes(self.seen)
        self.stderr.close()
        assert status == self.expected_status, f"exit status {status}: {errors}"
        assert not any(mark in errors for mark in SANITIZER_MARKS), errors
        assert not [text for text in self.never_logged if text in log + errors], "a secret in the log (A-101)"
        leaks = [data for data in self.never_seen if re.search(rb"(?<!\d)" + re.escape(data) + rb"(?!\d)", seen)]
        assert not leaks, f"a client saw what it must not (A-032): {leaks}"
