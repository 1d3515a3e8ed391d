"""Made-up files agree with their truth row by row, and every row that is wrong on purpose is noted."""

import json
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import load_workbook

from geoscore.errors import InputError
from geoscore.project import open_project
from geoscore.reference import synth
from geoscore.reference.synth import make_households, synthesize

FILES = {
    "voters": "voters.csv",
    "property": "property.parquet",
    "subscribers": "subscribers.jsonl",
    "donors": "donors.xlsx",
}
ZIPS = {"voters": "RES_ZIP", "property": "SITUS_ZIP", "subscribers": "zip", "donors": "Zip"}
HOMES = 3_000


def _read(folder: Path) -> dict[str, pd.DataFrame]:
    lines = (folder / "subscribers.jsonl").read_text(encoding="utf-8").splitlines()
    header, *rows = load_workbook(str(folder / "donors.xlsx")).get_sheet_by_index(0).to_python()
    return {
        "voters": pd.read_csv(folder / "voters.csv", dtype=str),
        "property": pd.read_parquet(folder / "property.parquet"),
        "subscribers": pd.DataFrame([json.loads(line) for line in lines]),
        "donors": pd.DataFrame(rows, columns=header),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth")
    rows = synthesize(folder, households=HOMES)
    truth = pd.read_parquet(folder / "truth.parquet")
    return folder, rows, _read(folder), truth, pd.read_parquet(folder / "truth_links.parquet")


def _linked(made, source: str) -> pd.DataFrame:
    """Return a file's rows beside their links and their households."""
    _, _, files, truth, links = made
    links = links[links["source"] == source].reset_index(drop=True)
    return files[source].join(links).merge(truth, on="household_id", suffixes=("", "_true"), validate="many_to_one")


def test_counts_are_those_that_are_told(made) -> None:
    _, rows, files, truth, links = made
    assert {name: rows[FILES[name]] for name in FILES} == {name: len(frame) for name, frame in files.items()}
    assert rows["truth.parquet"] == len(truth) == HOMES
    assert rows["truth_links.parquet"] == len(links) == sum(map(len, files.values()))


@pytest.mark.parametrize("source", FILES)
def test_every_row_has_its_link(made, source: str) -> None:
    _, _, files, truth, links = made
    mine = links[links["source"] == source]
    ids = files[source].iloc[:, 0]
    assert mine["row"].tolist() == list(range(1, len(ids) + 1))
    assert mine["record_id"].tolist() == ids.tolist()
    assert ids.is_unique
    assert mine["household_id"].isin(truth["household_id"]).all()


@pytest.mark.parametrize("source", FILES)
def test_every_wrong_row_is_noted_and_no_other(made, source: str) -> None:
    rows = _linked(made, source)
    given, true = rows[ZIPS[source]].str[:5], rows["zip_true" if source == "subscribers" else "zip"]
    wrong = given != true
    if source == "property":
        wrong |= (rows["LONGITUDE"] != rows["longitude"]) | (rows["LATITUDE"] != rows["latitude"])
    elif source == "donors":
        wrong |= pd.to_numeric(rows["Estimated Income"]) < 0
    assert (wrong == rows["note"].notna()).all()
    assert 0.001 < wrong.mean() < 0.03
    assert (given[rows["note"] == "not a ZIP code"] == "ABCDE").all()
    assert (given[rows["note"] == "ZIP outside the region"] == "10001").all()


def test_shares_are_about_those_of_the_files(made) -> None:
    _, _, files, truth, links = made
    share = links.groupby("source")["household_id"].nunique() / HOMES
    assert share["voters"] == pytest.approx(0.42, abs=0.04)
    assert share["subscribers"] == pytest.approx(0.30, abs=0.04)
    assert share["donors"] == pytest.approx(0.13, abs=0.03)
    assert files["subscribers"]["address"].isna().mean() == pytest.approx(0.40, abs=0.05)
    assert files["subscribers"]["income_band"].notna().mean() == pytest.approx(0.50, abs=0.05)
    owners = truth.loc[truth["tenure"] == "owner", "household_id"]
    assert set(links.loc[links["source"] == "property", "household_id"]) <= set(owners)


def test_numbers_in_the_sheet_are_numbers(made) -> None:
    donors = made[2]["donors"]
    assert all(isinstance(gift, float) for gift in donors["Largest Gift"])
    assert donors["Zip"].map(type).eq(str).all()


def test_truth_agrees_with_itself(made) -> None:
    truth = made[3]
    assert (truth["home_value_usd"].notna() == (truth["tenure"] == "owner")).all()
    assert (truth["first_2"].notna() == truth["last_2"].notna()).all()
    assert (truth["income_usd"] > 0).all()
    assert truth["phone"].is_unique
    pd.testing.assert_frame_equal(make_households(HOMES).to_pandas(), truth, check_dtype=False)


@pytest.mark.parametrize("seed", [2, 3, 7])
def test_files_without_rows_are_written_too(tmp_path: Path, seed: int) -> None:
    rows = synthesize(tmp_path, households=2, seed=seed)
    assert {path.name for path in tmp_path.iterdir()} == {*rows, "geoscore.toml"}
    links = pd.read_parquet(tmp_path / "truth_links.parquet")
    assert len(links) == sum(rows[name] for name in FILES.values())


def test_chunks_hang_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "CHUNK", 40)
    told = []
    synthesize(tmp_path, households=100, progress=lambda done, total: told.append((done, total)))
    assert told == [(40, 100), (80, 100), (100, 100)]
    truth = pd.read_parquet(tmp_path / "truth.parquet")
    assert truth["household_id"].is_unique
    assert len(truth) == 100
    all_links = pd.read_parquet(tmp_path / "truth_links.parquet")
    for source, frame in _read(tmp_path).items():
        links = all_links[all_links["source"] == source]
        assert links["row"].tolist() == list(range(1, len(frame) + 1))
        assert links["record_id"].tolist() == frame.iloc[:, 0].tolist()


def test_ids_of_two_chunks_are_never_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "CHUNK", 50)
    monkeypatch.setattr(
        "geoscore.reference.synth_files._ids", lambda letter, n, _: [f"{letter}{number}" for number in range(n)]
    )
    synthesize(tmp_path, households=150)
    for frame in _read(tmp_path).values():
        assert frame.iloc[:, 0].astype(str).is_unique


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        synthesize(path, households=1)
    with pytest.raises(InputError, match="at least one"):
        make_households(0)


def test_a_project_stands_beside_the_files_and_is_not_written_over(tmp_path: Path) -> None:
    synthesize(tmp_path, households=300)
    plan = open_project(tmp_path / "geoscore.toml")
    assert all(plan.resolve(source.path).exists() for source in plan.sources)
    assert all(plan.resolve(path).exists() for path in plan.geocoding.addresses)
    (tmp_path / "geoscore.toml").write_text("mine")
    synthesize(tmp_path, households=300)
    assert (tmp_path / "geoscore.toml").read_text() == "mine"
