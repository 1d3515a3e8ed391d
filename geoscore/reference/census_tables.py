"""Census tables in the forms in which people get them: the API's JSON and CSV, data.census.gov, summary files, Parquet.

Every form becomes the same: one row an area, GEOIDs as text, estimates and their margins of error, sentinels decoded.
"""

import json
import re
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, missing_file

LEVELS: Final = {2: "state", 5: "county", 11: "tract", 12: "block group", 15: "block"}
"""Geographic levels by the digits of their GEOIDs; five digits may be a ZIP code tabulation area as well."""
ID_COLUMNS: Final = ("GEOID", "GEO_ID", "GEOIDFQ", "AFFGEOID", "GEOID20", "GEOID10", "GEOCODE", "ZCTA5CE20",
                     "ZCTA5CE10", "ZCTA5", "ZCTA", "zip", "area_id")  # fmt: skip
API_PARTS: Final = (("state", 2), ("county", 3), ("tract", 6), ("block group", 1), ("block", 4))
ZCTA_PART: Final = "zip code tabulation area"
CONTROLLED: Final = -555_555_555
"""A margin that says: the estimate is controlled to a known total, and has no sampling error."""
SENTINELS: Final = frozenset({-222_222_222, -333_333_333, -555_555_555, -666_666_666, -888_888_888, -999_999_999})
"""Values that stand for a reason why there is none (too few asked, an open-ended median, not applicable, ...)."""
_COLUMN: Final = re.compile(
    r"(?P<table>[A-Z]+\d+[A-Z]*?)_?(?P<kind>[EMem])?_?(?P<number>\d{1,3})(?P<suffix>EA|MA|E|M|N|C|NA|PE|PM)?"
)
_DOWNLOADED: Final = re.compile(r".*[-_.](?:Data|data_with_overlays.*)\.csv", re.IGNORECASE)


@dataclass(frozen=True)
class CensusTable:
    """One or more census tables of the same areas.

    Attributes
    ----------
    level
        ``block group``, ``tract``, ``county``, ``ZCTA``, ...
    estimates, margins
        One row an area by GEOID (text), columns named as the API does, without the last letter: ``B19001_002``.
        A margin of error of 90% that is not published is NaN.
    names
        The files they came from.
    notes
        What was mended or decoded.
    """

    level: str
    estimates: pd.DataFrame
    margins: pd.DataFrame
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> CensusTable:
    """Read census tables from a file.

    Parameters
    ----------
    path
        The API's answer as JSON or CSV, a download of data.census.gov (CSV or the whole zip), a table-based summary
        file (``.dat``, columns between ``|``), or any CSV or Parquet with a GEOID column.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It has no areas, or an area twice.
    """
    if not path.exists():
        raise missing_file(path, "census table")
    raw = _raw(path)
    ids, notes = _area_ids(raw, path)
    twice = ids[ids.duplicated()]
    if len(twice):
        raise InputError(f"area {twice.iloc[0]} stands twice in {path}; give each area one row")
    estimates: dict[str, Any] = {}
    margins: dict[str, Any] = {}
    decoded = 0
    for column in raw.columns:
        found = _COLUMN.fullmatch(str(column))
        if not found:
            continue
        kind = (found["kind"] or found["suffix"] or "E").upper()
        if kind not in ("E", "M", "N", "C"):
            continue
        values, reasons = _decoded(raw[column], margin=kind == "M")
        decoded += reasons
        (margins if kind == "M" else estimates)[f"{found['table']}_{int(found['number']):03d}"] = values.to_numpy()
    if not estimates:
        raise InputError(f"{path} has no census variable such as B19001_002E; its columns are {_few(raw.columns)}")
    if decoded:
        notes.append(f"{path.name}: {decoded:,} values are codes for why there is none, and count as missing")
    frame = pd.DataFrame(estimates, index=pd.Index(ids, name="GEOID"))
    return CensusTable(
        level=_level(ids),
        estimates=frame,
        margins=pd.DataFrame(margins, index=frame.index).reindex(columns=frame.columns),
        names=(path.name,),
        notes=tuple(notes),
    )


