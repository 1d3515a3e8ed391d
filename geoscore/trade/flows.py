"""Flows from origins to sites, made ready for a choice model: checked, sorted, taken logarithms of.

Every row that cannot be used is counted with its reason; what a choice model cannot tell is said before it is fitted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.object_]
Decay = Literal["power", "exponential"]
SHARES_SUM: Final = 1.0 + 1e-6
"""Flows of which no origin has more than this are shares."""
LEAST_RANK: Final = 1e-9


@dataclass(frozen=True)
class Flows:
    """Flows of n pairs of an origin and a site, sorted by both.

    Attributes
    ----------
    origins, sites
        Names, shapes (o,) and (s,).
    origin, site
        Their numbers in each row, shape (n,); rows of an origin stand together.
    flow
        What weighs in the likelihood: counts or amounts, shape (n,).
    names
        Of the coefficients, shape (k,): the cost first, then the attributes.
    design
        What each coefficient multiplies in ln(attraction): logarithms under power decay, shape (n, k).
    given
        The flows as they were given, shape (n,).
    rejected
        Rows that were not used, by reason.
    notes
        What was assumed.
    """

    origins: Labels
    sites: Labels
    origin: Integers
    site: Integers
    flow: Floats
    names: tuple[str, ...]
    design: Floats
    given: Floats
    rejected: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    """Columns that enter as they are, and not by their logarithms."""

    @property
    def starts(self) -> Integers:
        """First row of each origin, shape (o,)."""
        return np.flatnonzero(np.diff(self.origin, prepend=-1))

    @property
    def totals(self) -> Floats:
        """Flow of each origin, shape (o,)."""
        return np.add.reduceat(self.flow, self.starts)

    @property
    def shares(self) -> Floats:
        """Each flow as a share of its origin's, shape (n,)."""
        return np.asarray(self.flow / self.totals[self.origin], dtype=np.float64)

    def per_origin(self, values: Floats) -> Floats:
        """Return the sum over the rows of each origin, shape (o, ...)."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=0), dtype=np.float64)

    def take_origins(self, kept: Bools) -> "Flows":
        """Return the flows of some origins, numbered anew."""
        rows = kept[self.origin]
        number = np.cumsum(kept) - 1
        return replace(
            self,
            origins=self.origins[kept],
            origin=number[self.origin[rows]],
            site=self.site[rows],
            flow=self.flow[rows],
            design=self.design[rows],
            given=self.given[rows],
        )

    def without(self, name: str) -> "Flows":
        """Return the flows without one column of the design."""
        kept = [i for i, other in enumerate(self.names) if other != name]
        return replace(self, names=tuple(self.names[i] for i in kept), design=self.design[:, kept])


def prepare_flows(
    *,
    origin: Sequence[Any] | Labels,
    site: Sequence[Any] | Labels,
    flow: Floats,
    cost: Floats,
    attributes: Mapping[str, Floats],
    cost_name: str = "cost",
    total: Floats | None = None,
    decay: Decay = "power",
    linear: Sequence[str] = (),
    least_cost: float | None = None,
) -> Flows:
    """Return flows ready to be fitted.

    Parameters
    ----------
    origin, site
        Names, shape (n,).
    flow
        Counts, amounts or shares, shape (n,), NaN where missing. They weigh in the likelihood as they are.
    cost
        Time or distance, shape (n,).
    attributes
        Attributes of the sites (or of the pairs) by name, each of shape (n,).
    cost_name
        Name of the cost's coefficient.
    total
        What the origin spends or buys in all, shape (n,). Where flows are shares (no origin has more than 1), a total
        that is the same in all rows of an origin multiplies them; otherwise each origin's flows are scaled to it. A
        total that differs between the rows of an origin is summed over them first.
    decay
        ``power``: attraction falls with cost ** b; ``exponential``: with exp(b cost).
    linear
        Attributes that enter as exp(b x) and not as x ** b. One of zeros and ones alone always does.
    least_cost
        Costs below this are taken for it, such as those of people who live at the site's door.

    Raises
    ------
    InputError
        No row can be used, a power of zero is asked for, a pair stands twice and differs, or a coefficient cannot be
        told.

    Examples
    --------
    >>> flows = prepare_flows(origin=["a", "a", "b", "b"], site=["x", "y", "x", "y"], flow=np.array([3.0, 1, 2, 2]),
    ...                       cost=np.array([1.0, 2, 2, 1]), attributes={})
    >>> flows.names, flows.shares.tolist()
    (('cost',), [0.75, 0.25, 0.5, 0.5])
    """
    names = (cost_name, *attributes)
    if len(set(names)) < len(names):
        raise InputError(f"the columns {', '.join(names)} are not all different; name each once")
    labels = np.array([str(value) if value is not None else "" for value in origin], dtype=object)
    places = np.array([str(value) if value is not None else "" for value in site], dtype=object)
    columns = np.column_stack([cost, *attributes.values()]).astype(np.float64)
    notes: list[str] = []
    if least_cost is not None:
        if not least_cost > 0:
            raise InputError(f"a least cost of {least_cost:g}; give a number above 0")
        notes.append(f"{int((columns[:, 0] < least_cost).sum()):,} costs below {least_cost:g} were taken for it")
        columns[:, 0] = np.maximum(columns[:, 0], least_cost)
    usable, rejected = _usable(labels, places, np.asarray(flow, dtype=np.float64), columns, names)
    if total is not None:
        known = np.isfinite(total) & (total >= 0)
        rejected["total missing or negative"] = int((usable & ~known).sum())
        usable &= known
    if not usable.any():
        told = "; ".join(f"{count:,} {reason}" for reason, count in rejected.items() if count)
        raise InputError(f"no row of the flows can be used: {told or 'there is none'}")
    pairs = [f"{a} to {b}" for a, b in zip(labels[usable], places[usable], strict=True)]
    design, as_is = _transform(columns[usable], names, pairs, decay=decay, linear=linear, notes=notes)
    flows = _sorted(labels[usable], places[usable], np.asarray(flow, dtype=np.float64)[usable], names, design, notes)
    if total is not None:
        order = np.lexsort((places[usable], labels[usable]))
        flows = _scaled(flows, np.asarray(total, dtype=np.float64)[usable][order])
    flows = _without_silent(flows, rejected, notes)
    if total is None and (flows.totals <= SHARES_SUM).all():
        notes.append(
            "flows are shares, and every origin counts as one unit: likelihoods, and the p values of columns left out,"
            " say little; what the origins have in all (--total) gives them their weight"
        )
    check_told(flows)
    whys = {why: count for why, count in rejected.items() if count}
    return replace(flows, rejected=whys, notes=tuple(notes), plain=as_is)


def _usable(
    origin: Labels, site: Labels, flow: Floats, columns: Floats, names: tuple[str, ...]
) -> tuple[Bools, Counter[str]]:
    """Return which rows are whole, and why the others are not."""
    usable = np.ones(len(flow), dtype=bool)
    rejected: Counter[str] = Counter()
    tests = [("origin or site missing", (origin == "") | (site == "")), ("flow missing", ~np.isfinite(flow))]
    tests += [("flow negative", flow < 0)]
    tests += [(f"{name} missing", ~np.isfinite(columns[:, i])) for i, name in enumerate(names)]
    for reason, bad in tests:
        rejected[reason] += int((usable & bad).sum())
        usable &= ~bad
    return usable, rejected


def _transform(
    columns: Floats,
    names: tuple[str, ...],
    pairs: Sequence[str],
    *,
    decay: Decay,
    linear: Sequence[str],
    notes: list[str],
) -> tuple[Floats, tuple[str, ...]]:
    """Return logarithms of what enters as a power, the rest as it is, and the names of these."""
    unknown = [name for name in linear if name not in names[1:]]
    if unknown:
        raise InputError(f"{unknown[0]!r} is to enter linearly, but is none of the attributes {', '.join(names[1:])}")
    design = np.array(columns)
    as_is = []
    for i, name in enumerate(names):
        plain = (i == 0 and decay == "exponential") or name in linear
        if not plain and i > 0 and np.isin(columns[:, i], (0.0, 1.0)).all():
            notes.append(f"{name} holds zeros and ones alone, and enters as exp(b x): a power of zero says nothing")
            plain = True
        if plain:
            as_is.append(name)
            continue
        low = np.flatnonzero(columns[:, i] <= 0)
        if len(low):
            where = f"for {pairs[low[0]]}" if len(low) == 1 else f"in {len(low):,} rows, the first {pairs[low[0]]}"
            mend = (
                "give --least-cost (people at the door are some minutes away too), or take --decay exponential"
                if i == 0
                else f"give --linear {name!s}, which enters as exp(b x), or fill in what is missing"
            )
            raise InputError(f"{name} is zero or negative {where}, and its logarithm is needed; {mend}")
        design[:, i] = np.log(columns[:, i])
    return design, tuple(as_is)


def _sorted(
    origin: Labels, site: Labels, flow: Floats, names: tuple[str, ...], design: Floats, notes: list[str]
) -> Flows:
    """Return flows sorted by origin and site, a pair that stands twice counted once."""
    order = np.lexsort((site, origin))
    origins, at = np.unique(origin[order], return_inverse=True)
    sites, to = np.unique(site[order], return_inverse=True)
    at, to, flow, design = at.reshape(-1), to.reshape(-1), flow[order], design[order]
    first = np.ones(len(at), dtype=bool)
    first[1:] = (np.diff(at) != 0) | (np.diff(to) != 0)
    if not first.all():
        group = np.cumsum(first) - 1
        kept = np.flatnonzero(first)
        differs = np.flatnonzero(~np.isclose(design, design[kept][group], rtol=1e-9, atol=1e-12).all(axis=1))
        if len(differs):
            i = differs[0]
            raise InputError(
                f"origin {origins[at[i]]} and site {sites[to[i]]} stand in several rows with different cost or"
                " attributes; give each pair one row"
            )
        twice = int((~first).sum())
        rows = "row of a pair that stands twice was" if twice == 1 else "rows of pairs that stand twice were"
        notes.append(f"{twice:,} {rows} added to the first")
        at, to, design = at[kept], to[kept], design[kept]
        flow = np.asarray(np.bincount(group, flow), dtype=np.float64)
    return Flows(origins, sites, at.astype(np.int64), to.astype(np.int64), flow, names, design, flow)


def _scaled(flows: Flows, total: Floats) -> Flows:
    """Return flows brought to what each origin has in all."""
    if len(total) != len(flows.flow):
        raise InputError("a pair stands twice, and the totals cannot be told apart; give each pair one row")
    first = total[flows.starts]
    if not np.allclose(total, first[flows.origin], rtol=1e-9):
        given = flows.totals
        scale = np.divide(flows.per_origin(total), given, out=np.zeros_like(given), where=given > 0)
    elif (flows.totals <= SHARES_SUM).all():
        scale = first
    else:
        given = flows.totals
        scale = np.divide(first, given, out=np.zeros_like(given), where=given > 0)
    return replace(flows, flow=flows.flow * scale[flows.origin])


def _without_silent(flows: Flows, rejected: Counter[str], notes: list[str]) -> Flows:
    """Return flows without origins that say nothing: those without any flow, and those with one site alone."""
    counts = flows.per_origin(np.ones(len(flows.flow)))
    nothing, single = flows.totals <= 0, counts < 2  # noqa: PLR2004  one site is no choice
    rejected["of an origin without any flow"] += int(counts[nothing].sum())
    rejected["of an origin with one site alone: no choice"] += int(counts[~nothing & single].sum())
    kept = ~nothing & ~single
    if not kept.any():
        raise InputError("no origin has a flow and two sites to choose from; a choice model needs both")
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} origins say nothing (no flow, or one site alone) and were left out")
        flows = flows.take_origins(kept)
    return flows


def check_told(flows: Flows) -> None:
    """Raise ``InputError`` where the flows cannot tell the coefficients.

    Only differences between the sites of an origin say anything: a column that is the same for all of them drops out.
    """
    k = len(flows.names)
    if len(flows.origins) < k:
        raise InputError(
            f"{len(flows.origins)} origins cannot tell {k} coefficients ({', '.join(flows.names)}): at least {k} are"
            " needed, and for honest intervals several times as many; leave attributes out or bring more origins"
        )
    counts = flows.per_origin(np.ones(len(flows.flow)))
    centered = flows.design - (flows.per_origin(flows.design) / counts[:, None])[flows.origin]
    scale = np.sqrt((centered**2).mean(axis=0))
    reach = np.sqrt((flows.design**2).mean(axis=0))
    for i, name in enumerate(flows.names):
        if scale[i] <= LEAST_RANK * max(reach[i], 1.0):
            raise InputError(f"{name} is the same for all sites of every origin, and so says nothing; leave it out")
    values, vectors = np.linalg.eigh((centered / scale).T @ (centered / scale) / len(centered))
    if values[0] < LEAST_RANK:
        tied = [name for i, name in enumerate(flows.names) if abs(vectors[i, 0]) > 0.05]  # noqa: PLR2004
        raise InputError(
            f"{', '.join(tied)} cannot be told apart: one follows from the others ({len(flows.sites)} sites bear at"
            f" most {len(flows.sites) - 1} attributes of sites); leave one out"
        )
