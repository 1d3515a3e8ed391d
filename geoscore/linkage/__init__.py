"""Linkage: records of the same household find each other, and become one golden record.

Links first (which record belongs to which household, how surely), then households merged by precedence.
"""

from geoscore.linkage.exact import link_records
from geoscore.linkage.golden import merge_households

__all__ = ["link_records", "merge_households"]
