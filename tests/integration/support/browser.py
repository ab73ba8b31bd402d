"""Headless Chromium, driven over a pipe by its DevTools protocol: a page as a browser shows it, at any width."""
import base64
import json
import os
import select
import subprocess
import time

from . import process

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--no-proxy-server", "--remote-debugging-pipe")


class Browser:
    """One window. `complaints` are what a page made the console say (a breach of its CSP, a script's error)."""

    def __init__(self, folder):
        self.complaints, self.buffer, self.number = [], b"", 0
        preferences = folder / "profile/Default/Preferences"
        preferences.parent.mkdir(parents=True)
        preferences.write_text(json.dumps({"net": {"network_prediction_options": 2}}))  # no connections on suspicion
        self.log = open(folder / "chromium.log", "w")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The protocol's pipe is on descriptors 3 and 4.
        command = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec chromium "$@"'
        self.child = process.start(["bash", "-c", command, "chromium", *FLAGS, f"--user-data-dir={folder}/profile",
                                    "about:blank"], stdout=self.log, stderr=subprocess.STDOUT,
                                   pass_fds=(theirs_in, theirs_out))
        os.close(theirs_in)
        os.close(theirs_out)
        self.incoming, self.outgoing, self.session = ours_in, ours_out, None
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def stop(self):
        process.end(self.child)
        os.close(self.incoming)
        os.close(self.outgoing)
        self.log.close()

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.outgoing, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda told: told.get("id") == self.number, method)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _until(self, wanted, what, deadline=30):
        end = time.monotonic() + deadline
        while True:
            while b"\0" in self.buffer:
                raw, _, self.buffer = self.buffer.partition(b"\0")
                told = json.loads(raw)
                if told.get("method") == "Log.entryAdded":
                    self.complaints.append(told["params"]["entry"]["text"])
                if wanted(told):
                    return told
            ready = select.select([self.incoming], [], [], max(0, end - time.monotonic()))[0]
            assert ready and self.child.poll() is None, f"chromium does not answer {what}"
            self.buffer += os.read(self.incoming, 1 << 20)

    # What tests use.

    def show(self, url, width=1280, height=900, **media):
        """Loads the page in a window of that width; `media` are features such as {"prefers-color-scheme": "dark"}."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": k, "value": v} for k, v in media.items()])
        self.call("Page.navigate", url=url)
        self._until(lambda told: told.get("method") == "Page.loadEventFired", f"for {url}")
        return self

    def wait_reload(self):
        """Until the page has loaded itself again."""
        self._until(lambda told: told.get("method") == "Page.loadEventFired", "the page loads itself again")

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector="body"):
        """As it is seen: what is hidden is not in it."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def rows(self, section):
        """The rows of a section's table, as {label: text}."""
        return self.evaluate(f"""[...document.querySelectorAll({json.dumps(section + ' tbody tr')})].map(row =>
            Object.fromEntries([...row.cells].map(cell => [cell.dataset.label, cell.innerText])))""")

    def screenshot(self, path, vision="none"):
        """The whole page; vision="achromatopsia": without colour."""
        self.call("Emulation.setEmulatedVisionDeficiency", type=vision)
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))
