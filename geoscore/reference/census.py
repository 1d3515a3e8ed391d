"""Census figures: areas with households, their incomes in brackets, ZIP areas and counties.

Reads the samples that come with geoscore, census tables with polygons or centers, or files of geoscore's columns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, missing_column, missing_file
from geoscore.reference.census_areas import areas_around, areas_of, read_centers, read_polygons, zips_of
from geoscore.reference.census_blocks import read_blocks
from geoscore.reference.census_ground import areas_on, read_ground
from geoscore.reference.census_tables import cross_walk, mend_ids, read_tables
from geoscore.reference.samples import sample_path
from geoscore.schemas import BRACKETS

COLUMNS: Final = {
    "zones": ("area_id", "county", "households", "geometry"),
    "zips": ("zip", "city", "county", "kind", "geometry"),
    "counties": ("county", "name", "geometry"),
}
INCOME: Final = "B19001"
"""Household income in the past twelve months, 16 brackets."""
INCOME_EDGES: Final = (0, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100, 125, 150, 200)
"""Where its brackets begin, in thousands of US dollars; the last is open."""
ROUNDING: Final = 5
"""Households by which the brackets of an area may miss its total."""
OFF: Final = 0.02
COUNTY_DIGITS: Final = 5


@dataclass(frozen=True)
class Census:
    """The census figures of a region.

    Attributes
    ----------
    areas
        GeoDataFrame: ``area_id``, ``county``, ``households``, polygon in WGS 84 (none on a ground).
    zips
        GeoDataFrame: ``zip``, ``city``, ``county``, ``kind`` (standard, po_box, unique), area or None.
    counties
        GeoDataFrame: ``county`` (FIPS code), ``name``, outline.
    brackets
        Table of schema ``BRACKETS``: households of each area by income.
    margins
        Margins of error of the brackets, in the order of ``brackets``; NaN where they are not published.
    notes
        What was mended, modelled or drawn.
    points
        Where in its area people live: ``area_id``, ``weight``, ``longitude``, ``latitude``; None where nothing tells.
    centers
        Longitude and latitude of the areas' centers of population, in the order of ``areas``; None where unknown.
    ground
        Table of schema ``GROUND`` where households are given by cell, None where they are to be laid out.
    """

    areas: Any
    zips: Any
    counties: Any
    brackets: pa.Table
    margins: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()
    points: pd.DataFrame | None = None
    centers: npt.NDArray[np.float64] | None = None
    ground: pa.Table | None = None


@dataclass(frozen=True, kw_only=True)
class CensusFiles:
    """The files of a region's census figures; those that are not given are the samples of the Bay Area.

    Attributes
    ----------
    tables
        Census tables by GEOID with B19001; in their place ``areas`` and ``incomes`` in geoscore's own columns.
    crosswalk
        From the areas of the tables to those of the polygons.
    areas, centers, tracts
        Polygons of the areas; or their centers of population, and the tracts that they lie in.
    ground
        Households by cell, ZIP, county and area, in the place of all of these.
    blocks
        Census blocks, which say where in their areas people live.
    incomes, zips, counties
        See docs/project-file.md.
    """

    tables: tuple[Path, ...] = ()
    crosswalk: Path | None = None
    areas: Path | None = None
    ground: Path | None = None
    centers: Path | None = None
    tracts: Path | None = None
    blocks: Path | None = None
    incomes: Path | None = None
    zips: Path | None = None
    counties: Path | None = None

    def paths(self) -> dict[str, Path]:
        """Return all files by their names, samples in the place of those that are not given."""
        named = {f"tables {i}" if i else "tables": path for i, path in enumerate(self.tables)}
        for name in ("crosswalk", "areas", "ground", "centers", "tracts", "blocks", "incomes", "zips", "counties"):
            path = getattr(self, name)
            if path is not None:
                named[name] = path
            elif name in SAMPLES and not ((self.tables or self.ground) and name in ("areas", "incomes")):
                named[name] = sample_path(SAMPLES[name])
        return named


SAMPLES: Final = {
    "areas": "zones.parquet",
    "incomes": "zone_incomes.parquet",
    "zips": "zips.parquet",
    "counties": "counties.parquet",
}


def open_census(files: CensusFiles | None = None) -> Census:
    """Read census figures.

    Raises
    ------
    InputNotFoundError
        A file is not there.
    InputError
        A column is missing, an id stands twice, areas with households have no incomes or no place, or tables and
        polygons are of two vintages.

    Examples
    --------
    >>> census = open_census()
    >>> len(census.areas), sorted(census.counties["name"])[0]
    (1454, 'Alameda')
    """
    files = files or CensusFiles()
    counties = _read_geometry(files.counties or sample_path(SAMPLES["counties"]), "counties")
    if files.zips:
        zips = zips_of(read_polygons(files.zips, kind="zips"), files.zips)
    else:
        zips = _read_geometry(sample_path(SAMPLES["zips"]), "zips")
    if files.tables:
        return _from_tables(files, zips, counties)
    brackets = _read_brackets(files.incomes or sample_path(SAMPLES["incomes"]))
    ground = read_ground(files.ground) if files.ground else None
    if ground is not None:
        areas: Any = areas_on(ground)
    else:
        areas = _read_geometry(files.areas or sample_path(SAMPLES["areas"]), "zones")
    census = Census(
        areas=areas,
        ground=ground,
        zips=zips,
        counties=counties,
        brackets=brackets,
        margins=np.full(brackets.num_rows, np.nan),
    )
    known = set(census.brackets["area_id"].unique().to_pylist())
    inhabited = census.areas.loc[census.areas["households"] > 0, "area_id"]
    missing = [area for area in inhabited if area not in known]
    if missing:
        raise InputError(
            f"{len(missing)} areas with households have no incomes, {missing[0]!r} first; "
            "are the two files of one vintage and level?"
        )
    return census


def _from_tables(files: CensusFiles, zips: Any, counties: Any) -> Census:
    table = read_tables(files.tables)
    if f"{INCOME}_002" not in table.estimates:
        raise InputError(f"{', '.join(table.names)}: no {INCOME} (household income); its 16 brackets are needed")
    if files.crosswalk is not None:
        table = cross_walk(table, files.crosswalk)
    areas, notes = _draw_areas(files)
    ids, mended = mend_ids(table.estimates.index, pd.Index(areas["area_id"]), name=table.names[0])
    counts = table.estimates.set_axis(ids)
    margins = table.margins.set_axis(ids)
    columns = [f"{INCOME}_{i:03d}" for i in range(2, 18)]
    by_bracket, odd = _checked(counts, columns, table.names[0])
    households = by_bracket.sum(axis=1)
    inhabited = households.index[households > 0]
    homeless = inhabited.difference(areas["area_id"])
    if len(homeless):
        shapes = files.areas or files.centers
        raise InputError(
            f"{len(homeless):,} of {len(inhabited):,} areas with households in {table.names[0]} are not in {shapes},"
            f" {homeless[0]} first: the two are of two vintages or levels; name polygons of the table's own year, or a"
            " crosswalk"
        )
    areas = areas[areas["area_id"].isin(households.index)].copy()
    areas["households"] = households.loc[areas["area_id"]].to_numpy(float)
    areas["county"] = areas["area_id"].str[:COUNTY_DIGITS]
    told = margins[columns].reindex(households.index)
    if not np.isfinite(told.to_numpy(float)).any():
        notes.append(f"{INCOME} has no margins of error: its sampling error is modelled from the rate of the survey")
    lows = np.array(INCOME_EDGES, dtype=float) * 1000.0
    n = len(households)
    brackets = pa.table(
        {
            "area_id": pa.array(np.repeat(households.index.to_numpy(dtype=object), len(lows)), pa.string()),
            "low_usd": np.tile(lows, n),
            "high_usd": pa.array(np.tile(np.append(lows[1:], np.nan), n), pa.float64(), from_pandas=True),
            "households": by_bracket.to_numpy(float).reshape(-1),
        },
        schema=BRACKETS,
    )
    found = (*table.notes, *([mended] if mended else []), *odd, *notes)
    own = counties[counties["county"].isin(areas["county"])]
    counties = own if set(own["county"]) == set(areas["county"]) else _counties_of(areas)
    points = None if files.blocks is None else _points_of(read_blocks(files.blocks), areas["area_id"], files.blocks)
    centers = None
    if files.centers is not None:
        at = read_centers(files.centers).set_index("area_id")[["longitude", "latitude"]]
        centers = at.reindex(areas["area_id"]).to_numpy(float)
    return Census(areas, zips, counties, brackets, told.to_numpy(float).reshape(-1), found, points, centers)


def _points_of(blocks: pd.DataFrame, area_ids: pd.Series, path: Path) -> pd.DataFrame:
    """Return blocks as points of the areas that their ids begin with."""
    digits = int(area_ids.str.len().max())
    points = blocks.assign(area_id=blocks["block"].str[:digits])
    points = points[points["area_id"].isin(area_ids)]
    if points.empty:
        raise InputError(f"no block of {path} lies in an area of the tables: are both of one vintage?")
    return points[["area_id", "weight", "longitude", "latitude"]].reset_index(drop=True)


def _draw_areas(files: CensusFiles) -> tuple[Any, list[str]]:
    """Return the polygons of the areas: their own, or drawn around their centers."""
    if files.areas is not None:
        return areas_of(read_polygons(files.areas, kind="areas"), files.areas), []
    if files.centers is None:
        raise InputError("census tables need places: name polygons under areas, or centers of population under centers")
    tracts = areas_of(read_polygons(files.tracts, kind="tracts"), files.tracts) if files.tracts else None
    return areas_around(read_centers(files.centers), tracts)


def _checked(counts: pd.DataFrame, columns: list[str], name: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the income brackets of all areas; a sum that misses its total by more than rounding ends the run."""
    missing = [column for column in columns if column not in counts]
    if missing:
        raise InputError(f"{name} has no {missing[0]}E; all 16 brackets of {INCOME} are needed")
    found = counts[columns].fillna(0.0)
    if (found.to_numpy() < 0).any():
        area = found.index[(found < 0).any(axis=1)][0]
        raise InputError(f"area {area} in {name} has a bracket with fewer than no households")
    notes = []
    total = f"{INCOME}_001"
    if total in counts:
        off = (found.sum(axis=1) - counts[total].fillna(0.0)).abs()
        wrong = off[(off > ROUNDING) & (off > OFF * counts[total].fillna(0.0))]
        if len(wrong):
            area = wrong.index[0]
            raise InputError(
                f"the brackets of {INCOME} do not add up in {len(wrong):,} areas of {name}: in {area} to"
                f" {found.loc[area].sum():,.0f} of {counts.loc[area, total]:,.0f} households"
            )
        if (off > 0).any():
            notes.append(
                f"{int((off > 0).sum()):,} areas: brackets miss the total by rounding, and count as they stand"
            )
    return found, notes


