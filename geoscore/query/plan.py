"""A plan of whom to ask: the places that bring the most for the money, until the contacts or the budget are used up."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import SurfaceError
from geoscore.query.expected import ERROR, interval
from geoscore.query.select import labels_of
from geoscore.query.surface import Surface
from geoscore.spatial.cells import cell_text
from geoscore.surface_format import measured, suppressed_rows
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
PlanBy = Literal["cell", "zip"]
CURVE: Final = 20


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One place of a plan.

    Attributes
    ----------
    place
        Its cell, or ZIP.
    contacts
        Households to ask there; fewer than live there at the last stop.
    households
        Who live there.
    expected_givers, expected_usd, expected_net_usd
        Of the contacts; net of their cost.
    """

    place: str
    zip: str | None
    contacts: float
    households: float
    expected_givers: float
    expected_usd: float
    expected_net_usd: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Whom to ask, and what to expect of it, with 90% intervals.

    Attributes
    ----------
    contacts, cost_usd
        Households to ask, and what all of that costs.
    expected_givers, expected_usd, expected_net_usd
        What comes of it, with ``_low`` and ``_high``.
    best_contacts, best_net_usd
        How many would bring the most after costs, and how much: whoever is expected to bring more than a contact costs.
    all_contacts, all_net_usd
        The same of asking everybody.
    stops
        The places in order.
    curve
        Contacts, expected dollars and net on the way from nobody to everybody.
    """

    contacts: float
    cost_per_contact_usd: float
    cost_usd: float
    expected_givers: float
    expected_givers_low: float
    expected_givers_high: float
    expected_usd: float
    expected_usd_low: float
    expected_usd_high: float
    expected_net_usd: float
    expected_net_usd_low: float
    expected_net_usd_high: float
    best_contacts: float
    best_net_usd: float
    all_contacts: float
    all_net_usd: float
    level: float
    stops: tuple[Stop, ...]
    curve: tuple[dict[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def make_plan(
    surface: Surface,
    *,
    contacts: float | None = None,
    budget: float | None = None,
    cost: float = 0.0,
    by: PlanBy = "cell",
) -> Plan:
    """Choose the places that bring the most dollars a household.

    Parameters
    ----------
    surface
        Of a run with a propensity model.
    contacts
        How many households to ask; by default as many as bring more than they cost.
    budget
        US dollars to spend, in place of ``contacts``.
    cost
        Of one contact, in US dollars.
    by
        ``cell`` or ``zip``.

    Raises
    ------
    SurfaceError
        The surface has no expected dollars, or a number is not positive.
    """
    measures = measured(surface.table)
    if measures is None:
        raise SurfaceError(
            "this surface has no expected dollars; name a model of `geoscore fit` under [propensity] and run it again"
        )
    limit = _limit(contacts, budget, cost)
    places, zips, sums = _places(surface, measures, by)
    each = sums[:, 3] / sums[:, 0]
    order = np.lexsort((np.array(places), -each))
    sums, each = sums[order], each[order]
    places, zips = [places[i] for i in order], [zips[i] for i in order]
    worth = each > cost
    best, all_of_it = float(sums[worth, 0].sum()), float(sums[:, 0].sum())
    wanted = min(limit if limit is not None else best, all_of_it)
    before = np.concatenate([[0.0], np.cumsum(sums[:, 0])[:-1]])
    taken = np.clip(wanted - before, 0.0, sums[:, 0])
    share = taken / sums[:, 0]
    stops = tuple(
        Stop(
            place=places[i], zip=zips[i], contacts=round(float(taken[i]), 1), households=round(float(sums[i, 0]), 1),
            expected_givers=round(float(share[i] * sums[i, 1]), 2), expected_usd=round(float(share[i] * sums[i, 3]), 2),
            expected_net_usd=round(float(share[i] * sums[i, 3] - taken[i] * cost), 2),
        )
        for i in np.flatnonzero(taken > 0)
    )  # fmt: skip
    return _summed(surface, share @ sums, stops, sums, cost, best=best, worth=worth)


def _limit(contacts: float | None, budget: float | None, cost: float) -> float | None:
    if contacts is not None and budget is not None:
        raise SurfaceError("give contacts or a budget, not both")
    if cost < 0 or not np.isfinite(cost):
        raise SurfaceError(f"a contact costs {cost:g}; give its cost in US dollars, 0 or more")
    if budget is not None:
        if not budget > 0 or cost == 0:
            raise SurfaceError("a budget needs the cost of a contact, and both more than 0")
        return budget / cost
    if contacts is not None and not contacts >= 1:
        raise SurfaceError(f"{contacts:g} contacts; give 1 or more")
    return contacts


def _places(surface: Surface, measures: Floats, by: PlanBy) -> tuple[list[str], list[str | None], Floats]:
    """Return the places, their ZIPs, and households with the four measures of each, shape (places, 5)."""
    shown = ~suppressed_rows(surface.table)
    frame = to_pandas(surface.table.select(["cell", "zip"]))
    zips = labels_of(surface.table["zip"])
    whole = np.column_stack([surface.figures.households, measures])
    groups: dict[tuple[str, str | None], Floats] = {}
    for i in np.flatnonzero(shown & (surface.figures.households > 0)):
        if by == "zip":
            key: tuple[str, str | None] = (f"ZIP {zips[i]}", str(zips[i])) if zips[i] else ("elsewhere", None)
        elif frame["cell"].isna().iloc[i]:
            key = (f"hidden hexagons of ZIP {zips[i]}", str(zips[i])) if zips[i] else ("elsewhere", None)
        else:
            key = (cell_text(int(frame["cell"].iloc[i])), str(zips[i]) or None)
        groups[key] = groups.get(key, np.zeros(5)) + whole[i]
    return [key[0] for key in groups], [key[1] for key in groups], np.array(list(groups.values()))


def _summed(
    surface: Surface, total: Floats, stops: tuple[Stop, ...], sums: Floats, cost: float, *, best: float, worth: Any
) -> Plan:
    told = surface.note.propensity or {}
    givers = interval(total[1], total[2], error=told.get("givers_error") or ERROR)
    usd = interval(total[3], total[4], error=told.get("dollars_error") or ERROR)
    spent = float(total[0]) * cost
    reached, came = np.cumsum(sums[:, 0]), np.cumsum(sums[:, 3])
    at = np.linspace(0, reached[-1], CURVE + 1)
    dollars = np.interp(at, np.concatenate([[0.0], reached]), np.concatenate([[0.0], came]))
    curve = tuple(
        {
            "contacts": round(float(n)),
            "expected_usd": round(float(v), 2),
            "expected_net_usd": round(float(v - n * cost), 2),
        }
        for n, v in zip(at, dollars, strict=True)
    )
    return Plan(
        contacts=round(float(total[0]), 1), cost_per_contact_usd=cost, cost_usd=round(spent, 2),
        expected_givers=round(float(total[1]), 2), expected_givers_low=givers[0], expected_givers_high=givers[1],
        expected_usd=round(float(total[3]), 2), expected_usd_low=usd[0], expected_usd_high=usd[1],
        expected_net_usd=round(float(total[3]) - spent, 2),
        expected_net_usd_low=round(usd[0] - spent, 2), expected_net_usd_high=round(usd[1] - spent, 2),
        best_contacts=round(best, 1), best_net_usd=round(float(sums[worth, 3].sum() - best * cost), 2),
        all_contacts=round(float(reached[-1]), 1), all_net_usd=round(float(came[-1] - reached[-1] * cost), 2),
        level=surface.note.level, stops=stops, curve=curve,
    )  # fmt: skip
