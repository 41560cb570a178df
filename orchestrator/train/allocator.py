"""The C library's allocator, told to keep what torch frees."""

from __future__ import annotations

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of mallopt(3)."""
LARGEST_HEAP_BYTES = 32 * 2**20
"""The most that glibc takes from its heap; larger tensors are mapped by themselves whatever is asked."""


@cache
def keep_freed() -> bool:
    """Let glibc keep freed memory for the next tensor instead of giving it back; False where there is no mallopt.

    An evaluation frees and allocates megabytes for every layer. By default each such tensor is fresh memory that the
    kernel fills with zeros page by page, a tenth to four tenths of an evaluation's time on a CPU (LOG.md). The process
    stays as large as it once was.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST_HEAP_BYTES) and mallopt(TRIM_THRESHOLD, 2**31 - 1))
