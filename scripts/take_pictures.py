"""Take the pictures of the documentation anew: the demo's map, an area drawn on it, and its report, in Chromium.

Runs the demo into a temporary folder first, so that the pictures show what it shows today.
"""

import base64
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from webdriver import DRIVER, Reader, browser  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SCALE = 1.5
"""Dots of the picture for a dot of the page."""
PENINSULA = (
    -122.23,
    37.49,
    -122.17,
    37.52,
    -122.06,
    37.46,
    -121.95,
    37.40,
    -121.99,
    37.33,
    -122.08,
    37.375,
    -122.18,
    37.45,
)
"""Corners of an area, longitude and latitude in turn."""
VIEWS = {
    "map.png": ("map.html", {}, (1400, 880)),
    "map-area.png": (
        "map.html",
        {"capacity": 2500, "measure": "share", "area": ",".join(map(str, PENINSULA))},
        (1400, 880),
    ),
    "report.png": ("report.html", {}, (1000, 1000)),
}
"""Pictures by file name: the page, what its address says after the hash, and the window's size."""

CARD = """
const ask = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return [7937, 37446].includes(name) ? "a graphics card" : ask.call(this, name);
};
"""
"""Lets the page draw as finely as it does with a graphics card; without one it prefers speed."""


def take_picture(call: Callable[..., Any], page: Path, state: dict[str, object], size: tuple[int, int]) -> bytes:
    """Return what a page looks like as a PNG of at most 256 colors."""
    width, height = size
    screen = {"width": width, "height": height, "deviceScaleFactor": SCALE, "mobile": False}
    call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": screen})
    script = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": CARD}}
    call("POST", "/goog/cdp/execute", script)
    call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setScrollbarsHidden", "params": {"hidden": True}})
    call("POST", "/url", {"url": "about:blank"})
    address = page.as_uri() + (f"#{urlencode(state)}" if state else "")
    if page.name == "map.html":
        Reader(call, address).run("return new Promise((done) => setTimeout(done, 1500))")
    else:
        call("POST", "/url", {"url": address})
    shot = call("POST", "/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {"format": "png"}})
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    written = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def main(demo: Path) -> None:
    """Take every picture of a finished demo."""
    if DRIVER is None:
        sys.exit("needs Chromium: apt-get install chromium chromium-driver")
    if not (demo / "map.html").exists():
        subprocess.run([sys.executable, "-m", "geoscore", "demo", "--quiet", "--out", str(demo)], check=True)
    with tempfile.TemporaryDirectory() as profile, browser(profile) as call:
        for name, (page, state, size) in VIEWS.items():
            (IMAGES / name).write_bytes(take_picture(call, demo.resolve() / page, state, size))
            print(f"docs/images/{name}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder) / "demo")
