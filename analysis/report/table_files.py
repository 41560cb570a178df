"""The tables as files: Parquet and CSV of all; LaTeX of cells and verdicts; Markdown of verdicts.

The same store content gives the same bytes. Floats are written as the shortest text that reads back as the same
number; a missing value is an empty field.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.report.papers.cells import cells_latex, check_columns
from analysis.report.papers.markdown import verdicts_markdown
from analysis.report.papers.verdicts import verdicts_latex
from analysis.report.spreadsheet import FORMULA
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Sink, Tables, collect
from analysis.tables.load import StoredSweep
from analysis.tables.measures import measures_table
from analysis.tables.schema import CELLS, EPOCHS, RUNS, as_table, spec_types
from analysis.tables.verdict_frame import verdict_frame, verdict_schema
from sweeps.errors import InputError, suggestion

ROW_GROUP = 1 << 18  # rows: about 25 MB of epochs


def write_tables(
    sweep: StoredSweep, out: Path, columns: Sequence[str] = (), beside: Sequence[str] = ()
) -> tuple[Tables, tuple[Path, ...]]:
    """Collects the sweep and writes epochs, runs, cells, and measures where some run has any, to the folder `out`, made
    if need be; returns the tables and the files.

    columns: of the LaTeX table, by their names in `cells`; by default what a reader compares. beside: fields of the
    specification, by dotted name, that `epochs` carries after its run_id. Each file is replaced as a whole or not at
    all. Raises InputError for a name that is none, StoreError for a damaged store, OSError where `out` cannot be
    written.
    """
    check_columns(columns)
    schema = with_fields(beside)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        epochs = stack.enter_context(_epoch_writer(out, schema))
        tables = collect(sweep, _carrying(sweep, beside, epochs))
    written = [out / "epochs.parquet", out / "epochs.csv"]
    for name, frame, its in (("runs", tables.runs, RUNS), ("cells", tables.cells, CELLS)):
        written += write_table(out / name, as_table(frame, its))
    measures = measures_table(sweep)
    if measures.num_rows:
        written += write_table(out / "measures", measures)
    return tables, (*written, _write_text(out / "cells.tex", cells_latex(tables.cells, sweep.record.name, columns)))


def write_verdicts(tables: Tables, along: Sequence[AxisVerdict], out: Path) -> tuple[Path, ...]:
    """Writes every verdict of a sweep to the folder `out`: along its axes (`along_every_axis`), and over epochs.

    Parquet and CSV are the frame that `fl.load(...).verdicts` is; Markdown and LaTeX are for readers. Raises OSError
    where `out` cannot be written.
    """
    frame = verdict_frame(tables, along)
    return (
        *write_table(out / "verdicts", as_table(frame, verdict_schema())),
        _write_text(out / "verdicts.md", verdicts_markdown(frame)),
        _write_text(out / "verdicts.tex", verdicts_latex(along, tables.sweep.record.name)),
    )


def csv_bytes(table: pa.Table, header: bool = True) -> bytes:
    """A table as CSV: UTF-8, a line feed after each row, quotes where they are needed.

    A text that a spreadsheet would take for a formula has an apostrophe before it (OWASP, "CSV Injection").
    """
    frame = pl.from_arrow(_nan_to_null(table))
    assert isinstance(frame, pl.DataFrame)
    frame = frame.with_columns(pl.col(pl.String).str.replace(FORMULA, "'$0"))
    return frame.write_csv(include_header=header).encode()


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes `path`'s place when the block ends well, and leaves it alone otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(stem: Path, table: pa.Table) -> list[Path]:
    """One table as Parquet and as CSV; returns both files. Each is replaced as a whole or not at all."""
    parquet, csv = stem.with_suffix(".parquet"), stem.with_suffix(".csv")
    with replaced(parquet) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=ROW_GROUP)
    with replaced(csv) as file:
        file.write(csv_bytes(table))
    return [parquet, csv]


def with_fields(names: Sequence[str]) -> pa.Schema:
    """The columns of `epochs`, with fields of the specification after run_id. Raises InputError for another name."""
    types = spec_types()
    for name in names:
        if name not in types:
            raise InputError(f"--with {name!r}: no field of a run{suggestion(name, types)}")
    first, *rest = EPOCHS
    return pa.schema([first, *((name, types[name]) for name in dict.fromkeys(names)), *rest])


def _carrying(sweep: StoredSweep, names: Sequence[str], sink: Sink) -> Sink:
    """A sink that puts a run's fields beside each of its epochs."""
    if not names:
        return sink
    schema = with_fields(names)
    fields = {run.id: run.fields for run in sweep.runs}

    def take(table: pa.Table) -> None:
        its = fields[table["run_id"][0].as_py()] if table.num_rows else {}
        columns = [
            pa.repeat(pa.scalar(its.get(field.name), field.type), table.num_rows)
            if field.name not in EPOCHS.names
            else table[field.name]
            for field in schema
        ]
        sink(pa.table(columns, schema=schema))

    return take


def _write_text(path: Path, text: str) -> Path:
    with replaced(path) as file:
        file.write(text.encode())
    return path


@contextmanager
def _epoch_writer(out: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Takes the epochs run by run and writes them a row group at a time: memory does not grow with the
    sweep.
    """
    with replaced(out / "epochs.parquet") as binary, replaced(out / "epochs.csv") as text:
        held: list[pa.Table] = []
        text.write(csv_bytes(schema.empty_table()))
        with pq.ParquetWriter(binary, schema, compression="zstd") as parquet:

            def write_out() -> None:
                table = _nan_to_null(pa.concat_tables(held))
                held.clear()
                parquet.write_table(table, row_group_size=table.num_rows)
                text.write(csv_bytes(table, header=False))

            def take(table: pa.Table) -> None:
                if held and sum(map(len, held)) + len(table) > ROW_GROUP:
                    write_out()
                held.append(table)

            yield take
            if held:
                write_out()


def _nan_to_null(table: pa.Table) -> pa.Table:
    """NaN says that nothing could be measured: missing, not a number called nan."""
    columns = [
        pa.array(column.to_numpy(), column.type, from_pandas=True) if pa.types.is_floating(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)
