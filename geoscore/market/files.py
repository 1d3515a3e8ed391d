"""The files that trade areas are made of: flows, sites, customers and matrices of travel times, in any format.

Rows read = rows used + rows rejected, each with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError, did_you_mean, missing_column, without_rows
from geoscore.ingest.files import read_file
from geoscore.spatial.cells import cell_resolution, parse_cell
from geoscore.standardize.values import parse_money
from geoscore.trade.areas import Site, check_sites
from geoscore.trade.flows import Decay, Flows, prepare_flows
from geoscore.trade.scenario import Sites, competition

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
SITE_WORDS: Final = {
    "name": ("name", "site", "store", "office", "location", "facility", "label", "id"),
    "longitude": ("longitude", "lon", "lng", "long", "x"),
    "latitude": ("latitude", "lat", "y"),
}
MATRIX_WORDS: Final = {
    "site": ("site", "to", "destination", "facility", "store", "name"),
    "cell": ("cell", "h3", "h3_cell", "from", "origin"),
    "minutes": ("minutes", "time", "travel_time_min", "travel_time", "duration_min"),
}


@dataclass(frozen=True)
class FileTable:
    """Some columns of a file.

    Attributes
    ----------
    columns
        By name, in Arrow.
    rows
        Rows read, those that could not be read among them.
    unreadable
        Rows that are no rows of a table.
    """

    path: Path
    columns: dict[str, pa.ChunkedArray]
    names: tuple[str, ...]
    rows: int
    unreadable: int

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """Return a column as text, empty where missing; whole numbers without a point."""
        values = self._column(name)
        if pa.types.is_floating(values.type):
            whole = values.to_pandas()
            told = ["" if pd.isna(v) else str(int(v)) if float(v).is_integer() else str(v) for v in whole]
        else:
            told = ["" if value is None else str(value).strip() for value in values.to_pylist()]
        return np.array(told, dtype=object)

    def numbers(self, name: str) -> Floats:
        """Return a column as numbers, NaN where there is none; $, thousands commas and percent signs are understood."""
        values = self._column(name)
        if not (
            pa.types.is_string(values.type)
            or pa.types.is_large_string(values.type)
            or pa.types.is_dictionary(values.type)
        ):
            return np.asarray(values.cast(pa.float64()).to_pandas(), dtype=np.float64)
        words = values.cast(pa.string())
        plain = np.array(pd.to_numeric(words.to_pandas(), errors="coerce"), dtype=np.float64)
        missing = ~np.isfinite(plain)
        if missing.any():
            rest = words.combine_chunks().filter(pa.array(missing))
            share = np.array([str(value or "").strip().endswith("%") for value in rest.to_pylist()])
            bare = pa.array([None if value is None else value.replace("%", "") for value in rest.to_pylist()])
            parsed = parse_money(bare.cast(pa.string()))
            found = np.array(parsed.values.to_pandas(), dtype=np.float64)  # noqa: PD011  Arrow's, not pandas'
            plain[missing] = np.where(share, found / 100.0, found)
        return plain

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.columns:
            raise missing_column(name, self.path, self.names)
        return self.columns[name]


def read_columns(path: Path, wanted: Sequence[str] | None = None, *, sheet: str | None = None) -> FileTable:
    """Read some columns of a file, all by default, in one go.

    Raises
    ------
    InputError
        A column is missing; the message names the nearest.
    PolicyError
        The file has the shape of the FEC's individual contributors.
    """
    raw = read_file(path, sheet=sheet)
    for name in wanted or ():
        if name not in raw.names:
            raise missing_column(name, path, raw.names)
    names = list(dict.fromkeys(wanted)) if wanted is not None else raw.names
    batches = [batch.select(names) for batch, _ in raw.batches]
    table = pa.Table.from_batches(batches) if batches else pa.table({name: pa.array([], pa.string()) for name in names})
    columns = {name: table[name] for name in names}
    return FileTable(path, columns, tuple(raw.names), table.num_rows + len(raw.rejected), len(raw.rejected))


def read_flows(
    path: Path,
    *,
    origin: str,
    site: str,
    flow: str,
    cost: str,
    attributes: Sequence[str],
    total: str | None = None,
    decay: Decay = "power",
    linear: Sequence[str] = (),
    least_cost: float | None = None,
    site_point: tuple[str, str] | None = None,
    sheet: str | None = None,
) -> tuple[Flows, int]:
    """Read flows from a file, and the number of rows in it.

    Parameters
    ----------
    path
        CSV, spreadsheet, Parquet or another format of ``read_file``.
    origin, site, flow, cost, attributes, total
        Columns.
    decay, linear, least_cost
        As `prepare_flows` takes them.
    site_point
        Columns with longitude and latitude of the sites: adds how near each is to its rivals, as ``competition``.
    """
    wanted = [origin, site, flow, cost, *attributes, *([total] if total else []), *(site_point or ())]
    table = read_columns(path, wanted, sheet=sheet)
    if not table.rows:
        raise without_rows(path)
    places = table.text(site)
    columns = {name: table.numbers(name) for name in attributes}
    if site_point is not None:
        columns["competition"] = _competition(places, *(table.numbers(name) for name in site_point))
    flows = prepare_flows(
        origin=table.text(origin),
        site=places,
        flow=table.numbers(flow),
        cost=table.numbers(cost),
        attributes=columns,
        cost_name=cost,
        total=None if total is None else table.numbers(total),
        decay=decay,
        linear=linear,
        least_cost=least_cost,
    )
    if table.unreadable:
        flows.rejected["no row of a table"] = table.unreadable
    return flows, table.rows


def read_totals(path: Path, *, site: str, column: str, sheet: str | None = None) -> dict[str, float]:
    """Read what each site takes in all from a file of pairs.

    Raises
    ------
    InputError
        A site's total differs between its rows.
    """
    table = read_columns(path, [site, column], sheet=sheet)
    places, values = table.text(site), table.numbers(column)
    totals: dict[str, float] = {}
    for place, value in zip(places.tolist(), values.tolist(), strict=True):
        if np.isfinite(value) and not np.isclose(totals.setdefault(place, value), value, rtol=1e-9):
            raise InputError(f"the total of site {place} differs between rows of {path}; {column} is one number a site")
    return totals


def _competition(places: npt.NDArray[np.object_], longitude: Floats, latitude: Floats) -> Floats:
    _, first, at = np.unique(places, return_index=True, return_inverse=True)
    return competition(longitude[first], latitude[first])[at.reshape(-1)]


def parse_site(text: str, *, number: int) -> Site:
    """Return a site as people write it: ``Palo Alto=-122.16,37.44``, or the point alone.

    Raises
    ------
    InputError
        It is no site.

    Examples
    --------
    >>> parse_site("office=-122.16,37.44", number=1)
    Site(name='office', longitude=-122.16, latitude=37.44)
    >>> parse_site("-122.16,37.44", number=2).name
    'site 2'
    """
    name, _, point = text.rpartition("=")
    try:
        longitude, latitude = (float(part) for part in point.split(","))
    except ValueError:
        raise InputError(f"--site {text!r}: write it as NAME=LON,LAT, like office=-122.16,37.44") from None
    return Site(name.strip() or f"site {number}", longitude, latitude)


def read_sites(given: Sequence[str], path: Path | None = None) -> tuple[list[Site], Sites]:
    """Return sites as places, and with what they offer.

    Parameters
    ----------
    given
        Each as `parse_site` takes it.
    path
        A file with columns for name, longitude and latitude, and numbers that the sites offer.

    Raises
    ------
    InputError
        A site has no place or no name, two are one, or there is none.
    """
    places = [parse_site(text, number=i + 1) for i, text in enumerate(given)]
    attributes: dict[str, Floats] = {}
    if path is not None:
        if places:
            raise InputError("give sites as --site or in a file, not both")
        table = read_columns(path)
        found = find_columns(table, SITE_WORDS)
        lon, lat = table.numbers(found["longitude"]), table.numbers(found["latitude"])
        names = table.text(found["name"]) if "name" in found else np.array([f"site {i + 1}" for i in range(len(lon))])
        lost = [i for i in range(len(lon)) if not (np.isfinite(lon[i]) and np.isfinite(lat[i]) and names[i])]
        if lost:
            raise InputError(f"row {lost[0] + 1} of {path} has no name, longitude or latitude; complete it or drop it")
        places = [Site(str(name), float(x), float(y)) for name, x, y in zip(names, lon, lat, strict=True)]
        attributes = _offers(table, set(found.values()))
    check_sites(places)
    lon, lat = (np.array([getattr(site, part) for site in places]) for part in ("longitude", "latitude"))
    return places, Sites(tuple(site.name for site in places), lon, lat, attributes)


def _offers(table: FileTable, taken: set[str]) -> dict[str, Floats]:
    """Return the columns that are numbers throughout."""
    offers = {}
    for name in table.names:
        if name not in taken:
            values = table.numbers(name)
            if np.isfinite(values).all():
                offers[name] = values
    return offers


def find_columns(table: FileTable, words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return which column is what, by the words of its header; a name may be missing, nothing else.

    Raises
    ------
    InputError
        A column is missing.
    """
    plain = {name.strip().lower().replace(" ", "_"): name for name in table.names}
    found = {}
    for role, known in words.items():
        hit = next((plain[word] for word in known if word in plain), None)
        if hit is not None:
            found[role] = hit
        elif role != "name":
            raise missing_column(role, table.path, table.names, needed=f"or {', '.join(known[1:4])}")
    return found


def read_matrix(path: Path, sites: Sequence[str]) -> tuple[Cells, Floats]:
    """Read travel times of one's own: cells, and minutes of every site to each, shapes (n,) and (s, n).

    Raises
    ------
    InputError
        A column is missing, cells differ in resolution, or a site does not stand in it.
    """
    table = read_columns(path)
    found = find_columns(table, MATRIX_WORDS)
    names, minutes = table.text(found["site"]), table.numbers(found["minutes"])
    cells = np.array([parse_cell(text) for text in table.text(found["cell"])], dtype=np.uint64)
    if len({cell_resolution(int(cell)) for cell in cells}) != 1:
        raise InputError(f"cells of {path} have several resolutions; bring one")
    missing = [name for name in sites if not (names == name).any()]
    if missing:
        raise InputError(f"{path} has no times of site {missing[0]!r}{did_you_mean(missing[0], sorted(set(names)))}")
    unique, at = np.unique(cells, return_inverse=True)
    times = np.full((len(sites), len(unique)), np.inf)
    for i, name in enumerate(sites):
        rows = (names == name) & np.isfinite(minutes)
        np.minimum.at(times[i], at.reshape(-1)[rows], minutes[rows])
    return unique, times
