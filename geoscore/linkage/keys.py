"""What of a record is compared with another: names, address, birth and contacts in their standard forms.

Every record is read by itself; which say the same is found in ``entities.py``.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.schemas import RECORD
from geoscore.standardize import name_key, split_full_name, split_street, street_key

KEYS: Final = pa.schema(
    [
        *[RECORD.field(name) for name in ("source", "row", "record_id")],
        ("first", pa.string()),
        ("middle", pa.string()),
        ("last", pa.string()),
        ("suffix", pa.string()),  # JR, SR, II, ...
        ("forms", pa.list_(pa.string())),  # the first name and the names it may be short for
        ("initials", pa.string()),  # of first and last name, in alphabetical order
        ("both", pa.string()),  # first and last name
        ("flip", pa.string()),  # last and first name
        ("names", pa.string()),  # first and last name in alphabetical order
        ("born", pa.string()),  # YYYY-MM-DD
        ("age", pa.float64()),
        ("ssn", pa.string()),  # a one-way code
        ("ssn_near", pa.list_(pa.string())),  # codes that numbers one slip apart have in common
        ("line", pa.string()),  # the street line per USPS Publication 28, without unit
        ("number", pa.string()),
        ("street", pa.string()),  # the line without number
        ("stem", pa.string()),  # number and first letters of the street
        ("unit", pa.string()),
        ("spot", pa.string()),  # line and ZIP
        ("home", pa.string()),  # line, unit and ZIP, null where the unit is not known
        ("city", pa.string()),
        ("zip", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
    ]
)
DERIVED: Final = ("ssn_near", "forms", "initials", "both", "flip", "names", "stem", "spot", "home")
COMPARED: Final = tuple(name for name in KEYS.names if name not in ("source", "row", "record_id", *DERIVED))
ONE_OF_A_KIND: Final = ("email", "phone", "ssn")

Codes = npt.NDArray[np.int64]


def linkage_keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return what is compared of a batch of records, null where a record has none.

    Examples
    --------
    >>> rows = [{"full_name": "Bob Lee Jr.", "street": "12 North Oak Street #4", "city": "Palo Alto"}]
    >>> keys = linkage_keys(pa.RecordBatch.from_pylist(rows, schema=RECORD)).to_pylist()[0]
    >>> keys["first"], keys["last"], keys["suffix"], "ROBERT" in keys["forms"], keys["line"], keys["unit"]
    ('BOB', 'LEE', 'JR', True, '12 N OAK ST', '4')
    """
    line, unit = street_key(batch.column("street"), batch.column("unit"))
    number, street = split_street(line)
    bare = pc.match_substring_regex(line, r"^[0-9][0-9A-Z/-]*$")  # a house number whose street is not known
    number = pc.if_else(bare, line, number)
    line, street = (pc.if_else(bare, pa.scalar(None, pa.string()), part) for part in (line, street))
    near = pc.fill_null(batch.column("zip"), "")
    whole = split_full_name(batch.column("full_name"))
    first, middle, last = (
        _known(pc.coalesce(_known(name_key(batch.column(f"{part}_name"))), whole[part]))
        for part in ("first", "middle", "last")
    )
    codes = pc.split_pattern(batch.column("ssn"), " ")
    columns = {
        **{name: batch.column(name) for name in ("source", "row", "record_id", "zip", "email", "phone", "age")},
        "ssn": pc.list_element(codes, 0),
        "ssn_near": codes,
        "first": first,
        "middle": middle,
        "last": last,
        "suffix": pc.coalesce(_known(name_key(batch.column("name_suffix"))), whole["suffix"]),
        "forms": _forms(first),
        "initials": _sorted_pair(pc.utf8_slice_codeunits(first, 0, 1), pc.utf8_slice_codeunits(last, 0, 1)),
        "both": pc.binary_join_element_wise(first, last, "|"),
        "flip": pc.binary_join_element_wise(last, first, "|"),
        "names": _sorted_pair(first, last),
        "born": batch.column("date_of_birth"),
        "line": line,
        "number": number,
        "street": street,
        "stem": pc.binary_join_element_wise(number, pc.utf8_slice_codeunits(street, 0, 4), "|"),
        "unit": _known(unit),
        "spot": pc.binary_join_element_wise(line, near, "|"),
        "home": pc.binary_join_element_wise(line, _known(unit), near, "|"),
        "city": _known(name_key(batch.column("city"))),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in KEYS.names], schema=KEYS)


def codes_of(column: pa.ChunkedArray) -> Codes:
    """Return a number for each distinct value, -1 for null.

    Examples
    --------
    >>> codes_of(pa.chunked_array([["b", None, "a", "b"]]))
    array([ 0, -1,  1,  0])
    """
    encoded = pc.dictionary_encode(column.combine_chunks())
    return pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)


def _known(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)


def _sorted_pair(first: pa.Array, last: pa.Array) -> pa.Array:
    smaller, larger = pc.min_element_wise(first, last, skip_nulls=False), pc.max_element_wise(first, last)
    return pc.binary_join_element_wise(smaller, larger, "|")


def _forms(first: pa.Array) -> pa.Array:
    """Return the names that each first name may stand for, itself the first."""
    encoded = pc.dictionary_encode(first)
    forms = [sorted(_formal(name)) for name in encoded.dictionary.to_pylist()]
    return pa.array(forms, pa.list_(pa.string())).take(encoded.indices)


def _formal(name: str) -> set[str]:
    head = name.split(" ", maxsplit=1)[0]
    return {head, *(formal.upper() for formal in _nicknames().canonicals_of(head))}


@cache
def _nicknames():  # type: ignore[no-untyped-def]  # noqa: ANN202  its module is imported when first needed
    from nicknames import NickNamer

    return NickNamer()
