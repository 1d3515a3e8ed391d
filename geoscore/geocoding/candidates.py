"""Candidates: which streets of the gazetteer an address may mean, and how well each fits.

A score is a product of what speaks for a street: its name, its suffix and directions, its place, the number.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoscore.reference.gazetteer import Gazetteer
from geoscore.reference.gazetteer_places import apart_m
from geoscore.standardize.addresses import sound_key

STREET: Final = ["predir", "name", "suffix", "postdir"]
FITS: Final = {
    "suffix": {"same": 1.0, "missing": 0.96, "other": 0.70},
    "direction": {"same": 1.0, "missing": 0.97, "other": 0.60},
    "place": {
        "ZIP and city": 1.0, "ZIP": 0.97, "city": 0.95, "ZIP, another city": 0.93, "city, another ZIP": 0.86,
        "near": 0.78, "unknown": 0.76, "elsewhere": 0.0,
    },
    "number": {"known": 1.0, "inside": 0.98, "near": 0.92, "outside": 0.84, "none": 0.80},
}  # fmt: skip
"""What each kind of agreement is worth; checked on hidden addresses, see docs/accuracy.md."""
NEAR_M: Final = 4_000.0
"""A street in a neighboring ZIP or city lies within its place's radius and this."""
BEYOND: Final = 300
"""Numbers this far beyond the street's known ones are still near."""
SHORTEST: Final = 5
"""Shorter names are not forgiven a wrong letter, nor are names with digits."""
FORGIVEN: Final = {5: 1, 9: 2}
"""Wrong letters that are forgiven from so many letters on."""
ONLY: Final = 1
"""A street without any place is found where the gazetteer has no more than this many of its name."""


