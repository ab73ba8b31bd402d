"""From runs to the table of goals. A run is {"work", "server", "repetition", "figures", "told"}."""
import os
import pathlib
import re
import statistics
import time
from typing import NamedTuple

from works import WORKS

RELAYS = ("haproxy", "nginx")


class Goal(NamedTuple):
    work: str
    figure: str
    against: str        # a server, "relay" = the better of the relays, or "" for a figure of its own
    limit: float
    kind: str = "ratio"     # ratio | added (to the other's) | own


GOALS = [
    *(Goal(work, "cpu_s_per_gib", "proftpd", 0.62) for work in ("get1", "get4")),
    *(Goal(work, "cpu_s_per_gib", "relay", 0.85) for work in ("get1", "get4")),
    *(Goal(work, "cpu_s_per_gib", "proftpd", 0.40) for work in ("put1", "put4")),
    Goal("login", "cpu_ms", "proftpd", 0.12),
    Goal("files", "cpu_ms", "proftpd", 0.40),
    *(Goal(work, "cpu_us", "proftpd", 0.45) for work in ("noop", "pwd")),
    *(Goal(work, "p50_us", "backend", 30, "added") for work in ("noop", "pwd")),
    Goal("idle", "kib_1000", "", 24, "own"),
    Goal("idle", "kib_5000", "", 24, "own"),
    Goal("idle", "p50_us_crowded", "p50_us_alone", 1.1, "own ratio"),
]

TITLES = {"p50_us": "the same, p50 against the backend alone", "p50_us_crowded": "NOOP p50 with all of them / with none"}
UNITS = {"p50_us": "us", "p50_us_crowded": "us"}


class Spread(NamedTuple):
    middle: float
    least: float
    most: float

    def __str__(self):
        def short(value):
            return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        if self.least == self.most:
            return short(self.middle)
        return f"{short(self.middle)} ({short(self.least)}..{short(self.most)})"


def spread(values):
    return Spread(statistics.median(values), min(values), max(values)) if values else None


class Findings:
    def __init__(self, runs):
        self.by = {}
        for run in runs:
            self.by.setdefault((run["work"], run["server"]), {})[run["repetition"]] = run["figures"]

    def series(self, work, server, figure):
        """The figure by repetition."""
        found = self.by.get((work, server), {})
        return {number: figures[figure] for number, figures in found.items() if figure in figures}

    def better_relay(self, work, figure):
        known = {name: self.series(work, name, figure) for name in RELAYS}
        known = {name: statistics.median(series.values()) for name, series in known.items() if series}
        return min(known, key=known.get) if known else None

    def judge(self, goal):
        """(the gate's figure, the other's name and figure, what the goal is about), as far as there are runs."""
        mine = self.series(goal.work, "ftpsgate", goal.figure)
        name = self.better_relay(goal.work, goal.figure) if goal.against == "relay" else goal.against
        if goal.kind == "own":
            return spread(mine.values()), "", None, spread(mine.values())
        if goal.kind == "own ratio":
            other, name = self.series(goal.work, "ftpsgate", goal.against), "itself"
        else:
            other = self.series(goal.work, name, goal.figure) if name else {}
        both = [(mine[n], other[n]) for n in mine if n in other]     # of one repetition: the same noise
        judged = [a - b if goal.kind == "added" else a / b for a, b in both]
        return spread(mine.values()), name or "-", spread(other.values()), spread(judged)


def table(runs):
    """Markdown, one row a goal that something was measured for."""
    findings = Findings(runs)
    rows = [("work", "ftpsgate", "against", "its figure", "ratio", "goal", "")]
    for goal in GOALS:
        mine, name, other, judged = findings.judge(goal)
        if mine is None:
            continue
        work = WORKS[goal.work]
        title = TITLES.get(goal.figure, work.title)
        if goal.figure.startswith("kib_"):
            title += f", {goal.figure[4:]} of them"
        unit = UNITS.get(goal.figure, work.unit)
        verdict = "" if judged is None else "met" if judged.middle <= goal.limit else "MISSED"
        if goal.figure == "p50_us":
            title = title.replace("the same", work.command)
        shown = f"{judged}{' us' if goal.kind == 'added' else ''}" if judged and goal.kind != "own" else "-"
        limit = f"<= {goal.limit:g}{' KiB' if goal.kind == 'own' else ' us' if goal.kind == 'added' else ''}"
        rows.append((f"{title} ({unit})", str(mine), name, str(other or "-"), shown, limit, verdict))
    extra = login_of_a_relay(findings)
    if extra:
        rows.append(extra)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def login_of_a_relay(findings):
    """For scale, without a goal: a bare TLS handshake."""
    goal = Goal("login", "cpu_ms", "nginx", 0)
    mine, _, other, judged = findings.judge(goal)
    return judged and (f"{WORKS['login'].title}, for scale", str(mine), "nginx, a bare handshake", str(other),
                       str(judged), "-", "")


def machine():
    model = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {"cpu": model[1] if model else os.uname().machine, "cores": len(os.sched_getaffinity(0)),
            "kernel": os.uname().release, "date": time.strftime("%Y-%m-%d")}
