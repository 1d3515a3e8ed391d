"""Maps for notebooks beside pydeck's: a folium map of cells, and a lonboard layer. Both are optional."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoscore.errors import InputError
from geoscore.maps.measures import Measure, check_measure
from geoscore.maps.palette import DIVERGING, INDEX_BREAKS, SEQUENTIAL, class_breaks, ramp, rgb

if TYPE_CHECKING:
    import folium
    import geopandas as gpd

_HIDDEN: Final = "#aaaeb2"
_SHOWN: Final = ("cell", "households", "estimate", "low", "high", "share", "index")


def explore_cells(cells: "gpd.GeoDataFrame", *, measure: Measure = "estimate", **how: Any) -> "folium.Map":
    """Return a folium map of cells, without tiles unless they are asked for.

    Parameters
    ----------
    cells
        What ``surface.to_geopandas()`` returns.
    measure
        What is colored.
    **how
        Anything that ``GeoDataFrame.explore`` takes, such as ``tiles="CartoDB positron"``.

    Raises
    ------
    InputError
        folium, mapclassify or matplotlib is missing.
    """
    check_measure(measure)
    try:
        import mapclassify  # noqa: F401  what GeoDataFrame.explore asks for
        import matplotlib as mpl  # noqa: F401
        from branca.colormap import StepColormap
    except ImportError as error:
        raise InputError(
            f"{error.name}, which explore() needs, is missing; pip install 'geoscore[notebooks]'"
        ) from error
    breaks, colors = _classes(cells, measure)
    values = cells[measure].astype(float)
    style: dict[str, Any] = {
        "color": [
            _HIDDEN if np.isnan(value) else colors[np.searchsorted(breaks, value, side="right")] for value in values
        ],
        "tooltip": [name for name in _SHOWN if name in cells.columns],
        "tiles": None,
        "style_kwds": {"weight": 0.3, "fillOpacity": 0.85},
    }
    drawn = cells.explore(**(style | how))
    if breaks:
        ends = [min(float(np.nanmin(values)), breaks[0]), *breaks, max(float(np.nanmax(values)), breaks[-1])]
        StepColormap(list(colors), index=ends, vmin=ends[0], vmax=ends[-1], caption=measure).add_to(drawn)
    return drawn


def lonboard_layer(cells: "gpd.GeoDataFrame", *, measure: Measure = "estimate", **how: Any) -> Any:
    """Return a lonboard layer of cells, to be shown by ``lonboard.Map(layer)``; quick with a million of them.

    Parameters
    ----------
    cells
        What ``surface.to_geopandas()`` returns.
    measure
        What is colored.
    **how
        Anything that ``lonboard.SolidPolygonLayer`` takes.

    Raises
    ------
    InputError
        lonboard is missing.
    """
    check_measure(measure)
    try:
        from lonboard import SolidPolygonLayer
    except ImportError as error:
        raise InputError("lonboard is missing; pip install 'geoscore[notebooks]'") from error
    breaks, colors = _classes(cells, measure)
    values = cells[measure].astype(float).to_numpy()
    tint = np.array([*(rgb(color) for color in colors), rgb(_HIDDEN)], dtype=np.uint8)
    classes = np.where(np.isnan(values), len(colors), np.searchsorted(np.array(breaks), values, side="right"))
    told = [name for name in _SHOWN if name in cells.columns]
    return SolidPolygonLayer.from_geopandas(cells[[*told, "geometry"]], get_fill_color=tint[classes], **how)


def _classes(cells: "gpd.GeoDataFrame", measure: Measure) -> tuple[tuple[float, ...], tuple[str, ...]]:
    values = cells[measure].dropna().to_numpy(float)
    breaks = INDEX_BREAKS if measure == "index" else class_breaks(values)
    palette = (DIVERGING if measure == "index" else SEQUENTIAL)["light"]
    return breaks, ramp(palette, classes=len(breaks) + 1)
