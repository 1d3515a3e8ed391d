"""Surfaces: expected households above every rung of the ladder, for each (cell, ZIP) pair, and how sure they are.

Households are counted by place and level of evidence first; all arithmetic happens on the counts.
"""

from geoscore.surfaces.blocks import build_blocks
from geoscore.surfaces.build import build_surface, count_told, roll_up
from geoscore.surfaces.census import census_surface, rake_surface
from geoscore.surfaces.errors import Allocation, Errors, Links, add_parts, describe_parts
from geoscore.surfaces.groups import GroupCounts, count_groups, pack_groups
from geoscore.surfaces.measures import spread_measures

__all__ = [
    "Allocation",
    "Errors",
    "GroupCounts",
    "Links",
    "add_parts",
    "build_blocks",
    "build_surface",
    "census_surface",
    "count_groups",
    "count_told",
    "describe_parts",
    "pack_groups",
    "rake_surface",
    "roll_up",
    "spread_measures",
]
