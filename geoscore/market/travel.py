"""A way to get about: minutes on a network between sites and cells, and what could be reached in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import shapely

from geoscore.errors import InputError
from geoscore.spatial.cells import cell_centers, cells_from_polygons
from geoscore.spatial.network import Network, Places
from geoscore.spatial.polygons import circle
from geoscore.spatial.roads import ACCESS_KMH, Mode
from geoscore.trade.areas import Site, called

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Direction = Literal["to", "from"]
FARTHEST_M: Final[dict[str, float]] = {"drive": 2_000.0, "bike": 1_000.0, "walk": 500.0}
"""Farther from every link of the network, a place counts as out of reach."""
FINEST: Final[dict[str, int]] = {"drive": 9, "bike": 9, "walk": 10}
"""H3 resolution at which it is told what can be reached."""


@dataclass(frozen=True)
class Travel:
    """A way to get about: a network and how it is used.

    Attributes
    ----------
    network
        Streets.
    mode
        ``drive``, ``bike`` or ``walk``.
    direction
        ``to``: people come to the site; ``from``: somebody goes out from it.
    """

    network: Network
    mode: Mode = "drive"
    direction: Direction = "to"

    def minutes(self, sites: Sequence[Site], cells: Cells, *, limit: float = np.inf) -> Floats:
        """Return the minutes between every site and the center of every cell, shape (s, n), infinite out of reach."""
        lon, lat = cell_centers(cells)
        places = self.network.snap(lon, lat)
        network = self.network.reversed() if self.direction == "to" else self.network
        seconds = network.times(self.places(sites), places, access_kmh=ACCESS_KMH[self.mode], limit_s=60.0 * limit)
        seconds[:, places.away_m > FARTHEST_M[self.mode]] = np.inf
        return seconds / 60.0

    def places(self, sites: Sequence[Site]) -> Places:
        """Return where sites stand on the network.

        Raises
        ------
        InputError
            A site is too far from it: in the sea, or outside of what the network covers.
        """
        lon, lat = (np.array([getattr(site, name) for site in sites]) for name in ("longitude", "latitude"))
        found = self.network.snap(lon, lat)
        for site, away in zip(sites, found.away_m, strict=True):
            if away > FARTHEST_M[self.mode]:
                raise InputError(
                    f"{called(site)} at {site.longitude:g},{site.latitude:g} is {away / 1000:,.1f} km from the"
                    " nearest street of the network: in the water, or beyond what the network covers? Move it, or bring"
                    " another network"
                )
        return found

    def candidates(self, sites: Sequence[Site], limit: float, *, resolution: int) -> Cells:
        """Return the cells that could be reached within a time at the network's highest speed."""
        seconds = np.minimum(self.network.forward_s, self.network.backward_s)
        speeds = self.network.length_m / np.maximum(seconds, 1e-6)
        fastest = float(speeds[np.isfinite(seconds)].max())
        radius = 60.0 * limit * max(fastest, ACCESS_KMH[self.mode] / 3.6) + FARTHEST_M[self.mode]
        margin = np.degrees(FARTHEST_M[self.mode] / 6_371_000.0) * 2
        lon, lat = self.network.longitude, self.network.latitude
        return _cells_near(sites, radius, (lon.min() - margin, lat.min() - margin, lon.max() + margin,
                                           lat.max() + margin), resolution)  # fmt: skip

    def notes(self, sites: Sequence[Site]) -> tuple[str, ...]:
        """Return what is to be known of the network and of where sites stand on it."""
        told = list(self.network.notes)
        places = self.places(sites)
        pieces = self.network.pieces[self.network.start[places.link]]
        for site, piece in zip(sites, pieces, strict=True):
            if piece:
                size = int((self.network.pieces == piece).sum())
                told.append(f"{called(site)} stands on a piece of the network of {size:,} nodes, apart from the rest")
        return tuple(told)


def _cells_near(
    sites: Sequence[Site], radius_m: float, bounds: tuple[float, float, float, float], resolution: int
) -> Cells:
    frame = shapely.box(*bounds)
    shapes = [shapely.intersection(circle(*site.point, radius_m=radius_m), frame) for site in sites]
    _, cells = cells_from_polygons(shapes, resolution=resolution)
    return np.unique(cells)
