"""A region made ready: its census areas on cells, their incomes at any threshold, and how far both may be off.

What every run needs before it looks at a household, and all that a run without households needs.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from geoscore.capacity import IncomeDistribution, fit_areas
from geoscore.errors import InputError
from geoscore.formulas import Band, Formula, list_formulas, open_formula
from geoscore.project import Project
from geoscore.reference.basemap import Basemap, basemap_of
from geoscore.reference.census import Census, CensusFiles, open_census, read_income_curve
from geoscore.spatial.cells import cell_resolution
from geoscore.spatial.interpolation import coarser_ground, concentration, interpolate_households
from geoscore.surfaces import Allocation, Errors

USUAL_TRIALS: Final = 4.0
"""Concentration of an area's households over its cells where nothing tells: half of it may lie elsewhere."""
TRACT_DIGITS: Final = 11
BLOCK_GROUP_DIGITS: Final = 12


@dataclass(frozen=True)
class Region:
    """The census side of a run.

    Attributes
    ----------
    census
        The figures as read.
    ground
        Table of schema ``GROUND``.
    distribution
        Incomes of every area.
    errors, allocation
        How far shares of areas, and places of their households, may be off; in the distribution's order.
    notes
        What was mended, modelled or drawn, for people to read.
    """

    census: Census
    ground: pa.Table
    distribution: IncomeDistribution
    errors: Errors
    allocation: Allocation
    notes: tuple[str, ...]

    def basemap(self) -> Basemap:
        """Return outlines and names for maps."""
        return basemap_of(self.census.counties, self.census.zips)

    def county_names(self) -> dict[str, str]:
        """Return the names of counties by FIPS code."""
        counties = self.census.counties
        return dict(zip(counties["county"], counties["name"], strict=True))

    def without_homes(self) -> frozenset[str]:
        """Return ZIPs in which nobody lives: PO boxes and those of one receiver."""
        zips = self.census.zips
        return frozenset(zips.loc[zips["kind"] != "standard", "zip"])


def census_files(plan: Project) -> CensusFiles:
    """Return the census files of a project, as seen from here."""
    settings = plan.census

    def resolve(path: Any) -> Any:
        return None if path is None else plan.resolve(path)

    return CensusFiles(
        tables=tuple(plan.resolve(path) for path in settings.tables),
        **{
            name: resolve(getattr(settings, name))
            for name in ("crosswalk", "areas", "ground", "centers", "tracts", "blocks", "incomes", "zips", "counties")
        },
    )


def open_region(plan: Project) -> Region:
    """Read the census figures of a project and lay them out on cells.

    Raises
    ------
    InputError
        A census file cannot be used; the message says why.
    """
    census = open_census(census_files(plan))
    areas, zips = census.areas, census.zips[census.zips.geometry.notna()]
    if census.ground is not None:
        ground = ground_at(census.ground, resolution=plan.surface.resolution)
    else:
        ground = interpolate_households(
            area_ids=list(areas["area_id"]),
            counties=list(areas["county"]),
            households=areas["households"].to_numpy(float),
            areas=list(areas.geometry),
            zips=list(zips["zip"]),
            zip_areas=list(zips.geometry),
            resolution=plan.surface.resolution,
            points=census.points,
            centers=census.centers,
        )
    curve = read_income_curve(None if plan.census.curve is None else plan.resolve(plan.census.curve))
    county_of = dict(zip(areas["area_id"], areas["county"], strict=True))
    fitted = fit_areas(census.brackets, census.margins, curve, county_of=county_of, sampled=bool(plan.census.tables))
    ids = fitted.distribution.area_ids_
    common = {county_of[area]: float(value) for area, value in zip(ids, fitted.common, strict=True)}
    allocation = _allocation(census, ids)
    notes = (*census.notes, *fitted.notes, allocation.how)
    return Region(census, ground, fitted.distribution, Errors(fitted.trials, common), allocation, notes)


def sensitivity(region: Region, *, used: Formula, capacity: float) -> list[dict[str, Any]]:
    """Return what share of the region's households lies above a threshold by other definitions of capacity.

    Parameters
    ----------
    region
        The region.
    used
        The formula of the run; those that ship with geoscore and look at income follow.
    capacity
        Threshold in US dollars.

    Returns
    -------
    list of dict
        ``formula``, ``horizon``, and the shares by its ``low``, ``mid`` and ``high`` rates, from income alone, at the
        default age.
    """
    others = [open_formula(name) for name in list_formulas() if name != used.name]
    weights = region.distribution.households_
    told: list[dict[str, Any]] = []
    for formula in (used, *others):
        bands: tuple[Band, ...] = ("low", "mid", "high")
        rates = [rate for rate in (formula.usual_factor(band=band) for band in bands) if rate is not None]
        if not rates:
            continue
        above = weights @ region.distribution.exceedance(capacity / np.array(rates)) / weights.sum()
        shares = {str(band): round(float(share), 4) for band, share in zip(bands, above, strict=True)}
        told.append({"formula": formula.name, "horizon": formula.horizon, **shares})
    return told


def _allocation(census: Census, ids: list[str]) -> Allocation:
    """Say how surely households lie evenly on their area, from how those of tracts lie on their block groups."""
    areas = census.areas
    n = len(ids)
    if census.points is not None:
        count = census.points["area_id"].value_counts().reindex(ids).fillna(USUAL_TRIALS).to_numpy(float)
        return Allocation(
            np.asarray(count, dtype=np.float64), "households lie on their areas as census blocks do, each block a trial"
        )
    if census.ground is not None or not areas["area_id"].str.fullmatch(rf"\d{{{BLOCK_GROUP_DIGITS}}}").all():
        how = "households lie evenly on their areas; how far they do not is assumed, for nothing here tells"
        return Allocation(np.full(n, USUAL_TRIALS), how)
    square_m = areas.geometry.to_crs(6933).area.to_numpy()
    trials = concentration(square_m, areas["households"].to_numpy(float), areas["area_id"].str[:TRACT_DIGITS])
    lie = "evenly on their areas" if census.centers is None else "on their areas as evenly as their centers allow"
    how = (
        f"households lie {lie}; by how those of tracts lie on their block groups, their shares are"
        f" worth {trials:.1f} trials"
    )
    return Allocation(np.full(n, trials), how)


def ground_at(ground: pa.Table, *, resolution: int) -> pa.Table:
    """Return a ground at a resolution that is its own or coarser.

    Raises
    ------
    InputError
        It is coarser than what is wanted.
    """
    given = cell_resolution(int(ground["cell"][0].as_py()))
    if given < resolution:
        raise InputError(f"the census ground has cells of resolution {given}; set surface.resolution to at most that")
    return ground if given == resolution else coarser_ground(ground, resolution=resolution)
