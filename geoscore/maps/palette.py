"""Colors of the maps and the classes they stand for, the same in a notebook and on a page.

Lightness alone tells the order, so the maps hold for every kind of color vision and in a gray print.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

SEQUENTIAL: Final = {
    "light": ("#f3f2c4", "#cbe6bd", "#8fd0bd", "#4db3c1", "#2a8ab8", "#2a5ca4", "#1e2f78"),
    "dark": ("#33305c", "#3a4a8c", "#3769a0", "#3489a6", "#3aaaac", "#74cfae", "#d9f3dc"),
}
"""From few to many; dark on a light page, bright on a dark one."""

DIVERGING: Final = {
    "light": ("#8c510a", "#c98a3f", "#e8cd9d", "#dadcd8", "#b0ddd6", "#4fa79d", "#01665e"),
    "dark": ("#f5bd75", "#c08440", "#7c5c39", "#454c55", "#306a6e", "#2f9d95", "#86e6d7"),
}
"""Below and above the region's own level: brown and teal, told apart by every kind of color vision."""

LAYERS: Final = {
    "light": ("#7a1f84", "#b58500", "#1b2530", "#e0559d", "#0057d0", "#b00020"),
    "dark": ("#e8a0f0", "#ff6a00", "#ffffff", "#d0508c", "#b08860", "#ffe066"),
}
"""Of shapes of one's own in their order, then from the first again; told apart by every kind of color vision."""

INDEX_BREAKS: Final = (50.0, 75.0, 90.0, 110.0, 150.0, 200.0)
"""Classes of the index, fixed around 100, the region."""


def class_breaks(values: npt.NDArray[np.float64], *, classes: int = 7) -> tuple[float, ...]:
    """Return the quantiles between classes, to two significant digits, so that the legend says what is drawn.

    Parameters
    ----------
    values
        Shape (n,).
    classes
        How many classes at most; equal values never fall into two.

    Returns
    -------
    tuple of float
        Ascending, shorter than ``classes``; a value belongs to the class after the last break it reaches.

    Examples
    --------
    >>> import numpy as np
    >>> class_breaks(np.arange(1.0, 101.0), classes=4)
    (26.0, 51.0, 76.0)
    >>> class_breaks(np.array([3.0, 3.0]))
    ()
    """
    ordered = np.sort(values)
    if len(ordered) == 0:
        return ()
    at = (np.arange(1, classes) * len(ordered)) // classes
    rounded = {float(f"{value:.1e}") for value in ordered[at]}
    return tuple(sorted(value for value in rounded if ordered[0] < value <= ordered[-1]))


def ramp(colors: tuple[str, ...], *, classes: int) -> tuple[str, ...]:
    """Return as many colors as there are classes, spread over the whole palette.

    Examples
    --------
    >>> ramp(("#000000", "#777777", "#ffffff"), classes=2)
    ('#000000', '#ffffff')
    """
    if classes == 1:
        return (colors[len(colors) // 2],)
    return tuple(colors[round(index * (len(colors) - 1) / (classes - 1))] for index in range(classes))


def layer_color(number: int) -> str:
    """Return the color of a layer on a light page by its number, from 0.

    Examples
    --------
    >>> layer_color(0) == layer_color(6), layer_color(0) == layer_color(1)
    (True, False)
    """
    return LAYERS["light"][number % len(LAYERS["light"])]


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of a color like ``#1e2f78``.

    Examples
    --------
    >>> rgb("#1e2f78")
    (30, 47, 120)
    """
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
