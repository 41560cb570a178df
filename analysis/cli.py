"""Command line of analysis: `python -m analysis tables | figures | report | summary | claims | detect | score`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.load import StoreError, StoredSweep, read_sweep
from sweeps.errors import SpecError
from sweeps.sweep import read

if TYPE_CHECKING:
    from analysis.collect import Tables

USAGE = 2

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From files of results to tables, verdicts, figures and a page. Reads the store, never writes to it.",
)

SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's file, or its name in the catalog.")]
StoreOption = Annotated[
    Path, typer.Option("--store", envvar="FROSTLINE_STORE", help="The folder that holds the results.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="The folder to write to. [default: results/<sweep name>]")
]
DEFAULT_STORE = Path("store")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns its exit code: 2 with one line on standard error where the input is at fault."""
    # The class of all of typer's usage errors; it has no public name of its own in typer.
    usage_error = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    try:
        code = app(list(arguments) if arguments is not None else None, standalone_mode=False)
    except usage_error as problem:
        if type(problem).__name__ == "NoArgsIsHelpError":
            print(problem, file=sys.stderr)
        else:
            _complain(problem.format_message())  # type: ignore[attr-defined]
        return USAGE
    except (SpecError, StoreError) as problem:
        _complain(str(problem))
        return USAGE
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def _complain(text: str) -> None:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)


def _stored(sweep: str, store: Path) -> StoredSweep:
    return read_sweep(read(sweep), store)


def _folder(stored: StoredSweep, out: Path | None) -> Path:
    folder = out if out is not None else Path("results") / stored.record.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(f"--out {folder}: {problem.strerror}; it must be a folder that can be written") from None
    if not os.access(folder, os.W_OK):
        raise StoreError(f"--out {folder}: cannot be written")
    return folder


@app.command()
def tables(sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, out: OutOption = None) -> None:
    """Epochs, runs and cells as Parquet and CSV; the cells as LaTeX too."""
    from analysis.tables import write_tables

    stored = _stored(sweep, store)
    _, files = write_tables(stored, _folder(stored, out))
    for path in files:
        print(path)


@app.command()
def summary(sweep: SweepArgument, store: StoreOption = DEFAULT_STORE, out: OutOption = None) -> None:
    """Tables, figures and the page, and what they say in a few lines."""
    from analysis.freezing import freezing_wise
    from analysis.summary import print_summary
    from analysis.tables import write_tables

    stored = _stored(sweep, store)
    folder = _folder(stored, out)
    collected, files = write_tables(stored, folder)
    print_summary(collected, freezing_wise(collected), files)