def find_candidates(asked: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Return the streets that addresses may mean, with the parts of their scores.

    Parameters
    ----------
    asked
        One row an address, column ``row`` its number: ``number``, the parts of its street, ``city`` and ``zip``.
    gazetteer
        The gazetteer.

    Returns
    -------
    DataFrame
        ``row``, ``street``, one column with the kind of agreement for each of ``FITS``, ``name_fit``, ``text`` (all
        but the number) and ``score``.
    """
    named = asked[asked["name"] != ""]
    pairs = _same_place(named, gazetteer, on="name")
    left = named[~named["row"].isin(pairs["row"])]
    near = _anywhere(left, gazetteer)
    exact = _score(pd.concat([pairs, near], ignore_index=True), asked, gazetteer)
    poor = named[~named["row"].isin(exact.loc[exact["text"] >= 0.75, "row"])]  # noqa: PLR2004
    fuzzy = _misspelled(poor, gazetteer)
    return pd.concat([exact, _score(fuzzy, asked, gazetteer)], ignore_index=True) if len(fuzzy) else exact


def _same_place(asked: pd.DataFrame, gazetteer: Gazetteer, *, on: str) -> pd.DataFrame:
    """Return streets of the same name (or sound) with the address's ZIP, or its city."""
    parts = []
    for place, known in (("zip", gazetteer.street_zips), ("city", gazetteer.street_cities)):
        mine = asked.loc[asked[place] != "", ["row", on, place]]
        parts.append(mine.merge(known[["street", on, place]], on=[on, place])[["row", "street"]])
    return pd.concat(parts, ignore_index=True).drop_duplicates()


def _anywhere(asked: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Return streets of the same name near the address's ZIP or city; anywhere, if it is the only one so called."""
    counts = gazetteer.streets["name"].value_counts()
    placed = (asked["zip"] != "") | (asked["city"] != "")
    few = asked[placed | asked["name"].map(counts).fillna(0).le(ONLY)]
    return few[["row", "name"]].merge(gazetteer.streets[["name", "street"]], on="name")[["row", "street"]]


def _misspelled(asked: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Return streets of the address's place that sound like it, no more than a letter or two away."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    plain = asked[(asked["name"].str.len() >= SHORTEST) & ~asked["name"].str.contains(r"\d")]
    sounds = {name: sound_key(name) for name in plain["name"].unique()}
    pairs = _same_place(plain.assign(sound=plain["name"].map(sounds)), gazetteer, on="sound")
    if pairs.empty:
        return pairs
    mine = asked.set_index("row")["name"].loc[pairs["row"]].str.replace(" ", "").tolist()
    theirs = gazetteer.streets["name"].iloc[pairs["street"]].str.replace(" ", "").tolist()
    pairs["wrong"] = cpdist(mine, theirs, scorer=OSA.distance)
    length = np.array([min(len(one), len(two)) for one, two in zip(mine, theirs, strict=True)])
    allowed = np.select([length >= 9, length >= 5], [FORGIVEN[9], FORGIVEN[5]], 0)  # noqa: PLR2004
    return pairs[pairs["wrong"] <= allowed]


def _score(pairs: pd.DataFrame, asked: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    mine = asked.set_index("row").loc[pairs["row"]].reset_index(drop=True)
    theirs = gazetteer.streets.iloc[pairs["street"]].reset_index(drop=True)
    scored = pairs[["row", "street"]].reset_index(drop=True)
    wrong = pairs["wrong"].to_numpy(float) if "wrong" in pairs else np.zeros(len(pairs))
    scored["name_fit"] = np.where(wrong > 0, 0.95 - 0.04 * wrong, 1.0)
    scored["suffix"] = _agreement(mine["suffix"], theirs["suffix"])
    scored["direction"] = _agreement(mine["predir"] + mine["postdir"], theirs["predir"] + theirs["postdir"])
    scored["place"] = _place(pairs, mine, theirs, gazetteer)
    scored["number"] = _number(mine["number"], theirs)
    values = [scored[part].map(FITS[part]).astype(float) for part in ("suffix", "direction", "place")]
    scored["text"] = scored["name_fit"] * values[0] * values[1] * values[2]
    scored["score"] = scored["text"] * scored["number"].map(FITS["number"]).astype(float)
    # a misspelled name is believed where the street has such numbers, and nothing else is wrong; so is a street of
    # the next town
    unlike = scored["number"].isin(["outside", "none"])
    doubtful = ((wrong > 0) & ((scored["suffix"] == "other") | unlike)) | ((scored["place"] == "near") & unlike)
    return scored[(scored["text"] > 0) & ~doubtful].reset_index(drop=True)


def _agreement(mine: pd.Series, theirs: pd.Series) -> pd.Series:
    return pd.Series(
        np.select([mine == theirs, (mine == "") | (theirs == "")], ["same", "missing"], "other"), index=mine.index
    )


def _place(pairs: pd.DataFrame, mine: pd.DataFrame, theirs: pd.DataFrame, gazetteer: Gazetteer) -> pd.Series:
    def holds(column: str, lists: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        known = gazetteer.street_zips if column == "zip" else gazetteer.street_cities
        keys = pd.MultiIndex.from_frame(known[["street", column]])
        asked = pd.MultiIndex.from_arrays([pairs["street"].to_numpy(), mine[column].to_numpy()])
        told = (mine[column] != "").to_numpy() & (theirs[lists].str.len() > 0).to_numpy()
        return asked.isin(keys), told

    zip_same, zip_told = holds("zip", "zips")
    city_same, city_told = holds("city", "cities")
    near = _is_near(mine, theirs, gazetteer)
    nowhere = ((mine["zip"] == "") & (mine["city"] == "")).to_numpy()
    return pd.Series(
        np.select(
            [
                zip_same & city_same,
                zip_same & city_told,
                zip_same,
                city_same & zip_told,
                city_same,
                nowhere,
                near,
            ],
            ["ZIP and city", "ZIP, another city", "ZIP", "city, another ZIP", "city", "unknown", "near"],
            "elsewhere",
        ),
        index=mine.index,
    )


def _is_near(mine: pd.DataFrame, theirs: pd.DataFrame, gazetteer: Gazetteer) -> npt.NDArray[np.bool_]:
    """Say whether streets lie in or beside the place of addresses: the ZIP, or the city where that is unknown."""
    places = gazetteer.places.set_index(["kind", "place"])[["longitude", "latitude", "radius_m"]]
    by_zip = places.reindex(pd.MultiIndex.from_product([["zip"], mine["zip"]])) if len(mine) else places.iloc[:0]
    by_city = places.reindex(pd.MultiIndex.from_product([["city"], mine["city"]])) if len(mine) else places.iloc[:0]
    at = np.where(by_zip.notna().to_numpy(), by_zip.to_numpy(), by_city.to_numpy())
    far: npt.NDArray[np.float64] = apart_m(
        at[:, 0], at[:, 1], theirs["longitude"].to_numpy(), theirs["latitude"].to_numpy()
    )
    return far <= at[:, 2] + NEAR_M


def _number(number: pd.Series, streets: pd.DataFrame) -> pd.Series:
    low, high = streets["lowest"].to_numpy(float), streets["highest"].to_numpy(float)
    mine = number.to_numpy(float, na_value=np.nan)
    return pd.Series(
        np.select(
            [np.isnan(mine), (low <= mine) & (mine <= high), (low - BEYOND <= mine) & (mine <= high + BEYOND)],
            ["none", "inside", "near"],
            "outside",
        ),
        index=number.index,
    )
