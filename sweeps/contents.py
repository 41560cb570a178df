"""Contents pages: a package's `__init__` names what it offers. A module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, offered: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: name -> the module inside it that has it. Raises AttributeError for other names.

    Example, in `analysis/detector/__init__.py`: `__getattr__ = lazy(__name__, {"detect": "descent"})`.
    """

    def get(name: str) -> Any:
        if name not in offered:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{offered[name]}"), name)

    return get
