"""What the processes that are measured have used: CPU time with that of their ended children, and memory."""
import glob
import os
import re


def _hierarchy():
    """A cgroup hierarchy in which groups can be made and that counts CPU time: (folder, version)."""
    with open("/proc/mounts") as mounts:
        rows = [line.split() for line in mounts]
    for _, folder, kind, options, *_ in rows:
        if kind == "cgroup" and "cpuacct" in options.split(","):
            return folder, 1
    for _, folder, kind, *_ in rows:
        if kind == "cgroup2":
            return folder, 2
    return None, 0


def _stat(pid):
    """The fields of /proc/PID/stat behind the name, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def _family(root):
    """A process and all its descendants."""
    children = {}
    for folder in glob.glob("/proc/[0-9]*"):
        fields = _stat(os.path.basename(folder))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(os.path.basename(folder)))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


class Account:
    """Of one server: its own cgroup where one can be made, else what /proc tells of its process and descendants
    (ended ones as far as their parents have waited for them; in steps of a hundredth of a second)."""

    def __init__(self, name):
        self.group, self.root = None, None
        folder, self.version = _hierarchy()
        if folder:
            path = f"{folder}/ftpsgate-bench-{os.getpid()}-{name}"
            try:
                os.mkdir(path)
                with open(f"{path}/cgroup.procs", "w"):
                    self.group = path
            except OSError:
                self.group = None

    def enter(self):
        """In the child, before it becomes the server."""
        if self.group:
            with open(f"{self.group}/cgroup.procs", "w") as file:
                file.write("0")

    def started(self, pid):
        self.root = pid

    @property
    def kind(self):
        return f"cgroup v{self.version}" if self.group else "/proc"

    def pids(self):
        if self.group:
            with open(f"{self.group}/cgroup.procs") as file:
                return [int(line) for line in file]
        return [pid for pid in _family(self.root) if _stat(pid)]

    def cpu_seconds(self):
        if self.group and self.version == 1:
            with open(f"{self.group}/cpuacct.usage") as file:
                return int(file.read()) / 1e9
        if self.group:
            with open(f"{self.group}/cpu.stat") as file:
                return int(dict(line.split() for line in file)["usage_usec"]) / 1e6
        ticks = 0
        for pid in self.pids():
            fields = _stat(pid)
            if fields:
                ticks += sum(map(int, fields[11:15]))   # user, system, and both of waited-for children
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_kib(self):
        """Shared pages counted by parts, so that many processes are not charged for one program's code each."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
            except OSError:
                pass                                    # ended meanwhile
        return total

    def pin(self, cpus):
        for pid in self.pids():
            for task in glob.glob(f"/proc/{pid}/task/*"):
                try:
                    os.sched_setaffinity(int(os.path.basename(task)), cpus)
                except OSError:
                    pass

    def close(self):
        if self.group:
            try:
                os.rmdir(self.group)
            except OSError:
                pass                                    # a process that is still ending: an empty group harms nobody
