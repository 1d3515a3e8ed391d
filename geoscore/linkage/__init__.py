"""Linkage: records of the same household find each other, and become one golden record.

Links first (which record belongs to which household, how surely), then households merged by precedence.
"""

from geoscore.linkage.alone import leave_alone, rows_as_households
from geoscore.linkage.golden import count_conflicts, merge_households, trace_values
from geoscore.linkage.link import PRECISION, Linked, link_records

__all__ = [
    "PRECISION",
    "Linked",
    "count_conflicts",
    "leave_alone",
    "link_records",
    "merge_households",
    "rows_as_households",
    "trace_values",
]
