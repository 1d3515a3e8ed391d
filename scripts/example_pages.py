"""Pages of the documentation that lie in examples/: the journeys, with the files that they link to.

A hook of mkdocs, named in mkdocs.yml.
"""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
KINDS = {".csv", ".ipynb", ".md", ".png", ".py", ".toml"}


def on_files(files: Files, *, config: Any) -> Files:
    """Add them under their own path, so that a page's links hold in the repository and on the site alike."""
    for path in sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "examples" / "journeys").rglob("*")]):
        inner = path.relative_to(ROOT)
        if path.suffix in KINDS and not {"out", ".ipynb_checkpoints", "__pycache__"} & set(inner.parts):
            files.append(File.generated(config, inner.as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Let a page of docs/ link to examples/ as it does in the repository, one folder up."""
    return markdown if "/" in page.file.src_uri else markdown.replace("](../examples/", "](examples/")
