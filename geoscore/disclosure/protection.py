"""The protection of a surface in writing: the counts of what files told that its figures were worked out from.

It travels in the surface's metadata, so that anybody can check that none of them is of fewer than k households.
"""

import base64
import json
import zlib
from dataclasses import asdict, dataclass

from geoscore.errors import SurfaceError

Counts = tuple[tuple[int, float], ...]
"""The lowest band of every group and its households, rising; a group goes up to the next one. Band 0 lies below the
first rung, band i above the i-th."""


@dataclass(frozen=True)
class Block:
    """Households that files tell something of, counted together.

    Attributes
    ----------
    counted_in
        ``row`` where it is one row of the surface; else ``zip``, ``county`` or ``region``: its other rows.
    place
        Which one: cell, ZIP and county of a row, ``-`` where it has none.
    households
        All households of its rows.
    told
        Those that the files tell of.
    """

    counted_in: str
    place: str
    households: float
    told: Counts


@dataclass(frozen=True)
class Stretch:
    """How all groups that go from band ``low`` to ``high`` split, in all blocks together."""

    low: int
    high: int
    told: Counts


@dataclass(frozen=True)
class Protection:
    """All counts of what files tell that a surface was made of.

    Examples
    --------
    >>> block = Block("zip", "94301", 62.0, ((0, 11.5), (13, 20.0)))
    >>> protection = Protection(10, (block,), (Stretch(13, 25, ((13, 10.0), (16, 10.0))),))
    >>> read_protection(protection.to_text()) == protection, protection.smallest()
    (True, 10.0)
    """

    k: int
    blocks: tuple[Block, ...]
    stretches: tuple[Stretch, ...]

    def smallest(self) -> float | None:
        """Return the smallest count that is not zero; None where there is none."""
        groups = (*(block.told for block in self.blocks), *(stretch.told for stretch in self.stretches))
        return min((held for told in groups for _, held in told if held > 0), default=None)

    def to_text(self) -> str:
        """Return it for a surface's metadata."""
        text = json.dumps(asdict(self), separators=(",", ":"))
        return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def read_protection(text: str) -> Protection:
    """Return the protection that stands in a surface's metadata.

    Raises
    ------
    SurfaceError
        The text is damaged.
    """
    try:
        data = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
        blocks = tuple(Block(**{**item, "told": _counts(item["told"])}) for item in data["blocks"])
        stretches = tuple(Stretch(**{**item, "told": _counts(item["told"])}) for item in data["stretches"])
        return Protection(int(data["k"]), blocks, stretches)
    except (ValueError, TypeError, KeyError, zlib.error) as error:
        raise SurfaceError(f"the surface's protection is damaged: {error}") from error


def _counts(rows: list[list[float]]) -> Counts:
    return tuple((int(band), float(held)) for band, held in rows)
