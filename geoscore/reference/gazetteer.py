"""The gazetteer: where addresses are, built once from address points, street segments and ZIP areas.

A folder of Parquet files that is written whole or not at all. A *street* is one name in one neighborhood: points of
the same name belong together where they share a city or ZIP, or lie close to one that does.
"""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, missing_file
from geoscore.reference.gazetteer_places import apart_m
from geoscore.reference.gazetteer_streets import join_streets, name_places, number_streets
from geoscore.tables import from_pandas

GAZETTEER_VERSION: Final = 1
NOTE: Final = "gazetteer.json"

POINTS: Final = pa.schema(
    [
        ("street", pa.int32()),
        ("number", pa.int32()),
        ("half", pa.string()),
        ("unit", pa.string()),
        ("zip", pa.string()),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
    ]
)
"""Address points, sorted by street and number."""
SEGMENTS: Final = pa.schema(
    [
        ("street", pa.int32()),
        ("start", pa.int32()),  # number where the line begins; larger than the end where numbers fall
        ("end", pa.int32()),
        ("parity", pa.string()),  # E, O or B (both)
        ("side", pa.string()),  # L or R of the line
        ("zip", pa.string()),
        ("line", pa.binary()),  # WKB, degrees
    ]
)
STREETS: Final = pa.schema(
    [
        ("street", pa.int32()),
        *[(name, pa.string()) for name in ("predir", "name", "suffix", "postdir", "sound")],
        ("cities", pa.list_(pa.string())),
        ("zips", pa.list_(pa.string())),
        ("longitude", pa.float64()),  # of the middle
        ("latitude", pa.float64()),
        ("sigma_m", pa.float64()),  # how far its addresses lie from the middle, root mean square of one axis
        ("known", pa.int32()),  # addresses and segments
        ("lowest", pa.int32()),
        ("highest", pa.int32()),
    ]
)
PLACES: Final = pa.schema(
    [
        ("kind", pa.string()),  # zip or city
        ("place", pa.string()),
        ("longitude", pa.float64()),
        ("latitude", pa.float64()),
        ("sigma_m", pa.float64()),
        ("radius_m", pa.float64()),  # 95% of its addresses lie within
        ("households", pa.float64()),
    ]
)
FILES: Final = {"points": POINTS, "segments": SEGMENTS, "streets": STREETS, "places": PLACES}


