"""What everybody may know of a region's households, and so may stand in a published surface without protection.

The census side of disclosure control: shares above each rung at places of any size, and how far the survey may be off.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.capacity import AreaPrior, Evidence
from geoscore.enrichment import mix_areas
from geoscore.regions import Region
from geoscore.schemas import KERNEL, MIX
from geoscore.spatial.interpolation import coarser_ground
from geoscore.surfaces import Links, add_parts
from geoscore.tables import from_pandas, to_pandas

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PLACE: Final = ["cell", "zip", "county"]
UNINHABITED: Final = 1e-3
"""Census households that a place without any counts for, among those that are shown together with it."""


class CensusCurves:
    """Shares above each rung of households of which nothing is known but where they live.

    Places that are shown together are mixed by their census households, not by those of the files: how many of these
    live in each is what is hidden.

    Parameters
    ----------
    region
        The region.
    resolution
        The published one.
    evidence
        What it says that nothing else is known of a household.
    multiplier
        Capacity for a dollar of income; 0 where the formula looks at none.
    """

    def __init__(self, region: Region, *, resolution: int, evidence: Evidence, multiplier: float) -> None:
        self._region = region
        self._ground = coarser_ground(region.ground, resolution=resolution)
        self._evidence = evidence
        self._multiplier = multiplier
        self._links: tuple[Ints, Ints, Floats] | None = None

    def curves(self, keys: pd.DataFrame, codes: Ints) -> Floats:
        """Return shares above each rung in the shown rows, shape (m, 25); see ``disclosure.Public``."""
        mix = to_pandas(mix_areas(from_pandas(keys[PLACE], _PLACES), ground=self._ground))
        lived = to_pandas(self._ground).groupby(["cell", "zip"], dropna=False)["households"].sum().reset_index()
        places = keys[PLACE].assign(row=codes).merge(lived, on=["cell", "zip"], how="left")
        places["weight"] = places["households"].fillna(0.0) + UNINHABITED
        met = places[[*PLACE, "row", "weight"]].merge(mix, on=PLACE, how="inner")
        met["share"] *= met["weight"]
        shares = met.groupby(["row", "area_id"], sort=True)["share"].sum().reset_index()
        shares["share"] /= shares.groupby("row")["share"].transform("sum")
        # the prior knows its places by cell: rows are numbered as if they were cells, and so keep their order
        numbered = shares.assign(cell=shares["row"].astype("UInt64"), zip=None, county=None)
        prior = AreaPrior(
            self._region.distribution, from_pandas(numbered[MIX.names], MIX), self._region.errors, self._evidence
        )
        links = prior.mix.tocoo()
        self._links = (links.row.astype(np.int64), links.col.astype(np.int64), links.data)
        found = prior.exceedance(multiplier=self._multiplier, evidence=0)
        if len(found) != int(codes.max(initial=-1)) + 1:
            raise ValueError(f"{len(found)} rows of census curves for {int(codes.max()) + 1} shown rows")
        return found

    def errors(self, shown: pd.DataFrame, doubtful: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what the survey's errors do to rows, ZIPs and counties, each of shape (m, 26)."""
        if self._links is None:
            raise ValueError("ask for the rows' curves first")
        row, area, share = self._links
        links = Links(shown, row, area)
        errors = self._region.errors
        return add_parts(
            [
                links.covariances(share[:, None] * doubtful[row], errors.spread[area]),
                links.together(doubtful, errors.common_of(shown["county"])),
            ]
        )


_PLACES: Final = pa.schema([KERNEL.field(name) for name in PLACE])
