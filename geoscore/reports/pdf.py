"""A report's page as PDF: by WeasyPrint where it is installed, else by a Chromium that is there."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from geoscore.errors import InputError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PATIENCE_S: Final = 120
_FLAGS: Final = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking"),
    *("--disable-sync", "--disable-component-update", "--disable-dev-shm-usage", "--no-pdf-header-footer"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # the page needs no network, so it gets none
)


def pdf_from_html(html: str) -> bytes:
    """Return a self-contained page as PDF.

    Raises
    ------
    InputError
        Neither WeasyPrint nor a Chromium is there, or it failed; the message says how to get one.
    """
    made = _by_weasyprint(html)
    return made if made is not None else _by_chromium(html)


def _by_weasyprint(html: str) -> bytes | None:
    try:
        from weasyprint import HTML
    except (ImportError, OSError):  # missing, or without the Pango library that it draws with
        return None
    made: bytes = HTML(string=html, url_fetcher=_fetch_nothing).write_pdf()
    return made


def _fetch_nothing(url: str, *_args: object, **_kwargs: object) -> dict[str, object]:
    raise ValueError(f"a report fetches nothing, and not {url}")


def _by_chromium(html: str) -> bytes:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise InputError(
            "a report as PDF needs WeasyPrint (pip install 'geoscore[pdf]') or Chromium; or write .html and print it"
        )
    with tempfile.TemporaryDirectory(prefix="geoscore-") as folder:
        page, sheet = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_text(html, encoding="utf-8")
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        profile = f"--user-data-dir={Path(folder, 'profile')}"
        command = [browser, *_FLAGS, *root, profile, f"--print-to-pdf={sheet}", page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE_S)  # noqa: S603  a known browser
            return sheet.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(
                f"{browser} could not print the report ({type(error).__name__}); pip install 'geoscore[pdf]', "
                "or write .html and print it"
            ) from error
