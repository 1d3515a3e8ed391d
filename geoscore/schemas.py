"""The contracts between the stages: every table that leaves one room and enters another.

One row of each is: a line of a file, a household, a position, a scored household, a (cell, zip) pair.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

FORMAT_VERSION: Final = 2
"""Version of the published surface's format; a reader refuses a newer one."""

LADDER: Final[tuple[int, ...]] = (
    *(50, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 7_500),
    *(10_000, 15_000, 20_000, 25_000, 50_000, 100_000, 250_000, 1_000_000),
)
"""The rungs: thresholds in US dollars at which every surface holds a figure."""

_BETWEEN: Final = (
    *(10, 14, 20, 28, 40, 70, 120, 350, 450, 600, 870, 1_250, 3_500, 6_100, 8_700, 12_500, 30_000, 40_000),
    *(70_000, 140_000, 200_000, 400_000, 630_000),
)

CUBE_EDGES: Final = np.array(sorted((*LADDER, *_BETWEEN)), dtype=np.float64)
"""The 48 edges of the capacity cube, $10 to $1M, about log-spaced, every rung among them (METHODS 0)."""

RUNG_EDGES: Final = np.searchsorted(CUBE_EDGES, np.array(LADDER, dtype=np.float64))
"""Position of each rung among the cube's edges."""

EVIDENCE: Final[dict[str, pa.DataType]] = {
    "income_usd": pa.float64(),
    "income_low_usd": pa.float64(),
    "income_high_usd": pa.float64(),
    "home_value_usd": pa.float64(),
    "assets_usd": pa.float64(),
    "net_worth_usd": pa.float64(),
    "age": pa.float64(),
    "largest_gift_usd": pa.float64(),
}
"""What a file may know of a household's capacity; amounts in US dollars, ages in years."""

IDENTITY: Final = (
    *("full_name", "first_name", "middle_name", "last_name", "name_suffix", "date_of_birth", "ssn"),
    *("street", "unit", "city", "state", "email", "phone"),
)
"""Columns that say who and where; they leave at geocoding and never come back."""

RECORD: Final = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),  # 1-based data row of the file
        ("record_id", pa.string()),  # the file's own id, else the row number
        *[(name, pa.string()) for name in IDENTITY],
        ("zip", pa.string()),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
        *EVIDENCE.items(),
    ]
)

PLACED: Final = pa.schema(
    [
        *RECORD,
        ("precision", pa.string()),  # of the coordinates: given, rooftop, range or street; null where there are none
        ("sigma_m", pa.float64()),  # of one axis
    ]
)
"""Records whose addresses were looked for."""

REJECTED: Final = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("record_id", pa.string()),
        ("reason", pa.string()),  # one of a few phrases, to be counted
        ("detail", pa.string()),  # the column and what stood in it, shortened
    ]
)

LINK: Final = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("record_id", pa.string()),
        ("person_id", pa.string()),
        ("household_id", pa.string()),
        ("match_probability", pa.float64()),  # that the record belongs where it was put
    ]
)

HOUSEHOLD: Final = pa.schema(
    [
        ("household_id", pa.string()),
        ("match_probability", pa.float64()),
        ("n_sources", pa.int64()),
        ("n_records", pa.int64()),
        ("zip", pa.string()),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
        ("precision", pa.string()),  # of the coordinates: given, rooftop, range or street; null where there are none
        ("sigma_m", pa.float64()),  # of one axis
        *EVIDENCE.items(),
    ]
)

PROVENANCE: Final = pa.schema(
    [("household_id", pa.string()), *[(name, pa.string()) for name in ("zip", "longitude", "latitude", *EVIDENCE)]]
)
"""The source that each value of a household came from."""

LOCATED: Final = pa.schema(
    [
        ("household_id", pa.string()),
        ("cell", pa.uint64()),  # at the working resolution, finer where it is spread; null where only the ZIP is known
        ("zip", pa.string()),  # null where the file has none
        ("spread_m", pa.int32()),  # class of sigma_m, where the position is spread over cells by it; else null
        ("precision", pa.string()),  # given (coordinates of the file), rooftop, range, street or zip
        ("sigma_m", pa.float64()),  # of one axis; 95% lie within 2.45 of it
        *EVIDENCE.items(),
    ]
)

SCORED: Final = pa.schema(
    [
        ("household_id", pa.string()),
        ("cell", pa.uint64()),
        ("zip", pa.string()),
        ("spread_m", pa.int32()),
        ("known_bin", pa.int16()),  # bin of the cube that holds the capacity known for sure; 0 = below the cube
        ("income_known", pa.bool_()),
        ("income_low_usd", pa.float64()),  # the band, where the file has one
        ("income_high_usd", pa.float64()),
        ("multiplier", pa.float64()),  # capacity per dollar of the unknown income
        (
            "evidence",
            pa.int64(),
        ),  # what else narrows the unknown income, as a code; null where income or its band is known
    ]
)

