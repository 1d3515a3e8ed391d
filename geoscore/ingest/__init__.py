"""Ingest: files of any shape become records of one shape; rows that cannot be used are kept with the reason.

For every file, rows read = records + rejected rows.
"""

from geoscore.ingest.ingest import OpenSource, SourceReport, ingest_sources, open_sources

__all__ = ["OpenSource", "SourceReport", "ingest_sources", "open_sources"]