def read_tables(paths: "list[Path] | tuple[Path, ...]") -> CensusTable:
    """Read several files of the same areas as one.

    Raises
    ------
    InputError
        Their areas are not the same: another level, another vintage.
    """
    first, *rest = [read_table(path) for path in paths]
    for table in rest:
        if table.level != first.level:
            raise InputError(f"{first.names[0]} is by {first.level}, {table.names[0]} by {table.level}; give one level")
        missing = first.estimates.index.symmetric_difference(table.estimates.index)
        if len(missing):
            raise InputError(
                f"{len(missing):,} areas, {missing[0]} first, are only in one of {first.names[0]} and {table.names[0]};"
                " are both of one vintage?"
            )
        new = [name for name in table.estimates if name not in first.estimates]
        first = replace(
            first,
            estimates=first.estimates.join(table.estimates[new]),
            margins=first.margins.join(table.margins[new]),
            names=(*first.names, *table.names),
            notes=(*first.notes, *table.notes),
        )
    return first


def cross_walk(table: CensusTable, path: Path) -> CensusTable:
    """Bring tables from the areas of one decade to those of another.

    Parameters
    ----------
    table
        Tables of counts.
    path
        CSV or Parquet: the area as it was, the area as it is, and the share of the one in the other; two columns of
        GEOIDs and one of weights (``wt_hh``, ``weight``, ...), as NHGIS gives them.

    Raises
    ------
    InputError
        Areas are missing in the crosswalk, so that their households would be lost.
    """
    walk = _raw(path)
    lengths = {name: walk[name].astype(str).str.len().mode().iloc[0] for name in walk.columns if len(walk)}
    width = len(str(table.estimates.index[0]))
    ids = [name for name in walk.columns if lengths[name] == width and walk[name].astype(str).str.isdigit().all()]
    weights = [name for name in walk.columns if name not in ids and str(name).lower() in _WEIGHTS]
    weights.sort(key=lambda name: _WEIGHTS.index(str(name).lower()))
    if len(ids) < 2 or not weights:  # noqa: PLR2004  from and to
        raise InputError(f"{path} is no crosswalk: it needs two columns of GEOIDs and one of weights, such as wt_hh")
    shares = [walk[name].isin(table.estimates.index).mean() for name in ids]
    old = ids[int(np.argmax(shares))]
    new = next(name for name in ids if name != old)
    lost = table.estimates.index.difference(pd.Index(walk[old]))
    if len(lost):
        raise InputError(f"{len(lost):,} areas, {lost[0]} first, are not in the crosswalk {path}")
    weight = pd.to_numeric(walk[weights[0]], errors="coerce").fillna(0.0).to_numpy()
    whole = pd.Series(weight).groupby(walk[old].to_numpy()).transform("sum").to_numpy()
    share = np.divide(weight, whole, out=np.zeros(len(weight)), where=whole > 0)
    estimates = table.estimates.fillna(0.0).reindex(walk[old]).mul(share, axis=0).groupby(walk[new].to_numpy()).sum()
    squares = table.margins.reindex(walk[old]).mul(share, axis=0).pow(2).groupby(walk[new].to_numpy())
    estimates.index.name = "GEOID"
    note = f"brought to {len(estimates):,} areas of another vintage by {path.name}"
    return replace(table, estimates=estimates, margins=squares.sum(min_count=1).pow(0.5), notes=(*table.notes, note))


_WEIGHTS: Final = ("wt_hh", "wt_ownhu", "wt_hu", "wt_pop", "weight", "share", "afact")


def mend_ids(ids: pd.Index, known: pd.Index, *, name: str) -> tuple[pd.Index, str | None]:
    """Return GEOIDs with the zero that a spreadsheet took, where the areas that are known show that it did.

    Examples
    --------
    >>> mend_ids(pd.Index(["60014271001"]), pd.Index(["060014271001"]), name="a.csv")[0].tolist()
    ['060014271001']
    """
    padded = "0" + ids.astype(str)
    lost = ~ids.isin(known) & padded.isin(known)
    if not lost.any():
        return ids, None
    note = f"{name}: {int(lost.sum()):,} GEOIDs were given back the zero they had lost"
    return pd.Index(np.where(lost, padded, ids), name=ids.name), note


