"""A real browser for tests and benchmarks: the W3C WebDriver protocol, with nothing but the standard library."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader"),
    *("--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking", "--lang=en-US"),
    *("--disable-component-update", "--disable-sync", "--disable-extensions", "--window-size=1280,900"),
    "--force-prefers-reduced-motion",  # the map jumps where it would fly
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no network
)
ENGLISH = {**os.environ, "LANGUAGE": "en_US"}


@contextmanager
def browser(folder):
    """Drive a browser through the W3C WebDriver protocol, with nothing but the standard library."""
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True, env=ENGLISH) as driver:
        port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))

        def call(method, path, body=None):
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return json.load(answer)["value"]

        try:
            options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={folder}"]}
            logging = {"goog:loggingPrefs": {"browser": "ALL"}}
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, **logging}}}
            session = f"/session/{call('POST', '/session', wanted)['sessionId']}"
            yield lambda method, path, body=None: call(method, session + path, body)
            call("DELETE", session)
        finally:
            driver.terminate()


class Reader:
    """A person before the page."""

    def __init__(self, call, address):
        self.call = call
        call("POST", "/url", {"url": address})
        self.wait_for("document.documentElement.dataset.map === 'drawn'")

    def run(self, script):
        """Return what a script in the page returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def wait_for(self, condition):
        """Wait until a condition in the page holds."""
        until = time.monotonic() + 30
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < until, condition
            time.sleep(0.1)

    def point(self, *, click=False, nudge=0):
        """Point at the middle of the map."""
        x, y = self.run("const b = map.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]")
        steps = [{"type": "pointerMove", "duration": 50, "x": round(x) + nudge, "y": round(y)}]
        if click:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pause", "duration": 40}]
            steps += [{"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self.call("POST", "/actions", {"actions": [mouse]})

    def point_until(self, condition):
        """Point at the middle of the map, again and again, until a condition in the page holds."""
        for nudge in range(200):
            self.point(nudge=nudge % 2)
            if self.run(f"return Boolean({condition})"):
                return
        raise AssertionError(condition)

    def drag(self, points):
        """Drag the mouse over points."""
        steps = [{"type": "pointerMove", "duration": 30, "x": round(points[0][0]), "y": round(points[0][1])}]
        steps.append({"type": "pointerDown", "button": 0})
        steps += [{"type": "pointerMove", "duration": 300, "x": round(x), "y": round(y)} for x, y in points[1:]]
        steps.append({"type": "pointerUp", "button": 0})
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self.call("POST", "/actions", {"actions": [mouse]})

    def press(self, key):
        """Press a key."""
        steps = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def search(self, words):
        """Look for a place."""
        self.run(f"place.value = {json.dumps(words)}; document.querySelector('#search button').click()")

    def datum(self, element, name):
        """Return a figure that an element holds."""
        return float(self.run(f"return document.getElementById('{element}').dataset.{name}"))

    def text(self, element):
        """Return what an element says."""
        return self.run(f"return document.getElementById('{element}').innerText")
