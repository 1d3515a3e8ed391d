"""The form of a capacity formula, and how one is read and computed.

Capacity is the largest of a formula's components; a component is a rate times one figure of the household.
"""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoscore.errors import InputError, InputNotFoundError
from geoscore.schemas import EVIDENCE

Floats = npt.NDArray[np.float64]
Band: TypeAlias = Literal["low", "mid", "high"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgeFactor(_Strict):
    """A factor of years since ``from_years`` of age; ``default_years`` is the age where none is known."""

    from_years: Annotated[float, Field(ge=0, le=120)]
    default_years: Annotated[float, Field(ge=0, le=120)]

    def years(self, age: Floats) -> Floats:
        """Return years counted, never negative, for ages in years of shape (n,) with NaN where unknown."""
        return np.maximum(np.where(np.isnan(age), self.default_years, age) - self.from_years, 0.0)


class Component(_Strict):
    """One term: ``rate`` times what stands above ``exemption``, at most ``cap``."""

    field: Literal["income_usd", "home_value_usd", "assets_usd", "net_worth_usd", "largest_gift_usd"]
    rate: Annotated[float, Field(gt=0, le=1)]
    low_rate: Annotated[float, Field(gt=0, le=1)]
    high_rate: Annotated[float, Field(gt=0, le=1)]
    age: AgeFactor | None = None
    exemption: Annotated[float, Field(ge=0)] = 0.0
    cap: Annotated[float, Field(gt=0)] | None = None

    def factor(self, age: Floats, *, band: Band = "mid") -> Floats:
        """Return capacity per dollar of the field, for ages of shape (n,)."""
        rate = {"low": self.low_rate, "mid": self.rate, "high": self.high_rate}[band]
        return rate * (self.age.years(age) if self.age else np.ones_like(age))

    def amount(self, figure: Floats, age: Floats, *, band: Band = "mid") -> Floats:
        """Return the component's capacity in US dollars, NaN where the figure is."""
        value = self.factor(age, band=band) * np.maximum(figure - self.exemption, 0.0)
        return np.minimum(value, self.cap) if self.cap is not None else value


class Formula(_Strict):
    """A definition of giving capacity: from which figures, over which horizon, on whose word.

    Examples
    --------
    >>> import numpy as np
    >>> formula = open_formula("income-2pct-1y")
    >>> float(formula.capacity({"income_usd": np.array([125_000.0])})[0])
    2500.0
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    horizon: str
    recipients: str
    citation: str
    components: Annotated[tuple[Component, ...], Field(min_length=1)]

    def capacity(self, evidence: dict[str, Floats], *, band: Band = "mid") -> Floats:
        """Return capacity in US dollars from what is known of n households; NaN where nothing is.

        Parameters
        ----------
        evidence
            Evidence columns by name, each of shape (n,), NaN where unknown; at least one of them.
        band
            ``low``, ``mid`` or ``high`` rates: how far the definition itself is in doubt.

        Examples
        --------
        >>> formula = open_formula("income-2pct-1y")
        >>> formula.capacity({"income_usd": np.array([125_000.0, np.nan])}).tolist()
        [2500.0, nan]
        """
        n = len(next(iter(evidence.values())))
        unknown = np.full(n, np.nan)
        age = evidence.get("age", unknown)
        best = unknown
        for part in self.components:
            best = np.fmax(best, part.amount(evidence.get(part.field, unknown), age, band=band))
        return best

    def income_alone(self) -> bool:
        """Return whether capacity follows from income and from nothing else, not even age.

        Examples
        --------
        >>> open_formula("income-2pct-1y").income_alone(), open_formula("income-age-5y").income_alone()
        (True, False)
        """
        return len(self.components) == 1 and self.components[0].field == "income_usd" and self.components[0].age is None

    def income(self) -> Component | None:
        """Return the component on income, which the census can fill in where a household's is unknown.

        Examples
        --------
        >>> open_formula("assets-5pct").income() is None
        True
        """
        return next((part for part in self.components if part.field == "income_usd"), None)

    def usual_factor(self, *, band: Band = "mid") -> float | None:
        """Return the capacity for a dollar of income where nothing else is known; None where income does not count.

        Examples
        --------
        >>> open_formula("income-2pct-1y").usual_factor(band="mid")
        0.02
        """
        income = self.income()
        return None if income is None else float(income.factor(np.array([np.nan]), band=band)[0])


def list_formulas() -> list[str]:
    """Return the names of the formulas that ship with geoscore.

    Examples
    --------
    >>> "income-2pct-1y" in list_formulas()
    True
    """
    folder = files("geoscore.formulas")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def open_formula(name: str | Path) -> Formula:
    """Read a formula by the name of one that ships with geoscore, or from a TOML file.

    Raises
    ------
    InputNotFoundError
        There is neither a formula nor a file of that name.
    InputError
        The file does not hold a formula; the message names the place.

    Examples
    --------
    >>> open_formula("income-age-5y").horizon
    '5 years'
    """
    path = Path(name)
    if str(name) in list_formulas():
        text = files("geoscore.formulas").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    elif path.suffix == ".toml" and path.exists():
        text = path.read_text(encoding="utf-8")
    else:
        raise InputNotFoundError(f"there is no formula {str(name)!r}; shipped are {', '.join(list_formulas())}")
    try:
        formula = Formula.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"formula {name} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"formula {name}: {place}: {first['msg']}") from error
    _check(formula)
    return formula


def _check(formula: Formula) -> None:
    fields = [part.field for part in formula.components]
    for field in fields:
        if fields.count(field) > 1:
            raise InputError(f"formula {formula.name}: two components on {field!r}; merge them into one")
        if field not in EVIDENCE:
            raise InputError(f"formula {formula.name}: {field!r} is not something a file can know")
    income = formula.income()
    if income is not None and (income.exemption or income.cap):
        raise InputError(f"formula {formula.name}: exemption and cap on income are not built yet; leave them out")
