"""Geocoding: every household gets a position, as sure as its file allows, and no surer."""

from geoscore.geocoding.match import POSITION, Matcher
from geoscore.geocoding.open import open_matcher
from geoscore.geocoding.positions import (
    NO_PLACE,
    OUTSIDE,
    PO_BOX,
    SIGMA_GIVEN_M,
    Located,
    inside_region,
    locate_batch,
    locate_households,
    spread_positions,
    zip_sigma_m,
)
from geoscore.geocoding.records import place_records
from geoscore.geocoding.resolution import Honesty, judge_resolution
from geoscore.geocoding.services import describe_sent

__all__ = [
    "NO_PLACE",
    "OUTSIDE",
    "POSITION",
    "PO_BOX",
    "SIGMA_GIVEN_M",
    "Honesty",
    "Located",
    "Matcher",
    "describe_sent",
    "inside_region",
    "judge_resolution",
    "locate_batch",
    "locate_households",
    "open_matcher",
    "place_records",
    "spread_positions",
    "zip_sigma_m",
]
