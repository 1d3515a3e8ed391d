"""An answer: how many households of an area have the capacity, how surely, and by what definition."""

from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final

from geoscore.query.expected import Expected


@dataclass(frozen=True)
class WithHidden:
    """What an area holds if the hidden cells in it are as those of their ZIPs are on average, with a 90% interval."""

    households: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Expected households of an area with capacity of at least a threshold, with their 90% interval.

    Figures are None where everything about the area is suppressed.

    Attributes
    ----------
    area
        What people call it.
    capacity_usd
        The threshold, or the beginning of a band, in US dollars.
    households
        Households counted there.
    estimate
        Those of them expected to have the capacity.
    low
        Lower end of the interval.
    high
        Upper end of the interval.
    level
        How often such intervals hold the truth: 0.9.
    suppressed
        Whether households of the area are too few to be shown and are counted elsewhere.
    formula
        Name of the formula of capacity.
    horizon
        Over what time.
    universe
        ``file``: households of the files; ``census``: all households.
    vintage
        As of when.

    Examples
    --------
    >>> answer = Answer(area="ZIP 94301", capacity_usd=2500, households=80.0, estimate=31.0, low=25.2, high=37.1,
    ...                 level=0.9, suppressed=False, formula="2pct", horizon="1 year", universe="file")
    >>> print(answer)
    ZIP 94301: about 31 of 80 households have capacity of at least $2,500 (90% interval 25 to 37; 2pct, 1 year).
    """

    area: str
    capacity_usd: float
    households: float | None
    estimate: float | None
    low: float | None
    high: float | None
    level: float
    suppressed: bool
    formula: str
    horizon: str
    universe: str
    vintage: str = ""
    below_usd: float | None = None
    """The end of a band: capacity of at least ``capacity_usd`` and less than this."""
    expected: Expected | None = None
    """Givers and dollars if all are asked; of a surface with a propensity model."""
    with_hidden: WithHidden | None = None
    """The same area with its hidden cells; of areas and cells where some are hidden."""

    @property
    def share(self) -> float | None:
        """Expected share of the households."""
        return None if self.estimate is None or not self.households else self.estimate / self.households

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, ready for JSON.

        Examples
        --------
        >>> told = surface.query(zip="94301", capacity=2500).to_dict()
        >>> told["area"], told["capacity_usd"], told["estimate"], round(told["share"], 2)
        ('ZIP 94301', 2500.0, 112.6, 0.67)
        """
        values = asdict(self)
        for name in ("households", "estimate", "low", "high"):
            if values[name] is not None:
                values[name] = round(values[name], 9)
        values["share"] = None if self.share is None else round(self.share, 9)
        hidden = values.pop("with_hidden") or {}
        return values | (values.pop("expected") or {}) | {f"with_hidden_{name}": hidden[name] for name in hidden}

    def __str__(self) -> str:
        """Return the answer as a sentence."""
        terms = f"{self.formula}, {self.horizon}"
        if self.households is None or self.estimate is None or self.low is None or self.high is None:
            return f"{self.area}: too few households to tell without giving somebody away ({terms})."
        band = "" if self.below_usd is None else f" and less than ${self.below_usd:,.0f}"
        sentence = (
            f"{self.area}: about {self.estimate:,.0f} of {self.households:,.0f} households have capacity of at least "
            f"${self.capacity_usd:,.0f}{band} ({self.level:.0%} interval {self.low:,.0f} to {self.high:,.0f}; {terms})."
        )
        if self.expected is not None:
            told = self.expected
            sentence += (
                f" If all are asked, {told.expected_givers:,.0f} ({told.givers_low:,.0f} to {told.givers_high:,.0f})"
                f" would give ${told.expected_usd:,.0f} (${told.usd_low:,.0f} to ${told.usd_high:,.0f})."
            )
        if self.with_hidden is not None:
            more = self.with_hidden
            return sentence + (
                f" With the cells that are hidden here, if they are as hidden cells are on average: about"
                f" {more.estimate:,.0f} of {more.households:,.0f} ({more.low:,.0f} to {more.high:,.0f})."
            )
        return sentence + (HIDDEN if self.suppressed else "")

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>"


HIDDEN: Final = " Some cells are hidden and not counted here."
SHOWN_ROWS: Final = 20


def listing_html(rows: list[dict[str, Any]], *, key: str, capacity: float | tuple[float, float]) -> str:
    """Return the first rows of a listing as an HTML table, for notebooks.

    Examples
    --------
    >>> listing_html([], key="zip", capacity=2500.0)[:14]
    '<table><thead>'
    """
    if isinstance(capacity, tuple):
        at = f"${capacity[0]:,.0f} to under ${capacity[1]:,.0f}"
    else:
        at = f"${capacity:,.0f} or more"
    heads = (key, "households", at, "90% interval", "share", "index")
    lines = []
    for row in rows[:SHOWN_ROWS]:
        if row["estimate"] is None:
            cells = [str(row[key]), "hidden", "", "", "", ""]
        else:
            span = f"{row['low']:,.0f} to {row['high']:,.0f}"
            part = "" if row["share"] is None else f"{row['share']:.1%}"
            index = "" if row["index"] is None else f"{row['index']:,.0f}"
            cells = [
                str(row[key] or "elsewhere"),
                f"{row['households']:,.0f}",
                f"{row['estimate']:,.0f}",
                span,
                part,
                index,
            ]
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    rest = len(rows) - SHOWN_ROWS
    more = f"<p>and {rest:,} more</p>" if rest > 0 else ""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{more}"
