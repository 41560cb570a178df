"""The command `negative-transfer`: table, verdict, figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def negative_transfer(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's file, or its name in the catalog.")],
    store: Annotated[
        str,
        typer.Option(
            "--store", metavar="STORE", envvar="FROSTLINE_STORE", help="The results: a folder, or s3://BUCKET/PREFIX."
        ),
    ] = "store",
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder to write the table (CSV) and the figure to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Rows and shares of cells, machine-readable.")] = False,
) -> None:
    """Whether transfer is worse than training from scratch, cell by cell, paired by seed."""
    from analysis.negative_transfer.comparison import compare_with_scratch
    from analysis.negative_transfer.frame import negative_transfer_frame
    from analysis.negative_transfer.gain_figure import draw_gains
    from analysis.negative_transfer.section import HEAD, READING, cell_rows, verdict_lines
    from analysis.negative_transfer.section import as_json as plain
    from analysis.tables.collect import collect
    from analysis.tables.load import StoreError, read_sweep
    from sweeps.sweep import read

    tables = collect(read_sweep(read(sweep), store))
    compared = compare_with_scratch(tables)
    if not compared:
        name = tables.sweep.record.name
        raise StoreError(f"{name}: no finished run with a source has a finished partner from scratch")
    frame = negative_transfer_frame(tables, compared)
    if as_json:
        rows = json.loads(frame.to_json(orient="records") or "[]")
        print(json.dumps({"cells": rows, **plain(compared)}, indent=1, allow_nan=False))
    else:
        print("\n".join(_aligned([HEAD, *cell_rows(compared)])))
        print()
        print("\n".join(verdict_lines(compared)))
        print(READING)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            frame.to_csv(out / "negative_transfer.csv", index=False, lineterminator="\n")
            drawn = draw_gains(compared, out)
        except OSError as problem:
            raise StoreError(f"--out {out}: {problem.strerror}; it must be a folder that can be written") from None
        for path in (out / "negative_transfer.csv", *(drawn or ())):
            typer.echo(str(path), err=as_json)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
