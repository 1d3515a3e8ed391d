"""Individual contributions as the Federal Election Commission publishes them: known by their columns, and refused.

Whatever was dropped or renamed of them, what is left tells: names of columns that only they have, and committees' ids.
"""

import re
from itertools import chain
from pathlib import Path
from typing import Final

import pyarrow as pa

from geoscore.errors import PolicyError
from geoscore.ingest.raw import RawFile

SHAPES: Final = (
    frozenset(
        {"CMTE_ID", "AMNDT_IND", "RPT_TP", "TRANSACTION_PGI", "IMAGE_NUM", "TRANSACTION_TP", "ENTITY_TP",
         "TRANSACTION_DT", "TRANSACTION_AMT", "OTHER_ID", "TRAN_ID", "FILE_NUM", "MEMO_CD", "MEMO_TEXT", "SUB_ID"}
    ),
    frozenset(
        {"COMMITTEE_ID", "COMMITTEE_NAME", "REPORT_YEAR", "IMAGE_NUMBER", "FILING_FORM", "LINE_NUMBER", "ENTITY_TYPE",
         "TRANSACTION_ID", "CONTRIBUTOR_NAME", "CONTRIBUTOR_EMPLOYER", "CONTRIBUTOR_OCCUPATION", "SUB_ID",
         "CONTRIBUTION_RECEIPT_DATE", "CONTRIBUTION_RECEIPT_AMOUNT", "CONTRIBUTOR_AGGREGATE_YTD", "PDF_URL"}
    ),
)  # fmt: skip
ENOUGH: Final = 3
ALONE: Final = frozenset({"CMTE_ID", "CONTRIBUTION_RECEIPT_AMOUNT", "CONTRIBUTOR_AGGREGATE_YTD"})
"""Columns that nobody else has."""
WORK: Final = frozenset({"EMPLOYER", "OCCUPATION"})
"""What the law makes committees ask of contributors: beside two columns of a shape it is enough."""
COMMITTEE: Final = re.compile(r"C\d{8}")
FEWEST_VALUES: Final = 5
MOSTLY: Final = 0.9
OFTEN: Final = 0.5


def refuse_contributions(path: Path, raw: RawFile) -> None:
    """Refuse a file that has the shape of FEC individual-contributor data.

    Raises
    ------
    PolicyError
        It has.
    """
    if is_fec(raw.names) or _names_committees(raw):
        raise PolicyError(
            f"{path.name} has the columns of FEC individual-contributor data, which may not be used to solicit "
            "or for commercial purposes, not even as scores (52 U.S.C. 30111(a)(4), 11 CFR 104.15); remove the source"
        )


def is_fec(names: list[str]) -> bool:
    """Return whether columns are those of individual contributions.

    Examples
    --------
    >>> is_fec(["NAME", "CITY", "STATE", "ZIP_CODE", "EMPLOYER", "TRANSACTION_DT", "TRANSACTION_AMT"])
    True
    >>> is_fec(["Name", "City", "Zip", "Employer", "Occupation", "Gift Date", "Amount"])
    False
    """
    upper = {re.sub(r"\W+", "_", name.strip()).upper() for name in names}
    if upper & ALONE:
        return True
    found = max(len(upper & shape) for shape in SHAPES)
    return found >= ENOUGH or (found == ENOUGH - 1 and bool(upper & WORK))


def _names_committees(raw: RawFile) -> bool:
    """Return whether a column holds ids of committees, by the first rows."""
    first = next(raw.batches, None)
    if first is None:
        return False
    raw.batches = chain([first], raw.batches)
    for column in first[0].columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            values = [value for value in column.slice(0, 200).to_pylist() if value]
            if len(values) >= FEWEST_VALUES:
                ids = [value for value in values if COMMITTEE.fullmatch(value.strip())]
                # many give to one committee; ids of people are another for each
                if len(ids) >= MOSTLY * len(values) and len(set(ids)) <= OFTEN * len(ids):
                    return True
    return False
