"""A choice model over a surface: who goes where, what a site draws, who moves when one opens, closes or grows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geoscore.errors import InputError, missing_file
from geoscore.ladder import Capacity, counts_at, interval
from geoscore.market.files import parse_site
from geoscore.market.places import places_of
from geoscore.market.travel import Travel
from geoscore.query import Surface
from geoscore.query.select import ancestors, labels_of
from geoscore.spatial.cells import cell_centers, distance_m
from geoscore.spatial.polygons import cell_polygons, linked_cells
from geoscore.surface_format import suppressed_rows
from geoscore.trade.areas import Site
from geoscore.trade.dollars import expected_dollars
from geoscore.trade.huff import HuffFit
from geoscore.trade.layer import Layer
from geoscore.trade.scenario import ChoiceModel, Sites, competition, share_intervals, spread_of_sums

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
COMPETITION: Final = "competition"


def open_model(path: Path, *, least_cost: float = 1.0) -> ChoiceModel:
    """Open a choice model that ``geoscore trade-area huff --model`` has kept.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It is no such model.
    """
    if not path.exists():
        raise missing_file(path, "model", mend="`geoscore trade-area huff --model` keeps one")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        coefficients, plain = told["coefficients"], told["plain"]
        covariance = np.array(told["covariance"], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no choice model: {error}") from error
    names = tuple(coefficients)
    if covariance.shape != (len(names), len(names)) or told.get("geoscore_model") != "huff":
        raise InputError(f"{path} is no choice model of geoscore")
    values = np.array([float(coefficients[name]) for name in names])
    return ChoiceModel(names, values, covariance, tuple(name in plain for name in names), least_cost)


def given_model(coefficients: Sequence[str], *, least_cost: float = 1.0) -> ChoiceModel:
    """Return a choice model of coefficients that somebody states, the cost's first: ``cost=-2``, ``area=1``.

    Raises
    ------
    InputError
        One is not NAME=NUMBER.

    Examples
    --------
    >>> given_model(["cost=-2", "area=1"]).values.tolist()
    [-2.0, 1.0]
    """
    names, values = [], []
    for text in coefficients:
        name, mark, number = text.partition("=")
        try:
            values.append(float(number))
        except ValueError:
            mark = ""
        if not mark or not name:
            raise InputError(f"--coefficient {text!r}: write NAME=NUMBER, like area=1; the cost's comes first")
        names.append(name)
    k = len(names)
    return ChoiceModel(tuple(names), np.array(values), np.zeros((k, k)), (False,) * k, least_cost)


def change_sites(
    sites: Sites, *, opened: Sequence[str] = (), closed: Sequence[str] = (), resized: Sequence[str] = ()
) -> Sites:
    """Return sites as a scenario has them.

    Parameters
    ----------
    opened
        Each ``NAME=LON,LAT`` or ``NAME=LON,LAT,attribute=value,...``.
    closed
        Names.
    resized
        Each ``NAME,attribute=value``.

    Raises
    ------
    InputError
        A site or attribute is not there, or cannot be understood.
    """
    for name in closed:
        sites = sites.close(name)
    for text in resized:
        name, _, rest = text.partition(",")
        for attribute, value in _values(rest, text).items():
            sites = sites.resize(name.strip(), attribute, value)
    for text in opened:
        parts = text.split(",")
        site = parse_site(",".join(parts[:2]), number=len(sites.names) + 1)
        sites = sites.open(site.name, site.point, _values(",".join(parts[2:]), text) if len(parts) > 2 else {})  # noqa: PLR2004
    if not sites.names:
        raise InputError("no site is left")
    return sites


def _values(text: str, whole: str) -> dict[str, float]:
    found = {}
    for item in text.split(","):
        name, _, number = item.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise InputError(f"{whole!r}: write what a site offers as attribute=value, such as area=1200") from None
    return found


def residual_layer(fit: HuffFit, surface: Surface | None = None) -> Layer:
    """Return how far the fitted shares of each origin are off, with the origin's shape where it has one.

    Parameters
    ----------
    fit
        A fitted model.
    surface
        One that holds the origins, where they are ZIPs; H3 cells have their shape anyway.
    """
    flows = fit.flows
    rest = flows.shares - fit.shares
    rows, shapes = [], []
    for o, name in enumerate(flows.origins):
        mine = np.flatnonzero(flows.origin == o)
        worst = mine[np.abs(rest[mine]).argmax()]
        parts = {f"residual {flows.sites[flows.site[i]]}": round(float(rest[i]), 9) for i in mine}
        row = {
            "origin": str(name),
            "flow": float(flows.totals[o]),
            "residual": round(float(np.sqrt((rest[mine] ** 2).mean())), 9),
            "farthest_off": str(flows.sites[flows.site[worst]]),
            "off_by": round(float(rest[worst]), 9),
        }
        rows.append({**row, **parts})
        shapes.append(_origin_shape(str(name), surface))
    missing = sum(shape is None for shape in shapes)
    notes = (
        () if not missing else (f"{missing:,} of {len(rows):,} origins are neither H3 cells nor ZIPs of the surface",)
    )
    placed = None if missing == len(rows) else tuple(shape or shapely.Polygon() for shape in shapes)
    return Layer("residuals", tuple(rows), placed, "origin", notes)


def _origin_shape(name: str, surface: Surface | None) -> "shapely.Geometry | None":
    import h3

    if h3.is_valid_cell(name):
        return cell_polygons(np.array([int(name, 16)], dtype=np.uint64))[0]
    if surface is None:
        return None
    cells = ancestors(surface.table, surface.note.resolution)
    mine = (labels_of(surface.table["zip"]) == name) & (cells > 0)
    return linked_cells(np.unique(cells[mine])) if mine.any() else None


class Market:
    """The cells of a surface, and what they cost to the sites.

    Parameters
    ----------
    surface
        Whose households choose.
    model
        How they choose.
    travel
        Minutes on a network; kilometers in a straight line without one. It must be what the model was fitted to.
    capacity
        Of the households that are counted.
    """

    def __init__(
        self, surface: Surface, model: ChoiceModel, *, travel: Travel | None = None, capacity: Capacity = 2500.0
    ) -> None:
        self.surface, self.model, self.travel, self.capacity = surface, model, travel, capacity
        self.places = places_of(surface, "cell", capacity=capacity)
        self.cells: Cells = np.array([int(name, 16) for name in self.places.names], dtype=np.uint64)

    def cost(self, sites: Sites) -> Floats:
        """Return minutes or kilometers from every cell to every site, shape (n, s)."""
        points = [Site(*each) for each in zip(sites.names, map(float, sites.longitude), map(float, sites.latitude),
                                              strict=True)]  # fmt: skip
        if self.travel is not None:
            return self.travel.minutes(points, self.cells).T
        lon, lat = cell_centers(self.cells)
        return np.array([distance_m(lon, lat, to=site.point) / 1000.0 for site in points]).T

    def attributes(self, sites: Sites) -> Mapping[str, Floats]:
        """Return what sites offer, how near they are to rivals among it where the model asks for it."""
        if COMPETITION not in self.model.names or COMPETITION in sites.attributes:
            return sites.attributes
        return {**sites.attributes, COMPETITION: competition(sites.longitude, sites.latitude)}

    def shares(self, sites: Sites) -> Floats:
        """Return the share of each cell that goes to each site, shape (n, s)."""
        return self.model.shares(self.cost(sites), self.attributes(sites))

    def draw(self, sites: Sites) -> Layer:
        """Return what each site draws: households, those at the capacity, and dollars, with their intervals.

        Intervals hold what is unsure of the surface and of the coefficients.
        """
        cost, offered = self.cost(sites), self.attributes(sites)
        shares = self.model.shares(cost, offered)
        spread_estimate, spread_dollars = spread_of_sums(
            self.model, cost, offered, [self.places.estimate, self._dollars()]
        )
        whole = float(self.places.estimate.sum())
        rows = []
        for j, name in enumerate(sites.names):
            told = self._sums(shares[:, j])
            low, high = interval(told["estimate"], told["variance"] + spread_estimate[j], told["most"])
            dollars, least, most = told["dollars"]
            wide = np.sqrt(((most - least) / 2) ** 2 + 1.645**2 * spread_dollars[j])
            rows.append(
                {
                    "site": name,
                    "households": round(float(told["households"][0]), 6),
                    "estimate": round(float(told["estimate"][0]), 6),
                    "low": round(float(low[0]), 6),
                    "high": round(float(high[0]), 6),
                    "market_share": round(float(told["estimate"][0]) / whole, 9) if whole else None,
                    "dollars": round(float(dollars), 6),
                    "dollars_low": round(max(float(dollars - wide), 0.0), 6),
                    "dollars_high": round(float(dollars + wide), 6),
                }
            )
        best = np.where(shares.sum(axis=1) > 0, shares.argmax(axis=1), -1)
        shapes = tuple(linked_cells(self.cells[best == j]) for j in range(len(sites.names)))
        lost = float(self.places.estimate[best < 0].sum())
        notes = ["the area drawn for a site is where it has the largest share"]
        if lost > 0:
            notes.append(f"{lost:,.0f} households at the capacity reach no site")
        notes += self._unplaced()
        return Layer("sites", tuple(rows), shapes, "site", tuple(notes))

    def draw_cells(self, sites: Sites) -> Layer:
        """Return the share of each cell that goes to each site, with its interval, and where most go."""
        cost, offered = self.cost(sites), self.attributes(sites)
        shares = self.model.shares(cost, offered)
        low, high = share_intervals(self.model, cost, offered)
        rows = []
        for i in range(len(self.cells)):
            best = int(shares[i].argmax())
            parts = {}
            for j, name in enumerate(sites.names):
                parts[f"share {name}"] = round(float(shares[i, j]), 9)
                parts[f"low {name}"], parts[f"high {name}"] = (round(float(end[i, j]), 9) for end in (low, high))
            most = sites.names[best] if shares[i, best] > 0 else None
            rows.append({**self.places.row(i, "cell"), "most_go_to": most, **parts})
        shapes = tuple(cell_polygons(self.cells))
        return Layer("shares by cell", tuple(rows), shapes, "cell", tuple(self._unplaced()))

    def compare(self, before: Sites, after: Sites) -> Layer:
        """Return what each site draws before and after a change, and from whom those come who move."""
        names = list(dict.fromkeys((*before.names, *after.names)))
        first, then = (self._aligned(sites, names) for sites in (before, after))
        drawn = self.draw(after)
        demand = self.places.estimate
        rows = []
        shapes = dict(zip(after.names, drawn.shapes or (), strict=True))
        told = {row["site"]: row for row in drawn.rows}
        for j, name in enumerate(names):
            one, other = float(demand @ first[:, j]), float(demand @ then[:, j])
            rows.append(
                {
                    "site": name,
                    "before": round(one, 6),
                    "estimate": round(other, 6),
                    "low": told.get(name, {}).get("low"),
                    "high": told.get(name, {}).get("high"),
                    "change": round(other - one, 6),
                    "relative_change": round(other / one - 1.0, 9) if one > 0 else None,
                }
            )
        lose, gain = np.maximum(first - then, 0.0), np.maximum(then - first, 0.0)
        all_gain = gain.sum(axis=1, keepdims=True)
        to = np.divide(gain, all_gain, out=np.zeros_like(gain), where=all_gain > 0)
        moved = (lose * demand[:, None]).T @ to
        moves = [
            {"from": names[a], "to": names[b], "households": round(float(moved[a, b]), 6)}
            for a in range(len(names))
            for b in range(len(names))
            if moved[a, b] > 1e-9  # noqa: PLR2004  nobody
        ]
        moves.sort(key=lambda move: -float(str(move["households"])))
        outlines = tuple(shapes.get(name, linked_cells(np.empty(0, dtype=np.uint64))) for name in names)
        return Layer("scenario", tuple(rows), outlines, "site", drawn.notes, {"moves": moves})

    def _aligned(self, sites: Sites, names: list[str]) -> Floats:
        shares = self.shares(sites)
        wide = np.zeros((len(self.cells), len(names)))
        wide[:, [names.index(name) for name in sites.names]] = shares
        return wide

    def _sums(self, share: Floats) -> dict[str, Any]:
        """Return the figures of a share of every cell."""
        rows = np.flatnonzero(self.places.rows >= 0)
        weights = share[self.places.rows[rows]]
        zeros = np.zeros(len(rows), dtype=np.int64)
        sums = self.surface.figures.summed(zeros, 1, weights=weights, rows=rows)
        estimate, variance = counts_at(sums.at_least, sums.variance, sums.households, self.capacity)
        dollars = [float(part[0]) for part in expected_dollars(sums.households, sums.at_least, sums.variance)]
        return {"households": sums.households, "estimate": estimate, "variance": variance, "most": sums.most(),
                "dollars": dollars}  # fmt: skip

    def _dollars(self) -> Floats:
        figures = self.places.figures
        return expected_dollars(figures.households, figures.at_least, figures.variance)[0]

    def _unplaced(self) -> list[str]:
        """Say how many households have no cell, and so choose nothing."""
        cells = ancestors(self.surface.table, self.surface.note.resolution)
        nowhere = (cells == 0) & ~suppressed_rows(self.surface.table)
        count = float(self.surface.figures.households[nowhere].sum())
        if count <= 0:
            return []
        return [f"{count:,.0f} households are shown by ZIP alone, have no place, and are not in these figures"]