@dataclass(frozen=True)
class ErrorModel:
    """How far off a position is, 95% of the time: for each way of placing, meters by a scale in meters.

    ``scales`` and ``p95`` are knots of a line that is straight in logarithms and never falls.
    """

    scales: dict[str, list[float]]
    p95: dict[str, list[float]]
    learned: dict[str, int]
    """Points that each way was learned from; 0 where it is what is usual elsewhere."""

    def sigma_m(self, way: str, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the standard deviation of one axis, of shape (n,); 95% of positions lie within 2.45 of it."""
        knots, values = np.log(self.scales[way]), np.log(self.p95[way])
        result: npt.NDArray[np.float64] = np.exp(np.interp(np.log(np.maximum(scale, 1.0)), knots, values)) / TO_95
        return result


TO_95: Final = 2.4477
"""Radius that holds 95% of a two-dimensional normal distribution, in standard deviations of one axis."""


WAYS: Final = ("point", "between", "beyond", "beside", "segment", "street")
USUAL: Final = ErrorModel(
    scales={way: [1.0, 10_000.0] if way == "point" else [10.0, 100.0, 1_000.0, 10_000.0] for way in WAYS},
    p95={
        "point": [25.0, 25.0],
        "between": [50.0, 60.0, 250.0, 2_500.0],
        "beyond": [60.0, 200.0, 900.0, 9_000.0],
        "beside": [60.0, 250.0, 2_500.0, 25_000.0],
        "segment": [60.0, 100.0, 300.0, 1_500.0],
        "street": [60.0, 260.0, 2_500.0, 25_000.0],
    },
    learned=dict.fromkeys(WAYS, 0),
)
"""What is usual; parcel points and street ranges after METHODS 5, the others measured on city address files."""


@dataclass(frozen=True)
class Gazetteer:
    """Streets, address points, segments and places; ``note`` says what it was made from."""

    streets: pd.DataFrame
    points: pd.DataFrame
    segments: pd.DataFrame
    places: pd.DataFrame
    note: dict[str, Any] = field(default_factory=dict)
    errors: ErrorModel = USUAL
    """How far off positions are."""

    @cached_property
    def street_zips(self) -> pd.DataFrame:
        """One row for each (street, ZIP), with the street's name and sound."""
        return self._exploded("zips", "zip")

    @cached_property
    def street_cities(self) -> pd.DataFrame:
        """One row for each (street, city), with the street's name and sound."""
        return self._exploded("cities", "city")

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Initials that stand for a city, such as SF."""
        return dict(self.note.get("aliases", {}))

    def _exploded(self, column: str, name: str) -> pd.DataFrame:
        rows = self.streets[["street", "name", "sound", column]].explode(column).rename(columns={column: name})
        return rows[rows[name].notna()]


def make_gazetteer(points: pd.DataFrame, segments: pd.DataFrame, zips: pd.DataFrame) -> Gazetteer:
    """Join address points and segments into streets.

    Parameters
    ----------
    points
        Parsed address points: ``number``, ``half``, ``unit``, ``predir``, ``name``, ``suffix``, ``postdir``,
        ``city``, ``zip`` (empty texts where unknown), ``longitude``, ``latitude``.
    segments
        ``predir``, ``name``, ``suffix``, ``postdir``, ``zip``, ``start``, ``end``, ``parity``, ``side``, ``line``
        (WKB), ``longitude``, ``latitude`` of its middle.
    zips
        ZIP areas: ``zip``, ``longitude``, ``latitude``, ``sigma_m``, ``radius_m``, ``households``; may be empty.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"number": 12, "half": "", "unit": "", "predir": "", "name": "OAK", "suffix": "ST", "postdir": "",
    ...        "city": "ALAMEDA", "zip": "94501", "longitude": -122.25, "latitude": 37.77}
    >>> made = make_gazetteer(pd.DataFrame([row, row | {"number": 14}]), pd.DataFrame(), pd.DataFrame())
    >>> made.streets[["name", "lowest", "highest"]].to_numpy().tolist()
    [['OAK', 12, 14]]
    """
    points = points.reset_index(drop=True)
    points["city"], aliases = name_places(points)
    both = pd.concat([points.assign(of="point"), segments.assign(of="segment", city="")], ignore_index=True)
    both["street"] = number_streets(both)
    streets = join_streets(both)
    placed = both[both["of"] == "point"].sort_values(["street", "number", "half", "unit", "longitude", "latitude"])
    lines = both[both["of"] == "segment"] if len(segments) else pd.DataFrame(columns=SEGMENTS.names)
    frames = {
        "points": from_pandas(placed.reindex(columns=POINTS.names), POINTS),
        "segments": from_pandas(lines.sort_values(["street", "start"]).reindex(columns=SEGMENTS.names), SEGMENTS),
        "streets": from_pandas(streets, STREETS),
        "places": from_pandas(_places(points, zips), PLACES),
    }
    return Gazetteer(**{name: table.to_pandas() for name, table in frames.items()}, note={"aliases": aliases})


def _places(points: pd.DataFrame, zips: pd.DataFrame) -> pd.DataFrame:
    """Return centers and sizes of ZIPs and cities, from their addresses; ZIP areas that were given count more."""
    parts = [_measured(points, "zip"), _measured(points, "city")]
    if len(zips):
        parts.insert(0, zips.assign(kind="zip", place=zips["zip"]))
    both = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=PLACES.names)], ignore_index=True)
    return both.drop_duplicates(["kind", "place"]).reindex(columns=PLACES.names)


def _measured(points: pd.DataFrame, kind: str) -> pd.DataFrame:
    known = points[points[kind] != ""]
    if known.empty:
        return pd.DataFrame(columns=PLACES.names)
    grouped = known.groupby(kind)
    middle = grouped[["longitude", "latitude"]].transform("median")
    distance = apart_m(known["longitude"], known["latitude"], middle["longitude"], middle["latitude"])
    table = grouped[["longitude", "latitude"]].median().assign(kind=kind, households=grouped.size().astype(float))
    by_place = distance.groupby(known[kind])
    table["sigma_m"] = np.maximum(by_place.apply(lambda far: np.sqrt((far**2).mean() / 2)), _LEAST_M)
    table["radius_m"] = np.maximum(by_place.quantile(0.95), _LEAST_M)
    return table.rename_axis("place").reset_index()


_LEAST_M: Final = 100.0


def save_gazetteer(gazetteer: Gazetteer, folder: Path) -> None:
    """Write a gazetteer to a folder, whole or not at all; an older or half-written one there is replaced.

    Raises
    ------
    InputError
        The folder holds something else.
    """
    if folder.exists() and (not folder.is_dir() or not _is_ours(folder)):
        raise InputError(f"{folder} holds something that is no gazetteer; name another folder with --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".gazetteer-", dir=folder.absolute().parent))
    try:
        rows = {}
        for name, schema in FILES.items():
            table = from_pandas(getattr(gazetteer, name), schema)
            pq.write_table(table, stage / f"{name}.parquet", compression="zstd")
            rows[name] = table.num_rows
        note = {
            **gazetteer.note,
            "geoscore_gazetteer": GAZETTEER_VERSION,
            "rows": rows,
            "errors": asdict(gazetteer.errors),
        }
        (stage / NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        stage.rename(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return names <= {NOTE, *(f"{name}.parquet" for name in FILES)}


def open_gazetteer(folder: Path) -> Gazetteer:
    """Open a gazetteer.

    Raises
    ------
    InputNotFoundError
        There is no such folder.
    InputError
        It is no gazetteer, half-written, or of a later version.
    """
    call = f"`geoscore gazetteer build FILE... --out {folder}`"
    again = f"build it again with {call}"
    if not folder.is_dir():
        raise missing_file(folder, "gazetteer", mend=f"build it with {call}")
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        if note["geoscore_gazetteer"] > GAZETTEER_VERSION:
            raise InputError(f"{folder} was built by a later geoscore; update geoscore, or {again}")
        tables = {name: pq.read_table(folder / f"{name}.parquet", schema=schema) for name, schema in FILES.items()}
        whole = all(tables[name].num_rows == count for name, count in note["rows"].items())
        errors = ErrorModel(**note["errors"])
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(f"{folder} is no whole gazetteer; {again}") from error
    if not whole:
        raise InputError(f"{folder} is no whole gazetteer; {again}")
    return Gazetteer(**{name: table.to_pandas() for name, table in tables.items()}, note=note, errors=errors)
