"""Makes the C library's allocator keep the memory that torch frees."""

from __future__ import annotations

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of mallopt(3)."""
LARGEST_HEAP_BYTES = 32 * 2**20
"""The largest block that glibc takes from its heap; it maps larger ones separately, whatever the setting."""


@cache
def keep_freed() -> bool:
    """Let glibc keep freed memory for the next tensor instead of returning it; False where there is no mallopt.

    An evaluation frees and allocates megabytes for every layer. By default each such tensor is new memory that the
    kernel fills with zeros page by page: 10 to 40 % of an evaluation's time on a CPU (LOG.md). The process keeps its
    largest size.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST_HEAP_BYTES) and mallopt(TRIM_THRESHOLD, 2**31 - 1))
