"""Made-up households with known truth, spread over the Bay Area as its real zones are.

Nobody in them lives; the same seed gives the same households, byte for byte, in chunks of bounded memory.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.reference.samples import example_dir, sample_path
from geoscore.reference.synth_names import FIRST_NAMES, LAST_NAMES, STREET_NAMES, SUFFIXES

Floats = npt.NDArray[np.float64]
CHUNK: Final = 250_000
PROJECT: Final = "geoscore.toml"
OPEN_TOP_SHAPE: Final = 2.0
"""Pareto exponent of incomes in the open bracket."""
EQUAL_AREA: Final = 3310
AREA_CODE: Final = 290
"""Area codes with a 9 in the middle are not in use: nobody has these telephone numbers."""


class _World:
    """The zones, their ZIPs and incomes, ready to draw from."""

    def __init__(self) -> None:
        import geopandas as gpd
        import shapely

        zones = gpd.read_parquet(sample_path("zones.parquet"))
        self.zones = zones[zones["households"] > 0].reset_index(drop=True)
        self.shapes = self.zones.geometry.to_numpy()
        shapely.prepare(self.shapes)
        households = self.zones["households"].to_numpy(np.float64)
        self.density = households / (self.zones.to_crs(EQUAL_AREA).area.to_numpy() / 1e6)
        self.chances = households / households.sum()
        zips = gpd.read_parquet(sample_path("zips.parquet"))
        self.zips = zips[zips.geometry.notna()].reset_index(drop=True)
        self.zip_tree = shapely.STRtree(self.zips.geometry.to_numpy())
        brackets = pd.read_parquet(sample_path("zone_incomes.parquet"))
        wide = brackets.pivot_table(index="area_id", columns="low_usd", values="households", sort=True)
        self.lows = wide.columns.to_numpy(np.float64)
        counts = wide.loc[self.zones["area_id"]].to_numpy(np.float64)
        self.below = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)


def make_households(n: int, *, seed: int = 2026) -> pa.Table:
    """Make up households.

    Parameters
    ----------
    n
        How many.
    seed
        The same seed gives the same households.

    Returns
    -------
    Table
        One row per household: where it lives, who lives there, what it earns and owns, and what it gave.

    Examples
    --------
    >>> homes = make_households(5)
    >>> homes.num_rows, homes["household_id"][0].as_py()
    (5, 'H0000001')
    """
    parts = [pa.Table.from_pandas(frame, preserve_index=False) for frame in _chunks(n, seed)]
    return pa.concat_tables(parts).replace_schema_metadata()


def check_folder(out: Path) -> None:
    """Raise ``InputError`` where made-up files cannot go: ``out`` is a file."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder for the made-up files")


def synthesize(
    out: Path | str, *, households: int, seed: int = 2026, progress: Callable[[int, int], None] | None = None
) -> dict[str, int]:
    """Make up households and write the files that a buyer of lists would get, the truth, and an appeal.

    A project that runs them is written too where there is none: that of the Bay Area example.

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

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     synthesize(Path(folder), households=20)["truth.parquet"]
    20
    """
    from geoscore.reference.synth_appeal import Appeal
    from geoscore.reference.synth_files import Files

    out = Path(out)
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    with Files(out) as files, closing(Appeal(out / "appeal.parquet")) as appeal:
        done = 0
        for number, frame in enumerate(_chunks(households, seed)):
            files.add(frame, np.random.Generator(np.random.PCG64([seed, number, 1])))
            appeal.add(frame, np.random.Generator(np.random.PCG64([seed, number, 2])))
            done += len(frame)
            if progress:
                progress(done, households)
    project = out / PROJECT
    if not project.exists():
        text = (example_dir() / PROJECT).read_text(encoding="utf-8")
        project.write_text(text.replace("; see README.md", ""), encoding="utf-8")
    return {**files.rows, "appeal.parquet": appeal.rows}


def _chunks(n: int, seed: int) -> Iterator[pd.DataFrame]:
    if n < 1:
        raise InputError(f"{n} households; make up at least one")
    world = _World()
    for number, first in enumerate(range(0, n, CHUNK)):
        size = min(CHUNK, n - first)
        yield _make_chunk(world, first, size, np.random.Generator(np.random.PCG64([seed, number, 0])))


def _make_chunk(world: _World, first: int, n: int, chance: np.random.Generator) -> pd.DataFrame:
    zone = chance.choice(len(world.zones), size=n, p=world.chances)
    longitude, latitude = _points(world, zone, chance)
    place = _zip_of(world, longitude, latitude)
    income = _incomes(world, zone, chance)
    frame = pd.DataFrame(
        {
            "household_id": [f"H{number:07d}" for number in range(first + 1, first + n + 1)],
            "area_id": world.zones["area_id"].to_numpy()[zone],
            "county": world.zones["county"].to_numpy()[zone],
            "zip": world.zips["zip"].to_numpy()[place],
            "city": world.zips["city"].to_numpy()[place],
            "longitude": np.round(longitude, 6),
            "latitude": np.round(latitude, 6),
            "income_usd": np.round(income, -2),
        }
    )
    return pd.concat(
        [frame, _addresses(world, zone, place, longitude, latitude, chance), _people(frame, chance)], axis=1
    )


