"""Make examples/trade_area: five made-up offices, and visits to them from ZIPs, by a choice model that is known.

    python scripts/sample_visits.py

Nobody was counted: visits are drawn from the model below, with tastes that differ from ZIP to ZIP, so that a fit can be
held against the truth.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from geoscore.reference.census import open_census
from geoscore.reference.samples import sample_path
from geoscore.spatial.roads import ACCESS_KMH, read_network

OUT = Path(__file__).parent.parent / "examples" / "trade_area"
OFFICES = (
    ("San Francisco", -122.4194, 37.7749, 9, 620),
    ("Oakland", -122.2712, 37.8044, 6, 540),
    ("Palo Alto", -122.1600, 37.4400, 4, 450),
    ("San Jose", -121.8900, 37.3350, 7, 380),
    ("Walnut Creek", -122.0600, 37.9060, 3, 300),
)
"""Name, longitude, latitude, staff, square meters: made up."""
TRUTH = {"minutes": -1.5, "staff": 0.8, "square_meters": 0.4}
VISITS_PER_HOUSEHOLD = 0.004
SCATTER = 25.0
LEAST_MINUTES = 3.0
LEAST_HOUSEHOLDS = 1000
SEED = 2026


def main() -> None:
    """Write both files."""
    offices = pd.DataFrame(OFFICES, columns=["name", "longitude", "latitude", "staff", "square_meters"])
    zips = open_census().zips
    zips = zips[(zips["kind"] == "standard") & zips["longitude"].notna() & (zips["households_2010"] > LEAST_HOUSEHOLDS)]
    zips = zips.sort_values("zip").reset_index(drop=True)
    network = read_network(sample_path("network.parquet"))
    homes = network.snap(zips["longitude"].to_numpy(), zips["latitude"].to_numpy())
    doors = network.snap(offices["longitude"].to_numpy(), offices["latitude"].to_numpy())
    minutes = network.reversed().times(doors, homes, access_kmh=ACCESS_KMH["drive"]).T / 60.0
    minutes = np.maximum(minutes, LEAST_MINUTES).round(1)
    height = TRUTH["minutes"] * np.log(minutes)
    for name in ("staff", "square_meters"):
        height = height + TRUTH[name] * np.log(offices[name].to_numpy(dtype=float))
    shares = np.exp(height - height.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(SEED)
    many = rng.poisson(VISITS_PER_HOUSEHOLD * zips["households_2010"].to_numpy(dtype=float))
    visits = [rng.multinomial(n, rng.dirichlet(SCATTER * p + 1e-6)) for n, p in zip(many, shares, strict=True)]
    table = pd.DataFrame(
        {
            "zip": np.repeat(zips["zip"].to_numpy(), len(offices)),
            "office": np.tile(offices["name"].to_numpy(), len(zips)),
            "visits": np.concatenate(visits),
            "minutes": minutes.ravel(),
            "staff": np.tile(offices["staff"].to_numpy(), len(zips)),
            "square_meters": np.tile(offices["square_meters"].to_numpy(), len(zips)),
        }
    )
    OUT.mkdir(parents=True, exist_ok=True)
    offices.to_csv(OUT / "offices.csv", index=False, lineterminator="\n")
    table.to_csv(OUT / "visits.csv", index=False, lineterminator="\n")
    print(f"{OUT}: {len(offices)} offices, {len(table):,} pairs of a ZIP and an office")


if __name__ == "__main__":
    main()
