"""Streets: networks from files, one-way links, pieces, and times that equal scipy's Dijkstra."""

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geoscore.errors import InputError, InputNotFoundError
from geoscore.spatial.network import Network, meters_between, network_from_lines, without_crumbs
from geoscore.spatial.roads import read_network

REFERENCE = Path(os.environ.get("GEOSCORE_REFERENCE_DATA", "/nowhere")) / "road_links_2015.parquet"
STEP = 0.01


def grid(size: int = 6, speed: float = 36.0) -> Network:
    """Return a square grid of streets in degrees at the equator."""
    lines = [shapely.LineString([(i * STEP, j * STEP) for j in range(size)]) for i in range(size)]
    lines += [shapely.LineString([(i * STEP, j * STEP) for i in range(size)]) for j in range(size)]
    return network_from_lines(lines, speed_kmh=np.full(len(lines), speed))


def test_lines_are_parted_where_they_share_a_corner() -> None:
    net = grid(6)
    assert (net.nodes, len(net.start)) == (36, 60)
    assert net.length_m.sum() == pytest.approx(60 * meters_between(0, 0, STEP, 0), rel=1e-6)  # type: ignore[arg-type]


def test_lines_that_cross_without_a_corner_do_not_meet() -> None:
    cross = [shapely.LineString([(-1, 0), (1, 0)]), shapely.LineString([(0, -1), (0, 1)])]
    assert network_from_lines(cross, speed_kmh=np.full(2, 30.0)).pieces.tolist() in (
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 1, 0],
    )


def test_a_curve_is_one_link_as_long_as_its_parts() -> None:
    bend = shapely.LineString([(0, 0), (STEP, 0), (STEP, STEP)])
    net = network_from_lines([bend], speed_kmh=np.array([36.0]))
    assert len(net.start) == 1
    assert net.forward_s[0] == pytest.approx(2 * float(meters_between(0, 0, STEP, 0)) / 10, rel=1e-4)  # type: ignore[arg-type]


def test_one_way_streets_are_gone_one_way() -> None:
    line = shapely.LineString([(0, 0), (STEP, 0)])
    net = network_from_lines([line], speed_kmh=np.array([36.0]), backward=np.array([False]))
    start, end = (int(net.longitude.argmin()), int(net.longitude.argmax()))
    times = net.node_times(np.array([start, end]))
    assert np.isfinite(times[0, end])
    assert np.isinf(times[1, start])
    assert np.isfinite(net.reversed().node_times(np.array([end]))[0, start])


def test_parallel_links_count_by_the_quickest() -> None:
    short, long = (
        shapely.LineString([(0, 0), (STEP, 0)]),
        shapely.LineString([(0, 0), (0, STEP), (STEP, STEP), (STEP, 0)]),
    )
    net = network_from_lines([short, long], speed_kmh=np.array([10.0, 100.0]))
    assert net.node_times(np.array([0]))[0].max() == pytest.approx(net.forward_s.min())


def test_times_between_places_on_links_equal_those_of_a_finer_network() -> None:
    net = grid(5)
    rng = np.random.default_rng(0)
    link, along = rng.integers(0, len(net.start), 12), rng.uniform(0, 1, 12)
    points = shapely.line_interpolate_point(net.shapes[link], along, normalized=True)
    lon, lat = shapely.get_coordinates(points).T
    places = net.snap(lon, lat)
    times = net.times(places, places, access_kmh=5.0)
    # the same network with every such place made a node
    n = net.nodes
    tail, head, seconds = list(net.start), list(net.end), list(net.forward_s)
    for k, (one, part) in enumerate(zip(places.link, places.along, strict=True)):
        tail += [net.start[one], n + k]
        head += [n + k, net.end[one]]
        seconds += [part * net.forward_s[one], (1 - part) * net.forward_s[one]]
        for other in range(k):
            if places.link[other] == one:
                tail.append(n + other)
                head.append(n + k)
                seconds.append(abs(places.along[other] - part) * net.forward_s[one])
    graph = csr_array((seconds, (tail, head)), shape=(n + 12, n + 12))
    expected = dijkstra(graph, directed=False, indices=np.arange(n, n + 12))[:, n:]
    np.testing.assert_allclose(times, expected, atol=1e-3)


