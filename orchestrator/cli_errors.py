"""What a user is told instead of a traceback: one line on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import typer

from orchestrator.runners.resources import CannotStart
from orchestrator.store.ledger import StoreError
from sweeps.errors import SpecError

USAGE = 2
"""Exit code where the input is at fault."""


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    try:
        yield
    except (SpecError, StoreError, CannotStart) as problem:
        complain(str(problem))
        raise typer.Exit(USAGE) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None


def complain(text: str) -> None:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
