"""Made-up households of the whole country: one Parquet file of any length, with its census and a project to run it.

Chunks are drawn each from its own numbers, so that the same seed gives the same bytes however many cores draw them.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError
from geoscore.nation.places import Nation, open_nation, write_census
from geoscore.reference.synth import check_folder
from geoscore.schemas import LADDER
from geoscore.spatial.cells import cell_centers
from geoscore.spatial.polygons import cell_polygons

Floats = npt.NDArray[np.float64]
CHUNK: Final = 1_000_000
"""Households drawn at once; a row group of the file."""
KNOWN: Final = 0.3
"""Share of households whose income is in the file."""
RATE: Final = 0.02
"""Of income, that the truth's capacity is: the formula income-2pct-1y."""
INSIDE: Final = 0.999
"""Points keep this share of the way to the edge of their cell, for edges are not quite straight."""
LOWEST_INCOME, HIGHEST_INCOME = 1_000.0, 20e6
AHEAD: Final = 3
COLUMNS: Final = pa.schema(
    [
        ("household_id", pa.int64()),
        ("zip", pa.dictionary(pa.int32(), pa.string())),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
        ("income_usd", pa.float64()),
    ]
)
PROJECT: Final = """# {households:,} made-up households of the United States, spread as the ground in census/ says.
# Nobody in them lives. Run it with: geoscore run geoscore.toml

name = "Made-up households of the United States"
purpose = "research"
region = "United States"
as_of = 2026-11-01
link = false                        # each row is a household

[surface]
resolution = 7
published_resolution = 6

[census]                            # modelled: ZIPs of 2010 on cells, incomes by wages per household
ground = "census/ground.parquet"
incomes = "census/incomes.parquet"
zips = "census/zips.parquet"
counties = "census/counties.parquet"
curve = "census/curve.parquet"
vintage = "modelled from 2010 figures, dollars of 2017"

[[sources]]
name = "households"
path = "households.parquet"
licence = "made up by geoscore synth"
features = false

[sources.columns]
zip = "zip"
longitude = "longitude"
latitude = "latitude"
income_usd = "income_usd"
"""


@dataclass(frozen=True)
class _Land:
    """The country's cells, ready to draw from."""

    below: Floats
    zip_at: npt.NDArray[np.int32]
    zips: pa.Array
    county_at: npt.NDArray[np.int64]
    counties: list[str]
    level: Floats
    center: Floats
    corners: Floats
    curve: tuple[Floats, Floats]


