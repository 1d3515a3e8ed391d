"""Exact standardized keys: two records are one household if they share an address, an e-mail or a phone.

Unit numbers decide in apartments; a building without them is told apart by last name.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.schemas import LINK
from geoscore.standardize import name_key, split_full_name, street_key
from geoscore.tables import Table

KEYS: Final = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("record_id", pa.string()),
        ("address", pa.string()),
        ("line", pa.string()),
        ("has_unit", pa.bool_()),
        ("last", pa.string()),
        ("name_zip", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
    ]
)
NAMES_OF_A_BUILDING: Final = 4
"""So many last names at one address without units make it a building of several households."""
MOST_SHARED: Final = 20
"""An e-mail or phone that more records share than this belongs to an office, not to a household."""

Codes = npt.NDArray[np.int64]


def link_records(records: Table) -> Table:
    """Find the records that belong to the same household.

    Parameters
    ----------
    records
        Table of schema ``RECORD``.

    Returns
    -------
    Table of schema ``LINK``
        One row per record. ``match_probability`` is 1: a shared key is taken as certain. The household's id
        comes from its smallest record, so that it does not depend on the order of rows or files.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import RECORD
    >>> rows = [
    ...     {"source": "a", "row": 1, "record_id": "1", "street": "12 Oak Street", "zip": "94301"},
    ...     {"source": "b", "row": 1, "record_id": "x", "street": "12 OAK ST.", "zip": "94301"},
    ... ]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=RECORD), engine=engine)
    ...     links = link_records(records).collect()
    >>> len(set(links["household_id"].to_pylist()))
    1
    """
    keys = records.map_batches(linkage_keys, KEYS).collect()
    keys = keys.sort_by([("source", "ascending"), ("record_id", "ascending"), ("row", "ascending")])
    household = _household_ids(keys, _components(keys))
    links = pa.Table.from_arrays(
        [keys["source"], keys["row"], keys["record_id"], household, pa.repeat(1.0, keys.num_rows)], schema=LINK
    )
    return Table.from_arrow(links, engine=records.engine)


def linkage_keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the standardized keys of a batch of records, null where a record has none."""
    street, unit = street_key(batch.column("street"), batch.column("unit"))
    full_first, full_last = split_full_name(batch.column("full_name"))
    first = _null_if_empty(name_key(pc.coalesce(batch.column("first_name"), full_first)))
    last = _null_if_empty(name_key(pc.coalesce(batch.column("last_name"), full_last)))
    zip_code = batch.column("zip")
    columns = {
        "source": batch.column("source"),
        "row": batch.column("row"),
        "record_id": batch.column("record_id"),
        "address": pc.binary_join_element_wise(_null_if_empty(street), pc.fill_null(unit, ""), zip_code, "|"),
        "line": pc.binary_join_element_wise(_null_if_empty(street), zip_code, "|"),
        "has_unit": pc.fill_null(pc.not_equal(unit, ""), fill_value=False),
        "last": last,
        "name_zip": pc.binary_join_element_wise(first, last, zip_code, "|"),
        "email": batch.column("email"),
        "phone": batch.column("phone"),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in KEYS.names], schema=KEYS)


def _null_if_empty(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)


def _components(keys: pa.Table) -> Codes:
    """Return for each record the number of its group of records that share keys, directly or by way of others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = keys.num_rows
    address = _household_addresses(keys)
    groups = [address, _unambiguous(_codes(keys["name_zip"]), _codes(keys["line"]))]
    groups += [_not_shared(_codes(keys[name])) for name in ("email", "phone")]
    rows, nodes, offset = [], [], n
    for group in groups:
        has = np.flatnonzero(group >= 0)
        rows.append(has)
        nodes.append(group[has] + offset)
        offset += int(group.max(initial=-1)) + 1
    row, node = np.concatenate(rows), np.concatenate(nodes)
    graph = coo_array((np.ones(len(row), dtype=np.int8), (row, node)), shape=(offset, offset))
    _, component = connected_components(graph, directed=False)
    return component[:n].astype(np.int64)


def _codes(column: pa.ChunkedArray) -> Codes:
    """Return a number for each distinct value, -1 for null."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    return pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)


def _household_addresses(keys: pa.Table) -> Codes:
    """Return address codes; at a building without unit numbers the last name is part of the address."""
    address, last = _codes(keys["address"]), _codes(keys["last"])
    has_unit = keys["has_unit"].to_numpy()
    known = (address >= 0) & (last >= 0)
    pairs = np.unique(np.column_stack([address[known], last[known]]), axis=0)
    names = np.bincount(pairs[:, 0], minlength=int(address.max(initial=-1)) + 1)
    several = (
        (address >= 0) & ~has_unit & (names[np.maximum(address, 0)] >= NAMES_OF_A_BUILDING if len(names) else False)
    )
    within = np.where(several, last, -1)
    _, merged = np.unique(np.column_stack([address, within]), axis=0, return_inverse=True)
    return np.where((address >= 0) & ~(several & (last < 0)), merged.reshape(-1), -1)


def _unambiguous(name: Codes, address: Codes) -> Codes:
    """Keep a name in a ZIP only where it stands at no more than one street line, with a unit or without."""
    known = (name >= 0) & (address >= 0)
    pairs = np.unique(np.column_stack([name[known], address[known]]), axis=0)
    places = np.bincount(pairs[:, 0], minlength=int(name.max(initial=-1)) + 1)
    return np.where((name >= 0) & (places[np.maximum(name, 0)] <= 1 if len(places) else False), name, -1)


def _not_shared(code: Codes) -> Codes:
    """Keep an e-mail or phone only where few records have it."""
    shared = np.bincount(code[code >= 0], minlength=int(code.max(initial=-1)) + 1)
    return np.where((code >= 0) & (shared[np.maximum(code, 0)] <= MOST_SHARED if len(shared) else False), code, -1)


def _household_ids(keys: pa.Table, component: Codes) -> pa.Array:
    """Name every component after its first record; ``keys`` is sorted, so first means smallest."""
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    smallest = keys.take(pa.array(first))
    seen: dict[str, int] = {}
    ids = []
    for source, record_id in zip(smallest["source"].to_pylist(), smallest["record_id"].to_pylist(), strict=True):
        name = f"{source}\x1f{record_id}"
        seen[name] = seen.get(name, 0) + 1
        digest = hashlib.blake2b(f"{name}\x1f{seen[name]}".encode(), digest_size=8)
        ids.append(f"h{digest.hexdigest()}")
    return pa.array(ids).take(pa.array(inverse.reshape(-1)))
