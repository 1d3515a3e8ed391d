"""Linkage alone: one row per record, the same whatever the order, kept models, reasons that can be read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoscore.errors import InputError
from geoscore.link_files import link_files
from geoscore.linkage.evaluate import correct_union, score_pairs
from geoscore.linkage.explain import explain_link

STARTS = ("Al", "Be", "Ca", "Do", "El", "Fi", "Gu", "Ha")
FIRST = [f"{start}{end}" for start in STARTS for end in ("na", "bert", "rin", "mo", "vid")]
PLACES = ("Sto", "Ker", "Ban", "Lor", "Mil", "Tra")
LAST = [f"{start}{end}" for start in PLACES for end in ("nefield", "sey", "croft", "wick", "den")]


def people(n: int, seed: int) -> pd.DataFrame:
    """Return two persons a household at made-up addresses."""
    draw = np.random.default_rng(seed)
    home = np.repeat(np.arange(n), 2)
    last = draw.choice(LAST, n)[home]
    streets = np.array([f"{10 + i} Maple{i % 97} Street" for i in range(n)])
    frame = pd.DataFrame({"first_name": draw.choice(FIRST, 2 * n), "last_name": last, "street": streets[home]})
    frame["zip"] = np.array([f"94{100 + i % 60}" for i in range(n)])[home]
    frame["home"] = [f"t{i}" for i in home]
    return frame


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    frame = people(1500, 1)
    frame.insert(0, "id", [f"A{i}" for i in range(len(frame))])
    frame.to_csv(folder / "a.csv", index=False)
    other = frame.sample(1500, random_state=2).drop(columns="id")
    other["street"] = other["street"].str.replace("Street", "ST.").str.upper()
    other.loc[other.index[::9], "last_name"] = other["last_name"].str.replace("e", "ee", n=1)
    other.to_csv(folder / "b.csv", index=False)
    return folder / "a.csv", folder / "b.csv"


@pytest.mark.slow
def test_one_row_per_record_with_good_links_and_a_model_that_is_used_again(
    two_files: tuple[Path, Path], tmp_path: Path
) -> None:
    done = link_files(two_files, out=tmp_path / "o.parquet", truth="home")
    links = pd.read_parquet(done.out)
    assert list(links) == ["source", "row", "record_id", "person_id", "household_id", "match_probability"]
    assert links.groupby("source").size().to_dict() == {"a": 3000, "b": 1500}
    assert set(links.loc[links["source"] == "a", "record_id"].str[0]) == {"A"}
    assert links["match_probability"].between(0, 1).all()
    assert done.counts["trained"]
    assert done.scores["household"].f1 > 0.97
    assert done.corrected is not None
    assert done.corrected[0] == pytest.approx(1500, rel=0.03)
    again = link_files(two_files, out=tmp_path / "p.parquet", model=done.private / "model.json")
    assert not again.counts["trained"]
    assert pd.read_parquet(again.out)["household_id"].nunique() == pytest.approx(
        links["household_id"].nunique(), rel=0.02
    )


@pytest.mark.slow
def test_the_order_of_files_does_not_matter(two_files: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = (
        pd.read_parquet(link_files(files, out=tmp_path / f"{i}.parquet").out).sort_values(["source", "row"])
        for i, files in enumerate((two_files, two_files[::-1]))
    )
    assert one["household_id"].tolist() == other["household_id"].tolist()
    assert one["match_probability"].tolist() == other["match_probability"].tolist()


def test_a_file_linked_to_itself_is_the_identity(tmp_path: Path) -> None:
    people(40, 3).drop(columns="home").to_csv(tmp_path / "a.csv", index=False)
    links = pd.read_parquet(link_files([tmp_path / "a.csv"] * 2, out=tmp_path / "o.parquet").out)
    pair = links.pivot_table(index="row", columns="source", values="person_id", aggfunc="first")
    assert (pair["a"] == pair["a-2"]).all()


def test_a_link_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,name,street,zip\n1,Ann Lee,12 Oak St,94301\n2,Bo Diaz,9 Elm St,94110\n3,Anne Lee,12 Oak Street,94301\n"
    )
    done = link_files([tmp_path / "a.csv"], out=tmp_path / "o.parquet")
    found = explain_link(done.private, "1", "a:3")
    assert found.same_household
    assert found.same_person
    assert {item.comparison for item in found.evidence} >= {"address", "last_name", "first_name"}
    total = sum(item.bits for item in found.evidence)
    assert found.match_probability == pytest.approx(1 / (1 + 2**-total), abs=1e-4)
    assert not explain_link(done.private, "1", "2").same_household
    with pytest.raises(InputError, match="no record '7'"):
        explain_link(done.private, "1", "7")
    assert done.private.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_million_rows_of_one_value_are_refused_before_they_are_compared(tmp_path: Path) -> None:
    n = 12_000
    frame = pd.DataFrame(
        {"name": "Ann Lee", "street": "12 Oak St", "zip": "94301", "email": [f"a{i}@b.org" for i in range(n)]}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    done = link_files([tmp_path / "a.csv"], out=tmp_path / "o.parquet")
    refused = [rule for rule in done.counts["rules"] if "refused" in rule]
    assert f"same spot: {n * (n - 1) // 2:,} pairs, refused, it does not tell records apart" in refused


@pytest.mark.parametrize(
    ("text", "words"),
    [("zip,income\n94301,5\n", "no name, address or contact"), ("name,zip\n", "has a header but no row")],
)
def test_nothing_to_link_by(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        link_files([tmp_path / "a.csv"], out=tmp_path / "o.parquet")


def test_a_model_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,zip\nAnn Lee,94301\n")
    (tmp_path / "m.json").write_text(json.dumps({"geoscore_linkage_model": 99}))
    with pytest.raises(InputError, match="newer geoscore"):
        link_files([tmp_path / "a.csv"], out=tmp_path / "o.parquet", model=tmp_path / "m.json")
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(InputError, match="is no linkage model"):
        link_files([tmp_path / "a.csv"], out=tmp_path / "o.parquet", model=tmp_path / "m.json")


def test_scores_agree_with_pairs_counted_one_by_one() -> None:
    draw = np.random.default_rng(5)
    found, truth = pd.Series(draw.integers(0, 9, 60)), pd.Series(draw.integers(0, 9, 60).astype(object))
    truth[::7] = None
    known = [i for i in range(60) if truth[i] is not None]
    pairs = [(i, j) for i in known for j in known if i < j]
    both = sum(found[i] == found[j] and truth[i] == truth[j] for i, j in pairs)
    scores = score_pairs(found, truth)
    assert scores.pairs_both == both
    assert scores.pairs_found == sum(found[i] == found[j] for i, j in pairs)
    assert scores.pairs_true == sum(truth[i] == truth[j] for i, j in pairs)


def test_the_union_is_corrected_by_a_sample() -> None:
    truth = pd.Series(np.repeat(np.arange(1000), 3).astype(object))
    found = truth.astype(str).where(np.arange(3000) % 10 != 0, "lost" + pd.Series(np.arange(3000)).astype(str))
    sample = truth.where(truth.astype(int) < 300, None)
    estimate, error = correct_union(found, sample)
    assert abs(estimate - 1000) < 3 * error + 20
