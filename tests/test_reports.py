"""The report: every text in it is text, every figure one that it was handed."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from conftest import NOTE
from test_maps_page import TRIANGLE, made_up_note, made_up_surface

from geoscore.errors import InputError
from geoscore.maps import MapLayer
from geoscore.outputs import save_report
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


def test_rules_of_a_drawing_name_their_kind_so_that_none_reaches_another(content: ReportContent) -> None:
    page = report_html(replace(content, layers=(MapLayer("Ring", TRIANGLE),), layer_answers=(None,)))
    drawings = re.findall(r'<svg[^>]* class="(map|chart)".*?</svg>|<svg class="(map|chart)".*?</svg>', page, re.DOTALL)
    assert len(drawings) == 3
    for style in re.findall(r"<svg[^>]*><style>(.*?)</style>", page):
        rules = [rule for rule in style.split("}") if rule]
        kind = rules[0].split()[0]
        assert kind in (".map", ".chart")
        assert all(rule.startswith(f"{kind} ") for rule in rules)


def test_a_share_is_not_struck_through_by_the_line_of_the_region(content: ReportContent) -> None:
    base = {**content.region, "households": 100.0, "estimate": 54.0, "low": 53.0, "high": 55.0}
    near = {**base, "area": "ZIP 1", "estimate": 49.0, "low": 45.0, "high": 51.0}
    svg = comparison_svg([near], base)
    line = float(re.findall(r'<line x1="([\d.]+)"[^>]*class="mark"', svg)[0])
    told = float(re.findall(r'<text x="([\d.]+)"[^>]*>49%', svg)[0])
    assert told > line


def test_the_curve_says_what_its_marks_and_stripes_are(content: ReportContent) -> None:
    one = report_html(content)
    assert "the shaded stripe is the 90% interval; the dashed upright marks $2,500 or more." in one
    two = tuple((name, content.curve) for name in ("ZIP 1", "ZIP 2"))
    band = report_html(replace(content, capacity=(400.0, 2500.0), place_curves=two))
    assert "stripes are the 90% interval; the dashed uprights mark the ends of $400 to under $2,500" in band
    three = report_html(replace(content, place_curves=(*two, ("ZIP 3", content.curve))))
    assert "shaded" not in three


def test_sentences_name_the_formula_in_words_and_the_method_its_id(tmp_path: Path) -> None:
    save_report(Surface(made_up_surface(), made_up_note(formula_text="2% of income")), tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    cover, method = page.split("How to read this")
    assert "; 2% of income, " in cover
    assert f"<code>{made_up_note().formula}</code>" not in cover
    assert f"<code>{made_up_note().formula}</code>" in method


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize("by", ["weasyprint", "chromium"])
def test_tables_on_paper_repeat_their_heads(
    content: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "chromium":
        monkeypatch.setitem(sys.modules, "weasyprint", None)
    else:
        pytest.importorskip("weasyprint", exc_type=OSError)
    write_report(replace(content, counties=(content.region,) * 90), tmp_path / "r.pdf")
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "r.pdf").pages]
    rows = [text for text in pages if text.count("30 to 50") > 5]
    assert len(rows) >= 3
    assert all("Households" in text and "Share" in text for text in rows)
