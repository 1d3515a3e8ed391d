"""Linkage: records of the same household find each other, and become one golden record.

Links first (which record belongs to which household, how surely), then households merged by precedence.
"""

from geoscore.linkage.golden import merge_households
from geoscore.linkage.link import PRECISION, Linked, link_records

__all__ = ["PRECISION", "Linked", "link_records", "merge_households"]
