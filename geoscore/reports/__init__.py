"""Reports: one page that a board reads, made from answers it is handed; it asks nothing itself."""

from geoscore.reports.report import ReportContent, write_report

__all__ = ["ReportContent", "write_report"]
