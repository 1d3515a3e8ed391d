"""Giving capacity as data: each formula is a TOML file in this folder, and users add their own.

A formula says from which figures of a household its capacity follows, over which horizon, and who says so.
"""

from geoscore.formulas.formula import Band, Component, Formula, list_formulas, open_formula

__all__ = ["Band", "Component", "Formula", "list_formulas", "open_formula"]
