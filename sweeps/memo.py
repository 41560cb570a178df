"""Functions of specs that are computed once for each: the runs of a sweep share few distinct parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])


def cached(function: F) -> F:
    """lru_cache, for arguments that are frozen and hash by value though the type checker cannot see it of specs."""
    return cast(F, lru_cache(maxsize=1 << 16)(function))
