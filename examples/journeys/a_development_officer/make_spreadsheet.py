"""The spreadsheet of this journey, made from the example's past donors: messy as spreadsheets are, the same every time.

Titles above the header, names in one column, ZIPs with four digits more, incomes as numbers, texts and bands, a few
lines pasted twice, a line of totals below. Everybody in it is made up.

    python make_spreadsheet.py "Donors FY26 FINAL v2.xlsx"
"""

import sys
from pathlib import Path

from python_calamine import load_workbook

from geoscore.reference.synth_workbook import Sheet

DONORS = Path(__file__).parents[2] / "bay_area" / "donors.xlsx"
HEADER = ("Cnstt ID", "Name (Last, First)", "Addr Line 1", "City", "St", "ZIP+4", "E-mail", "Est. HH Inc.",
          "Lrgst Gift", "Last Gift Dt", "Religion", "Notes")  # fmt: skip
STATES = ("CA", "Calif.", "ca")
BAND_USD = 25_000
TWICE = 40


def lines() -> list[list[object]]:
    """Return all lines of the sheet but the first."""
    donors = load_workbook(str(DONORS)).get_sheet_by_index(0).to_python()[1:]
    body = [messy(number, row) for number, row in enumerate(donors)]
    body += body[:: len(body) // TWICE]
    total = ["TOTAL", f"{len(body)} donors"]
    return [["Exported 10/20/2026 by jm"], [], list(HEADER), *body, [], total]


def messy(number: int, row: list[object]) -> list[object]:
    """Return one donor as somebody typed it in."""
    identity, first, last, street, city, state, zipcode, email, income, gift, day = row
    year, month, date = str(day).split("-")
    return [
        identity,
        f"{last}, {first}" if number % 5 else f"{first} & Pat {last}",
        str(street).upper() if number % 7 == 0 else street,
        city,
        STATES[number % len(STATES)] if state == "CA" else state,
        zipcode if number % 4 else f"{zipcode}-{1000 + number}",
        email or ("none" if number % 2 else ""),
        _income(number, income),
        f"${gift:,.2f}" if isinstance(gift, float) and number % 3 else gift,
        f"{int(month)}/{int(date)}/{year}",
        "unknown",
        "moved? check" if number % 97 == 0 else "",
    ]


def _income(number: int, income: object) -> object:
    if not isinstance(income, float):
        return "N/A" if number % 3 == 0 else ""
    low = int(income // BAND_USD) * BAND_USD
    return (income, f"${income:,.0f}", f"{income / 1000:.0f}k", f"${low:,}-${low + BAND_USD - 1:,}")[number % 4]


def main(out: Path) -> None:
    """Write the workbook; its first line is a title, which stands where others have their header."""
    columns = ("Donors FY26 FINAL v2", *(" " * place for place in range(1, len(HEADER))))
    with Sheet(columns) as sheet:
        sheet.add([*line, *[None] * (len(HEADER) - len(line))] for line in lines())
        sheet.save(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
