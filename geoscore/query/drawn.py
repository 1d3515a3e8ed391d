"""How a surface is drawn: the page, still pictures, and maps for notebooks. `Surface` takes these methods over."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa

from geoscore.ladder import Capacity
from geoscore.schemas import SurfaceNote

if TYPE_CHECKING:
    import folium
    import geopandas as gpd
    import pydeck

    from geoscore.maps import MapLayer, Measure, Tiles
    from geoscore.query.surface import Surface
    from geoscore.reference.basemap import Basemap

DEFAULT_CAPACITY: Final = 2500.0


class Drawn:
    """What a surface offers to the eye."""

    table: pa.Table
    note: SurfaceNote

    def _surface(self) -> "Surface":
        return cast("Surface", self)

    def map(self, *, capacity: Capacity = DEFAULT_CAPACITY, measure: "Measure" = "estimate") -> "pydeck.Deck":
        """Return a pydeck map, which shows itself in a notebook and takes other layers beside its own.

        Parameters
        ----------
        capacity
            Threshold in US dollars, or a band.
        measure
            What is colored: ``estimate``, ``share``, ``index`` or ``low``.

        Examples
        --------
        >>> [layer.type for layer in surface.map(capacity=2500).layers]
        ['H3HexagonLayer']
        """
        from geoscore.maps import deck_from_surface

        return deck_from_surface(self.table, note=self.note, capacity=capacity, measure=measure)

    def save_map(
        self,
        path: Path | str,
        *,
        capacity: Capacity = DEFAULT_CAPACITY,
        basemap: "Basemap | None" = None,
        layers: "Sequence[MapLayer]" = (),
        tiles: "Tiles | None" = None,
    ) -> None:
        """Write the map as one HTML page that needs no network, with a threshold slider.

        Parameters
        ----------
        path
            The HTML file.
        capacity
            Threshold in US dollars, or band, at which the page opens.
        basemap
            Outlines and names under the hexagons; those of the samples where they hold the surface's counties.
        layers
            Shapes of your own with figures: drawn on the map, summed and listed below it.
        tiles
            A server of map tiles; without one the page calls nobody.

        Examples
        --------
        >>> surface.save_map(folder / "map.html", capacity=2500)
        >>> (folder / "map.html").read_text(encoding="utf-8")[:15]
        '<!doctype html>'
        """
        from geoscore.maps import save_page

        save_page(
            Path(path),
            self.table,
            note=self.note,
            capacity=capacity,
            basemap=basemap or self.basemap,
            layers=tuple(layers),
            tiles=tiles,
        )

    def save_picture(
        self,
        path: Path | str,
        *,
        capacity: Capacity = DEFAULT_CAPACITY,
        measure: "Measure" = "estimate",
        size: str = "slide",
        basemap: "Basemap | None" = None,
        layers: "Sequence[MapLayer]" = (),
    ) -> None:
        """Write a still map with legend and scale bar: ``.svg``, or ``.png`` and ``.pdf`` by matplotlib.

        Parameters
        ----------
        path
            The file; its ending says what is written.
        capacity
            Threshold in US dollars, or a band.
        measure
            What is colored: ``estimate``, ``share``, ``index`` or ``low``.
        size
            Of a PNG or PDF: ``slide``, ``print``, or dots as ``1600x900``.
        basemap
            Outlines and names under the hexagons; those of the samples where they hold the surface's counties.
        layers
            Shapes of your own, drawn over the hexagons.

        Examples
        --------
        >>> surface.save_picture(folder / "map.svg", measure="share")
        >>> (folder / "map.svg").read_text(encoding="utf-8")[:4]
        '<svg'
        """
        from geoscore.maps import lettered_width, save_picture, scene_from_surface, svg_from_scene

        path, ground = Path(path), basemap or self.basemap
        how: dict[str, Any] = {} if path.suffix.lower() == ".svg" else {"width": lettered_width(size)}
        path.parent.mkdir(parents=True, exist_ok=True)
        scene = scene_from_surface(
            self.table, note=self.note, capacity=capacity, measure=measure, basemap=ground, layers=layers, **how
        )
        if path.suffix.lower() == ".svg":
            path.write_text(svg_from_scene(scene, standalone=True), encoding="utf-8", newline="\n")
        else:
            save_picture(scene, path, size=size)

    def to_geopandas(
        self, *, capacity: Capacity = DEFAULT_CAPACITY, resolution: int | None = None
    ) -> "gpd.GeoDataFrame":
        """Return the cells as a GeoDataFrame in WGS 84, one row each, with estimate, interval, share and index.

        Parameters
        ----------
        capacity
            Threshold in US dollars, or a band.
        resolution
            H3 resolution of the cells; the surface's own by default.

        Examples
        --------
        >>> round(surface.to_geopandas(capacity=2500)["estimate"].sum(), 1)
        np.float64(204.2)
        """
        return self._surface().at_least(capacity).by("cell", resolution=resolution).to_geopandas()

    def explore(
        self, *, capacity: Capacity = DEFAULT_CAPACITY, measure: "Measure" = "estimate", **how: Any
    ) -> "folium.Map":
        """Return a folium map of the cells.

        Parameters
        ----------
        capacity
            Threshold in US dollars, or a band.
        measure
            What is colored: ``estimate``, ``share``, ``index`` or ``low``.
        **how
            Anything else that ``GeoDataFrame.explore`` takes.

        Examples
        --------
        >>> type(surface.explore(capacity=2500)).__name__
        'Map'
        """
        from geoscore.maps import explore_cells

        return explore_cells(self.to_geopandas(capacity=capacity), measure=measure, **how)

    def lonboard_layer(
        self, *, capacity: Capacity = DEFAULT_CAPACITY, measure: "Measure" = "estimate", **how: Any
    ) -> Any:
        """Return a lonboard layer of the cells, where lonboard is installed: ``lonboard.Map(layer)`` shows it.

        Parameters
        ----------
        capacity
            Threshold in US dollars, or a band.
        measure
            What is colored: ``estimate``, ``share``, ``index`` or ``low``.
        **how
            Anything else that ``lonboard.PolygonLayer`` takes.
        """
        from geoscore.maps import lonboard_layer

        return lonboard_layer(self.to_geopandas(capacity=capacity), measure=measure, **how)

    def _repr_html_(self) -> str:
        from geoscore.maps import map_svg

        picture = map_svg(self.table, note=self.note, basemap=self.basemap)
        return f'{self._surface().query()._repr_html_()}<div style="max-width:560px">{picture}</div>'

    @cached_property
    def basemap(self) -> "Basemap":
        """Outlines and names of the samples, as far as they hold the surface's counties."""
        from geoscore.reference.basemap import sample_basemap

        return sample_basemap(self.note.counties)
