"""Arrays packed small enough to travel by mail: quantized, delta-coded, in byte planes, compressed.

`figures.js` unpacks them; `unpack` does the same here, so that tests can hold one against the other.
"""

import base64
import gzip
import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EFFORT: Final = 6  # of gzip; more takes twice the time for a hundredth of the size
MOST: Final = 2**31 - 1


class Packer:
    """Collects arrays into one compressed text, and an index that says how each is read.

    Examples
    --------
    >>> import numpy as np
    >>> packer = Packer()
    >>> packer.add("cells", np.array([[10], [12], [13]]), delta="rows")
    >>> packer.index["cells"]
    {'at': 0, 'kind': 'u1', 'shape': [3, 1], 'delta': 'rows', 'scale': 1.0, 'root': False}
    >>> unpack(packer.text(), packer.index)["cells"].ravel().tolist()
    [10.0, 12.0, 13.0]
    """

    def __init__(self) -> None:
        self.index: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def add(
        self,
        name: str,
        values: npt.NDArray[Any],
        *,
        delta: str | None = None,
        scale: float = 1.0,
        root: bool = False,
    ) -> None:
        """Add numbers of shape (n, m), to within half of 1 / ``scale``.

        Parameters
        ----------
        delta
            ``rows`` or ``columns``: store differences to the row above, or to the column before.
        scale
            Steps in one unit; fewer where the largest number would not fit.
        root
            Store signed square roots, for numbers whose own size says how exact they need be.
        """
        numbers = np.sign(values) * np.sqrt(np.abs(values)) if root else values
        largest = float(np.max(np.abs(numbers), initial=0.0))
        while largest * scale > MOST / 4:
            scale /= 10
        steps = np.rint(numbers * scale).astype(np.int64)
        if delta is not None:
            steps = np.diff(steps, axis=0 if delta == "rows" else 1, prepend=0)
        turned = (steps << 1) ^ (steps >> 63)
        kind = next(k for k, top in (("u1", 2**8), ("u2", 2**16), ("u4", 2**32)) if turned.max(initial=0) < top)
        self._put(name, _planes(turned.T, kind), kind, values.shape, delta=delta, scale=scale, root=root)

    def add_exact(self, name: str, values: Floats) -> None:
        """Add numbers of shape (n, m) as they are."""
        self._put(name, _planes(values.T, "f8"), "f8", values.shape)

    def add_words(self, name: str, words: npt.NDArray[np.uint64]) -> None:
        """Add unsigned 64-bit numbers in ascending order, shape (n,): H3 cells."""
        steps = np.diff(words, prepend=np.uint64(0))
        self._put(name, _planes(steps, "u8"), "u8", (len(words), 1), delta="rows")

    def add_json(self, name: str, value: object) -> None:
        """Add anything that JSON holds."""
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
        self._put(name, text, "json", (len(text), 1))

    def text(self) -> str:
        """Return all of it, compressed, as base64; the same arrays give the same text."""
        return compressed(b"".join(self._parts))

    def _put(self, name: str, data: bytes, kind: str, shape: tuple[int, ...], **how: Any) -> None:
        self.index[name] = {"at": self._size, "kind": kind, "shape": [int(side) for side in shape], **how}
        self._parts.append(data)
        self._size += len(data)


def compressed(data: bytes) -> str:
    """Return bytes compressed by gzip, as base64; without a time, so that it stays the same.

    Examples
    --------
    >>> compressed(b"hexagon") == compressed(b"hexagon")
    True
    """
    return base64.b64encode(gzip.compress(data, EFFORT, mtime=0)).decode("ascii")


def unpack(text: str, index: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the arrays of a packed text, each of its shape (n, m); cells as they were, JSON as values."""
    data = gzip.decompress(base64.b64decode(text))
    return {name: _read(data, how) for name, how in index.items()}


def _read(data: bytes, how: dict[str, Any]) -> Any:
    n, m = how["shape"]
    if how["kind"] == "json":
        return json.loads(data[how["at"] : how["at"] + n])
    kind = np.dtype(f"<{how['kind']}")
    planes = np.frombuffer(data, np.uint8, n * m * kind.itemsize, how["at"]).reshape(kind.itemsize, -1)
    raw = np.ascontiguousarray(planes.T).view(kind).reshape(m, n).T
    if how["kind"] == "u8":
        return np.cumsum(raw[:, 0], dtype=np.uint64)
    if how["kind"] == "f8":
        return raw.astype(np.float64)
    steps = (raw.astype(np.int64) >> 1) ^ -(raw.astype(np.int64) & 1)
    if how["delta"] is not None:
        steps = np.cumsum(steps, axis=0 if how["delta"] == "rows" else 1)
    values = steps / how["scale"]
    return np.sign(values) * values**2 if how["root"] else values


def _planes(values: npt.NDArray[Any], kind: str) -> bytes:
    """Return the first bytes of all numbers, then the second ones, and so on: like lies beside like."""
    flat = np.ascontiguousarray(values, dtype=f"<{kind}").reshape(-1)
    return np.ascontiguousarray(flat.view(np.uint8).reshape(-1, flat.itemsize).T).tobytes()
