"""deploy/prometheus-rules.yml and deploy/grafana-dashboard.json against what a real gate exposes, in a real Prometheus;
the table of metrics/README.md against both."""
import json
import pathlib
import re
import subprocess

import pytest

from support.eventful import Eventful
from support.pages import fetch
from support.prometheus import Prometheus
from support.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES, DASHBOARD = ROOT / "deploy/prometheus-rules.yml", ROOT / "deploy/grafana-dashboard.json"
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$site": ".*"}


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries():
    """Of the dashboard, as Grafana would send them: [(panel and refId, expression)]."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            found.append((f"{panel['title']} {target['refId']}", expression))
    return found


@pytest.fixture(scope="module")
def scene(cas):
    return Eventful(cas)


@pytest.fixture(scope="module")
def watched(gates, scene, tmp_path_factory):
    """A Prometheus that saw the gate before and after much happened, and the gate's page at the end."""
    gate = scene.gate(gates)
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), gate.ready["metrics"], RULES)
    try:
        server.wait_scrapes(2)
        scene.events_at(gate)
        server.wait_scrapes(3)
        server.page = fetch(gate, "/metrics").text
        gate.close_clients()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def exposed(watched):
    """{metric: {label: values}}; of histograms also their _bucket, _sum and _count."""
    found = {}
    for line in watched.page.splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition("{")
        labels = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest.rpartition("}")[0]):
            labels.setdefault(label, set()).add(value)
    return found


@pytest.fixture(scope="module")
def expressions(watched):
    """Of the rules and of the dashboard."""
    rules = [rule for group in watched.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == RULES.read_text().count("- alert:")
    return [(rule["name"], rule["query"]) for rule in rules] + queries()


def test_names_are_exposed(exposed, expressions):
    for where, expression in expressions:
        for name in re.findall(r"ftpsgate_\w+", expression):
            assert name in exposed, f"{where}: {name}"


def test_labels_and_their_words_are_exposed(exposed, expressions):
    """A misspelt result="refussed" would never fire."""
    seen = 0
    for where, expression in expressions:
        for name, matchers in re.findall(r"(ftpsgate_\w+)\{([^}]*)\}", expression):
            for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
                if label == "instance" or value == ".*":
                    continue
                for word in value.split("|") if "~" in operator else [value]:
                    assert word in exposed[name].get(label, ()), f"{where}: {name}{{{label}{operator}{word}}}"
                    seen += 1
    assert seen > 20


def test_labels_of_aggregations_are_exposed(exposed, expressions):
    known = {"instance", "job", "le"} | {label for labels in exposed.values() for label in labels}
    for where, expression in expressions:
        for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            assert {label.strip() for label in labels.split(",")} <= known, f"{where}: {labels}"


def test_every_rule_can_be_evaluated(watched):
    rules = [rule for group in watched.get("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


def test_what_happened_raises_its_alerts(watched):
    """Pending is enough: some wait some minutes before they wake somebody."""
    expected = {"FtpsgateCrlExpired", "FtpsgateBackendDown", "FtpsgateNoBackend", "FtpsgateRevokedCertificateUsed",
                "FtpsgateRevocationUnknown", "FtpsgateAttack", "FtpsgateCertificateExpiresSoon"}

    def raised():
        return {alert["labels"]["alertname"] for alert in watched.get("alerts")["alerts"]}
    wait_until(lambda: expected <= raised(), "the alerts are raised", 20)
    assert raised() == expected
    attack = next(one for one in watched.get("alerts")["alerts"] if one["labels"]["alertname"] == "FtpsgateAttack")
    assert attack["annotations"]["summary"] == "starttls_injection on ftp.test"


@pytest.mark.parametrize("where, expression", queries(), ids=[where for where, _ in queries()])
def test_the_dashboard_has_data(watched, where, expression):
    """Every query is answered with data, as the panel asks it: at once and over time."""
    assert watched.query(expression)
    end = float(watched.get("query", query="time()")["result"][1])
    drawn = watched.get("query_range", query=expression, start=end - 10, end=end, step=1)["result"]
    assert drawn and all(series["values"] for series in drawn)


def test_values(watched):
    """What moved in this run."""
    def one(expression):
        (_, value), = watched.query(expression)
        return value
    assert one('ftpsgate_logins_total{site="ftp.test",method="password",result="ok"}') == 2
    assert one('ftpsgate_client_certificates_total{site="ftp.test",result="revoked"}') == 1
    assert one('ftpsgate_client_certificates_total{site="ftp.test",result="accepted"}') == 1
    assert one('ftpsgate_attacks_total{kind="starttls_injection",site="ftp.test"}') == 1
    assert one('ftpsgate_transfers_total{direction="download",result="ok",site="ftp.test"}') == 1
    assert one('sum(ftpsgate_backend_connects_total{site="dead.test",result="refused"})') >= 1
    assert one('min(ftpsgate_crl_next_update_timestamp_seconds - time())') < -86400
    assert one('sum(increase(ftpsgate_attacks_total[1m]))') > 0


def test_the_dashboard_is_whole():
    """Panels have words, ids of their own and do not overlap; variables that queries use exist."""
    board = json.loads(DASHBOARD.read_text())
    every = board["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    cells = [(x, y) for panel in every for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
             for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) <= 23
    assert all(panel["title"] and panel["description"] and panel["datasource"]["uid"] == "${datasource}"
               for panel in panels())
    names = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(every))) - {"__rate_interval"}
    assert used == names


def test_the_readme_lists_what_is_exposed(watched):
    """Names, types and labels."""
    rows = re.findall(r"^\| `(ftpsgate_\w+)` \| (\w+) \| ([\w, ]+) \|$", (ROOT / "metrics/README.md").read_text(), re.M)
    types = dict(re.findall(r"^# TYPE (ftpsgate_\w+) (\w+)$", watched.page, re.M))
    assert {name: kind for name, kind, _ in rows} == types
    for name, kind, labels in rows:
        stem = name + "_count" if kind == "histogram" else name
        line = next(line for line in watched.page.splitlines() if line.startswith(stem + "{"))
        assert set(re.findall(r'(\w+)="', line)) == set(labels.split(", ")), name


def test_the_page_is_as_prometheus_wants_it(watched):
    done = subprocess.run(["promtool", "check", "metrics"], input=watched.page, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
