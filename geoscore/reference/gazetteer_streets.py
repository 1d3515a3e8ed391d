"""Streets of a gazetteer: which addresses of one name belong to one street, and what their places are called."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoscore.reference.gazetteer_places import apart_m
from geoscore.standardize.addresses import sound_key

NAME: Final = ["predir", "name", "suffix", "postdir"]
GRID_DEGREES: Final = 0.02
"""Addresses without city and ZIP join those of their street's name in this grid cell (2 km) or the next."""
INITIALS: Final = 3
USUAL_SIGMA_M: Final = 300.0
"""How far addresses lie from the middle of their street, one axis: what a street of few known ones is given..."""
USUAL_POINTS: Final = 3
"""...as if so many more were known."""


def name_places(points: pd.DataFrame) -> tuple[pd.Series, dict[str, str]]:
    """Return cities written out, and what initials stand for: SF shares its ZIPs with SAN FRANCISCO alone.

    Examples
    --------
    >>> points = pd.DataFrame({"city": ["SF", "SAN FRANCISCO", "SF"], "zip": ["94110", "94110", ""]})
    >>> name_places(points)[1]
    {'SF': 'SAN FRANCISCO'}
    """
    pairs = points[(points["city"] != "") & (points["zip"] != "")][["city", "zip"]].drop_duplicates()
    long = pairs[pairs["city"].str.contains(" ")]
    initials = long["city"].str.split().map(lambda words: "".join(word[0] for word in words))
    long = long.assign(initials=initials)
    short = pairs[pairs["city"].str.len() <= INITIALS]
    met = short.merge(long, on="zip", suffixes=("", "_long"))
    met = met[met["city"] == met["initials"]].drop_duplicates("city")
    aliases = dict(zip(met["city"], met["city_long"], strict=True))
    return points["city"].replace(aliases), aliases


def number_streets(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the number of every row's street, of shape (n,).

    Rows of one name are joined where they share a city or a ZIP; one without either joins those near by.
    """
    name = rows.groupby(NAME, sort=True).ngroup()
    grid = pd.DataFrame(
        {
            "name": name,
            "x": np.floor(rows["longitude"] / GRID_DEGREES).astype(np.int64),
            "y": np.floor(rows["latitude"] / GRID_DEGREES).astype(np.int64),
            "row": np.arange(len(rows)),
        }
    )
    edges = [_linked(name, rows[column], grid["row"]) for column in ("city", "zip")]
    homeless = ((rows["city"] == "") & (rows["zip"] == "")).to_numpy()
    first = grid.drop_duplicates(["name", "x", "y"])
    edges.append(grid[homeless].merge(first, on=["name", "x", "y"], suffixes=("", "_b"))[["row", "row_b"]].to_numpy())
    for dx, dy in ((0, 1), (1, -1), (1, 0), (1, 1), (0, -1), (-1, 1), (-1, 0), (-1, -1)):
        moved = first.assign(x=first["x"] + dx, y=first["y"] + dy)
        edges.append(
            grid[homeless].merge(moved, on=["name", "x", "y"], suffixes=("", "_b"))[["row", "row_b"]].to_numpy()
        )
    pairs = np.concatenate(edges)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(rows)))
    component = connected_components(graph, directed=False)[1]
    # numbered by name and then by where the street begins, whatever the order of the rows
    first_at = pd.DataFrame({"component": component, "name": name, "x": rows["longitude"], "y": rows["latitude"]})
    order = first_at.groupby("component").min().sort_values(["name", "x", "y"])
    rank = pd.Series(np.arange(len(order)), index=order.index)
    return rank.loc[component].to_numpy()


def _linked(name: pd.Series, place: pd.Series, row: pd.Series) -> npt.NDArray[np.int64]:
    known = (place != "").to_numpy()
    first = row[known].groupby([name[known], place[known]]).transform("min")
    return np.column_stack([row[known], first])


def join_streets(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each street.

    Parameters
    ----------
    rows
        Address points and segments (column ``of``) with ``street``.
    """
    grouped = rows.groupby("street", sort=True)
    streets = grouped[NAME].first()
    streets["sound"] = streets["name"].map({name: sound_key(name) for name in streets["name"].unique()})
    for column, plural in (("city", "cities"), ("zip", "zips")):
        known = rows[rows[column] != ""][["street", column]].drop_duplicates().sort_values(["street", column])
        lists = known.groupby("street")[column].agg(list)
        found = lists.reindex(streets.index)
        filled = [item if isinstance(item, list) else [] for item in found]
        streets[plural] = pd.Series(filled, index=streets.index, dtype="object")
    streets[["longitude", "latitude"]] = grouped[["longitude", "latitude"]].median()
    middle = streets.loc[rows["street"], ["longitude", "latitude"]].to_numpy()
    distance = apart_m(rows["longitude"], rows["latitude"], middle[:, 0], middle[:, 1])
    seen = grouped.size()
    streets["known"] = seen
    around = (distance**2).groupby(rows["street"]).sum() / 2
    streets["sigma_m"] = np.sqrt((around + USUAL_POINTS * USUAL_SIGMA_M**2) / (seen + USUAL_POINTS))
    numbers = pd.concat(
        [rows[["street", column]].set_axis(["street", "n"], axis=1) for column in _NUMBERS if column in rows]
    )
    streets["lowest"], streets["highest"] = numbers.groupby("street")["n"].min(), numbers.groupby("street")["n"].max()
    return streets.reset_index()


_NUMBERS: Final = ("number", "start", "end")