def test_what_lies_off_the_network_is_gone_at_the_speed_of_access() -> None:
    net = grid(3)
    here = net.snap(np.array([0.0]), np.array([0.0]))
    off = net.snap(np.array([-STEP]), np.array([0.0]))
    assert net.times(here, off, access_kmh=3.6)[0, 0] == pytest.approx(float(off.away_m[0]), rel=1e-6)
    assert np.isinf(net.times(here, off, access_kmh=3.6, limit_s=100)[0, 0])


def test_crumbs_are_left_out_and_pieces_told() -> None:
    lines = [*grid(6).shapes, *(shapely.transform(line, lambda xy: xy + 1) for line in grid(5).shapes)]
    lines.append(shapely.LineString([(5, 5), (5, 5.01)]))
    net = without_crumbs(network_from_lines(lines, speed_kmh=np.full(len(lines), 30.0)))
    assert np.bincount(net.pieces).tolist() == [36, 25]
    assert "the network is in 2 pieces of 36, 25 nodes" in net.notes[0]
    assert "1 pieces of the network with fewer than 10 nodes were left out" in net.notes[1]


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet", "shp"])
def test_lines_of_any_gis_file(tmp_path: Path, ending: str) -> None:
    frame = gpd.GeoDataFrame(
        {
            "highway": ["motorway", "footway", "residential"],
            "oneway": ["yes", "no", "-1"],
            "maxspeed": ["65 mph", "", ""],
        },
        geometry=[shapely.LineString([(0, i * STEP), (STEP, i * STEP)]) for i in range(3)],
        crs=4326,
    )
    path = tmp_path / f"streets.{ending}"
    frame.to_parquet(path) if ending == "parquet" else frame.to_file(path)
    net = read_network(path)
    assert len(net.start) == 2
    meters = net.length_m
    assert np.nanmin(net.forward_s) == pytest.approx(meters[0] / (65 * 1.609344 / 3.6), rel=1e-3)
    assert (np.isinf(net.backward_s).sum(), np.isinf(net.forward_s).sum()) == (1, 1)
    assert len(read_network(path, mode="walk").start) == 2  # the path, and the street either way; never the motorway


def test_another_coordinate_system_and_parts(tmp_path: Path) -> None:
    many = shapely.MultiLineString([[(0, 0), (STEP, 0)], [(STEP, 0), (STEP, STEP)]])
    gpd.GeoDataFrame({"minutes": [6]}, geometry=[many], crs=4326).to_crs(3857).to_file(tmp_path / "a.gpkg")
    net = read_network(tmp_path / "a.gpkg")
    assert (net.nodes, len(net.start)) == (3, 2)
    assert net.longitude.max() == pytest.approx(STEP, abs=1e-6)


NODES = {1: (10.0, 50.0), 2: (10.01, 50.0), 3: (10.02, 50.0), 4: (10.01, 50.01)}
WAYS = {
    10: ([1, 2, 3], {"highway": "primary", "maxspeed": "60", "oneway": "yes"}),
    11: ([2, 4], {"highway": "residential"}),
    12: ([4, 3], {"highway": "footway"}),
    13: ([4, 1], {"highway": "service", "access": "private"}),
}
"""A town in OpenStreetMap's words."""


def _osm_xml() -> bytes:
    nodes = [f'<node id="{i}" lon="{x}" lat="{y}" version="1"/>' for i, (x, y) in NODES.items()]
    ways = [
        f'<way id="{i}" version="1">'
        + "".join(f'<nd ref="{ref}"/>' for ref in refs)
        + "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items())
        + "</way>"
        for i, (refs, tags) in WAYS.items()
    ]
    return f'<?xml version="1.0"?><osm version="0.6">{"".join(nodes + ways)}</osm>'.encode()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _deltas(values: list[int]) -> bytes:
    steps = [b - a for a, b in zip([0, *values], values, strict=False)]
    return b"".join(_varint(step << 1 if step >= 0 else (-step << 1) - 1) for step in steps)


