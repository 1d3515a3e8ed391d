"""Census tables from the Census Bureau's own API, for those who have a network; the answer is kept as a file.

The file is the API's JSON, so that a run reads it as it reads any other and its hash stands in the ledger.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from geoscore.errors import InputError
from geoscore.web import ask

API: Final = "https://api.census.gov/data"
KEY_VARIABLE: Final = "CENSUS_API_KEY"
LEVELS: Final = {"block group": "block group:*", "tract": "tract:*", "county": "county:*"}
OLDEST_YEAR: Final = 2009
OK: Final = 200
NOTHING: Final = 204


def download_tables(
    out: Path,
    *,
    year: int,
    state: str,
    counties: Sequence[str],
    tables: Sequence[str] = ("B19001",),
    level: str = "block group",
    dataset: str = "acs/acs5",
    key: str | None = None,
    url: str = API,
) -> int:
    """Ask the Census API for tables of some counties, with margins of error, and keep them as one JSON file.

    Parameters
    ----------
    out
        File to write, ``.json``.
    year
        Last year of the five-year survey, such as 2023.
    state, counties
        FIPS codes: two digits, and three digits each.
    tables
        Names of tables; B19001 (household income) is what a run needs.
    level
        ``block group``, ``tract`` or ``county``.
    dataset
        The API's name of the survey.
    key
        Key of the API; by default what CENSUS_API_KEY in the environment says. Without one the Bureau answers a few
        questions a day.
    url
        Where the API is.

    Returns
    -------
    int
        Areas written.

    Raises
    ------
    InputError
        The question cannot be asked, or the API refuses it; the message repeats what it says.
    """
    if level not in LEVELS:
        raise InputError(f"level {level!r} is none of {', '.join(LEVELS)}")
    if not (state.isdigit() and len(state) == 2 and all(c.isdigit() and len(c) == 3 for c in counties)):  # noqa: PLR2004
        raise InputError("a state is two digits and a county three, such as --state 06 --county 001")
    if year < OLDEST_YEAR:
        raise InputError(f"year {year}: five-year tables begin with {OLDEST_YEAR}")
    rows: list[list[Any]] = []
    for county in counties:
        joined: dict[str, dict[str, Any]] = {}
        for table in tables:
            within = f"state:{state}" if level == "county" else f"state:{state} county:{county}"
            asked = f"county:{county}" if level == "county" else LEVELS[level]
            fields = {"get": f"group({table})", "for": asked, "in": within}
            fields |= {"key": key or os.environ.get(KEY_VARIABLE, "")} if key or os.environ.get(KEY_VARIABLE) else {}
            for item in _ask(f"{url.rstrip('/')}/{year}/{dataset}", fields):
                joined.setdefault(item["GEO_ID"], {}).update(item)
        if not rows:
            rows.append(sorted({name for item in joined.values() for name in item}))
        rows += [[item.get(name) for name in rows[0]] for _, item in sorted(joined.items())]
    if len(rows) < 2:  # noqa: PLR2004  the header alone
        raise InputError(f"the Census API has no {level} of {', '.join(tables)} in these counties for {year}")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(json.dumps(rows), encoding="utf-8")
    part.replace(out)
    return len(rows) - 1


def _ask(url: str, fields: dict[str, str]) -> list[dict[str, Any]]:
    status, text = ask("GET", url, fields=fields)
    if status == NOTHING:
        return []
    if status != OK:
        said = " ".join(text.split())[:200]
        raise InputError(f"the Census API refuses with status {status}: {said}")
    try:
        header, *rows = json.loads(text)
    except ValueError as error:
        said = "it asks for a valid key" if "key" in text.lower() else " ".join(text.split())[:200]
        raise InputError(f"the Census API answers with no table: {said}") from error
    return [dict(zip(header, row, strict=True)) for row in rows]