def _raw(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            frame: pd.DataFrame = pq.read_table(path).to_pandas()
            return frame.drop(columns="geometry", errors="ignore")
        data = path.read_bytes()
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as packed:
                inside = packed.namelist()
                member = next((name for name in inside if _DOWNLOADED.fullmatch(name)), None)
                member = member or next(name for name in inside if name.lower().endswith((".csv", ".dat", ".json")))
                data = packed.read(member)
        text = data.decode("utf-8-sig")
        return _from_json(text) if text.lstrip().startswith(("[", "{")) else _from_text(text)
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a census table: {error}") from error


def _from_json(text: str) -> pd.DataFrame:
    rows = json.loads(text)
    if isinstance(rows, list) and rows and isinstance(rows[0], list):
        return pd.DataFrame(rows[1:], columns=rows[0], dtype="object")
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return pd.DataFrame(rows, dtype="object")
    raise ValueError("the JSON is no list of rows, as the Census API answers")


def _from_text(text: str) -> pd.DataFrame:
    line = text.split("\n", 1)[0]
    delimiter = max("|,\t;", key=line.count)
    # the API's CSV is its JSON, with brackets
    if line.startswith("[["):
        return _from_json(text)
    frame = pd.read_csv(BytesIO(text.encode()), sep=delimiter, dtype=str, keep_default_na=False)
    frame = frame.loc[:, [not str(name).startswith("Unnamed") for name in frame.columns]]
    if len(frame) and any(str(value).startswith(("Geography", "Estimate!!", "id")) for value in frame.iloc[0]):
        frame = frame.iloc[1:].reset_index(drop=True)  # data.census.gov writes labels under the names
    return frame


def _area_ids(raw: pd.DataFrame, path: Path) -> tuple[pd.Series, list[str]]:
    lower = {str(name).lower(): name for name in raw.columns}
    if not len(raw):
        raise InputError(f"{path} has no rows")
    for name in ID_COLUMNS:
        if name.lower() in lower:
            return _text_ids(raw[lower[name.lower()]], path)
    if ZCTA_PART in lower:
        return _text_ids(raw[lower[ZCTA_PART]], path)
    parts = [(lower[name], width) for name, width in API_PARTS if name in lower]
    if not parts:
        raise InputError(f"{path} has no GEOID column; its columns are {_few(raw.columns)}")
    joined = pd.Series("", index=raw.index, dtype=object)
    for name, width in parts:
        joined = joined + raw[name].astype(str).str.zfill(width)
    return _text_ids(joined, path)


def _text_ids(values: pd.Series, path: Path) -> tuple[pd.Series, list[str]]:
    if values.isna().any():
        raise InputError(f"{int(values.isna().sum()):,} rows of {path} have no GEOID")
    numbers = pd.api.types.is_numeric_dtype(values)
    text = (values.astype("int64") if numbers else values).astype(str).str.strip()
    text = text.str.replace(r"\.0+$", "", regex=True).str.rsplit("US", n=1).str[-1]
    bad = ~text.str.fullmatch(r"\d{1,15}")
    if bad.any():
        raise InputError(f"{text[bad].iloc[0]!r} in {path} is no GEOID; GEOIDs are digits, such as 060014271001")
    lengths = text.str.len()
    full = int(lengths.max())
    full += 1 if full in (4, 10, 14) else 0  # no level has so many digits: all lost their first zero
    short = lengths == full - 1
    notes = []
    if short.any():
        notes.append(f"{path.name}: {int(short.sum()):,} GEOIDs were given back the zero they had lost")
        text = text.where(~short, "0" + text)
    odd = text[text.str.len() != full]
    if len(odd):
        raise InputError(
            f"{path} mixes levels: {odd.iloc[0]!r} has {len(odd.iloc[0])} digits, others {full}; give one level"
        )
    return text, notes


def _level(ids: pd.Series) -> str:
    digits = len(ids.iloc[0])
    if digits == 5 and len(ids) > 1:  # noqa: PLR2004  a county or a ZIP code tabulation area
        fips = ids.str[:2].astype(int).between(1, 78) & (ids.str[2:].astype(int) % 2 == 1)
        return "county" if fips.all() else "ZCTA"
    return LEVELS.get(digits, f"areas of {digits} digits")


def _decoded(values: pd.Series, *, margin: bool) -> tuple[pd.Series, int]:
    """Return numbers, with what is none as NaN; and how many were codes."""
    text = values.astype(str).str.strip().str.replace(r"[,+$]|-$", "", regex=True)
    numbers = pd.to_numeric(text, errors="coerce")
    coded = numbers.isin(SENTINELS)
    controlled = (numbers == CONTROLLED) | text.str.fullmatch(r"\*{5}")
    numbers = numbers.mask(coded)
    if margin:
        numbers = numbers.mask(controlled, 0.0)
    return numbers.astype(float), int(coded.sum())


def _few(names: Any) -> str:
    shown = [str(name) for name in names][:6]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
