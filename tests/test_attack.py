"""The attacker fails against what is published, and would succeed against a naive threshold."""

from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import NOTE
from typer.testing import CliRunner

from geoscore.attack import Fact, attack, bound
from geoscore.cli.commands import app
from geoscore.disclosure import protect_surface
from geoscore.surface_format import Figures, figures, surface_table, write_surface
from geoscore.surfaces import roll_up

TOP = h3.latlng_to_cell(37.4, -122.1, 6)


def tree(seed: int) -> pa.Table:
    """Return a made-up surface at resolution 8: few households in many cells, in three ZIPs of two counties."""
    rng = np.random.default_rng(seed)
    cells = sorted(h3.str_to_int(cell) for cell in h3.cell_to_children(TOP, 8))
    zips = rng.choice(["94301", "94303", "94110"], len(cells), p=[0.5, 0.3, 0.2])
    county = np.where(zips == "94110", "06075", "06085")
    households = np.round(rng.gamma(0.6, 14.0, len(cells)), 3)
    keys = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": zips, "county": county})[households > 0]
    households = households[households > 0]
    at_least = households[:, None] * np.linspace(1, 0, 25)
    return surface_table(keys, Figures.apart(households, at_least, at_least / 2))


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_found_in_a_published_surface(seed: int) -> None:
    for resolution in (8, 7):
        published = protect_surface(roll_up(tree(seed), resolution=resolution), k=10)
        found = attack([published], k=10)
        assert found.hidden > 0 or resolution == 7
        assert found.safe(), found.found
        # every figure is a plain sum of what is published
        assert figures(published).households.sum() == pytest.approx(figures(tree(seed)).households.sum(), abs=5)


def test_a_naive_threshold_gives_people_away() -> None:
    lost = 0
    for seed in range(20):
        raw = tree(seed)
        households = figures(raw).households
        keys = raw.select(["cell", "zip", "county"]).to_pandas()
        pairs = keys.assign(cell=pd.array(raw["cell"].to_pylist(), "UInt64"), marked=True)
        parents = [h3.cell_to_parent(h3.int_to_str(cell), 7) for cell in raw["cell"].to_pylist()]
        facts = [Fact(np.array([i]), n, n) for i, n in enumerate(households) if n >= 10]
        for labels in (keys["zip"], pd.Series(parents)):  # totals of ZIPs and parents, beside the cells
            for members in labels.groupby(labels).indices.values():
                total = households[members].sum()
                facts.append(Fact(np.asarray(members), total, total))
        lost += bound(pairs, facts, k=10).below
    assert lost > 0


def two_levels(seed: int) -> list[pa.Table]:
    """Return two surfaces of one list that were protected each by itself."""
    return [protect_surface(roll_up(tree(seed), resolution=resolution), k=10) for resolution in (8, 7)]


def test_two_surfaces_that_were_protected_apart_are_found_out() -> None:
    assert attack(two_levels(0), k=10).exact > 0
    # the coarser one made of the published finer one gives nothing away
    published = protect_surface(tree(0), k=10)
    assert attack([published, roll_up(published, resolution=7)], k=10).safe()


def test_the_command_ends_by_what_it_finds(tmp_path: Path) -> None:
    runner = CliRunner()
    raw = tree(1)
    write_surface(protect_surface(raw, k=10), NOTE, tmp_path / "surface.parquet")
    done = runner.invoke(app, ["attack", str(tmp_path)])
    assert done.exit_code == 0
    assert "no group of fewer than 10 households can be worked out" in done.output
    for i, table in enumerate(two_levels(0)):
        write_surface(table, NOTE, tmp_path / "both" / f"{i}.parquet")
    assert runner.invoke(app, ["attack", str(tmp_path / "both")]).exit_code != 0
    (tmp_path / "empty").mkdir()
    assert "there is no surface" in str(runner.invoke(app, ["attack", str(tmp_path / "empty")]).exception)
