"""Choice models: reference figures on published flows, and how often intervals of made-up flows hold the truth.

    python benchmarks/accuracy/huff.py [--runs 500]

Fetches the package ``huff`` 1.9.14 from the registry for the flows that come with it (Wieland 2015), and keeps them in
out/Wieland2015.xlsx, where the tests look for them. Nothing of it is in this repository.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from geoscore.market.files import read_flows
from geoscore.trade import fit_huff, prepare_flows

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "out" / "Wieland2015.xlsx"
PACKAGE, MEMBER = "huff==1.9.14", "huff/tests/data/Wieland2015.xlsx"
TRUTH = np.array([-1.6, 1.0, 0.4])


def fetch() -> Path:
    """Return the reference flows, fetched where they are not there yet."""
    if not KEPT.exists():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
            subprocess.run(command, check=True)
            wheel = next(Path(folder).glob("huff-*"))
            with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as archive:
                KEPT.parent.mkdir(parents=True, exist_ok=True)
                KEPT.write_bytes(archive.read(MEMBER))
    return KEPT


def show_reference(path: Path) -> None:
    """Print the coefficients of every method."""

    def flows(flow: str) -> Any:
        columns = {"origin": "Quellort", "site": "Zielort", "cost": "Dist_Min2", "attributes": ["VF", "K", "K_KKr"]}
        return read_flows(path, flow=flow, **columns)[0]  # type: ignore[arg-type]

    asked = [
        ("MCI, shares", fit_huff(flows("MA_Anb1"), method="mci")),
        ("likelihood, purchases", fit_huff(flows("Anb_Eink1"))),
        ("least squares, shares within an origin", fit_huff(flows("MA_Anb1"), method="least-squares")),
        ("least squares, shares as given", fit_huff(flows("MA_Anb1"), method="least-squares", as_given=True)),
    ]
    for name, fit in asked:
        told = ", ".join(f"{key} {value:.4f}" for key, value in fit.coefficients.items())
        ratio = ", ".join(f"{a / b:.1f}" for a, b in zip(fit.sureness.errors, fit.model_errors, strict=True))
        print(f"{name}: {told}; R2 of shares {fit.r2_shares:.3f}; clustered over model errors {ratio}")
    best = asked[1][1]
    rng = np.random.default_rng(0)
    away = [np.abs(fit_huff(best.flows, start=rng.normal(0, 20, 4)).values - best.values).max() for _ in range(20)]
    print(f"20 random starts end at most {max(away):.1e} from each other")


def made_up(rng: np.random.Generator, origins: int, sites: int, scatter: float) -> dict[str, Any]:
    """Return flows of people who choose by TRUTH, tastes differing by place."""
    offers = rng.lognormal(0, 0.7, (sites, 2))
    home, shop = rng.uniform(0, 30, (origins, 2)), rng.uniform(0, 30, (sites, 2))
    cost = np.linalg.norm(home[:, None] - shop[None], axis=2) + 2
    height = TRUTH[0] * np.log(cost) + np.log(offers) @ TRUTH[1:]
    shares = np.exp(height - height.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    many = np.maximum(rng.lognormal(5, 0.6, origins).astype(int), 10)
    tastes = [rng.dirichlet(np.maximum(p * scatter, 1e-9)) for p in shares]
    flow = np.array([rng.multinomial(n, taste) for n, taste in zip(many, tastes, strict=True)])
    return {
        "origin": np.repeat(np.arange(origins), sites),
        "site": np.tile(np.arange(sites), origins),
        "flow": flow.ravel().astype(float),
        "cost": cost.ravel(),
        "attributes": {"area": np.tile(offers[:, 0], origins), "range": np.tile(offers[:, 1], origins)},
    }


def show_coverage(runs: int) -> None:
    """Print how often 90% intervals hold the true parameters."""
    for origins, sites, scatter in ((25, 6, 30.0), (40, 6, 30.0), (100, 8, 30.0), (100, 8, 8.0), (40, 6, 100.0)):
        rng = np.random.default_rng([origins, sites, int(scatter)])
        inside, naive = [], []
        for _ in range(runs):
            fit = fit_huff(prepare_flows(**made_up(rng, origins, sites, scatter)))
            ends = np.array(list(fit.intervals().values()))
            inside.append((ends[:, 0] <= TRUTH) & (ends[:, 1] >= TRUTH))
            naive.append(np.abs(fit.values - TRUTH) <= 1.6449 * fit.model_errors)
        told = ", ".join(f"{part:.3f}" for part in np.mean(inside, axis=0))
        print(f"{origins} origins, {sites} sites, scatter {scatter:g}: {told} (model errors {np.mean(naive):.3f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    show_reference(fetch())
    show_coverage(parser.parse_args().runs)
