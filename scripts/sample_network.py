"""A made-up street network for the samples: plausible corridors between zones, to show travel time offline.

NOT the region's streets. Zones are joined to their neighbors where land lies between them (a Gabriel graph), pieces by
their shortest gaps over water ("bridges"), and those links that most trips between households would use are given the
speeds of highways. Only `zones.parquet` goes into it.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

METRIC = 3310
"""California Albers, meters, equal area."""
LAND = 0.8
"""Least share of a link that lies on land."""
LONGEST_M = 25_000.0
BRIDGES = 8
"""How many links across water shorten the ways of most households; the region has as many bridges."""
LONGEST_BRIDGE_M = 15_000.0
ORIGINS = 250
SPEEDS = {"motorway": 95.0, "primary": 50.0, "secondary": 38.0}
"""Kilometers an hour in a straight line between zones: streets wind, so these are lower than what a car does."""
PARTS = (0.10, 0.35)
"""Shares of the links that are highways, and highways or main streets."""
STREET_MIN_M = 150.0


def plausible_network(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return links between zones with a class and a speed; lines in degrees of WGS 84."""
    flat = zones.to_crs(METRIC)
    points = shapely.get_coordinates(flat.geometry.representative_point().to_numpy())
    land = shapely.union_all(flat.geometry.buffer(200).to_numpy())
    homes = zones["households"].to_numpy(dtype=float)
    pairs = _with_bridges(points, homes, *_land_links(points, land))
    length = np.maximum(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1), STREET_MIN_M)
    kind = np.full(len(pairs), "secondary", dtype=object)
    for _ in range(3):
        speed = np.array([SPEEDS[name] for name in kind])
        trips = _trips(pairs, length / (speed / 3.6), homes, len(points))
        order = np.argsort(-trips * np.sqrt(length), kind="stable")
        kind[:] = "secondary"
        kind[order[: int(PARTS[1] * len(order))]] = "primary"
        kind[order[: int(PARTS[0] * len(order))]] = "motorway"
    lines = shapely.linestrings(points[pairs])
    network = gpd.GeoDataFrame(
        {"highway": kind, "speed_kmh": [SPEEDS[name] for name in kind]}, geometry=list(lines), crs=METRIC
    ).to_crs(4326)
    network.geometry = shapely.set_precision(network.geometry.to_numpy(), 1e-6)
    return network


def _land_links(points: np.ndarray, land: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of neighboring zones over land (and what else holds all together), and all pairs of neighbors."""
    triangles = Delaunay(points).simplices
    pairs = np.unique(
        np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), axis=1), axis=0
    )
    ends = points[pairs]
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    near, _ = cKDTree(points).query(ends.mean(axis=1))
    gabriel = near >= length / 2 - 1.0
    lines = shapely.linestrings(ends)
    shapely.prepare(land)
    over = shapely.length(shapely.intersection(lines, land)) / np.maximum(length, 1.0)
    kept = gabriel & (over >= LAND) & (length <= LONGEST_M)
    # a spanning tree over what is dear to cross keeps all in one piece with the fewest and shortest bridges
    dear = np.where(kept, 1e-3 * length, length * (1.0 + 5.0 * (1.0 - over)))
    tree = minimum_spanning_tree(
        csr_array((dear, (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    ).tocoo()
    chosen = {tuple(pair) for pair in pairs[kept]} | {
        (min(a, b), max(a, b)) for a, b in zip(tree.coords[0].tolist(), tree.coords[1].tolist(), strict=True)
    }
    return np.array(sorted((int(a), int(b)) for a, b in chosen)), pairs


def _with_bridges(points: np.ndarray, homes: np.ndarray, pairs: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return pairs with the links across water that save most households the longest ways round, one after another."""
    length = np.linalg.norm(points[neighbors[:, 0]] - points[neighbors[:, 1]], axis=1)
    short = neighbors[length <= LONGEST_BRIDGE_M]
    length = length[length <= LONGEST_BRIDGE_M]
    around = np.array([homes[near].sum() for near in cKDTree(points).query_ball_point(points, 8_000.0)])
    worth = np.sqrt(np.minimum(around[short[:, 0]], around[short[:, 1]]))
    for _ in range(BRIDGES):
        far = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
        graph = csr_array((far, (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
        ends = np.unique(short[:, 0])
        round_ = dijkstra(graph, directed=False, indices=ends)[np.searchsorted(ends, short[:, 0]), short[:, 1]]
        pick = int(((round_ - 2.0 * length) * worth).argmax())
        pairs = np.array(sorted({*map(tuple, pairs.tolist()), tuple(short[pick].tolist())}))
    return pairs


def _trips(pairs: np.ndarray, seconds: np.ndarray, homes: np.ndarray, n: int) -> np.ndarray:
    """Return how much each link is used if households go to households, half as many for every 15 minutes."""
    graph = csr_array((seconds, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    origins = np.argsort(-homes, kind="stable")[:: max(n // ORIGINS, 1)]
    times, before = dijkstra(graph, directed=False, indices=origins, return_predecessors=True)
    number = {(int(a), int(b)): i for i, (a, b) in enumerate(pairs)}
    trips = np.zeros(len(pairs))
    for k, origin in enumerate(origins):
        flow = homes * 0.5 ** (times[k] / 900.0) * homes[origin]
        for node in np.argsort(-times[k], kind="stable"):
            up = before[k, node]
            if up >= 0:
                trips[number[min(int(up), int(node)), max(int(up), int(node))]] += flow[node]
                flow[up] += flow[node]
    return trips
