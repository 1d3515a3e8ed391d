"""Matching: addresses to positions, tier by tier, each with a score and how far off it may be.

The address point itself, between known numbers of the street, on a segment with a range, the street's middle, the
ZIP. What is found at no tier has a reason.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.geocoding.candidates import FITS, find_candidates
from geoscore.geocoding.interpolation import StreetPoints, closest_points, place_on_segments
from geoscore.reference.gazetteer import Gazetteer
from geoscore.reference.gazetteer_places import METERS_PER_DEGREE, apart_m
from geoscore.tables import from_pandas

POSITION: Final = pa.schema(
    [
        ("longitude", pa.float64()),  # null where only the ZIP is known, or nothing
        ("latitude", pa.float64()),
        ("precision", pa.string()),  # rooftop, range, street or zip; null where nothing is known
        ("sigma_m", pa.float64()),  # of one axis; 95% of such positions lie within 2.45 of it
        ("score", pa.float64()),  # 0 to 1: how well the address fits what was found
        ("found_zip", pa.string()),  # the ZIP of what was found, else that of the address
        ("matched", pa.string()),  # the street that was found
        ("reason", pa.string()),  # what to know of it: a disagreement, or why there is no point
    ]
)
"""What is found of an address, one row each."""

PRECISION: Final = {
    "point": "rooftop", "between": "range", "beyond": "range", "segment": "range", "crossing": "range",
    "beside": "street", "street": "street",
}  # fmt: skip
ACCEPT: Final = 0.75
"""Names, suffix and place together fit at least so well..."""
ACCEPT_KNOWN: Final = 0.66
"""...or so well where the street has that very number."""
TIE: Final = 0.02
TIE_M: Final = 1_000.0
"""Streets that fit equally well and lie this far apart leave open which is meant."""
CROSSING_M: Final = 150.0
"""Known points of two streets lie no farther apart than twice this where they cross."""
ZIP_SCORE: Final = 0.5


class Matcher:
    """A gazetteer made ready for many searches.

    Examples
    --------
    >>> import pandas as pd
    >>> from dataclasses import replace
    >>> from geoscore.reference.gazetteer import make_gazetteer
    >>> from geoscore.geocoding.interpolation import learn_errors
    >>> from geoscore.standardize.addresses import parse_addresses
    >>> row = {"half": "", "unit": "", "predir": "", "name": "OAK", "suffix": "ST", "postdir": "",
    ...        "city": "ALAMEDA", "zip": "94501", "latitude": 37.77}
    >>> known = [row | {"number": 10, "longitude": -122.251}, row | {"number": 20, "longitude": -122.250}]
    >>> gazetteer = make_gazetteer(pd.DataFrame(known), pd.DataFrame(), pd.DataFrame())
    >>> gazetteer = replace(gazetteer, errors=learn_errors(gazetteer))
    >>> asked = parse_addresses(pa.array(["15 Oak Street, Alameda 94501", "20 Oak St, Alameda"]), whole=True)
    >>> found = Matcher(gazetteer).locate(asked).to_pydict()
    >>> found["precision"], [round(at, 4) for at in found["longitude"]]
    (['range', 'rooftop'], [-122.2505, -122.25])
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self.errors = gazetteer.errors
        numbered = gazetteer.points[gazetteer.points["number"].notna()]
        self._points = StreetPoints(numbered)
        self._known = pd.MultiIndex.from_frame(numbered[["street", "number"]].drop_duplicates().astype("int64"))
        self._zips = gazetteer.places[gazetteer.places["kind"] == "zip"].set_index("place")

    def locate(self, addresses: pa.Table) -> pa.Table:
        """Find the positions of addresses.

        Parameters
        ----------
        addresses
            Table of schema ``ADDRESS``, n rows.

        Returns
        -------
        Table of schema ``POSITION``, n rows in the same order
        """
        asked = self._asked(addresses)
        best = self.choose(self.candidates(asked))
        result = self._zip_tier(asked)
        self._fill(result, best, asked)
        self._fill_crossings(result, asked)
        return from_pandas(result, POSITION)

    def candidates(self, asked: pd.DataFrame) -> pd.DataFrame:
        """Return all candidates with the parts of their scores; a number that is known counts fully."""
        found = find_candidates(asked, self.gazetteer)
        number = asked.set_index("row")["number"].loc[found["row"]]
        keys = pd.MultiIndex.from_arrays([found["street"].astype("int64"), number.fillna(-1).astype("int64")])
        found.loc[keys.isin(self._known), "number"] = "known"
        found["score"] = found["text"] * found["number"].map(FITS["number"]).astype(float)
        enough = (found["text"] >= ACCEPT) | ((found["number"] == "known") & (found["text"] >= ACCEPT_KNOWN))
        return found.assign(accepted=enough)

    def choose(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """Return the best street of each address, and whether another one far away fits as well."""
        good = candidates[candidates["accepted"]].sort_values(["row", "score", "street"], ascending=[True, False, True])
        best = good.drop_duplicates("row").copy()
        others = good.merge(best[["row", "street", "score"]], on="row", suffixes=("", "_best"))
        others = others[(others["street"] != others["street_best"]) & (others["score"] >= others["score_best"] - TIE)]
        one, two = (self._middles(others[name]) for name in ("street", "street_best"))
        far = apart_m(one[:, 0], one[:, 1], two[:, 0], two[:, 1]) > TIE_M
        best["tied"] = best["row"].isin(others.loc[far, "row"])
        return best

    def prepare(self, addresses: pa.Table) -> pd.DataFrame:
        """Return addresses as rows to ask for."""
        return self._asked(addresses)

    def _middles(self, street: pd.Series) -> npt.NDArray[np.float64]:
        return self.gazetteer.streets[["longitude", "latitude"]].to_numpy()[street.to_numpy(int)]

    def _asked(self, addresses: pa.Table) -> pd.DataFrame:
        asked: pd.DataFrame = addresses.to_pandas()
        asked["number"] = asked["number"].astype("Int64")
        asked["city"] = asked["city"].replace(self.gazetteer.aliases)
        return asked.assign(row=np.arange(len(asked)))

    def _zip_tier(self, asked: pd.DataFrame) -> pd.DataFrame:
        """Return what is known of every address by its ZIP alone."""
        sigma = asked["zip"].map(self._zips["sigma_m"]).astype(float)
        known, has_zip, box = sigma.notna(), asked["zip"] != "", asked["box"] != ""
        unread = (asked["name"] == "") & ~box
        why = np.select([unread, box], ["no street could be read", "PO box"], "no such street is known")
        where = np.select([known, has_zip], ["its ZIP is known", "a ZIP that the gazetteer does not know"], "no ZIP")
        nothing = pd.Series([None] * len(asked), index=asked.index, dtype="object")
        return pd.DataFrame(
            {
                "longitude": np.nan,
                "latitude": np.nan,
                "precision": nothing.mask(known, "zip"),
                "sigma_m": sigma,
                "score": np.where(known, ZIP_SCORE, 0.0),
                "found_zip": nothing.mask(has_zip, asked["zip"].astype("object")),
                "matched": nothing,
                "reason": pd.Series(why, index=asked.index) + np.where(known, "; only ", "; ") + where,
            }
        ).astype({"reason": "object"})

    def _fill(self, result: pd.DataFrame, best: pd.DataFrame, asked: pd.DataFrame) -> None:
        """Write the positions of addresses whose street was found."""
        tied = best.loc[best["tied"], "row"].to_numpy()
        result.loc[tied, "reason"] = "several streets fit equally well" + np.where(
            result.loc[tied, "precision"].notna(), "; only its ZIP is known", "; no ZIP tells which"
        )
        best = best[~best["tied"]]
        if best.empty:
            return
        rows = best["row"].to_numpy()
        mine = asked.loc[rows].reset_index(drop=True)
        placed = self._place(best.reset_index(drop=True), mine)
        result.loc[rows, ["longitude", "latitude", "sigma_m"]] = placed[["longitude", "latitude", "sigma_m"]].to_numpy()
        result.loc[rows, "precision"] = placed["way"].map(PRECISION).to_numpy()
        result.loc[rows, "score"] = best["score"].to_numpy()
        result.loc[rows, "matched"] = self._names(best["street"]).to_numpy()
        result.loc[rows, "found_zip"] = self._found_zip(best, mine, placed["zip"]).to_numpy()
        result.loc[rows, "reason"] = _remarks(best, mine, self.gazetteer.streets).to_numpy()

    def _place(self, best: pd.DataFrame, mine: pd.DataFrame) -> pd.DataFrame:
        street = best["street"].to_numpy(np.int64)
        number = mine["number"].fillna(-1).to_numpy(np.int64)
        middle = self.gazetteer.streets.iloc[street]
        placed = pd.DataFrame(
            {
                "longitude": middle["longitude"].to_numpy(),
                "latitude": middle["latitude"].to_numpy(),
                "way": "street",
                "sigma_m": self.errors.sigma_m("street", middle["sigma_m"].to_numpy(float)),
                "zip": None,
            }
        )
        numbered = np.flatnonzero(number >= 0)
        for found in (
            self._points.place(street[numbered], number[numbered]),
            place_on_segments(self.gazetteer, street[numbered], number[numbered]),
        ):
            for way in sorted({way for way in found.way if way}):
                at = np.flatnonzero(found.way == way)
                sigma = self.errors.sigma_m(way, found.scale[at])
                rows = numbered[at]
                better = (placed["way"].to_numpy()[rows] == "street") | (sigma < placed["sigma_m"].to_numpy()[rows])
                placed.loc[rows[better], ["longitude", "latitude"]] = np.column_stack(
                    [found.longitude[at], found.latitude[at]]
                )[better]
                placed.loc[rows[better], "sigma_m"] = sigma[better]
                placed.loc[rows[better], "way"] = way
        self._place_known(placed, best, mine)
        return placed

    def _place_known(self, placed: pd.DataFrame, best: pd.DataFrame, mine: pd.DataFrame) -> None:
        """Put addresses that are known on their points: of the same unit and half number where there is one."""
        at = best.index[best["number"] == "known"]
        asked = pd.DataFrame({"at": at, "street": best.loc[at, "street"], "number": mine.loc[at, "number"].astype(int)})
        asked[["half", "unit", "zip"]] = mine.loc[at, ["half", "unit", "zip"]]
        points = self.gazetteer.points
        points = points[points["street"].isin(asked["street"].unique())]
        met = asked.merge(points, on=["street", "number"], suffixes=("", "_known"))
        same = {name: met[name] == met[f"{name}_known"] for name in ("zip", "half", "unit")}
        met["fit"] = same["zip"] * 4 + same["half"] * 2 + same["unit"]
        met = met[met["fit"] == met.groupby("at")["fit"].transform("max")]
        grouped = met.groupby("at")
        point = grouped[["longitude", "latitude"]].median()
        spread = (grouped[["longitude", "latitude"]].max() - grouped[["longitude", "latitude"]].min()).max(axis=1)
        placed.loc[point.index, ["longitude", "latitude"]] = point.to_numpy()
        placed.loc[point.index, "way"] = "point"
        apart = spread.to_numpy() * METERS_PER_DEGREE
        placed.loc[point.index, "sigma_m"] = np.maximum(self.errors.sigma_m("point", apart), apart / 2.0)
        placed["zip"] = grouped["zip_known"].first().reindex(placed.index)

    def _names(self, street: pd.Series) -> pd.Series:
        streets = self.gazetteer.streets.iloc[street]
        whole = streets["predir"] + " " + streets["name"] + " " + streets["suffix"] + " " + streets["postdir"]
        return whole.str.replace(r" +", " ", regex=True).str.strip()

    def _found_zip(self, best: pd.DataFrame, mine: pd.DataFrame, at_point: pd.Series) -> pd.Series:
        """Return the point's ZIP, else the address's own, else that of the street if it has but one."""
        zips = self.gazetteer.streets["zips"].iloc[best["street"]]
        only = pd.Series([found[0] if len(found) == 1 else None for found in zips], dtype=object)
        told = mine["zip"].where(mine["zip"] != "").astype(object)
        point = at_point.where(at_point != "").astype(object)
        return point.combine_first(told).combine_first(only)

    def _fill_crossings(self, result: pd.DataFrame, asked: pd.DataFrame) -> None:
        """Write the positions of intersections: where known points of both streets are closest."""
        crossings = asked[(asked["cross"] != "") & (asked["name"] != "")]
        if crossings.empty:
            return
        from geoscore.standardize.addresses import parse_addresses

        other = parse_addresses(pa.array(crossings["cross"], pa.string())).to_pandas()
        other = other.assign(row=np.arange(len(other)), number=pd.array([pd.NA] * len(other), "Int64"))
        other[["city", "zip"]] = crossings[["city", "zip"]].to_numpy()
        one = self.candidates(crossings.assign(row=np.arange(len(crossings))))
        two = self.candidates(other)
        for i, row in enumerate(crossings["row"]):
            found = self._crossing(*(part[(part["row"] == i) & part["accepted"]] for part in (one, two)))
            if found is None:
                result.loc[row, "reason"] = f"no crossing of such streets is known; {result.loc[row, 'reason']}"
                continue
            longitude, latitude, off, names = found
            result.loc[row, ["longitude", "latitude", "sigma_m"]] = (longitude, latitude, 20.0 + off)
            result.loc[row, ["precision", "matched", "reason"]] = (PRECISION["crossing"], names, None)
            result.loc[row, "score"] = 0.9

    def _crossing(self, one: pd.DataFrame, two: pd.DataFrame) -> tuple[float, float, float, str] | None:
        best = None
        for street in one["street"].unique():
            for other in set(two["street"]) - {street}:
                found = closest_points(self._vertices(street), self._vertices(other))
                if found is not None and found[2] <= CROSSING_M and (best is None or found[2] < best[2]):
                    names = self._names(pd.Series([street, other])).tolist()
                    best = (*found, " & ".join(names))
        return best

    def _vertices(self, street: int) -> pd.DataFrame:
        """Return all known points of a street: its addresses, and the vertices of its segments."""
        import shapely

        points = self.gazetteer.points
        known = points.loc[points["street"] == street, ["longitude", "latitude"]]
        lines = self.gazetteer.segments
        lines = shapely.from_wkb(lines.loc[lines["street"] == street, "line"].to_numpy())
        vertices = pd.DataFrame(shapely.get_coordinates(lines), columns=["longitude", "latitude"])
        return pd.concat([known, vertices], ignore_index=True) if len(vertices) else known


def _remarks(best: pd.DataFrame, mine: pd.DataFrame, streets: pd.DataFrame) -> pd.Series:
    """Return what to know of a match: disagreements of ZIP or city, and names read otherwise than written."""
    remarks = pd.Series(None, index=best.index, dtype=object)
    best = best.reset_index(drop=True)
    for place, mine_name, theirs_name in (
        ("city, another ZIP", "zip", "zips"),
        ("ZIP, another city", "city", "cities"),
    ):
        label = "ZIP" if mine_name == "zip" else "city"
        for i in best.index[best["place"] == place]:
            theirs = _few(streets[theirs_name].iloc[best["street"][i]])
            remarks.iloc[i] = f"{label} {mine[mine_name][i]} is not the street's: {theirs}"
    remarks[(best["place"] == "near").to_numpy()] = "the street lies near the ZIP or city, not known to be in it"
    for i in best.index[(best["name_fit"] < 1.0) | (best["suffix"] == "other") | (best["direction"] == "other")]:
        before = f"{remarks.iloc[i]}; " if isinstance(remarks.iloc[i], str) else ""
        remarks.iloc[i] = f"{before}read as another spelling of its street"
    return remarks


def _few(places: Any) -> str:
    shown = [str(place) for place in places][:3]
    return ", ".join(shown) if len(places) <= len(shown) else f"{', '.join(shown)} and others"
