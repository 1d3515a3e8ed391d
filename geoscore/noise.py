"""A differentially private release: every published figure made of counts with random noise, by OpenDP.

Whether one household is in the files changes little: the chance of any release changes by at most a factor of
exp(epsilon). The households of every place and band of capacity are counted, Laplace noise is added to each count, and
all else is made from these.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.surface_format import Figures, figures, surface_table
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
PLACE: Final = ["cell", "zip", "county"]
AT_ONCE: Final = 100_000
HOUSEHOLD: Final = 1.0
"""By how much one household changes all counts together: the shares it has in places and bands sum to 1."""


def add_noise(surface: pa.Table, domain: pd.DataFrame, *, epsilon: float) -> pa.Table:
    """Return a surface of noisy counts, not protected otherwise yet; counts may be negative.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE`` at the published resolution, unprotected.
    domain
        All (cell, ZIP, county) rows that a surface could have, known without the files: where somebody was found must
        not show. Households found elsewhere are counted in a row of their ZIP, else of their county.
    epsilon
        The privacy budget of one household.

    Returns
    -------
    Table of schema ``SURFACE``
        A row for every row of the domain. Variances have the noise's own in them.

    Raises
    ------
    InputError
        OpenDP is missing, or epsilon is not positive.
    """
    if not epsilon > 0:
        raise InputError(f"epsilon {epsilon:g}: a privacy budget is positive, such as 1")
    rows, counts, sure = _counted(surface, domain)
    noisy = counts + _laplace(counts.size, 1.0 / epsilon).reshape(counts.shape)
    above = np.cumsum(noisy[:, ::-1], axis=1)[:, ::-1]  # households, then those above each rung
    own = 2.0 / epsilon**2 * np.arange(counts.shape[1], 0, -1)[None, :]
    none = np.full(len(rows), -1)
    parts = (sure.variance + own, sure.zip_covariance + own, sure.county_covariance + own)
    return surface_table(rows, Figures(above[:, 0], above[:, 1:], *parts, none, none))


def settle(surface: pa.Table) -> pa.Table:
    """Return a protected noisy surface in which counts are possible ones: not negative, and never rising."""
    values = figures(surface)
    households = np.maximum(values.households, 0.0)
    # the mean of the nearest falling curves below and above: one of them alone would be off to its side
    below = np.minimum.accumulate(values.at_least, axis=1)
    over = np.maximum.accumulate(values.at_least[:, ::-1], axis=1)[:, ::-1]
    at_least = np.clip((below + over) / 2.0, 0.0, households[:, None])
    hidden = surface["suppressed"].to_numpy().astype(bool)
    keys = to_pandas(surface.select([*PLACE, "counted_in"]))
    settled = Figures(
        households, at_least, values.variance, values.zip_covariance, values.county_covariance,
        values.zip_at, values.county_at,
    )  # fmt: skip
    return surface_table(keys, settled, suppressed=hidden)


def _counted(surface: pa.Table, domain: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Figures]:
    """Return the domain, households by row and band of capacity, and the sums that their variances are taken from."""
    values = figures(surface)
    keys = to_pandas(surface.select(PLACE))
    rows = domain[PLACE].drop_duplicates().reset_index(drop=True)
    numbered = rows.assign(row=np.arange(len(rows)))
    at = keys.merge(numbered, on=PLACE, how="left")["row"].to_numpy(float)
    for column in ("zip", "county"):
        first = numbered.dropna(subset=[column]).drop_duplicates(column).set_index(column)["row"]
        at = np.where(np.isnan(at), keys[column].map(first).to_numpy(float), at)
    place = np.nan_to_num(at, nan=0.0).astype(np.int64)
    whole = np.hstack([values.households[:, None], values.at_least])
    bands = whole - np.hstack([whole[:, 1:], np.zeros((len(whole), 1))])
    counts = np.zeros((len(rows), bands.shape[1]))
    np.add.at(counts, place, bands)
    return rows, counts, values.summed(place, len(rows))


def _laplace(n: int, scale: float) -> Floats:
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise InputError("a private release needs OpenDP: pip install 'geoscore[privacy]'") from error
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.l1_distance(T=float)
    mechanism = dp.m.make_laplace(*space, scale=scale)
    spent = mechanism.map(d_in=HOUSEHOLD)  # type: ignore[no-untyped-call]
    if spent > 1.0 / scale * (1 + 1e-6):
        raise InputError("OpenDP does not vouch for this epsilon; choose a larger one")
    parts = [mechanism([0.0] * min(AT_ONCE, n - start)) for start in range(0, n, AT_ONCE)]
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
