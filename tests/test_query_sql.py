"""A query says what SQL over the file says, for any area and threshold."""

from pathlib import Path

import duckdb
import h3
import numpy as np
import pandas as pd
import pytest
from conftest import NOTE

from geoscore.disclosure import protect_surface
from geoscore.query import open_surface
from geoscore.schemas import LADDER
from geoscore.surface_format import Figures, surface_table, write_surface

TOP = h3.latlng_to_cell(37.4, -122.1, 5)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    cells = sorted(h3.str_to_int(cell) for cell in h3.cell_to_children(TOP, 8))
    n = len(cells)
    zips = rng.choice([f"943{i:02d}" for i in range(20)], n)
    keys = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": zips, "county": "06085"})
    households = rng.gamma(1.5, 40.0, n)
    at_least = households[:, None] * np.sort(rng.random((n, 25)), axis=1)[:, ::-1]
    file = tmp_path_factory.mktemp("sql") / "surface.parquet"
    raw = surface_table(keys, Figures.apart(households, at_least, at_least / 3))
    write_surface(protect_surface(raw, k=10).table, NOTE, file)
    return file


def sql_at(threshold: float) -> str:
    """Return the expression that reads a threshold from the rungs around it, linear in its logarithm."""
    upper = min(int(np.searchsorted(LADDER, threshold, side="right")), len(LADDER) - 1)
    low, high = np.log(LADDER[upper - 1]), np.log(LADDER[upper])
    share = float((np.log(threshold) - low) / (high - low))
    return f"sum({1 - share!r} * at_least[{upper}] + {share!r} * at_least[{upper + 1}])"


@pytest.mark.slow
def test_a_thousand_random_questions(path: Path) -> None:
    surface = open_surface(path)
    rng = np.random.default_rng(1)
    base = f"FROM '{path}' WHERE NOT suppressed AND"
    zips = sorted({code for code in surface.table["zip"].to_pylist() if code})
    cells = [cell for cell in surface.table["cell"].to_pylist() if cell]
    shown = set(surface.table.filter(surface.table["households"].is_valid())["cell"].to_pylist())
    connection = duckdb.connect()
    for _ in range(1000):
        threshold = float(np.exp(rng.uniform(np.log(50), np.log(1e6))))
        if rng.random() < 0.5:
            some = sorted(set(rng.choice(zips, rng.integers(1, 4))))
            asked, where = {"zip": some}, "zip IN (" + ", ".join(f"'{code}'" for code in some) + ")"
        else:
            cell = int(rng.choice(np.array(cells, dtype=np.uint64)))
            parent = h3.cell_to_parent(h3.int_to_str(cell), int(rng.integers(5, 9)))
            children = {h3.str_to_int(child) for child in h3.cell_to_children(parent, 8)} & shown
            if not children:
                continue
            asked, where = {"cell": parent}, "cell IN (" + ", ".join(map(str, children)) + ")"
        answer = surface.query(**asked, capacity=threshold)
        by_hand = connection.sql(f"SELECT sum(households), {sql_at(threshold)} {base} {where}").fetchall()[0]
        assert (answer.households, answer.estimate) == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
        assert answer.low <= answer.estimate <= answer.high
        band = surface.query(**asked, capacity=(50.0, threshold)) if threshold > 51 else None
        if band:
            whole = surface.query(**asked, capacity=50.0)
            assert band.estimate == pytest.approx(whole.estimate - answer.estimate, abs=1e-9)


def test_the_first_format_is_read(path: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    meta = dict(table.schema.metadata)
    meta[b"geoscore"] = meta[b"geoscore"].replace(b'"format_version": 2', b'"format_version": 1')
    variance = [None if item is None else item[1:] for item in table["variance"].to_pylist()]
    old = table.drop_columns(["zip_covariance", "county_covariance"])
    old = old.set_column(old.schema.get_field_index("variance"), "variance", [variance])
    place = [None if item is None else 0.25 for item in table["households"].to_pylist()]
    old = old.append_column("place_variance", [place]).replace_schema_metadata(meta)
    pq.write_table(old, tmp_path / "old.parquet")
    one, two = open_surface(tmp_path / "old.parquet"), open_surface(path)
    assert one.query(zip="94301").estimate == two.query(zip="94301").estimate
    assert one.figures.variance[:, 0].max() == 0.25
    cell = int(next(iter(cell for cell, n in zip(table["cell"].to_pylist(), place, strict=True) if cell and n)))
    assert one.query(cell=cell).high >= two.query(cell=cell).high
