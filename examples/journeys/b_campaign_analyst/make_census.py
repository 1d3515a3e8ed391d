"""Made-up census figures for the audit: tracts, and how many people of which group live in them (table B03002).

With real ones: table B03002 from data.census.gov or `geoscore census --table B03002`, polygons from TIGER/Line.

    python make_census.py out
"""

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geoscore.reference.samples import sample_path

SHARES = {"B03002_003E": 0.40, "B03002_004E": 0.07, "B03002_006E": 0.26, "B03002_012E": 0.22}
"""White, Black and Asian, not Hispanic; Hispanic."""
TILT = np.array([1.0, -0.25, 0.25, -1.0])
PEOPLE_PER_HOUSEHOLD = 2.6


def main(out: Path) -> None:
    """Write ``tracts.parquet`` and ``b03002.csv``."""
    tracts = gpd.read_parquet(sample_path("zones.parquet"))
    tracts["GEOID"] = tracts["county"] + tracts["area_id"].astype(str).str.zfill(6)
    tracts[["GEOID", "geometry"]].to_parquet(out / "tracts.parquet")
    chance = np.random.default_rng(11)
    people = (tracts["households"] * PEOPLE_PER_HOUSEHOLD).round().astype(int)
    wave = 0.12 * np.sin(9 * tracts.geometry.representative_point().x.to_numpy())
    shares = np.array(list(SHARES.values())) + wave[:, None] * TILT + chance.normal(0, 0.03, (len(tracts), 4))
    counts = (people.to_numpy()[:, None] * np.clip(shares, 0.01, None)).astype(int)
    groups = pd.DataFrame(counts, columns=list(SHARES))
    groups.insert(0, "B03002_001E", np.maximum(people.to_numpy(), counts.sum(1)))
    groups.insert(0, "GEOID", tracts["GEOID"])
    groups.to_csv(out / "b03002.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
