"""The made-up households as a buyer of lists would get them: four files, overlapping, with faults, and the truth.

A voter file (CSV), a property roll (Parquet), a subscriber list (JSON lines) and past donors (XLSX).
"""

import json
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.reference.synth_names import INCOME_BANDS, SUFFIXES
from geoscore.reference.synth_workbook import Sheet

Bools = npt.NDArray[np.bool_]
SHARES: Final = {"voters": 0.42, "property": 0.62, "subscribers": 0.30, "donors": 0.13}
TWICE: Final = 0.03
FAULTY: Final = 0.01
TYPOS: Final = 0.03
ZIP_ONLY: Final = 0.40
IN_COUNTY_LIST: Final = 0.9
ADDRESSES: Final = "addresses.csv"
MOST_SHEET_ROWS: Final = 1_048_575
_KINDS: Final = {
    **dict.fromkeys(("longitude", "latitude", "income_usd", "home_value_usd", "age", "largest_gift_usd"), pa.float64()),
    **dict.fromkeys(("ASSESSED_VALUE", "LONGITUDE", "LATITUDE"), pa.float64()),
    **dict.fromkeys(("number", "suffix", "row", "YEAR_BUILT"), pa.int64()),
}
"""Types of the columns of numbers; all others hold text. A first chunk without rows cannot tell."""
DONOR_COLUMNS: Final = ("Constituent ID", "First Name", "Last Name", "Address", "City", "State", "Zip", "Email",
                        "Estimated Income", "Largest Gift", "Last Gift Date")  # fmt: skip


class Files:
    """The four files and the truth, being written chunk by chunk."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.rows: dict[str, int] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._chunk = 0
        self._donors = Sheet(DONOR_COLUMNS)
        for name in ("voters.csv", "subscribers.jsonl", ADDRESSES):
            (out / name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every file."""
        for writer in self._writers.values():
            writer.close()
        with self._donors:
            if kind is None:
                self._donors.save(self._out / "donors.xlsx")

    def add(self, homes: pd.DataFrame, chance: np.random.Generator) -> None:
        """Write what each file knows of a chunk of households."""
        self._parquet("truth.parquet", homes)
        for source, make in (
            ("voters", _voters),
            ("property", _property),
            ("subscribers", _subscribers),
            ("donors", _donors),
        ):
            rows, notes = _spoiled(make(_listed(homes, source, chance), chance), source, chance)
            owners = rows.pop("household_id")
            if self._chunk:  # ids are drawn anew for every chunk; this keeps those of later ones apart
                rows[rows.columns[0]] = [f"{value}-{self._chunk}" for value in rows.iloc[:, 0]]
            first = self.rows.get(_FILES[source], 0) + 1
            if source == "donors" and first + len(rows) > MOST_SHEET_ROWS:
                kept = max(0, MOST_SHEET_ROWS - first + 1)
                rows, owners, notes = rows[:kept], owners[:kept], notes[:kept]
            self._write(source, rows)
            links = {
                "source": source,
                "row": np.arange(first, first + len(rows)),
                "record_id": rows.iloc[:, 0].to_numpy(),
                "household_id": owners.to_numpy(),
                "note": notes,
            }
            self._parquet("truth_links.parquet", pd.DataFrame(links))
        self._address_points(homes, chance)
        self._chunk += 1

    def _address_points(self, homes: pd.DataFrame, chance: np.random.Generator) -> None:
        """Write the county's list of address points, which lacks some buildings, as OpenAddresses lays it out."""
        known = homes[chance.random(len(homes)) < IN_COUNTY_LIST].drop_duplicates(["street", "zip"])
        rows = pd.DataFrame(
            {
                "LON": known["longitude"], "LAT": known["latitude"], "NUMBER": known["number"],
                "STREET": known["street"].str.split(" ", n=1).str[1], "UNIT": "", "CITY": known["city"],
                "DISTRICT": "", "REGION": "CA", "POSTCODE": known["zip"], "ID": "", "HASH": "",
            }
        ).sort_values(["POSTCODE", "STREET", "NUMBER"], kind="stable")  # fmt: skip
        rows.to_csv(self._out / ADDRESSES, mode="a", header=not self._chunk, index=False, lineterminator="\n")
        self.rows[ADDRESSES] = self.rows.get(ADDRESSES, 0) + len(rows)

    def _write(self, source: str, rows: pd.DataFrame) -> None:
        name = _FILES[source]
        if source == "property":
            self._parquet(name, rows)
            return
        self.rows[name] = self.rows.get(name, 0) + len(rows)
        if source == "voters":
            first = not (self._out / name).exists()
            rows.to_csv(self._out / name, mode="a", header=first, index=False, lineterminator="\n")
        elif source == "subscribers":
            with (self._out / name).open("a", encoding="utf-8") as file:
                for row in rows.to_dict("records"):
                    known = {key: value for key, value in row.items() if not pd.isna(value)}
                    file.write(json.dumps(known, ensure_ascii=False) + "\n")
        else:
            self._donors.add(rows.itertuples(index=False, name=None))

    def _parquet(self, name: str, rows: pd.DataFrame) -> None:
        if name not in self._writers:
            schema = pa.schema([(column, _KINDS.get(column, pa.large_string())) for column in rows.columns])
            self._writers[name] = pq.ParquetWriter(self._out / name, schema, compression="zstd")
        writer = self._writers[name]
        writer.write_table(
            pa.Table.from_pandas(rows, schema=writer.schema, preserve_index=False).replace_schema_metadata()
        )
        self.rows[name] = self.rows.get(name, 0) + len(rows)


