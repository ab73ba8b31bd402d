"""Debian's Prometheus, scraping a gate once a second."""
import json
import urllib.error
import urllib.parse
import urllib.request

from . import process
from .wait import wait_until


class Prometheus:
    def __init__(self, folder, target, rules):
        self.folder, self.child = folder, None
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rules)],
                  "scrape_configs": [{"job_name": "ftpsgate", "static_configs": [{"targets": [target]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))      # JSON is YAML
        for _ in range(5):      # a port that was found free can be gone a moment later
            if self._try_start():
                return
        raise RuntimeError((folder / "log").read_text())

    def _try_start(self):
        self.address = f"127.0.0.1:{process.free_port('127.0.0.1')}"
        with open(self.folder / "log", "w") as log:
            self.child = process.start(["prometheus", f"--config.file={self.folder}/prometheus.yml",
                                        f"--storage.tsdb.path={self.folder}/data",
                                        f"--web.listen-address={self.address}"], stdout=log, stderr=log)
        wait_until(lambda: self._is_ready() or self.child.poll() is not None, "Prometheus is ready", 30)
        return self.child.poll() is None

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        process.end(self.child)

    def get(self, path, **parameters):
        """The `data` of an answer of its HTTP API; a refused query fails the test with its words."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{parameters}: {refused.read().decode()}") from None

    def query(self, expression):
        """An instant vector as [(labels, value)]."""
        return [(one["metric"], float(one["value"][1])) for one in self.get("query", query=expression)["result"]]

    def wait_scrapes(self, count):
        """Until there are so many more samples."""
        def samples():
            return sum(value for _, value in self.query("count_over_time(up[10m])"))
        wanted = samples() + count
        wait_until(lambda: samples() >= wanted, "Prometheus scrapes", 20)