def synthesize_nation(
    out: Path, *, households: int, seed: int = 2026, progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Make up households of the whole country: file, census, project, and the truth by county.

    Parameters
    ----------
    out
        Folder to write to; it is made where it is not there.
    households
        How many.
    seed
        The same seed gives the same bytes.
    progress
        Called with the households made and all of them.

    Returns
    -------
    dict
        Rows by file name.

    Raises
    ------
    InputError
        ``households`` is not positive, or ``out`` is a file.
    """
    if households < 1:
        raise InputError(f"{households} households; make up at least one")
    check_folder(out)
    nation = open_nation()
    write_census(nation, out / "census")
    land = _lay_out(nation)
    truth = np.zeros((len(land.counties), 1 + len(LADDER)), dtype=np.int64)
    part = out / "households.parquet.part"
    with pq.ParquetWriter(part, COLUMNS, compression="zstd", use_dictionary=["zip"]) as writer:
        for done, (table, counted) in enumerate(_chunks(land, households, seed), start=1):
            writer.write_table(table, row_group_size=CHUNK)
            truth += counted
            if progress:
                progress(min(done * CHUNK, households), households)
    part.replace(out / "households.parquet")
    told = {"county": land.counties, "households": truth[:, 0], "at_least": pa.array(list(truth[:, 1:]))}
    pq.write_table(pa.table(told), out / "truth.parquet")
    (out / "geoscore.toml").write_text(PROJECT.format(households=households), encoding="utf-8")
    return {"households.parquet": households, "truth.parquet": len(land.counties)}


def _lay_out(nation: Nation) -> _Land:
    places = nation.places
    cells = places["cell"].to_numpy(np.uint64)
    longitude, latitude = cell_centers(cells)
    zips = pa.array(places["zip"]).dictionary_encode()
    county_at, counties = places["county"].factorize()
    return _Land(
        np.cumsum(places["households"].to_numpy()) / places["households"].sum(),
        zips.indices.to_numpy(),
        zips.dictionary,
        np.asarray(county_at, dtype=np.int64),
        list(counties),
        places["income_level"].to_numpy(np.float64),
        np.column_stack([longitude, latitude]),
        _corners(cells),
        nation.curve,
    )


def _corners(cells: npt.NDArray[np.uint64]) -> Floats:
    """Return the corners of cells, longitude and latitude, shape (n, 7, 2); the first stands at the end again."""
    import shapely

    unique, at = np.unique(cells, return_inverse=True)
    coordinates, index = shapely.get_coordinates(cell_polygons(unique), return_index=True)
    starts = np.searchsorted(index, np.arange(len(unique) + 1))
    place = np.minimum(starts[:-1, None] + np.arange(7)[None, :], starts[1:, None] - 1)
    corners = coordinates[place]
    corners[:, :, 0] -= 360.0 * np.round((corners[:, :, 0] - corners[:, :1, 0]) / 360.0)  # over the date line
    return np.asarray(corners[at.reshape(-1)])


def _chunks(land: _Land, n: int, seed: int) -> Iterator[tuple[pa.Table, npt.NDArray[np.int64]]]:
    """Yield chunks in order, drawn a few ahead on other threads."""
    with ThreadPoolExecutor(2) as pool:
        waiting: list[Future[Any]] = []
        for number, first in enumerate(range(0, n, CHUNK)):
            size = min(CHUNK, n - first)
            chance = np.random.Generator(np.random.SFC64([seed, number]))
            waiting.append(pool.submit(_draw, land, first, size, n, chance))
            if len(waiting) > AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _draw(
    land: _Land, first: int, size: int, n: int, chance: np.random.Generator
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Draw some of n households, in the order of counties, ZIPs and cells, and count them by county and capacity."""
    at = np.searchsorted(land.below, (first + np.arange(size) + chance.random(size)) / n)
    at = np.minimum(at, len(land.below) - 1)
    side = chance.integers(0, 6, size)
    one, other = chance.random(size), chance.random(size)
    beyond = one + other > 1.0
    one, other = np.where(beyond, 1.0 - one, one) * INSIDE, np.where(beyond, 1.0 - other, other) * INSIDE
    center = land.center[at]
    center[:, 0] += 360.0 * np.round((land.corners[at, 0, 0] - center[:, 0]) / 360.0)
    toward, next_to = land.corners[at, side] - center, land.corners[at, side + 1] - center
    place = np.round(center + one[:, None] * toward + other[:, None] * next_to, 6)
    place[:, 0] -= 360.0 * np.round(place[:, 0] / 360.0)
    income = np.exp(np.interp(chance.random(size), land.curve[1], np.log(land.curve[0]))) * land.level[at]
    income = np.clip(np.round(income, -2), LOWEST_INCOME, HIGHEST_INCOME)
    known = chance.random(size) < KNOWN
    table = pa.table(
        {
            "household_id": pa.array(np.arange(first + 1, first + size + 1)),
            "zip": pa.DictionaryArray.from_arrays(pa.array(land.zip_at[at]), land.zips),
            "longitude": place[:, 0],
            "latitude": place[:, 1],
            "income_usd": pa.array(income, mask=~known),
        },
        schema=COLUMNS,
    )
    rung = np.searchsorted(np.array(LADDER, dtype=np.float64), income * RATE + 1e-9, side="right")
    width = 1 + len(LADDER)
    counted = np.bincount(land.county_at[at] * width + rung, minlength=len(land.counties) * width)
    return table, np.cumsum(counted.reshape(-1, width)[:, ::-1], axis=1)[:, ::-1]
