"""Incomes of the samples: one regional curve, and the curve bent for every zone to what is known of its level.

All amounts are brought to dollars of 2017.
"""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]
INCOME_PARTS = ["e00200", "e00300", "e00600", "e00800", "e00900", "e01500", "e02100", "e02300", "e02400"]
"""Wages, interest, dividends, alimony, business, pensions, farm, unemployment, social security: money income."""
CALIFORNIA = 6
CPI = {2000: 172.2, 2014: 236.736, 2017: 245.120}
"""Consumer price index for all urban consumers, yearly mean."""
POINTS = 200
SMOOTHING = 4.0
"""Standard deviation of the smoothing in points, each 4% of income."""
LOWS = np.array([0, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100, 125, 150, 200]) * 1000.0
QUARTERS = np.array([15_000.0, 45_000.0, 80_000.0, 160_000.0])
"""Typical incomes of the four classes that San Francisco's zones are counted in, in dollars of 2000."""
ROUNDS = 200


def income_curve(survey: pd.DataFrame, us_zips: pd.DataFrame, bay_zips: pd.DataFrame) -> pd.DataFrame:
    """Return the region's income curve: that of Californian households, raised to the region's level of wages.

    Tax units in a row that share a dwelling are one household (its number is used again in other years' samples,
    so the rows must be next to each other). The level is the ratio of IRS wages per household in the
    region's ZIPs to that in California's.
    """
    california = us_zips[us_zips["state"] == "CA"]
    level = _wages_per_household(bay_zips) / _wages_per_household(california)
    return survey_curve(survey[survey["fips"] == CALIFORNIA], level=level)


def survey_curve(survey: pd.DataFrame, *, level: float = 1.0) -> pd.DataFrame:
    """Return the curve of the households in a survey, raised to a level."""
    dwelling = (survey["h_seq"] != survey["h_seq"].shift()).cumsum()
    income = survey[INCOME_PARTS].sum(axis=1).groupby(dwelling).sum()
    weight = survey["s006"].groupby(dwelling).max()
    dollars = np.sort(income.to_numpy(float)) * CPI[2017] / CPI[2014] * level
    order = np.argsort(income.to_numpy(float), kind="stable")
    below = (np.cumsum(weight.to_numpy(float)[order]) - weight.to_numpy(float)[order] / 2) / weight.sum()
    at = np.geomspace(1_000, np.quantile(dollars, 0.9995), POINTS)
    share = _smooth(np.log(at), np.interp(at, dollars, below))
    strict = np.maximum.accumulate(share + np.arange(POINTS) * 1e-9)
    return pd.DataFrame({"income_usd": np.round(at, 2), "share_below": np.round(strict, 10)})


def _smooth(x: Floats, share: Floats) -> Floats:
    """Smooth a curve on the probit scale, where it is nearly straight: people answer surveys in round figures."""
    probit = ndtri(share)
    line = np.polynomial.Polynomial.fit(x, probit, 1)(x)
    return np.asarray(ndtr(line + gaussian_filter1d(probit - line, SMOOTHING, mode="nearest")))


def _wages_per_household(zips: pd.DataFrame) -> float:
    known = zips[(zips["households_2010"] > 0) & zips["wages_usd_2010"].notna()]
    return float(known["wages_usd_2010"].sum() / known["households_2010"].sum())


def zone_brackets(zones: gpd.GeoDataFrame, zips: gpd.GeoDataFrame, curve: pd.DataFrame, land: pd.DataFrame) -> pa.Table:
    """Return every zone's households in the 16 brackets of table B19001, modelled.

    The regional curve is bent by maximum entropy (weights proportional to income to a power) until a zone's mean
    agrees with its relative level, and all zones are raked until together they are the regional curve again.
    """
    inhabited = zones[zones["households"] > 0].reset_index(drop=True)
    level = _relative_level(inhabited, zips, land)
    below = np.interp(LOWS[1:], curve["income_usd"], curve["share_below"])
    regional = np.diff(np.concatenate([[0.0], below, [1.0]]))
    typical = _bracket_means(curve)
    shares = _bent(regional, typical, level)
    households = inhabited["households"].to_numpy(float)
    counts = _rake(shares * households[:, None], regional * households.sum(), households)
    n, k = counts.shape
    highs = [*LOWS[1:].tolist(), None]
    return pa.table(
        {
            "area_id": pa.array(np.repeat(inhabited["area_id"].to_numpy(), k), pa.string()),
            "low_usd": pa.array(np.tile(LOWS, n)),
            "high_usd": pa.array(highs * n, pa.float64()),
            "households": pa.array(counts.reshape(-1)),
        }
    )


def _bracket_means(curve: pd.DataFrame) -> Floats:
    """Return the mean income within each bracket, from the regional curve."""
    income, below = curve["income_usd"].to_numpy(), curve["share_below"].to_numpy()
    fine = np.linspace(0.0005, below[-1], 20_000)
    drawn = np.interp(fine, below, income)
    bracket = np.searchsorted(LOWS, drawn, side="right") - 1
    return np.array([drawn[bracket == i].mean() for i in range(len(LOWS))])


def _bent(regional: Floats, typical: Floats, level: Floats) -> Floats:
    """Return shares of shape (zones, brackets) whose mean is ``level`` times the region's."""
    powers = np.linspace(-2.5, 2.5, 501)
    bent = regional[None, :] * np.exp(powers[:, None] * np.log(typical / 50_000.0)[None, :])
    bent /= bent.sum(axis=1, keepdims=True)
    means = bent @ typical / (regional @ typical)
    power = np.interp(level, means, powers)
    shares = regional[None, :] * np.exp(power[:, None] * np.log(typical / 50_000.0)[None, :])
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _rake(counts: Floats, columns: Floats, rows: Floats) -> Floats:
    """Scale counts until they sum to both margins; rows are met exactly."""
    for _ in range(ROUNDS):
        counts = counts * (columns / counts.sum(axis=0))[None, :]
        counts = counts * (rows / counts.sum(axis=1))[:, None]
    return counts


def _relative_level(zones: gpd.GeoDataFrame, zips: gpd.GeoDataFrame, land: pd.DataFrame) -> Floats:
    """Return each zone's mean income relative to the region.

    It is that of its ZIP's wages per household; within San Francisco, that of the zone's own four classes of income.
    """
    wages = zips["wages_usd_2010"] / zips["households_2010"].where(zips["households_2010"] > 0)
    known = zips[zips.geometry.notna() & wages.notna()].assign(wages=wages)
    points = shapely.point_on_surface(zones.geometry.to_numpy())
    nearest = shapely.STRtree(known.geometry.to_numpy()).nearest(points)
    level = known["wages"].to_numpy()[nearest]
    households = zones["households"].to_numpy(float)
    level = level / np.average(level, weights=households)
    counts = land.set_index(land["ZONE"].astype(str))[[f"HHINCQ{i}" for i in range(1, 5)]]
    own = (counts * QUARTERS).sum(axis=1) / counts.sum(axis=1)
    city = zones["area_id"].map(own).to_numpy(float)
    inside = ~np.isnan(city)
    scale = np.average(level[inside], weights=households[inside]) / np.average(city[inside], weights=households[inside])
    return np.where(inside, city * scale, level)