_FILES: Final = {
    "voters": "voters.csv",
    "property": "property.parquet",
    "subscribers": "subscribers.jsonl",
    "donors": "donors.xlsx",
}


def _listed(homes: pd.DataFrame, source: str, chance: np.random.Generator) -> pd.DataFrame:
    """Draw the households that a file lists, some of them twice, in an order of its own."""
    known = homes[homes["tenure"] == "owner"] if source == "property" else homes
    known = known[known["largest_gift_usd"].notna()] if source == "donors" else known
    base = SHARES[source] if source != "donors" else min(1.0, SHARES["donors"] / 0.15)
    rows = np.flatnonzero(chance.random(len(known)) < base)
    again = rows[chance.random(len(rows)) < TWICE]
    return known.iloc[chance.permutation(np.concatenate([rows, again]))].reset_index(drop=True)


def _voters(homes: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    second = homes[homes["first_2"].notna()].assign(first_1=lambda h: h["first_2"], last_1=lambda h: h["last_2"])
    adults = pd.concat([homes, second], ignore_index=True)
    adults = adults.iloc[chance.permutation(len(adults))].reset_index(drop=True)
    n = len(adults)
    plus = pd.Series([f"-{value:04d}" for value in chance.integers(1000, 9999, n)])
    return pd.DataFrame(
        {
            "VOTER_ID": _ids("V", n, chance),
            "LAST_NAME": _typos(adults["last_1"].str.upper(), chance),
            "FIRST_NAME": _typos(adults["first_1"].str.upper(), chance),
            "RES_ADDRESS": _typos(_street(adults, chance, short=0.8).str.upper(), chance),
            "RES_UNIT": adults["unit"].where(chance.random(n) > 0.05),  # noqa: PLR2004  forgotten units
            "RES_CITY": adults["city"].str.upper(),
            "RES_STATE": "CA",
            "RES_ZIP": adults["zip"] + plus.where(chance.random(n) < 0.2, ""),  # noqa: PLR2004
            "BIRTH_YEAR": 2026 - (adults["age"] + chance.integers(-3, 4, n)).astype(int),
            "REG_DATE": _dates(n, chance, 1990, 2025),
            "PHONE": adults["phone"].where(chance.random(n) < 0.4),  # noqa: PLR2004
            "household_id": adults["household_id"],
        }
    )


def _property(homes: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    n = len(homes)
    couple = homes["first_2"].notna() & (homes["last_1"] == homes["last_2"])
    owner = homes["last_1"] + " " + homes["first_1"]
    both = homes["last_1"] + ", " + homes["first_1"] + " & " + homes["first_2"].fillna("")
    return pd.DataFrame(
        {
            "APN": _ids("", n, chance),
            "SITUS_ADDR": _street(homes, chance, short=1.0).str.upper(),
            "SITUS_UNIT": homes["unit"],
            "SITUS_CITY": homes["city"].str.upper(),
            "SITUS_ZIP": homes["zip"],
            "OWNER_NAME": both.where(couple, owner.str.replace(" ", ", ", n=1)).str.upper(),
            "ASSESSED_VALUE": (homes["home_value_usd"] * chance.uniform(0.55, 1.0, n)).round(-3),
            "LONGITUDE": homes["longitude"],
            "LATITUDE": homes["latitude"],
            "YEAR_BUILT": chance.integers(1900, 2024, n),
            "household_id": homes["household_id"],
        }
    )


def _subscribers(homes: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    n = len(homes)
    bands = np.array(INCOME_BANDS)
    at = np.searchsorted(bands, homes["income_usd"], side="right") - 1
    words = [f"${low:,}-${high - 1:,}" for low, high in pairwise(bands)]
    words = ["Under $25,000", *words[1:], f"${bands[-1]:,}+"]
    name = homes["first_1"] + " " + homes["last_1"]
    address = _street(homes, chance, short=0.5) + (", Apt " + homes["unit"]).fillna("")
    return pd.DataFrame(
        {
            "id": _ids("S", n, chance),
            "name": _typos(name, chance),
            "email": homes["email"].where(chance.random(n) < 0.9),  # noqa: PLR2004
            "zip": homes["zip"],
            "address": address.where(chance.random(n) >= ZIP_ONLY),
            "income_band": pd.Series(np.array(words, dtype=object)[at]).where(chance.random(n) < 0.5),  # noqa: PLR2004
            "since": _dates(n, chance, 2010, 2025),
            "household_id": homes["household_id"],
        }
    )


def _donors(homes: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    n = len(homes)
    noisy = (homes["income_usd"] * np.exp(chance.normal(0, 0.15, n))).round(-3)
    address = _street(homes, chance, short=0.4) + (" #" + homes["unit"]).fillna("")
    return pd.DataFrame(
        {
            "Constituent ID": _ids("C", n, chance),
            "First Name": _typos(homes["first_1"], chance),
            "Last Name": _typos(homes["last_1"], chance),
            "Address": _typos(address, chance).where(chance.random(n) > 0.15),  # noqa: PLR2004
            "City": homes["city"],
            "State": "CA",
            "Zip": homes["zip"],
            "Email": homes["email"].where(chance.random(n) < 0.75),  # noqa: PLR2004
            "Estimated Income": noisy.where(chance.random(n) < 0.6),  # noqa: PLR2004
            "Largest Gift": homes["largest_gift_usd"],
            "Last Gift Date": _dates(n, chance, 2019, 2026),
            "household_id": homes["household_id"],
        }
    )


def _ids(letter: str, n: int, chance: np.random.Generator) -> list[str]:
    """Return n ids in no telling order, none twice."""
    start = int(chance.integers(10_000_000, 80_000_000))
    return [f"{letter}{start + 7 * int(value)}" for value in chance.permutation(n)]


def _dates(n: int, chance: np.random.Generator, first: int, last: int) -> list[str]:
    years, months, days = chance.integers(first, last, n), chance.integers(1, 13, n), chance.integers(1, 29, n)
    return [f"{y}-{m:02d}-{d:02d}" for y, m, d in zip(years, months, days, strict=True)]


def _street(homes: pd.DataFrame, chance: np.random.Generator, *, short: float) -> pd.Series:
    """Return street lines, with the suffix abbreviated in a share of them."""
    short_forms = np.array([form for _, form in SUFFIXES], dtype=object)[homes["suffix"]]
    brief = homes["number"].astype(str) + " " + homes["street_name"] + " " + short_forms
    return homes["street"].where(chance.random(len(homes)) >= short, brief)


def _typos(values: pd.Series, chance: np.random.Generator) -> pd.Series:
    """Exchange two neighboring letters in a few values."""
    hit = np.flatnonzero(chance.random(len(values)) < TYPOS)
    at = chance.random(len(hit))
    changed = values.copy()
    for row, share in zip(hit, at, strict=True):
        text = values.iloc[int(row)]
        letters = [i for i in range(len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
        if letters:
            i = letters[int(share * len(letters))]
            changed.iloc[int(row)] = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return changed


_ZIP_COLUMN: Final = {"voters": "RES_ZIP", "property": "SITUS_ZIP", "subscribers": "zip", "donors": "Zip"}


def _spoiled(rows: pd.DataFrame, source: str, chance: np.random.Generator) -> tuple[pd.DataFrame, list[str | None]]:
    """Make about one row in a hundred wrong on purpose, and say of each how."""
    notes: list[str | None] = [None] * len(rows)
    column = _ZIP_COLUMN[source]
    kinds = ["not a ZIP code", "ZIP outside the region"]
    kinds += {"property": ["coordinates swapped", "in the sea"], "donors": ["negative income"]}.get(source, [])
    for row in np.flatnonzero(chance.random(len(rows)) < FAULTY):
        kind = kinds[int(chance.integers(len(kinds)))]
        notes[row] = kind
        if kind == "not a ZIP code":
            rows.loc[row, column] = "ABCDE"
        elif kind == "ZIP outside the region":
            rows.loc[row, column] = "10001"
        elif kind == "coordinates swapped":
            rows.loc[row, ["LONGITUDE", "LATITUDE"]] = tuple(rows.loc[row, ["LATITUDE", "LONGITUDE"]])
        elif kind == "in the sea":
            rows.loc[row, ["LONGITUDE", "LATITUDE"]] = (-123.6, 37.2)
        else:
            rows.loc[row, "Estimated Income"] = -5000.0
    return rows, notes
