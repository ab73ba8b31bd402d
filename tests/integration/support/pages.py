"""The pages of the monitoring port."""
import json
import urllib.error
import urllib.request

METRICS = {"listen": "127.0.0.1:0"}


def url_of(gate, path):
    return f"http://{gate.ready['metrics']}{path}"


def fetch(gate, path):
    """The answer with .status, .headers and .text; an error status is no exception."""
    try:
        answer = urllib.request.urlopen(url_of(gate, path), timeout=20)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        answer.text = answer.read().decode()
        return answer


def sessions(gate):
    return json.loads(fetch(gate, "/sessions").text)


def series(gate):
    """Every series of /metrics: {'name{labels}': value}."""
    lines = fetch(gate, "/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}
