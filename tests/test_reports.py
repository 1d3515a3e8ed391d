"""The report: every text in it is text, every figure one that it was handed."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from conftest import NOTE
from test_maps_page import TRIANGLE

from geoscore.errors import InputError
from geoscore.maps import MapLayer
from geoscore.query import Surface
from geoscore.reports import ReportContent, pdf, write_report
from geoscore.reports.charts import comparison_svg, curve_svg
from geoscore.reports.report import report_html
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
    row = report_html(content).split("<td>ZIP 94301")[1].split("</tr>")[0]
    assert row.count("hidden") == 4
    assert "too few households to tell" in report_html(content)


def test_the_curve_falls_with_the_threshold(content: ReportContent) -> None:
    points = curve_svg(content.curve, marks=(2500.0,)).split('points="')[2].split('"')[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(heights) == len(LADDER)
    assert heights == sorted(heights)


def test_a_report_is_written_whole_as_html(content: ReportContent, tmp_path: Path) -> None:
    write_report(content, tmp_path / "r.html")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(InputError, match=r"written as \.html or \.pdf"):
        write_report(content, tmp_path / "r.docx")


def test_a_report_is_written_as_pdf(content: ReportContent, tmp_path: Path) -> None:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        pytest.skip("needs Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0")
    for name in ("r.pdf", "again.pdf"):
        write_report(content, tmp_path / name)
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "r.pdf").pages)
    assert "A sentence." in text
    assert "<script>alert" in text
    assert (tmp_path / "r.pdf").read_bytes() == (tmp_path / "again.pdf").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="needs Chromium: apt-get install chromium")
def test_chromium_serves_where_weasyprint_is_not(
    content: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    write_report(content, tmp_path / "r.pdf")
    assert "A sentence." in pypdf.PdfReader(tmp_path / "r.pdf").pages[0].extract_text()


def test_what_makes_a_pdf_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(InputError, match=r"pip install 'geoscore\[pdf\]'"):
        pdf.pdf_from_html("<p>")


def test_areas_are_drawn_against_the_region(content: ReportContent) -> None:
    far = tuple({**answer, "estimate": answer["estimate"] / 2} for answer in content.curve)
    svg = curve_svg(content.curve, [("ZIP <1>", content.curve), ("ZIP 2", far)], marks=(400.0, 2500.0))
    assert svg.count("<polyline") == 3
    assert "ZIP &lt;1&gt;" in svg
    assert svg.count('class="mark"') == 2
    shown = {**content.region, "area": "ZIP <1>"}
    compared = comparison_svg([shown, {**shown, "households": None}], content.region)
    assert compared.count("<circle") == 2
    assert "ZIP &lt;1&gt;" in compared


def test_layers_stand_in_a_table_with_their_figures(content: ReportContent) -> None:
    layers = (MapLayer("Ring", TRIANGLE, {"stores": 1234.0}), MapLayer("Shop", TRIANGLE))
    page = report_html(replace(content, layers=layers, layer_answers=(content.region, None)))
    ring, shop = (page.split(f"<td>{name}")[1].split("</tr>")[0] for name in ("Ring", "Shop"))
    assert "30 to 50" in ring
    assert "1,234" in ring
    assert shop.count("<td>-</td>") == 4


def test_a_template_of_ones_own(content: ReportContent, tmp_path: Path) -> None:
    template = tmp_path / "mine.html"
    template.write_text(
        '{% extends "report.html" %}{% block cover %}<h1>Ours: {{ terms }}</h1>{{ c.region.area }}{% endblock %}'
    )
    page = report_html(content, template=template)
    assert "<h1>Ours: $2,500 or more</h1>" in page
    assert "The best ZIPs" in page
    for text, message in (("{% block %}", "mine.html, line 1"), ("{{ nothing }}", "'nothing' is undefined")):
        template.write_text(text)
        with pytest.raises(InputError, match=message):
            report_html(content, template=template)
    with pytest.raises(InputError, match="there is no template"):
        report_html(content, template=tmp_path / "none.html")
