"""Ingest: files of any shape become records of one shape; rows that cannot be used are kept with the reason.

For every file, rows read = records + rejected rows.
"""

from geoscore.ingest.cards import write_cards
from geoscore.ingest.download import local_copy, show_path
from geoscore.ingest.ingest import (
    OpenSource,
    SourceReport,
    check_counts,
    ingest_sources,
    mapped_columns,
    open_sources,
    report_source,
)
from geoscore.ingest.mapping import OUTSIDE, MappedBatch, map_batch
from geoscore.ingest.optouts import OptoutReport, write_optouts
from geoscore.ingest.suppression import (
    OPT_OUT_REASONS,
    SUPPRESSED,
    Suppression,
    drop_households,
    open_suppression,
)

__all__ = [
    "OPT_OUT_REASONS",
    "OUTSIDE",
    "SUPPRESSED",
    "MappedBatch",
    "OpenSource",
    "OptoutReport",
    "SourceReport",
    "Suppression",
    "check_counts",
    "drop_households",
    "ingest_sources",
    "local_copy",
    "map_batch",
    "mapped_columns",
    "open_sources",
    "open_suppression",
    "report_source",
    "show_path",
    "write_cards",
    "write_optouts",
]