GROUND: Final = pa.schema(
    [
        ("cell", pa.uint64()),
        ("zip", pa.string()),  # null where no ZIP area covers the cell
        ("county", pa.string()),  # five-digit FIPS code
        ("area_id", pa.string()),
        ("households", pa.float64()),  # census households of the area that live in this cell and ZIP
    ]
)

BRACKETS: Final = pa.schema(
    [
        ("area_id", pa.string()),
        ("low_usd", pa.float64()),
        ("high_usd", pa.float64()),  # null: the open bracket at the top
        ("households", pa.float64()),
    ]
)

GROUP: Final = pa.schema(
    [
        *[SCORED.field(name) for name in SCORED.names if name != "household_id"],
        ("households", pa.int64()),  # that share a position and a level of evidence, and so a curve
    ]
)

TALLY: Final = pa.schema(
    [
        ("kind", pa.string()),  # group, rejected, mended or contradiction
        *GROUP,  # ``households`` counts rows of a file, whatever the kind
        ("row", pa.int64()),  # of a rejected row
        ("record_id", pa.string()),
        ("reason", pa.string()),  # why it was rejected, what was mended, what contradicts
        ("detail", pa.string()),
    ]
)
"""What became of the rows of a file, counted: in one pass, for a file whose rows are households."""

KERNEL: Final = pa.schema(
    [
        ("at_cell", pa.uint64()),  # the position as known: a cell, a ZIP or both
        ("at_zip", pa.string()),
        ("at_spread_m", pa.int32()),
        ("cell", pa.uint64()),
        ("zip", pa.string()),
        ("county", pa.string()),
        ("weight", pa.float64()),  # share of the position's households; sums to 1 over a position
    ]
)

MIX: Final = pa.schema(
    [
        ("cell", pa.uint64()),
        ("zip", pa.string()),
        ("county", pa.string()),
        ("area_id", pa.string()),
        ("share", pa.float64()),  # of the pair's census households; sums to 1 over a pair
    ]
)

SURFACE: Final = pa.schema(
    [
        ("cell", pa.uint64()),  # null: households counted in their ZIP or county, not in a cell
        ("zip", pa.string()),  # null: households counted in their county only
        ("county", pa.string()),
        ("households", pa.float64()),  # null where suppressed
        ("at_least", pa.list_(pa.float64())),  # expected households with capacity >= each rung
        ("variance", pa.list_(pa.float64())),  # of how many households are here, then of the count above each rung
        ("zip_covariance", pa.list_(pa.float64())),  # with the count of the whole ZIP; its sum is the ZIP's variance
        ("county_covariance", pa.list_(pa.float64())),  # with the count of the whole county
        ("suppressed", pa.bool_()),
        ("counted_in", pa.string()),  # where the row's households are counted: cell, zip, county or region
    ]
)


MEASURES: Final = pa.schema(
    [
        ("expected_givers", pa.float64()),  # households that would give if all were asked
        ("givers_variance", pa.float64()),
        ("expected_usd", pa.float64()),  # dollars that would come
        ("usd_variance", pa.float64()),
    ]
)
"""Columns that a surface has beside those of ``SURFACE`` where a propensity model scored its households."""


@dataclass(frozen=True, kw_only=True)
class SourceNote:
    """What a surface says of one file that it was made from."""

    name: str
    sha256: str
    rows: int
    vintage: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class SurfaceNote:
    """What a surface says of itself; stored as JSON in the file's metadata under ``geoscore``."""

    title: str
    region: str
    universe: str
    formula: str
    formula_text: str
    recipients: str = ""
    citation: str = ""
    horizon: str
    purpose: str
    vintage: str
    resolution: int
    k: int
    published: bool
    level: float = 0.9
    finest_honest: int | None = None  # finest resolution at which few enough households lie in a wrong cell
    wrong_cell: float | None = None  # expected share of households that lie in another cell than the one shown
    optouts: str = "none"  # day on which the list of opt-outs was last synced
    ladder: tuple[int, ...] = LADDER
    warnings: tuple[str, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    counties: dict[str, str] = field(default_factory=dict)
    epsilon: float | None = None  # privacy budget of one household, where the figures are noisy
    protection: str = ""  # the counts of k or more that the bands were worked out from (disclosure/protection.py)
    propensity: dict[str, Any] | None = None  # the model behind the measures, and how far its totals may be off
    ledger: str = ""  # hash of the ledger's last entry when the figures were made
    format_version: int = FORMAT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a note from plain values; what a later minor version added is left out."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        sources = tuple(SourceNote(**item) for item in known.pop("sources", ()))
        ladder = tuple(known.pop("ladder", LADDER))
        warnings = tuple(known.pop("warnings", ()))
        return cls(**known, sources=sources, ladder=ladder, warnings=warnings)
