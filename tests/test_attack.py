"""The attacker fails against what is published, and would succeed against a naive threshold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import NOTE
from typer.testing import CliRunner

from geoscore.attack import Fact, attack, attack_surfaces, bound
from geoscore.cli.main import app
from geoscore.disclosure import protect_rows, protect_surface, read_protection
from geoscore.schemas import SurfaceNote
from geoscore.surface_format import Figures, figures, surface_table, write_surface
from geoscore.surfaces import roll_up

Surfaces = list[tuple[pa.Table, SurfaceNote]]
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


def published(seed: int, resolution: int = 8) -> tuple[pa.Table, SurfaceNote]:
    protected = protect_surface(roll_up(tree(seed), resolution=resolution), k=10)
    return protected.table, replace(NOTE, resolution=resolution, protection=protected.protection)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_found_in_a_published_surface(seed: int) -> None:
    for resolution in (8, 7):
        table, note = published(seed, resolution)
        found = attack_surfaces([(table, note)])
        assert found.hidden > 0 or resolution == 7
        assert found.bands > 0
        assert found.safe(), found.found
        # every figure is a plain sum of what is published
        assert figures(table).households.sum() == pytest.approx(figures(tree(seed)).households.sum(), abs=5)


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


def two_levels(seed: int) -> Surfaces:
    """Return two surfaces of one list that were protected each by itself."""
    return [published(seed, resolution) for resolution in (8, 7)]


def test_two_surfaces_that_were_protected_apart_are_found_out() -> None:
    apart = two_levels(0)
    assert attack([table for table, _ in apart], k=10).exact > 0
    assert "protected apart" in " ".join(attack_surfaces(apart).found)
    # the coarser one made of the published finer one gives nothing away
    fine, note = published(0)
    assert attack_surfaces([(fine, note), (roll_up(fine, resolution=7), note)]).safe()


def test_rows_of_k_alone_do_not_protect_bands() -> None:
    found = attack_surfaces([(protect_rows(tree(1), k=10), NOTE)])
    assert found.exact > 100
    assert any("households in a band above $" in line for line in found.found)


@pytest.mark.parametrize("seed", range(6))
def test_linear_programs_bound_no_band_below_k(seed: int) -> None:
    """Unknown are the households of every block and piece of a group; known the blocks' groups and the stretches."""
    protection = read_protection(published(seed)[1].protection)
    pieces: list[tuple[int, int, int]] = []  # block, group's lowest band, piece's lowest band
    facts: dict[tuple[Any, ...], tuple[float, list[int]]] = {}
    for number, block in enumerate(protection.blocks):
        ends = [*(band for band, _ in block.told[1:]), 26]
        for (low, held), end in zip(block.told, ends, strict=True):
            stretch = next((one for one in protection.stretches if (one.low, one.high) == (low, end - 1)), None)
            group = facts.setdefault(("group", number, low), (held, []))
            for piece, part in stretch.told if stretch else ((low, held),):
                if not held or not part:
                    continue  # nobody is there, and that may be known
                group[1].append(len(pieces))
                if stretch:
                    facts.setdefault(("stretch", low, end, piece), (part, []))[1].append(len(pieces))
                pieces.append((number, low, piece))
    none = pd.array([None] * len(pieces), "UInt64")
    pairs = pd.DataFrame({"cell": none, "zip": [str(piece) for piece in pieces], "county": "", "marked": True})
    # a tenth for every rounded count of a block that a stretch is the sum of
    known = [Fact(np.array(at), held - 0.05 * len(at), held + 0.05 * len(at)) for held, at in facts.values() if at]
    assert known
    assert bound(pairs, known, k=10, floor=0.0).below == 0


def test_the_command_ends_by_what_it_finds(tmp_path: Path) -> None:
    runner = CliRunner()
    write_surface(*published(1), tmp_path / "surface.parquet")
    done = runner.invoke(app, ["attack", str(tmp_path)])
    assert done.exit_code == 0
    assert "no group of fewer than 10 households can be worked out" in done.output
    for i, (table, note) in enumerate(two_levels(0)):
        write_surface(table, note, tmp_path / "both" / f"{i}.parquet")
    assert runner.invoke(app, ["attack", str(tmp_path / "both")]).exit_code != 0
    (tmp_path / "empty").mkdir()
    assert "there is no surface" in str(runner.invoke(app, ["attack", str(tmp_path / "empty")]).exception)
