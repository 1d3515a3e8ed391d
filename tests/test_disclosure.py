"""Published rows are disjoint groups of at least k households, and nobody is lost on the way."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoscore.disclosure import protect_rows, protect_surface
from geoscore.errors import PolicyError
from geoscore.surface_format import Figures, figures, surface_table

ROW = st.tuples(st.integers(1, 60), st.sampled_from(["94301", "94303", "94110", None]), st.floats(0.1, 40))
COUNTIES = {"94301": "06085", "94303": "06085", "94110": "06075", None: "06081"}


def surface(rows: list[tuple[int, str | None, float]]) -> pa.Table:
    unique = {(cell, code): households for cell, code, households in rows}
    keys = pd.DataFrame(
        {
            "cell": pd.array([cell for cell, _ in unique], "UInt64"),
            "zip": [code for _, code in unique],
            "county": [COUNTIES[code] for _, code in unique],
        }
    )
    households = np.array(list(unique.values()))
    at_least = households[:, None] * np.linspace(1, 0, 25)[None, :]
    return surface_table(keys, Figures.apart(households, at_least, at_least / 2))


@settings(max_examples=300, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_every_shown_row_holds_at_least_k_and_all_together_hold_everybody(rows: list) -> None:
    raw = surface(rows)
    total = figures(raw).households.sum()
    if total < 10:
        with pytest.raises(PolicyError):
            protect_surface(raw, k=10)
        return
    published = protect_surface(raw, k=10).table
    shown = published.filter(pc.invert(published["suppressed"]))
    assert min(shown["households"].to_pylist()) >= 9.95
    assert figures(shown).households.sum() == pytest.approx(total, abs=0.05 * len(shown) + 1e-6)
    rows_alone = figures(protect_rows(raw, k=10))
    assert rows_alone.at_least.sum() == pytest.approx(figures(raw).at_least.sum(), abs=0.05 * 25 * len(shown) + 1e-6)
    at_least = figures(shown).at_least
    assert (at_least <= figures(shown).households[:, None] + 1e-9).all()
    assert (np.diff(at_least, axis=1) <= 1e-9).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=3, max_size=30), st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list, random) -> None:
    raw = surface(rows)
    if figures(raw).households.sum() < 10:
        return
    order = list(range(raw.num_rows))
    random.shuffle(order)
    one, other = (protect_surface(table, k=10).table.to_pylist() for table in (raw, raw.take(order)))
    assert one == other


def test_a_small_rest_takes_the_smallest_shown_row_with_it() -> None:
    published = protect_surface(surface([(1, "94301", 50.0), (2, "94301", 12.0), (3, "94301", 4.0)]), k=10).table
    rows = {row["cell"]: row for row in published.to_pylist()}
    assert rows[1]["households"] == 50.0
    assert rows[2]["suppressed"]
    assert rows[3]["suppressed"]
    assert (rows[None]["zip"], rows[None]["households"], rows[None]["counted_in"]) == ("94301", 16.0, "zip")


def test_a_zip_too_small_is_counted_in_its_county() -> None:
    published = protect_surface(surface([(1, "94301", 50.0), (2, "94303", 4.0), (4, "94303", 3.0)]), k=10).table
    by_place = {
        (row["counted_in"], row["zip"]): row["households"] for row in published.to_pylist() if not row["suppressed"]
    }
    assert by_place == {("county", None): 57.0}


def test_subtraction_tells_no_fewer_than_k() -> None:
    """A naive threshold would show 3 cells of 4 and the ZIP's total, and so the fourth."""
    rows = [(1, "94301", 30.0), (2, "94301", 25.0), (3, "94301", 11.0), (4, "94301", 2.0)]
    published = protect_surface(surface(rows), k=10).table.to_pylist()
    total = sum(row["households"] for row in published if not row["suppressed"])
    shown_in_cells = sum(row["households"] for row in published if row["counted_in"] == "cell")
    assert total - shown_in_cells == pytest.approx(13.0)


def test_a_region_of_hardly_k_is_one_row_without_marks() -> None:
    published = protect_surface(surface([(1, "94301", 1.0), (1, "94303", 9.0)]), k=10).table
    assert published["households"].to_pylist() == [10.0]
    assert published["counted_in"].to_pylist() == ["region"]
