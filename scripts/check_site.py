"""Read the built documentation: no page may load anything from another host; links to other hosts are listed.

`make docs` runs it on out/site. Links are listed and never fetched.
"""

import re
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path

LOADS = {
    "script": ("src",), "link": ("href",), "img": ("src", "srcset"), "iframe": ("src",), "source": ("src", "srcset"),
    "video": ("src", "poster"), "audio": ("src",), "object": ("data",), "embed": ("src",), "use": ("href",),
}  # fmt: skip
"""Attributes by which an element loads something when its page is opened."""
FOREIGN = re.compile(r"(?:https?:)?//[^\s\"'),]+")


class Reader(HTMLParser):
    """What a page loads from elsewhere, and what it links to there."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses of an element."""
        for name, value in attrs:
            if name == "style":
                self.loads += styles(value or "")
            elif value and FOREIGN.match(value):
                if name in LOADS.get(tag, ()):
                    self.loads.append(value)
                elif tag == "a" and name == "href":
                    self.links.append(value)


def styles(text: str) -> list[str]:
    """Return the addresses of other hosts that a style sheet loads."""
    return [found[1] for found in re.finditer(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", text)]


def read_site(site: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the addresses of other hosts that a site's files load, and those that they link to, with the files."""
    loads, links = defaultdict(list), defaultdict(list)
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.suffix == ".html":
            reader = Reader()
            reader.feed(path.read_text(encoding="utf-8"))
            for found, into in ((reader.loads, loads), (reader.links, links)):
                for address in found:
                    into[address].append(name)
        elif path.suffix in (".css", ".svg"):
            for address in styles(path.read_text(encoding="utf-8")):
                loads[address].append(name)
    return dict(loads), dict(links)


def main(folder: str) -> int:
    """List the links, and end with 1 where a page loads something from elsewhere."""
    loads, links = read_site(Path(folder))
    print(f"{len(links)} addresses elsewhere are linked to (not fetched):")
    for address, pages in sorted(links.items()):
        print(f"  {address}  ({', '.join(sorted(set(pages)))})")
    for address, pages in loads.items():
        print(f"{pages[0]} loads {address}; bring it into docs/", file=sys.stderr)
    return 1 if loads else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
