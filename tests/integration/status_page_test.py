"""The status page at / in a real browser: sessions, a dead backend, an expired CRL and refusals on it; readable on any
screen and harmless whatever peers send (INTERFACE.md "Metrics", A-074, A-101)."""
import re
import shutil
import socket

import pytest

from support.browser import Browser
from support.eventful import HOSTILE, Eventful
from support.pages import METRICS, fetch, url_of
from support.wait import wait_until

NAMES = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    assert shutil.which("chromium"), "tests/install_packages installs chromium"
    running = Browser(tmp_path_factory.mktemp("browser"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def scene(cas):
    return Eventful(cas)


@pytest.fixture
def eventful(house, scene):
    gate = scene.events_at(scene.gate(house, health_interval="10s"))
    gate.dead = scene.dead
    return gate


def test_headers_and_self_containment(house):
    """One document: nothing is loaded, nothing else is allowed, nothing is kept."""
    answer = fetch(house.gate(metrics=METRICS), "/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-") and "unsafe" not in policy
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'\bon\w+=|<script|javascript:|https?://|//|@import|url\(|style="', answer.text)
    links = set(re.findall(r'(?:href|src|action)="([^"]*)"', answer.text))
    assert links == {"data:,", "/?pause", "/sessions", "/metrics", "/readyz"}


def test_what_the_browser_shows(eventful, browser):
    browser.show(url_of(eventful, "/?pause"))
    assert not browser.complaints
    assert browser.evaluate("document.title") == f"(6) ftpsgate {socket.gethostname()}"
    header = browser.text("header")
    assert "✗ not ready" in header and re.search(r"\d+\.\d+\.\d+", header)

    worries = browser.text("#attention")
    assert f"dead.test: backend {eventful.dead} is down" in worries and "Connection refused" in worries
    assert "site dead.test: no backend is up" in worries
    assert "CRL CN=expired CA expired 2 days ago" in worries and "refused until there is a new list" in worries

    sites = {row["Site"]: row for row in browser.rows("#sites")}
    host, port = eventful.address()
    assert f"{host}:{port} explicit" in sites["ftp.test"]["Listens on"] and sites["ftp.test"]["Sessions"] == "3"
    backends = {row["Backend"]: row for row in browser.rows("#backends")}
    assert backends[eventful.dead]["State"] == "✗ down" and "a check failed" in backends[eventful.dead]["Known from"]
    assert backends[eventful.backend.address]["State"] == "✓ up"
    assert backends[eventful.backend.address]["Sessions"] == "2"


def test_certificates_and_lists(eventful, browser):
    """With the days they have left, what ends first at the top."""
    rows = browser.show(url_of(eventful, "/?pause")).rows("#expiries")
    assert (rows[0]["Kind"], rows[0]["Name"], rows[0]["Left"]) == ("CRL", "CN=expired CA", "✗ expired 2 days ago")
    assert "expired.crl" in rows[0]["From"]
    kinds = {(row["Kind"], row["Site"]) for row in rows}
    assert {("Certificate", "ftp.test"), ("Certificate", "dead.test"), ("Client CA", "ftp.test"),
            ("CRL", "ftp.test")} == kinds
    leaf = next(row for row in rows if row["Kind"] == "Certificate")
    assert leaf["Name"] == "CN=ftp.test" and leaf["Left"].startswith("▲ in 1 d 23 h")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", leaf["Until"])


def test_refusals_in_words(eventful, browser):
    rows = browser.show(url_of(eventful, "/?pause")).rows("#refusals")
    by_kind = {}
    for row in rows:
        by_kind.setdefault(row["What"], []).append(row)
        assert row["Client"] == "127.0.0.1"
    revoked, = [row for row in by_kind["certificate refused"] if row["Who"] == "CN=stolen-plc"]
    assert revoked["Why"].startswith("revoked: ")
    late, = [row for row in by_kind["certificate refused"] if row["Who"] == "CN=late-plc"]
    assert late["Why"].startswith("nobody could say whether it is revoked: ") and "expired" in late["Why"]
    assert by_kind["command denied"][0]["Why"] == "SITE is not allowed on this site"
    assert by_kind["command denied"][0]["Who"] == "bob"
    assert "STARTTLS injection" in by_kind["attack"][0]["Why"]
    assert by_kind["login refused"][0]["Who"] == HOSTILE


def test_sessions_are_shown(eventful, browser):
    """Who is logged in, over what; nobody's text becomes markup."""
    rows = {row["User"]: row for row in browser.show(url_of(eventful, "/?pause")).rows("#sessions")}
    assert rows["bob"]["State"] == "idle" and rows["bob"]["TLS"].startswith("TLSv1.3")
    assert rows["bob"]["Backend"] == eventful.backend.address
    assert HOSTILE in rows
    assert browser.evaluate("document.images.length + document.scripts.length") == 0
    assert browser.evaluate("document.title") == f"(6) ftpsgate {socket.gethostname()}"


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_the_screen(eventful, browser, name):
    """No scrolling sideways; on a phone each cell says what it is, and nothing is left out."""
    width = NAMES[name]
    browser.show(url_of(eventful, "/?pause"), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("getComputedStyle(document.querySelector('thead')).display") == (
        "none" if name == "phone" else "table-header-group")
    label = "getComputedStyle(document.querySelector('#backends td'), '::before').content"
    assert browser.evaluate(label) == ('"Backend"' if name == "phone" else "none")
    assert {row["State"] for row in browser.rows("#backends")} == {"✓ up", "✗ down"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(eventful, browser, scheme):
    """Every word is at least 4.5 to 1 against what is behind it (WCAG 2.1, AA)."""
    browser.show(url_of(eventful, "/?pause"), **{"prefers-color-scheme": scheme})
    weakest = browser.evaluate("""(() => {
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = node => { for (; node; node = node.parentElement) {
            const colour = numbers(getComputedStyle(node).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour; } return [255, 255, 255]; };
        return Math.min(...[...document.querySelectorAll('body *')].map(node => {
            const pair = [light(numbers(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
            return (pair[0] + 0.05) / (pair[1] + 0.05); })); })()""")
    assert weakest >= 4.5


def test_it_refreshes_itself(house, browser):
    """Unless it is paused."""
    gate = house.gate(metrics=METRICS)
    browser.show(url_of(gate, "/"))
    assert "Nobody is connected." in browser.text("#sessions")
    gate.logged_in()
    browser.wait_reload()
    wait_until(lambda: [row["User"] for row in browser.rows("#sessions")] == ["bob"], "the session is on the page")
    browser.show(url_of(gate, "/?pause"))
    assert browser.evaluate("document.querySelector('meta[http-equiv=refresh]')") is None


def test_rates(house, browser):
    """Transfers a second of the last minute."""
    gate = house.gate(metrics=METRICS, commands={"deny": ["RNTO"]})
    gate.backend.script.files["a"] = b"x" * 300_000
    client = gate.logged_in()
    client.download("RETR a")
    client.upload("STOR b", b"y" * 200_000)

    def rates():
        row, = browser.show(url_of(gate, "/?pause")).rows("#sites")
        return row["Transfers/s"] != "0" and "KiB" in row["Downloads"] and "KiB" in row["Uploads"] and row
    assert wait_until(rates, "the rates have moved", 15)
    assert float(browser.rows("#sites")[0]["Transfers/s"]) <= 2
