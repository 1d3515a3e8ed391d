"""Census blocks: how many households or homes each of the smallest areas has, and where it lies.

They say where in a block group people live. From the 2020 Census's redistricting file (PL 94-171), or any table by
block with coordinates.
"""

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError, missing_file

COUNTS: Final = ("H1_002N", "H3_002N", "H1_002", "HU100", "households", "H1_001N", "P1_001N", "POP100", "population")
"""Columns with the weight of a block, the best first: occupied homes, homes, people."""
LATITUDES: Final = ("INTPTLAT", "INTPTLAT20", "INTPTLAT10", "latitude")
LONGITUDES: Final = ("INTPTLON", "INTPTLON20", "INTPTLON10", "longitude")
IDS: Final = ("GEOID20", "GEOID10", "GEOID", "GEO_ID", "GEOCODE")
BLOCK_DIGITS: Final = 15
PL_LEVEL, PL_GEOCODE, PL_HOMES, PL_LATITUDE, PL_LONGITUDE = 2, 9, 91, 92, 93
"""Fields of the geographic header record of PL 94-171, counted from 0."""
BLOCK_LEVEL: Final = "750"


def read_blocks(path: Path) -> pd.DataFrame:
    """Read blocks.

    Parameters
    ----------
    path
        The geographic header of PL 94-171 (``cageo2020.pl``), or CSV or Parquet with a GEOID of 15 digits, coordinates
        and one of ``COUNTS``.

    Returns
    -------
    DataFrame
        ``block`` (15 digits), ``weight``, ``longitude``, ``latitude``; blocks without weight are left out.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        A column is missing, or an id is not that of a block.
    """
    if not path.exists():
        raise missing_file(path, needed="blocks of the census section")
    try:
        if path.suffix.lower() == ".pl":
            return _kept(_redistricting(path), path)
        frame = (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, encoding="utf-8-sig")
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as blocks: {error}") from error
    named = {}
    for wanted, names in (("block", IDS), ("weight", COUNTS), ("longitude", LONGITUDES), ("latitude", LATITUDES)):
        found = next((name for name in names if name in frame.columns), None)
        if found is None:
            raise InputError(f"{path} has no {wanted} of blocks; it needs one of {', '.join(names)}")
        named[wanted] = frame[found]
    return _kept(pd.DataFrame(named), path)


def _redistricting(path: Path) -> pd.DataFrame:
    columns = {
        PL_LEVEL: "level",
        PL_GEOCODE: "block",
        PL_HOMES: "weight",
        PL_LATITUDE: "latitude",
        PL_LONGITUDE: "longitude",
    }
    frame = pd.read_csv(path, sep="|", header=None, dtype=str, encoding="latin-1", usecols=sorted(columns))
    frame = frame.rename(columns=columns)
    return frame.loc[frame["level"] == BLOCK_LEVEL, ["block", "weight", "longitude", "latitude"]]


def _kept(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    block = frame["block"].astype(str).str.rsplit("US", n=1).str[-1].str.zfill(BLOCK_DIGITS)
    if not len(block) or not block.str.fullmatch(rf"\d{{{BLOCK_DIGITS}}}").all():
        raise InputError(f"{path} has no blocks, or an id that is not of {BLOCK_DIGITS} digits")
    if block.duplicated().any():
        raise InputError(f"block {block[block.duplicated()].iloc[0]} stands twice in {path}")
    found = pd.DataFrame({"block": block})
    for name in ("weight", "longitude", "latitude"):
        found[name] = pd.to_numeric(frame[name], errors="coerce")
    return found[(found["weight"] > 0) & found["longitude"].notna() & found["latitude"].notna()].reset_index(drop=True)
