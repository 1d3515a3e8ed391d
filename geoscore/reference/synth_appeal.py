"""A made-up appeal: who of the made-up households was asked by letter, what was known of them, who gave and how much.

Drawn by a chance of its own, so that the other made-up files stay what they are.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.reference.synth_names import SUFFIXES

Floats = npt.NDArray[np.float64]
ASKED: Final = 0.25
"""Share of the households that were asked."""
MAILED: Final = np.datetime64("2026-03-02")
ROUND: Final = np.array([10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 500, 750, 1000, 1500, 2500], float)
"""Amounts that people give."""
APPEAL: Final = pa.schema(
    [
        ("Constituent", pa.string()),
        ("First Name", pa.string()),
        ("Last Name", pa.string()),
        ("Address", pa.string()),
        ("City", pa.string()),
        ("Zip", pa.string()),
        ("Gifts Before", pa.int64()),
        ("Last Gift", pa.float64()),
        ("Last Gift Date", pa.date32()),
        ("Letters Before", pa.int64()),
        ("Volunteer", pa.string()),
        ("Gave", pa.string()),
        ("Gift", pa.float64()),
        ("Thanked", pa.date32()),  # written after the gift: it knows the answer
    ]
)


def make_appeal(homes: pd.DataFrame, chance: np.random.Generator) -> pa.Table:
    """Draw who was asked, and what came of it.

    Parameters
    ----------
    homes
        Households as ``make_households`` gives them.
    chance
        What draws.

    Returns
    -------
    Table of schema ``APPEAL``
    """
    asked = homes[chance.random(len(homes)) < ASKED].reset_index(drop=True)
    n = len(asked)
    rank = asked["income_usd"].rank(pct=True).to_numpy()
    largest = asked["largest_gift_usd"].to_numpy()
    gave_before = ~np.isnan(largest)
    gifts = np.where(gave_before, 1 + chance.poisson(1.5, n), 0)
    last = np.where(gave_before, _rounded(largest * chance.uniform(0.4, 1.0, n)), np.nan)
    days = np.where(gave_before, chance.gamma(1.6, 260.0, n).round(), 0).astype(int) + 20
    letters = chance.poisson(4 + 3 * gave_before)
    volunteer = chance.random(n) < 0.08  # noqa: PLR2004
    odds = -2.9 + 1.1 * rank + 0.9 * gave_before + 0.35 * np.log1p(gifts) - 0.0016 * days * gave_before
    odds = odds + 1.0 * volunteer - 0.03 * letters + 0.012 * (asked["age"].to_numpy() - 50.0)
    gave = chance.random(n) < 1.0 / (1.0 + np.exp(-odds))
    usual = np.where(gave_before, np.log(np.nan_to_num(last, nan=1.0)), np.log(0.0005 * asked["income_usd"].to_numpy()))
    gift = _rounded(np.exp(0.8 * usual + 0.8 + chance.normal(0, 0.55, n)))
    mailed = np.full(n, MAILED)
    short = np.array([form for _, form in SUFFIXES], dtype=object)[asked["suffix"]]
    unit = (" #" + asked["unit"]).fillna("")
    columns = {
        "Constituent": [f"A{value}" for value in 300_000 + chance.permutation(n)],
        "First Name": asked["first_1"],
        "Last Name": asked["last_1"],
        "Address": asked["number"].astype(str) + " " + asked["street_name"] + " " + short + unit,
        "City": asked["city"],
        "Zip": asked["zip"],
        "Gifts Before": gifts,
        "Last Gift": last,
        "Last Gift Date": pd.Series(mailed - days.astype("timedelta64[D]")).where(gave_before),
        "Letters Before": letters,
        "Volunteer": np.where(volunteer, "yes", "no"),
        "Gave": np.where(gave, "yes", "no"),
        "Gift": np.where(gave, gift, np.nan),
        "Thanked": pd.Series(mailed + chance.integers(6, 60, n).astype("timedelta64[D]")).where(gave),
    }
    table = pa.Table.from_pandas(pd.DataFrame(columns), schema=APPEAL, preserve_index=False)
    return table.take(pa.array(chance.permutation(n))).replace_schema_metadata()


def _rounded(usd: Floats) -> Floats:
    """Return amounts as people give them: the nearest round one."""
    nearest = np.abs(np.log(ROUND)[None, :] - np.log(np.clip(np.nan_to_num(usd, nan=1.0), 8, 2500))[:, None])
    found: Floats = ROUND[nearest.argmin(axis=1)]
    return found


class Appeal:
    """The file of the appeal, being written chunk by chunk."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, APPEAL, compression="zstd")
        self.rows = 0

    def add(self, homes: pd.DataFrame, chance: np.random.Generator) -> None:
        """Write what became of a chunk of households."""
        table = make_appeal(homes, chance)
        if self.rows:  # numbers are drawn anew for every chunk; this keeps those of later ones apart
            apart = pa.array([f"{value.as_py()}-{self.rows}" for value in table["Constituent"]])
            table = table.set_column(0, "Constituent", apart)
        self._writer.write_table(table)
        self.rows += table.num_rows

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
