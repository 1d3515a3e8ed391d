"""Building a gazetteer from files: address points, street segments with address ranges, and ZIP areas.

It knows the order of ingest, reference and geocoding; runs and the command line build by it.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore import ingest
from geoscore.errors import InputError
from geoscore.geocoding.interpolation import learn_errors
from geoscore.geocoding.records import ASKED, read_addresses
from geoscore.ingest.inspect import inspect_file, propose_source
from geoscore.ledger import hash_file
from geoscore.reference.gazetteer import make_gazetteer, save_gazetteer
from geoscore.reference.gazetteer_places import drop_strays
from geoscore.reference.gazetteer_shapes import is_shapes, read_shapes
from geoscore.schemas import RECORD

PLACE_FIELDS: Final = (*ASKED, "longitude", "latitude")


@dataclass
class BuiltGazetteer:
    """What a gazetteer was built from."""

    out: Path
    streets: int
    points: int
    segments: int
    zips: int
    files: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**asdict(self), "out": str(self.out)}

    def counts(self) -> dict[str, int]:
        """Return how many streets, points, sides of segments and ZIPs it has."""
        return {"streets": self.streets, "points": self.points, "segments": self.segments, "zips": self.zips}


def build_gazetteer(
    paths: Sequence[Path], *, out: Path, progress: Callable[[str, int, int | None], None] | None = None
) -> BuiltGazetteer:
    """Build a gazetteer from address points, street segments and ZIP areas.

    Parameters
    ----------
    paths
        Address points in any file that geoscore reads (OpenAddresses, county parcels, lists with coordinates);
        TIGER/Line ADDRFEAT; areas with a ZIP.
    out
        Folder to write to. An older or half-written gazetteer there is replaced, at once and at the end.
    progress
        Called with a stage's name, the steps done, and all steps where known.

    Raises
    ------
    InputError
        A file cannot be read, or nothing in them is an address with a place.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    tables, files, notes, segments, zips = [], [], [], [], []
    with scratch_folder() as folder:
        for i, path in enumerate(paths):
            tell(f"read {path.name}", i, len(paths))
            source: Path | None = path
            told: dict[str, Any] = {}
            if is_shapes(path):
                shapes = read_shapes(path)
                notes += shapes.notes
                segments.append(shapes.segments)
                zips.append(shapes.zips)
                source = folder / f"{i}.parquet" if len(shapes.rows) else None
                if source:
                    pq.write_table(pa.Table.from_pandas(shapes.rows, preserve_index=False), source)
                told = {"read": shapes.read, "rejected": dict(shapes.rejected)}
            if source is not None:
                table, told = _address_points(source, folder / str(i), name=path.name)
                tables.append(table)
            files.append({"path": path.name, "sha256": hash_file(path), **told})
        points, strays = drop_strays(parse_points(tables))
    if strays:
        notes.append(f"{strays:,} points were left out: they lie far from all others of their ZIP or city")
    if not len(points) and not any(len(part) for part in (*segments, *zips)):
        raise InputError("nothing in these files is an address with a place; see `geoscore inspect FILE`")
    tell("streets", 0, None)
    gazetteer = make_gazetteer(points, _concat(segments), _concat(zips))
    tell("errors", 0, None)
    errors = learn_errors(gazetteer)
    note = {**gazetteer.note, "files": files, "built": datetime.now(tz=UTC).date().isoformat()}
    save_gazetteer(replace(gazetteer, note=note, errors=errors), out)
    kinds = gazetteer.places["kind"].value_counts()
    rows = (len(gazetteer.streets), len(gazetteer.points), len(gazetteer.segments), int(kinds.get("zip", 0)))
    return BuiltGazetteer(out, *rows, files=files, notes=notes, errors=asdict(errors))


def _concat(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="geoscore-geocode-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _address_points(path: Path, folder: Path, *, name: str) -> tuple[pa.Table, dict[str, Any]]:
    """Read address points by the ways of ingest: columns inferred, impossible values left out and counted."""
    source = propose_source(inspect_file(path), name="points")
    if source is None or not {"street", "longitude", "latitude"} <= set(source.columns):
        seen = ", ".join(source.columns) if source else "nothing"
        raise InputError(
            f"{name} has no addresses with longitude and latitude, no address ranges and no ZIP areas (it has {seen}); "
            f"see `geoscore inspect {name}`"
        )
    columns = {field: column for field, column in source.columns.items() if field in PLACE_FIELDS}
    source = source.model_copy(update={"columns": columns, "features": False})
    folder.mkdir()
    opened = ingest.open_sources([source], resolve=lambda path: path)
    report = ingest.ingest_sources(opened, as_of=datetime.now(tz=UTC).date(), out=folder, lenient=True)[0]
    told = {"read": report.rows_read, "rejected": dict(report.rows_rejected), "mended": dict(report.mended)}
    return pq.read_table(folder / "records.parquet", columns=list(PLACE_FIELDS)), told


def read_points(path: Path) -> pa.Table:
    """Return the addresses and coordinates of a file of address points, as ``build_gazetteer`` reads them."""
    with scratch_folder() as folder:
        return _address_points(path, folder / "points", name=path.name)[0]


def parse_points(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Return address points with their parsed addresses, those with a number and a street alone."""
    table = (
        pa.concat_tables(tables) if tables else pa.schema([RECORD.field(name) for name in PLACE_FIELDS]).empty_table()
    )
    table = table.filter(pc.and_(pc.is_valid(table["longitude"]), pc.is_valid(table["latitude"])))
    points = read_addresses(table).to_pandas()
    points[["longitude", "latitude"]] = table.select(["longitude", "latitude"]).to_pandas()
    return points[(points["name"] != "") & points["number"].notna()].reset_index(drop=True)