def _points(world: _World, zone: npt.NDArray[np.int64], chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a point in each household's zone, evenly over its land."""
    import shapely

    west, south, east, north = shapely.bounds(world.shapes).T
    longitude, latitude = np.empty(len(zone)), np.empty(len(zone))
    left = np.arange(len(zone))
    for _ in range(200):
        at = zone[left]
        longitude[left] = chance.uniform(west[at], east[at])
        latitude[left] = chance.uniform(south[at], north[at])
        left = left[~shapely.contains_xy(world.shapes[at], longitude[left], latitude[left])]
        if len(left) == 0:
            break
    for row in left:
        point = world.shapes[zone[row]].representative_point()
        longitude[row], latitude[row] = point.x, point.y
    return longitude, latitude


def _zip_of(world: _World, longitude: Floats, latitude: Floats) -> npt.NDArray[np.int64]:
    import shapely

    return np.asarray(world.zip_tree.nearest(shapely.points(longitude, latitude)), dtype=np.int64)


def _incomes(world: _World, zone: npt.NDArray[np.int64], chance: np.random.Generator) -> Floats:
    """Draw incomes from the zone's brackets: even in the logarithm within one, Pareto in the open one."""
    draw = chance.random(len(zone))
    bracket = (world.below[zone] < draw[:, None]).sum(axis=1).clip(max=len(world.lows) - 1)
    low = np.maximum(world.lows[bracket], 4_000.0)
    high = np.append(world.lows[1:], np.nan)[bracket]
    within = chance.random(len(zone))
    closed = low * (np.nan_to_num(high, nan=1.0) / low) ** within
    opened = np.minimum(low * (1.0 - within) ** (-1.0 / OPEN_TOP_SHAPE), 20e6)
    return np.where(np.isnan(high), opened, closed)


def _addresses(
    world: _World,
    zone: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    longitude: Floats,
    latitude: Floats,
    chance: np.random.Generator,
) -> pd.DataFrame:
    """Give every household a street of its neighborhood, a number that rises along it, and a unit in dense places."""
    block = (
        np.floor(longitude * 250).astype(np.int64) * 7919 + np.floor(latitude * 250).astype(np.int64) * 104_729
    ) % 9973
    pick = (place * 31 + block + chance.integers(0, 4, len(zone)) * 17) % len(STREET_NAMES)
    suffix = (pick * 7 + place) % len(SUFFIXES)
    number = 100 + (np.abs(longitude * 40_000).astype(np.int64) % 4800) + chance.integers(0, 9, len(zone))
    in_flat = chance.random(len(zone)) < np.clip(world.density[zone] / 6_000.0, 0.03, 0.75)
    names, long_forms = np.array(STREET_NAMES, dtype=object), np.array([form for form, _ in SUFFIXES], dtype=object)
    unit = chance.integers(1, 60, len(zone))
    return pd.DataFrame(
        {
            "number": number,
            "street_name": names[pick],
            "suffix": suffix,
            "street": [f"{a} {b} {c}" for a, b, c in zip(number, names[pick], long_forms[suffix], strict=True)],
            "unit": [str(value) if flat else None for value, flat in zip(unit, in_flat, strict=True)],
        }
    )


def _people(frame: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    n = len(frame)
    first, last = np.array(FIRST_NAMES, dtype=object), np.array(LAST_NAMES, dtype=object)
    rank = frame["income_usd"].rank(pct=True).to_numpy()
    age = np.clip(chance.normal(42 + 14 * rank, 14, n), 20, 95).round()
    owner = chance.random(n) < np.clip(0.15 + 0.6 * rank + (age - 50) / 120, 0.05, 0.95)
    home = np.exp(chance.normal(np.log(6.5 * frame["income_usd"].clip(lower=60_000)), 0.35, n)).clip(250_000, 20e6)
    first_1, first_2 = first[chance.integers(0, len(first), n)], first[chance.integers(0, len(first), n)]
    last_1 = last[chance.integers(0, len(last), n)]
    two = chance.random(n) < 0.55  # noqa: PLR2004  share of couples
    other = chance.random(n) < 0.15  # noqa: PLR2004  of them with two last names
    last_2 = np.where(other, last[chance.integers(0, len(last), n)], last_1)
    gives = chance.random(n) < 0.05 + 0.2 * rank
    gift = np.exp(chance.normal(np.log(0.004 * frame["income_usd"].clip(lower=10_000)), 0.9, n)).round(-1)
    domain = np.array(["example.org", "example.com", "example.net"], dtype=object)[chance.integers(0, 3, n)]
    number = frame["household_id"].str[1:].astype(int)
    phone = [f"{AREA_CODE + k // 8_000_000}-{200 + k // 10_000 % 800}-{k % 10_000:04d}" for k in number]
    columns: dict[str, Any] = {
        "tenure": np.where(owner, "owner", "renter"),
        "home_value_usd": np.where(owner, home.round(-3), np.nan),
        "age": age,
        "first_1": first_1,
        "last_1": last_1,
        "first_2": pd.Series(first_2).where(two),
        "last_2": pd.Series(last_2).where(two),
        "email": [f"{a}.{b}{c}@{d}".lower() for a, b, c, d in zip(first_1, last_1, number, domain, strict=True)],
        "phone": phone,
        "largest_gift_usd": np.where(gives, np.maximum(gift, 10.0), np.nan),
    }
    return pd.DataFrame(columns)
