"""A surface that follows a group says so, and one that does not is not accused."""

from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from geoscore.audit import _audit, _chosen
from geoscore.cli.main import app


def cells(rng: np.random.Generator, n: int = 800) -> pd.DataFrame:
    top = h3.latlng_to_cell(37.4, -122.1, 4)
    names = sorted(h3.cell_to_children(top, 8))[:n]
    score = rng.uniform(0.1, 0.8, n)
    people = rng.uniform(500, 2000, n)
    return pd.DataFrame(
        {
            "cell": pd.array([h3.str_to_int(name) for name in names], "UInt64"),
            "households": people / 2.5,
            "score": score,
            "people": people,
            "B03002_012": people * np.clip(0.6 - 0.6 * score + rng.normal(0, 0.02, n), 0.01, 0.9),
            "B03002_006": people * rng.uniform(0.2, 0.3, n),
        }
    )


def test_a_group_that_the_score_follows_is_flagged_and_another_is_not() -> None:
    frame = cells(np.random.default_rng(0))
    chosen = _chosen(frame)
    assert 0.19 < frame.loc[chosen, "households"].sum() / frame["households"].sum() < 0.21
    assert frame.loc[chosen, "score"].min() >= frame.loc[~chosen, "score"].max()
    rates = {name: frame.loc[chosen, name].sum() / frame[name].sum() for name in ("B03002_012", "B03002_006")}
    tied = _audit(frame, "B03002_012", rates["B03002_012"], max(rates.values()))
    free = _audit(frame, "B03002_006", rates["B03002_006"], max(rates.values()))
    assert tied.correlation < -0.9
    assert tied.explained > 0.8
    assert tied.ratio < 0.6
    assert len(tied.flags) == 3
    assert free.flags == ()
    assert abs(free.explained) < 0.1


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("GEOID,B19001_001E\n060850001001,1\n")
    args = ["audit", str(tmp_path / "no.parquet"), "--table", str(tmp_path / "t.csv"), "--project", str(tmp_path / "p")]
    assert "there is no surface" in str(CliRunner().invoke(app, args).exception)
    done = CliRunner().invoke(app, [*args, "--capacity", "x"])
    assert "is no threshold" in str(done.exception)


@pytest.mark.parametrize("text", ["B03002", "four fifths"])
def test_the_audit_is_told_in_the_documents(text: str) -> None:
    assert text in (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()
