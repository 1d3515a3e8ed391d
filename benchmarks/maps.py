"""Map pages in Chromium without a graphics card: how large, how soon built and painted, how fast the slider steps.

python benchmarks/maps.py SURFACE...            a run's surface.parquet
python benchmarks/maps.py --cells 100000        made-up cells of resolution 8 around San Francisco Bay

A slider step is timed from the event to the last pixel (`readPixels` waits for it); the median of 20.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import h3
import numpy as np
import pyarrow as pa

from geoscore.query import Surface, open_surface
from geoscore.schemas import LADDER, SURFACE, SurfaceNote

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from webdriver import DRIVER, Reader, browser

STEPS = """
return (async () => {
    const slider = document.getElementById("capacity"), canvas = document.querySelector("#hexagons");
    const gl = canvas.getContext("webgl2"), pixel = new Uint8Array(4), times = [], scripts = [];
    for (let step = 0; step < 20; step += 1) {
        slider.value = 4 + ((step * 7) % 17);
        const from = performance.now();
        slider.dispatchEvent(new Event("input"));
        scripts.push(performance.now() - from);
        await new Promise(requestAnimationFrame);
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
        times.push(performance.now() - from);
        await new Promise((done) => setTimeout(done, 20));
    }
    const middle = (list) => list.sort((a, b) => a - b)[10];
    const paint = performance.getEntriesByType("paint").find(({ name }) => name === "first-contentful-paint");
    return { least: Math.min(...times), step: middle(times), script: middle(scripts), paint: paint?.startTime ?? 0,
        hexagons: document.getElementById("legend-note").textContent };
})();"""


def made_up(cells: int) -> Surface:
    """Return a surface of cells of resolution 8, in tenths, each with a household count and a falling curve."""
    rng = np.random.default_rng(1)
    ring = int(np.ceil((np.sqrt(12 * cells - 3) - 3) / 6)) + 1
    numbers = sorted(int(cell, 16) for cell in h3.grid_disk(h3.latlng_to_cell(37.8, -122.2, 8), ring))[:cells]
    households = np.round(rng.lognormal(4, 1, cells), 1)
    falls = np.exp(-np.arange(len(LADDER))[None, :] * rng.uniform(0.05, 0.4, (cells, 1)))
    counts = np.round(households[:, None] * falls, 1)
    variance = np.hstack([np.zeros((cells, 1)), np.round(counts * (1 - falls), 1)])
    lists = [pa.array(list(part), pa.list_(pa.float64())) for part in (counts, variance, variance, variance)]
    columns = [
        pa.array(numbers, pa.uint64()),
        pa.array([f"{94000 + i // 400:05d}" for i in range(cells)]),
        pa.array(["06001"] * cells),
        pa.array(households),
        *lists,
        pa.array([False] * cells),
        pa.array(["cell"] * cells),
    ]
    note = SurfaceNote(
        title=f"{cells:,} cells", region="Made up", universe="file", formula="income-2pct-1y", formula_text="",
        horizon="1 year", purpose="research", vintage="2026", resolution=8, k=10, published=True,
    )  # fmt: skip
    return Surface(pa.Table.from_arrays(columns, schema=SURFACE), note)


def measure(name: str, surface: Surface) -> None:
    """Print the figures of one surface's page."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "map.html")
        surface.save_map(page)  # what is imported once is imported
        start = time.perf_counter()
        surface.save_map(page)
        built = time.perf_counter() - start
        told = f"{name}: {page.stat().st_size / 1e6:.2f} MB, built in {built:.1f} s"
        if DRIVER is None:
            print(f"{told}; no chromedriver here, so not looked at")
            return
        with browser(Path(folder, "profile")) as call:
            start = time.perf_counter()
            reader = Reader(call, page.as_uri())
            drawn = time.perf_counter() - start
            for zoom in ("far", "near"):
                if zoom == "near":
                    reader.run("for (let i = 0; i < 2; i += 1) document.getElementById('zoom-in').click()")
                    time.sleep(2)
                got = reader.run(STEPS)
                told += f"; figures painted {got['paint'] / 1000:.1f} s, map {drawn:.1f} s" if zoom == "far" else ""
                told += f"; {zoom}: step {got['step']:.0f} ms (least {got['least']:.0f}, script {got['script']:.0f}), "
                told += got["hexagons"].split(";")[0]
        print(told)


def main() -> None:
    """Measure the surfaces named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("surfaces", nargs="*", type=Path)
    parser.add_argument("--cells", type=int, action="append", default=[])
    given = parser.parse_args()
    for path in given.surfaces:
        measure(str(path), open_surface(path))
    for cells in given.cells:
        measure(f"{cells:,} cells", made_up(cells))


if __name__ == "__main__":
    main()
