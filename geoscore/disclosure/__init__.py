"""Disclosure control: the only road from a surface to a published one.

Rows are disjoint groups of at least k households, and so are the bands of capacity that files tell of.
"""

from geoscore.disclosure.protection import Block, Protection, Stretch, read_protection
from geoscore.disclosure.rows import protect_rows
from geoscore.disclosure.surface import Protected, Public, protect_groups, protect_surface

__all__ = [
    "Block",
    "Protected",
    "Protection",
    "Public",
    "Stretch",
    "protect_groups",
    "protect_rows",
    "protect_surface",
    "read_protection",
]
