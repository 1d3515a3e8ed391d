"""How a process of ours holds its memory: what a batch gave back is kept for the next one.

By default glibc returns large blocks to the kernel at once and asks for them again, page by page; a run that makes
and drops tables all the time spends a fifth of its time there.
"""

import ctypes
import sys
from contextlib import suppress
from typing import Final

import pyarrow as pa

KEPT_BYTES: Final = 256 << 20
"""Blocks smaller than this are kept, and as much unused memory at the top of the heap."""
ENVIRONMENT: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(KEPT_BYTES),
}
"""The same for processes that others start for us."""
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3  # glibc's malloc.h


def keep_memory() -> None:
    """Let this process keep memory that it gave back; where there is no glibc, nothing changes.

    Examples
    --------
    >>> keep_memory()
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # musl has no mallopt
        libc = ctypes.CDLL(None)
        if libc.mallopt(_MMAP_THRESHOLD, KEPT_BYTES) and libc.mallopt(_TRIM_THRESHOLD, KEPT_BYTES):
            pa.set_memory_pool(pa.system_memory_pool())