def _counties_of(areas: Any) -> Any:
    """Return the outlines of counties, merged from their areas; their names are their codes."""
    merged = areas[["county", "geometry"]].dissolve("county").reset_index()
    merged["geometry"] = merged.geometry.simplify(0.002)
    return merged.assign(name="county " + merged["county"])[["county", "name", "geometry"]]


def read_income_curve(path: Path | None = None) -> tuple[Any, Any]:
    """Return the regional income curve: incomes in US dollars, and the share of households below each.

    Raises
    ------
    InputError
        The file cannot be read as a curve.
    """
    path = path or sample_path("income_curve.parquet")
    try:
        table = pq.read_table(path, columns=["income_usd", "share_below"])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as an income curve: {error}") from error
    return table["income_usd"].to_numpy(), table["share_below"].to_numpy()


def _read_geometry(path: Path, kind: str) -> Any:
    frame = read_polygons(path, kind=kind)
    missing = [column for column in COLUMNS[kind] if column not in frame.columns]
    if missing:
        raise missing_column(missing[0], path, list(frame.columns), needed=f"{kind} need {', '.join(COLUMNS[kind])}")
    key = COLUMNS[kind][0]
    twice = frame.loc[frame[key].duplicated(), key]
    if len(twice):
        raise InputError(f"{key} {twice.iloc[0]!r} stands twice in {path}; give each area one row")
    frame[key] = frame[key].astype(str)
    return frame


def _read_brackets(path: Path) -> pa.Table:
    if not path.exists():
        raise missing_file(path, needed="incomes of the census section")
    try:
        table = pq.read_table(path, columns=BRACKETS.names).cast(BRACKETS)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as income brackets: {error}") from error
    if table.num_rows == 0:
        raise InputError(f"{path} holds no income brackets")
    return table
