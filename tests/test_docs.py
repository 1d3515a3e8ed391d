"""The documentation: it builds strictly, loads nothing from elsewhere, names every public name, and is current."""

import inspect
import os
import re
import subprocess
import sys
import typing
from importlib.util import find_spec
from pathlib import Path

import pytest

import geoscore

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "scripts"))

from check_site import read_site  # noqa: E402
from draw_floors import PICTURE, draw_floors, fill_page, list_rooms, read_floors  # noqa: E402

REFERENCE = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
REGISTRIES = ("py" + "pi.org", "pythonhosted", "npm" + "js", "conda.anaconda")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if find_spec("mkdocs") is None:
        pytest.skip("no mkdocs here: pip install 'geoscore[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_and_link_holds_and_nothing_is_loaded_from_elsewhere(site):
    loads, links = read_site(site)
    assert loads == {}
    assert "https://opendp.org" in links
    assert {"index.html", "tutorial.html", "reference/python.html"} <= {
        path.relative_to(site).as_posix() for path in site.rglob("*.html")
    }


def test_the_check_finds_what_a_page_would_load(tmp_path):
    (tmp_path / "a.html").write_text('<img src="//a.example/x.png"><a href="https://b.example">b</a>')
    (tmp_path / "a.css").write_text("@import url(https://c.example/y.css);")
    loads, links = read_site(tmp_path)
    assert sorted(loads) == ["//a.example/x.png", "https://c.example/y.css"]
    assert links == {"https://b.example": ["a.html"]}


def test_no_page_names_a_package_registry():
    for path in (ROOT / "README.md", ROOT / "mkdocs.yml", *DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8").lower()
        assert not [name for name in REGISTRIES if name in text], path


@pytest.mark.parametrize("name", geoscore.__all__)
def test_every_public_name_is_listed_typed_and_shown(name, site):
    thing = getattr(geoscore, name)
    assert f"::: geoscore.{name}\n" in REFERENCE
    assert "Examples\n--------" in inspect.getdoc(thing)
    if not inspect.isclass(thing):
        hints = thing.__annotations__
        assert set(inspect.signature(thing).parameters) | {"return"} == set(hints)
    assert f'id="geoscore.{name}"' in (site / "reference" / "python.html").read_text(encoding="utf-8")


def returned_classes():
    """Return the classes of geoscore that public functions and the methods of public classes return."""
    seen, left = set(), [getattr(geoscore, name) for name in geoscore.__all__]
    while left:
        thing = left.pop()
        if inspect.isclass(thing):
            functions = [value for key, value in vars(thing).items() if not key.startswith("_") and callable(value)]
        else:
            functions = [thing]
        for function in functions:
            told = getattr(function, "__annotations__", {}).get("return")
            module = sys.modules[function.__module__]
            found = getattr(module, told, None) if isinstance(told, str) else told
            for one in (found, *typing.get_args(found)):
                if inspect.isclass(one) and one.__module__.startswith("geoscore.") and one not in seen:
                    seen.add(one)
                    left.append(one)
    return sorted(seen, key=lambda one: one.__qualname__)


@pytest.mark.parametrize("returned", returned_classes(), ids=lambda one: one.__name__)
def test_what_public_names_return_is_listed_and_documented(returned):
    assert inspect.getdoc(returned)
    assert re.search(rf"^::: geoscore[.\w]*\b{returned.__name__}$", REFERENCE, re.MULTILINE), returned


def test_the_picture_of_the_floors_and_the_list_of_rooms_are_current():
    floors = read_floors((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == draw_floors(floors), "run: python scripts/draw_floors.py"
    assert page == fill_page(page, list_rooms(floors)), "run: python scripts/draw_floors.py"


def test_places_where_new_things_go_are_there():
    page = (DOCS / "architecture.md").read_text(encoding="utf-8").split("## All rooms", maxsplit=1)[0]
    for place in re.findall(r"`((?:geoscore|tests|scripts|benchmarks)/[\w/.]*)`", page):
        assert (ROOT / place).exists(), place
    for place in re.findall(r"`([\w/]+\.py)`", page):
        assert (ROOT / place).exists() or (ROOT / "geoscore" / place).exists() or list(ROOT.rglob(place)), place


def test_every_picture_is_shown_somewhere():
    pages = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "README.md", ROOT / "mkdocs.yml", *DOCS.rglob("*.md"))
    )
    for path in (DOCS / "images").iterdir():
        assert f"images/{path.name}" in pages, path


def test_the_readme_is_short_whole_and_its_ten_lines_are_the_example():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 120
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", readme):
        assert target.startswith("https://") or (ROOT / target).exists(), target
    lines = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    assert lines.strip() == (ROOT / "examples" / "01_ten_lines.py").read_text().split('"""', 2)[2].strip()
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
