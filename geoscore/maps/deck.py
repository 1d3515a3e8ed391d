"""A surface as a plain pydeck.Deck, for a notebook, which shows it by itself.

The map asks no tile server for a background; the page that stands alone is made in `page`.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from geoscore.ladder import Capacity, counts_at, interval
from geoscore.maps.figures import HIDDEN, Figures, Floats, Rows, read_rows
from geoscore.maps.measures import Measure, check_measure, measure_of, terms
from geoscore.maps.palette import DIVERGING, INDEX_BREAKS, SEQUENTIAL, class_breaks, ramp, rgb
from geoscore.schemas import SurfaceNote
from geoscore.spatial.cells import cell_centers, cell_text

if TYPE_CHECKING:
    import pydeck

_HIDDEN_COLOR: Final = (170, 174, 178)


def deck_from_surface(
    table: pa.Table, *, note: SurfaceNote, capacity: Capacity = 2500.0, measure: Measure = "estimate"
) -> "pydeck.Deck":
    """Return a map of a surface's cells, colored by quantile class of ``measure``.

    Parameters
    ----------
    table
        A surface's rows, as `geoscore.schemas.SURFACE`.
    note
        What the surface says of itself.
    capacity
        Threshold in US dollars, or band, anywhere on the ladder.
    measure
        What is colored: ``estimate`` (expected households with at least that capacity), ``share`` (of the
        cell's households), ``index`` (that share, with the region's at 100) or ``low`` (lower bound of the
        90% interval of the estimate).

    Returns
    -------
    pydeck.Deck
        One H3HexagonLayer on an empty ground; pointing at a cell shows its figures, interval and ZIPs.

    Raises
    ------
    SurfaceError
        The threshold lies off the ladder, the measure is none of the four, or the table is not a surface.

    Examples
    --------
    >>> from geoscore.schemas import SURFACE
    >>> row = [0x872834744FFFFFF, "94301", "06085", 10.0, [4.0] * 25, [1.0] * 26, [1.0] * 26, [1.0] * 26, False, "cell"]
    >>> table = pa.Table.from_pylist([dict(zip(SURFACE.names, row, strict=True))], SURFACE)
    >>> note = SurfaceNote(title="Bay", region="", universe="", formula="income-2pct-1y", formula_text="",
    ...                    horizon="one year", purpose="", vintage="", resolution=7, k=10, published=True)
    >>> deck_from_surface(table, note=note).layers[0].data[0]["hexagon"]
    '872834744ffffff'
    """
    import pydeck

    check_measure(measure)
    rows = read_rows(table, note=note)
    cells, at, figures = rows.by_cell(rows.cell)
    values = measure_of(figures, rows.region(), capacity=capacity, measure=measure)
    texts = _texts(figures, _zips(rows, at, size=len(cells)), note=note, capacity=capacity)
    colors = _colors(values, figures, measure=measure)
    longitude, latitude = cell_centers(cells)
    data = [
        {"hexagon": cell_text(int(cell)), "color": list(color), "text": text}
        for cell, color, text in zip(cells, colors, texts, strict=True)
    ]
    layer = pydeck.Layer(
        "H3HexagonLayer",
        data,
        id="cells",
        get_hexagon="hexagon",
        get_fill_color="color",
        high_precision=True,
        extruded=False,
        stroked=False,
        pickable=True,
        auto_highlight=True,
    )
    return pydeck.Deck(
        layers=[layer],
        initial_view_state=_view(longitude, latitude),
        map_provider=None,
        map_style=None,
        tooltip={"text": "{text}", "style": {"whiteSpace": "pre-line", "fontVariantNumeric": "tabular-nums"}},
    )


def _colors(values: Floats, figures: Figures, *, measure: Measure) -> list[tuple[int, int, int]]:
    seen = (figures.hidden != HIDDEN) & (figures.households > 0)
    breaks = INDEX_BREAKS if measure == "index" else class_breaks(values[seen])
    palette = (DIVERGING if measure == "index" else SEQUENTIAL)["light"]
    colors = [rgb(color) for color in ramp(palette, classes=len(breaks) + 1)]
    classes = np.searchsorted(np.array(breaks), values, side="right")
    return [colors[at] if shown else _HIDDEN_COLOR for at, shown in zip(classes, seen, strict=True)]


def _zips(rows: Rows, at: np.ndarray, *, size: int) -> list[str]:
    pairs = np.unique(np.column_stack([at, rows.zip_at])[(at >= 0) & (rows.zip_at >= 0)], axis=0)
    names: list[list[str]] = [[] for _ in range(size)]
    for cell, zip_at in pairs.tolist():
        names[cell].append(rows.zips[zip_at])
    return [", ".join(zips) for zips in names]


def _texts(figures: Figures, zips: list[str], *, note: SurfaceNote, capacity: Capacity) -> list[str]:
    estimate, variance = counts_at(figures.at_least, figures.spread, figures.households, capacity)
    low, high = interval(estimate, variance, figures.most)
    ending = f"\n{note.formula}, {note.horizon}"
    texts = []
    for index, names in enumerate(zips):
        place = f"ZIP {names}\n" if names else ""
        if figures.hidden[index] == HIDDEN:
            texts.append(f"{place}Too few households to show{ending}")
            continue
        texts.append(
            f"{place}{estimate[index]:,.1f} households with {terms(capacity)}\n"
            f"90% interval {low[index]:,.1f} to {high[index]:,.1f}\n"
            f"of {figures.households[index]:,.0f} households{ending}"
        )
    return texts


def _view(longitude: Floats, latitude: Floats) -> "pydeck.ViewState":
    import pydeck

    if len(longitude) == 0:
        return pydeck.ViewState(longitude=-98.0, latitude=39.0, zoom=3)
    west, east = float(longitude.min()), float(longitude.max())
    south, north = float(latitude.min()), float(latitude.max())
    span = max(east - west, (north - south) / np.cos(np.radians((south + north) / 2)), 0.01)
    zoom = float(np.clip(np.log2(360.0 / span), 1.0, 14.0))
    longitude_, latitude_ = round((west + east) / 2, 5), round((south + north) / 2, 5)
    return pydeck.ViewState(longitude=longitude_, latitude=latitude_, zoom=round(zoom, 2))
