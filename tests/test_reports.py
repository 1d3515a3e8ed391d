"""The report: every text in it is text, every figure one that it was handed."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import NOTE

from geoscore.errors import InputError
from geoscore.query import Surface
from geoscore.reports import ReportContent, write_report
from geoscore.reports.report import curve_svg, report_html
from geoscore.schemas import LADDER, SURFACE, SourceNote

HOSTILE = '<script>alert("x")</script>'
HOSTILE_NOTE = replace(
    NOTE,
    title=HOSTILE,
    resolution=7,
    warnings=(HOSTILE,),
    sources=(SourceNote(name=HOSTILE, sha256="0" * 64, rows=1, vintage="2026", licence=HOSTILE),),
)


@pytest.fixture
def content() -> ReportContent:
    surface = Surface(SURFACE.empty_table(), HOSTILE_NOTE)
    shown = {**surface.query().to_dict(), "households": 100.0, "estimate": 40.0, "low": 30.0, "high": 50.0}
    hidden = {**shown, "area": "ZIP 94301", "households": None, "estimate": None, "low": None, "high": None}
    curve = tuple({**shown, "capacity_usd": rung, "estimate": 90.0 - 3 * i} for i, rung in enumerate(LADDER))
    return ReportContent(
        note=HOSTILE_NOTE,
        table=SURFACE.empty_table(),
        capacity=2500.0,
        region=shown,
        sentences=("A sentence.",),
        places=(hidden,),
        counties=(),
        top_zips=(shown,),
        curve=curve,
    )


def test_hostile_texts_stay_text(content: ReportContent) -> None:
    page = report_html(content)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_hidden_figures_are_said_to_be_hidden(content: ReportContent) -> None:
    row = report_html(content).split("ZIP 94301")[1].split("</tr>")[0]
    assert row.count("hidden") == 4


def test_the_curve_falls_with_the_threshold(content: ReportContent) -> None:
    points = curve_svg(content.curve, capacity=2500).split('points="')[2].split('"')[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(heights) == len(LADDER)
    assert heights == sorted(heights)


def test_a_report_is_written_whole_as_html(content: ReportContent, tmp_path: Path) -> None:
    write_report(content, tmp_path / "r.html")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(InputError, match="print it to PDF"):
        write_report(content, tmp_path / "r.pdf")
