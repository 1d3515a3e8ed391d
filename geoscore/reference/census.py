"""Census figures: areas with households, their incomes in brackets, ZIP areas and counties.

Reads the samples that come with geoscore, or files of the same columns.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, InputNotFoundError
from geoscore.reference.samples import sample_path
from geoscore.schemas import BRACKETS

COLUMNS: Final = {
    "zones": ("area_id", "county", "households", "geometry"),
    "zips": ("zip", "city", "county", "kind", "geometry"),
    "counties": ("county", "name", "geometry"),
}


@dataclass(frozen=True)
class Census:
    """The census figures of a region.

    Attributes
    ----------
    areas
        GeoDataFrame: ``area_id``, ``county``, ``households``, polygon in WGS 84.
    zips
        GeoDataFrame: ``zip``, ``city``, ``county``, ``kind`` (standard, po_box, unique), area or None.
    counties
        GeoDataFrame: ``county`` (FIPS code), ``name``, outline.
    brackets
        Table of schema ``BRACKETS``: households of each area by income.
    """

    areas: Any
    zips: Any
    counties: Any
    brackets: pa.Table


def open_census(
    *,
    areas: Path | None = None,
    incomes: Path | None = None,
    zips: Path | None = None,
    counties: Path | None = None,
) -> Census:
    """Read census figures; a path that is not given stands for the sample of the Bay Area.

    Raises
    ------
    InputNotFoundError
        A file is not there.
    InputError
        A column is missing, an id stands twice, or areas with households have no incomes.

    Examples
    --------
    >>> census = open_census()
    >>> len(census.areas), sorted(census.counties["name"])[0]
    (1454, 'Alameda')
    """
    census = Census(
        areas=_read_geometry(areas or sample_path("zones.parquet"), "zones"),
        zips=_read_geometry(zips or sample_path("zips.parquet"), "zips"),
        counties=_read_geometry(counties or sample_path("counties.parquet"), "counties"),
        brackets=_read_brackets(incomes or sample_path("zone_incomes.parquet")),
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


def outlines_of(counties: Any) -> dict[str, Any]:
    """Return a GeoDataFrame of counties as GeoJSON, for maps."""
    outlines: dict[str, Any] = json.loads(counties[["county", "name", "geometry"]].to_json())
    return outlines


def sample_outlines(counties: Iterable[str]) -> dict[str, Any] | None:
    """Return the samples' outlines of these counties (FIPS codes) as GeoJSON, None where they have none of them."""
    frame = _read_geometry(sample_path("counties.parquet"), "counties")
    known = frame[frame["county"].isin(list(counties))]
    return outlines_of(known) if len(known) else None


def _read_geometry(path: Path, kind: str) -> Any:
    import geopandas as gpd

    if not path.exists():
        raise InputNotFoundError(f"there is no file {path} ({kind} of the census section)")
    try:
        frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (OSError, ValueError, pa.ArrowException, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as {kind}: {error}") from error
    missing = [column for column in COLUMNS[kind] if column not in frame.columns]
    if missing:
        raise InputError(f"column {missing[0]!r} missing in {path}; {kind} need {', '.join(COLUMNS[kind])}")
    key = COLUMNS[kind][0]
    twice = frame.loc[frame[key].duplicated(), key]
    if len(twice):
        raise InputError(f"{key} {twice.iloc[0]!r} stands twice in {path}; give each area one row")
    frame[key] = frame[key].astype(str)
    return frame.to_crs(4326) if frame.crs is not None else frame.set_crs(4326)


def _read_brackets(path: Path) -> pa.Table:
    if not path.exists():
        raise InputNotFoundError(f"there is no file {path} (incomes of the census section)")
    try:
        table = pq.read_table(path, columns=BRACKETS.names).cast(BRACKETS)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as income brackets: {error}") from error
    if table.num_rows == 0:
        raise InputError(f"{path} holds no income brackets")
    return table