def _osm_pbf() -> bytes:
    """Encode the town as the format's specification says: a header, and one block of dense nodes and ways."""
    words = ["", *sorted({word for _, tags in WAYS.values() for pair in tags.items() for word in pair})]
    places = [[round(values[axis] * 1e7) for values in NODES.values()] for axis in (1, 0)]
    dense = _bytes(1, _deltas(list(NODES))) + _bytes(8, _deltas(places[0])) + _bytes(9, _deltas(places[1]))
    ways = b"".join(
        _bytes(
            3,
            _varint(1 << 3) + _varint(i)
            + _bytes(2, b"".join(_varint(words.index(key)) for key in tags))
            + _bytes(3, b"".join(_varint(words.index(value)) for value in tags.values()))
            + _bytes(8, _deltas(refs)),
        )
        for i, (refs, tags) in WAYS.items()
    )  # fmt: skip
    table = b"".join(_bytes(1, word.encode()) for word in words)
    block = _bytes(1, table) + _bytes(2, _bytes(2, dense)) + _bytes(2, ways)
    out = b""
    for kind, data in (("OSMHeader", _bytes(4, b"OsmSchema-V0.6") + _bytes(4, b"DenseNodes")), ("OSMData", block)):
        blob = _bytes(1, data)
        header = _bytes(1, kind.encode()) + _varint(3 << 3) + _varint(len(blob))
        out += len(header).to_bytes(4, "big") + header + blob
    return out


@pytest.mark.parametrize(("name", "data"), [("town.osm", _osm_xml()), ("town.osm.pbf", _osm_pbf())])
def test_an_openstreetmap_extract(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    net = read_network(path)
    assert (net.nodes, len(net.start)) == (4, 3)  # parted at node 2, without the footway and the private way
    single = np.isinf(net.backward_s)
    assert single.sum() == 2
    assert net.length_m[single][0] / net.forward_s[single][0] == pytest.approx(60 / 3.6)
    walk = read_network(path, mode="walk")
    assert len(walk.start) == 4
    assert np.isfinite(walk.backward_s).all()


def test_bad_networks_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no network"):
        read_network(tmp_path / "none.gpkg")
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="holds no line"):
        read_network(tmp_path / "points.gpkg")
    (tmp_path / "broken.gpkg").write_text("x")
    with pytest.raises(InputError, match="cannot be read as lines"):
        read_network(tmp_path / "broken.gpkg")
    (tmp_path / "broken.osm.pbf").write_text("x")
    with pytest.raises(InputError, match="OpenStreetMap"):
        read_network(tmp_path / "broken.osm.pbf")
    line = gpd.GeoDataFrame({"highway": ["footway"]}, geometry=[shapely.LineString([(0, 0), (1, 0)])], crs=4326)
    line.to_file(tmp_path / "foot.gpkg")
    with pytest.raises(InputError, match="may be gone by drive"):
        read_network(tmp_path / "foot.gpkg")
    with pytest.raises(InputError, match="leads nowhere"):
        read_network(tmp_path / "foot.gpkg", speed_kmh=0)


@pytest.mark.reference
@pytest.mark.skipif(not REFERENCE.exists(), reason="GEOSCORE_REFERENCE_DATA is not set")
def test_times_equal_scipys_dijkstra_on_the_reference_network() -> None:
    """Build the same graph by hand: links as they come, nodes by rounded ends, and let scipy find the ways."""
    lines = gpd.read_parquet(REFERENCE).geometry
    net = read_network(REFERENCE)
    ends = np.array([[line.coords[0], line.coords[-1]] for line in lines]).round(7)
    names, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    number = number.reshape(-1, 2)
    meters = np.array(
        [meters_between(*np.array(line.coords)[:-1].T, *np.array(line.coords)[1:].T).sum() for line in lines]
    )
    best: dict[tuple[int, int], float] = {}
    for (a, b), length in zip(number.tolist(), meters, strict=True):
        for pair in ((a, b), (b, a)):
            best[pair] = min(best.get(pair, np.inf), max(length / (50 / 3.6), 1e-9))
    tail, head = np.array(list(best)).T
    graph = csr_array((list(best.values()), (tail, head)), shape=(len(names), len(names)))
    of_mine = {
        tuple(place): i for i, place in enumerate(np.column_stack([net.longitude, net.latitude]).round(7).tolist())
    }
    mine = np.array([of_mine.get(tuple(place), -1) for place in names.tolist()])
    sources = np.flatnonzero(mine >= 0)[:: len(mine) // 20]
    theirs = dijkstra(graph, indices=sources)[:, mine >= 0]
    ours = net.node_times(mine[sources])[:, mine[mine >= 0]]
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    known = np.isfinite(theirs)
    np.testing.assert_allclose(ours[known], theirs[known], atol=1e-6, rtol=0)
