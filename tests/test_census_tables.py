"""Census tables in the forms in which people get them, each laid out as the Bureau lays it out."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoscore.errors import InputError, InputNotFoundError
from geoscore.reference.census_blocks import read_blocks
from geoscore.reference.census_tables import cross_walk, mend_ids, read_table, read_tables

AREA = ("060014271001", "060014271002")


def api_json(path: Path) -> Path:
    rows = [
        [
            "B19001_001E",
            "B19001_001M",
            "B19001_002E",
            "B19001_002M",
            "GEO_ID",
            "state",
            "county",
            "tract",
            "block group",
        ],
        ["500", "40", "30", "12", "1500000US060014271001", "06", "001", "427100", "1"],
        ["0", "12", "-666666666", "-222222222", "1500000US060014271002", "06", "001", "427100", "2"],
    ]
    path.write_text(json.dumps(rows))
    return path


def api_csv(path: Path) -> Path:
    path.write_text(
        "B19001_001E,B19001_001M,B19001_002E,B19001_002M,state,county,tract,block group\n"
        "500,40,30,12,6,1,427100,1\n0,12,-666666666,-222222222,6,1,427100,2\n"
    )
    return path


def downloaded(path: Path) -> Path:
    path.write_text(
        "GEO_ID,NAME,B19001_001E,B19001_001EA,B19001_001M,B19001_001MA,B19001_002E,B19001_002M\n"
        "Geography,Geographic Area Name,Estimate!!Total:,Annotation,Margin of Error!!Total:,Annotation,Less,Margin\n"
        '1500000US060014271001,"Block Group 1; Alameda County",500,null,40,null,30,12\n'
        '1500000US060014271002,"Block Group 2; Alameda County",0,null,12,null,-,**\n'
    )
    return path


def summary_file(path: Path) -> Path:
    path.write_text(
        "GEO_ID|B19001_E001|B19001_M001|B19001_E002|B19001_M002\n"
        "1500000US060014271001|500|40|30|12\n1500000US060014271002|0|12|.|.\n"
    )
    return path


@pytest.mark.parametrize(
    ("make", "name"),
    [(api_json, "a.json"), (api_csv, "a.csv"), (downloaded, "b.csv"), (summary_file, "acsdt5y2022-b19001.dat")],
)
def test_every_form_gives_the_same(make, name: str, tmp_path: Path) -> None:
    table = read_table(make(tmp_path / name))
    assert table.level == "block group"
    assert list(table.estimates.index) == list(AREA)
    assert table.estimates["B19001_001"].tolist() == [500.0, 0.0]
    assert table.estimates["B19001_002"].tolist()[0] == 30.0
    assert np.isnan(table.estimates["B19001_002"].iloc[1])
    assert table.margins["B19001_002"].tolist()[0] == 12.0
    assert np.isnan(table.margins["B19001_002"].iloc[1])


def test_a_whole_download_is_read_from_its_zip(tmp_path: Path) -> None:
    downloaded(tmp_path / "x.csv")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as packed:
        packed.writestr("ACSDT5Y2022.B19001-Column-Metadata.csv", "Column Name,Label\n")
        packed.write(tmp_path / "x.csv", "ACSDT5Y2022.B19001-Data.csv")
    assert read_table(tmp_path / "d.zip").estimates["B19001_001"].sum() == 500.0


def test_a_controlled_estimate_has_no_error_and_codes_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("GEOID,B19001_001E,B19001_001M\n06001,500,-555555555\n06013,400,*****\n")
    table = read_table(tmp_path / "a.csv")
    assert table.level == "county"
    assert table.margins["B19001_001"].tolist() == [0.0, 0.0]
    assert "1 values are codes" in table.notes[-1]


def test_ids_that_a_spreadsheet_spoiled(tmp_path: Path) -> None:
    pd.DataFrame({"GEOID": [60014271, 60014272], "B19001_001E": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    assert list(read_table(tmp_path / "a.csv").estimates.index) == ["60014271", "60014272"]
    frame = pd.DataFrame({"GEOID": [6001427100, 6001427200], "B19001_001E": [1, 2]})
    frame.to_parquet(tmp_path / "a.parquet")
    tract = read_table(tmp_path / "a.parquet")
    assert (tract.level, tract.estimates.index[0]) == ("tract", "06001427100")
    known = pd.Index(AREA)
    mended, note = mend_ids(pd.Index([area[1:] for area in AREA]), known, name="a.csv")
    assert mended.tolist() == list(AREA)
    assert "2 GEOIDs" in str(note)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("GEOID,B19001_001E\n06001,1\n06001,2\n", "stands twice"),
        ("GEOID,B19001_001E\n06001,1\n06001427100,2\n", "mixes levels"),
        ("GEOID,B19001_001E\nabc,1\n", "is no GEOID"),
        ("name,B19001_001E\nx,1\n", "no GEOID column"),
        ("GEOID,income\n06001,1\n", "no census variable"),
        ("GEOID,B19001_001E\n", "no rows"),
        ('{"a": 1}', "cannot be read"),
    ],
)
def test_what_is_no_census_table_is_said(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_table(tmp_path / "a.csv")
    with pytest.raises(InputNotFoundError):
        read_table(tmp_path / "b.csv")


def test_two_tables_of_one_place_are_joined_and_of_two_vintages_are_not(tmp_path: Path) -> None:
    api_json(tmp_path / "a.json")
    (tmp_path / "b.csv").write_text("GEOID,B25003_002E\n060014271001,20\n060014271002,0\n")
    (tmp_path / "c.csv").write_text("GEOID,B25003_002E\n060014271001,20\n060014271003,0\n")
    assert read_tables((tmp_path / "a.json", tmp_path / "b.csv")).estimates["B25003_002"].sum() == 20.0
    with pytest.raises(InputError, match=r"one of a\.json and c\.csv; are both of one vintage"):
        read_tables((tmp_path / "a.json", tmp_path / "c.csv"))


def test_a_crosswalk_conserves_households(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(
        "bg2010ge,bg2020ge,wt_pop,wt_hh\n060014271001,060014271011,.5,.25\n060014271001,060014271012,.5,.75\n"
        "060014271002,060014271012,1,1\n"
    )
    table = cross_walk(read_table(api_json(tmp_path / "a.json")), tmp_path / "w.csv")
    assert table.estimates["B19001_001"].to_dict() == {"060014271011": 125.0, "060014271012": 375.0}
    (tmp_path / "v.csv").write_text("bg2010ge,bg2020ge,wt_hh\n060014271001,060014271011,1\n")
    with pytest.raises(InputError, match="1 areas, 060014271002 first, are not in the crosswalk"):
        cross_walk(read_table(tmp_path / "a.json"), tmp_path / "v.csv")


def test_blocks_of_the_redistricting_file(tmp_path: Path) -> None:
    lines = []
    for level, code, homes in (
        ("750", "060014271001001", "12"),
        ("750", "060014271001002", "0"),
        ("150", AREA[0], "12"),
    ):
        fields = [""] * 97  # of the geographic header record
        fields[0], fields[2], fields[9], fields[90], fields[91] = "PLST", level, code, "30", homes
        fields[92], fields[93] = "+37.7700000", "-122.2500000"
        lines.append("|".join(fields))
    (tmp_path / "cageo2020.pl").write_text("\n".join(lines) + "\n", encoding="latin-1")
    blocks = read_blocks(tmp_path / "cageo2020.pl")
    assert blocks.to_dict("records") == [
        {"block": "060014271001001", "weight": 12.0, "longitude": -122.25, "latitude": 37.77}
    ]
    (tmp_path / "b.csv").write_text("GEOID20,HU100,INTPTLAT20,INTPTLON20\n060014271001001,9,37.77,-122.25\n")
    assert read_blocks(tmp_path / "b.csv")["weight"].tolist() == [9.0]
    (tmp_path / "c.csv").write_text("GEOID20,INTPTLAT20,INTPTLON20\n060014271001001,37.77,-122.25\n")
    with pytest.raises(InputError, match="no weight of blocks"):
        read_blocks(tmp_path / "c.csv")
