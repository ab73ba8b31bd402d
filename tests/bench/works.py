"""The works that are measured: what the load does, and the figures that come of it."""
import filecmp
import json
import os
import select
import subprocess
import time

from servers import FTP_PEERS, RELAY_PEERS

GIB = 1 << 30
SUITE = "TLS_AES_128_GCM_SHA256"        # bulk: the same cipher for all
SMALL = 10240


class WorkFailed(Exception):
    pass


class Load:
    """A running load: made ready, let go, and ended by close()."""

    def __init__(self, program, server, work, tls=True, patience=600, **values):
        self.server, self.patience = server, patience
        pairs = [f"{key}={value}" for key, value in values.items()]
        self.child = subprocess.Popen([program, work, f"port={server.port}", f"tls={int(tls)}", *pairs],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line("ready")

    def _line(self, what):
        readable, _, _ = select.select([self.child.stdout], [], [], self.patience)
        line = self.child.stdout.readline() if readable else ""
        if not line:
            self.child.kill()
            raise WorkFailed(f"the load never came to: {what}")
        return line

    def go(self):
        """What the load tells, with the CPU time that the server spent on it."""
        settle = 0.2                    # what the last reply left to do is charged to the work that caused it
        time.sleep(settle)
        before = self.server.account.cpu_seconds()
        self.child.stdin.write("go\n")
        self.child.stdin.flush()
        told = json.loads(self._line("an end"))
        time.sleep(settle)
        told["cpu_s"] = self.server.account.cpu_seconds() - before
        failed = sum(told["faults"].values())
        # ProFTPD loses a login now and then. The gate may not.
        if failed > (0 if self.server.name == "ftpsgate" else told["done"] // 100):
            raise WorkFailed(f"{self.server.name}: {told['faults']}")
        return told

    def close(self):
        self.child.stdin.close()
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def once(program, server, work, **values):
    with Load(program, server, work, **values) as load:
        return load.go()


def make_file(path, size):
    """Bytes that no one can guess or compress, so that a wrong order shows."""
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for at in range(0, size, len(block)):
            file.write(at.to_bytes(8, "big") + block[8:min(len(block), size - at)] if size - at >= 8
                       else block[:size - at])


def check_content(program, server, place):
    """One download and one upload, compared byte by byte: what is wrong is not worth measuring."""
    size = (4 << 20) + 12345
    source, got = place.files / "check", place.folder / "got"
    stored = place.uploads / "check0"
    make_file(source, size)
    once(program, server, "transfer", way="get", path="check", size=size, file=got)
    once(program, server, "transfer", way="put", path="up/check", size=size, file=source)
    for copy, what in ((got, "downloaded"), (stored, "uploaded")):
        if not filecmp.cmp(source, copy, shallow=False):
            raise WorkFailed(f"{server.name}: what was {what} differs from its source")
        copy.unlink()


class Bulk:
    unit, figure = "CPU s/GiB", "cpu_s_per_gib"
    peers = (*FTP_PEERS, *RELAY_PEERS)

    def __init__(self, way, sessions):
        self.way, self.sessions = way, sessions
        self.title = f"bulk {'download' if way == 'get' else 'upload'}, {sessions} session{'s' * (sessions > 1)}"

    def run(self, bench, server):
        common = {"way": self.way, "parallel": self.sessions, "size": bench.size, "suites": SUITE}
        if server.name in RELAY_PEERS:
            told = once(bench.load, server, "relay", **common)
        else:
            told = once(bench.load, server, "transfer", path="big" if self.way == "get" else "up/put", **common)
            for stored in bench.place.uploads.glob("put*"):
                if stored.stat().st_size != bench.size:
                    raise WorkFailed(f"{server.name}: {stored.stat().st_size} of {bench.size} bytes were stored")
                stored.unlink()
        gib = told["bytes"] / GIB
        return told, {self.figure: told["cpu_s"] / gib, "mib_per_s": told["bytes"] / told["wall_s"] / (1 << 20)}


class Login:
    title, unit, figure = "login, ECDSA P-256, 16 at a time", "CPU ms each", "cpu_ms"
    peers = (*FTP_PEERS, "nginx")

    def run(self, bench, server):
        if server.name in RELAY_PEERS:  # the bare handshake
            told = once(bench.load, server, "relay", parallel=16, count=bench.logins)
        else:
            told = once(bench.load, server, "login", parallel=16, count=bench.logins)
        return told, {self.figure: told["cpu_s"] * 1e3 / told["done"], "p50_ms": told["p50_us"] / 1e3,
                      "p99_ms": told["p99_us"] / 1e3}


class Files:
    title, unit, figure = "10 KiB download, resumed data TLS, 16 at a time", "CPU ms each", "cpu_ms"
    peers = tuple(FTP_PEERS)

    def run(self, bench, server):
        told = once(bench.load, server, "files", parallel=16, count=bench.files, path="small", size=SMALL)
        return told, {self.figure: told["cpu_s"] * 1e3 / told["done"], "p50_ms": told["p50_us"] / 1e3,
                      "p99_ms": told["p99_us"] / 1e3}


def ask(bench, server, command, code, tls=True):
    """Round trips of one command. Everything on one CPU: otherwise the figure is mostly where the scheduler put whom."""
    all_cpus = os.sched_getaffinity(0)
    pinned = [server.account, bench.crew.of("backend").account]
    try:
        for account in pinned:
            account.pin({min(all_cpus)})
        os.sched_setaffinity(0, {min(all_cpus)})
        told = once(bench.load, server, "ask", tls=tls, count=bench.asks, command=command, code=code)
    finally:
        os.sched_setaffinity(0, all_cpus)
        for account in pinned:
            account.pin(all_cpus)
    return told, {"cpu_us": told["cpu_s"] * 1e6 / told["done"], "p50_us": told["p50_us"], "p99_us": told["p99_us"]}


class Ask:
    """NOOP is answered by the gate itself, PWD by the backend behind it."""
    unit, figure = "CPU us each", "cpu_us"
    peers = (*FTP_PEERS, "backend")

    def __init__(self, command, code):
        self.command, self.code = command, code
        self.title = f"{command} round trip, all on one CPU"

    def run(self, bench, server):
        return ask(bench, server, self.command, self.code, tls=server.name != "backend")


class Idle:
    """PSS growth with idle sessions, on a server of its own: memory once used would hide it. In the gate's turn also
    NOOP with none of them and with all."""
    title, unit, figure = "memory per idle session", "KiB each", "kib_1000"
    peers = tuple(FTP_PEERS)

    def run(self, bench, server):
        server = bench.crew.renew(server.name)
        if server is None:
            raise WorkFailed("it does not start again")
        once(bench.load, server, "login", parallel=16, count=64)    # what is made once is not charged to the sessions
        is_gate = server.name == "ftpsgate"
        told, figures = {}, {}
        if is_gate:
            _, alone = ask(bench, server, "NOOP", 200)
        base, held = server.account.pss_kib(), []
        try:
            for total in bench.crowds if is_gate else bench.crowds[:1]:     # a process each: GiBs for the larger ones
                held.append(Load(bench.load, server, "hold", parallel=16, count=total - sum(h.count for h in held)))
                held[-1].count = total - sum(h.count for h in held[:-1])
                told[total] = held[-1].go()
                figures[f"kib_{total}"] = (server.account.pss_kib() - base) / total
            if is_gate:
                _, crowded = ask(bench, server, "NOOP", 200)
                figures.update(p50_us_alone=alone["p50_us"], p50_us_crowded=crowded["p50_us"])
        finally:
            for load in held:
                load.close()
        return told, figures


WORKS = {"get1": Bulk("get", 1), "get4": Bulk("get", 4), "put1": Bulk("put", 1), "put4": Bulk("put", 4),
         "login": Login(), "files": Files(), "noop": Ask("NOOP", 200), "pwd": Ask("PWD", 257),
         "idle": Idle()}
