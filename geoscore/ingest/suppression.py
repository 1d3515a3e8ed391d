"""Opt-outs: who asked to be left out is left out, found by keyed hashes, with the whole household.

A list holds hashes only; nobody can be read from it, and nothing of an opted-out row is kept.
"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.errors import InputError, PolicyError, ProjectError, did_you_mean
from geoscore.ingest.files import read_file
from geoscore.ingest.identities import KEY_BYTES, KINDS, check_value, hash_identity, read_key, record_identities
from geoscore.project import Suppression as Settings
from geoscore.schemas import EVIDENCE, RECORD, REJECTED
from geoscore.tables import Table

OLDEST_DAYS: Final = 45
"""Days after which a list is too old to run with (METHODS 10; the cadence of California's Delete Act)."""
OPTED_OUT: Final = "opted out"
WITH_HOUSEHOLD: Final = "opted out with the household"
OPT_OUT_REASONS: Final = (OPTED_OUT, WITH_HOUSEHOLD)
SUPPRESSED: Final = pa.schema([RECORD.field("source"), RECORD.field("row")])
"""Rows of the files that opted out."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Suppression:
    """A suppression list, ready to be held against records.

    Attributes
    ----------
    synced
        Day on which the list was last brought up to date.
    key
        Secret of the hashes, 32 bytes.
    hashes
        Digests by kind: ``email``, ``phone``, ``name_address``.
    """

    synced: date
    key: bytes
    hashes: dict[str, frozenset[bytes]]

    def mark(self, records: pa.RecordBatch) -> Bools:
        """Return which records opted out, shape (n,).

        Parameters
        ----------
        records
            Batch of schema ``RECORD``.

        Examples
        --------
        >>> from datetime import date
        >>> key = bytes(32)
        >>> digest = hash_identity(key, "email", "ann@example.org")
        >>> listed = Suppression(date(2026, 11, 1), key, {"email": frozenset([digest])})
        >>> rows = [{"email": "ann@example.org"}, {"email": "bo@example.org"}, {}]
        >>> listed.mark(pa.RecordBatch.from_pylist(rows, schema=RECORD)).tolist()
        [True, False, False]
        """
        gone = np.zeros(records.num_rows, dtype=bool)
        for kind in (kind for kind in KINDS if self.hashes.get(kind)):
            known = self.hashes[kind]
            for i, texts in enumerate(record_identities(records, kind)):
                gone[i] |= any(hash_identity(self.key, kind, text) in known for text in texts)
        return gone


def open_suppression(
    settings: Settings | None, *, today: date, resolve: Callable[[Path], Path] = Path
) -> Suppression | None:
    """Open the suppression list of a project, or return None where it has none.

    Parameters
    ----------
    settings
        The project's ``[suppression]``.
    today
        Day of the run, from which the list's age is counted.
    resolve
        Makes a path of the project file one that can be opened.

    Raises
    ------
    PolicyError
        The list is more than 45 days old.
    ProjectError
        It was synced in the future, or on another day than the list itself says.
    InputError
        The list or its key cannot be read, a kind is unknown, or the list was hashed with another key.

    Examples
    --------
    >>> from datetime import date
    >>> old = Settings(path="optouts.csv", synced=date(2026, 9, 1))
    >>> open_suppression(old, today=date(2026, 11, 1))
    Traceback (most recent call last):
    ...
    geoscore.errors.PolicyError: the suppression list optouts.csv was synced 61 days ago, on 2026-09-01; more than 45 \
are too many: sync it, hash it with `geoscore suppress`, and set suppression.synced
    """
    if settings is None:
        return None
    age = (today - settings.synced).days
    if age < 0:
        raise ProjectError(f"suppression.synced is {settings.synced}, which is yet to come; today is {today}")
    if age > OLDEST_DAYS:
        raise PolicyError(
            f"the suppression list {settings.path} was synced {age} days ago, on {settings.synced}; more than "
            f"{OLDEST_DAYS} are too many: sync it, hash it with `geoscore suppress`, and set suppression.synced"
        )
    key = read_key(resolve(settings.key))
    path = resolve(settings.path)
    hashes: dict[str, set[bytes]] = {kind: set() for kind in KINDS}
    said: dict[str, str] = {}
    for row, kind, text in _list_rows(path):
        if kind in ("check", "synced"):
            said[kind] = text
        elif kind in hashes:
            hashes[kind].add(_digest(path, row, text))
        else:
            raise InputError(f"{path}, row {row}: {kind!r} is no kind of opt-out{did_you_mean(kind, KINDS)}")
    _check_said(settings, path, key, said)
    return Suppression(settings.synced, key, {kind: frozenset(found) for kind, found in hashes.items()})


def _list_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    raw = read_file(path)
    for name in ("kind", "hash"):
        if name not in raw.names:
            raise InputError(f"{path} is no suppression list: it has no column {name!r}; `geoscore suppress` makes one")
    for batch, rows in raw.batches:
        kinds, texts = (batch.column(raw.names.index(name)).cast(pa.string()).to_pylist() for name in ("kind", "hash"))
        for row, kind, text in zip(rows.tolist(), kinds, texts, strict=True):
            yield row, (kind or "").strip(), (text or "").strip()
    if raw.rejected:
        row, reason, _ = raw.rejected[0]
        raise InputError(f"{path}, row {row}: {reason}; a list that is not whole is not used")


def _digest(path: Path, row: int, text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != KEY_BYTES:
        raise InputError(
            f"{path}, row {row}: not a hash of 64 hexadecimal digits; hash people with `geoscore suppress`"
        )
    return digest


def _check_said(settings: Settings, path: Path, key: bytes, said: dict[str, str]) -> None:
    if "check" not in said:
        raise InputError(f"{path} has no row of kind 'check' to tell its key by; make it with `geoscore suppress`")
    if not hmac.compare_digest(said["check"].lower(), check_value(key)):
        raise InputError(
            f"{path} was hashed with another key than {settings.key}; name its own under suppression.key, "
            "or hash it anew with `geoscore suppress`"
        )
    if said.get("synced", str(settings.synced)) != str(settings.synced):
        raise ProjectError(f"suppression.synced is {settings.synced}, but {path} says {said['synced']}; set that day")


# --- what becomes of the records ------------------------------------------------------------------------------


def blank_records(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return records of opted-out people with no more than what linkage finds their household by."""
    unknown = {*EVIDENCE, "longitude", "latitude"} - {"age"}  # ages tell persons apart, and links must stay as they are
    columns = [
        pa.nulls(records.num_rows, item.type) if item.name in unknown else records.column(item.name) for item in RECORD
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORD)


@dataclass(frozen=True)
class Withdrawn:
    """What is left after opt-outs (records and links), and the rows that left with them."""

    records: Table
    links: Table
    rejected: pa.Table


def drop_households(records: Table, links: Table, suppressed: Table) -> Withdrawn:
    """Take out every household that holds an opted-out record, so that nobody comes back through another file.

    Parameters
    ----------
    records
        Table of schema ``RECORD``, those that opted out among them.
    links
        Table of schema ``LINK``, one row for each record.
    suppressed
        The opted-out rows: ``source`` and ``row``.

    Returns
    -------
    Withdrawn
        ``rejected`` holds the other rows of those households, without anything that stood in them; the opted-out
        rows themselves were rejected when they were read.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import LINK
    >>> rows = [{"source": "a", "row": n, "record_id": "x"} for n in (1, 2, 3)]
    >>> link = [{**row, "household_id": home} for row, home in zip(rows, "hhg")]
    >>> with open_engine() as engine:
    ...     table = lambda data, schema: Table.from_arrow(pa.Table.from_pylist(data, schema=schema), engine=engine)
    ...     left = drop_households(table(rows, RECORD), table(link, LINK), table(rows[:1], SUPPRESSED))
    ...     left.records.collect()["row"].to_pylist(), left.rejected["row"].to_pylist()
    ([3], [2])
    """
    keys = ["source", "row"]
    homes = links.frame.join(suppressed.frame, on=keys, how="semi").select("household_id").unique()
    gone = links.frame.join(homes, on="household_id", how="semi").select(*keys)

    def reject(frame: Frame) -> Frame:
        nothing = nw.lit(None).cast(nw.String).alias("detail")
        text = nw.col("row").cast(nw.String).alias("record_id")
        return frame.with_columns(text, nw.lit(WITH_HOUSEHOLD).alias("reason"), nothing)

    others = Table(gone.join(suppressed.frame, on=keys, how="anti"), SUPPRESSED, links.engine)
    return Withdrawn(
        records.derive(RECORD, lambda frame: frame.join(gone, on=keys, how="anti")),
        links.derive(links.schema, lambda frame: frame.join(homes, on="household_id", how="anti")),
        others.derive(REJECTED, reject).collect(),
    )
