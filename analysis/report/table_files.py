"""The tables as files: Parquet and CSV of epochs, runs and cells, and the cells as LaTeX.

The same store content gives the same bytes. Floats are written as the shortest text that reads back as the same
number; a missing value is an empty field.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.report.latex import cells_latex
from analysis.report.spreadsheet import FORMULA
from analysis.tables.collect import Tables, collect
from analysis.tables.load import StoredSweep
from analysis.tables.schema import CELLS, EPOCHS, RUNS, as_table

ROW_GROUP = 1 << 18  # rows: about 25 MB of epochs


def write_tables(sweep: StoredSweep, out: Path) -> tuple[Tables, tuple[Path, ...]]:
    """Collects the sweep and writes its tables to the folder `out`, made if need be; returns them and their
    files.

    Each file is replaced as a whole or not at all. Raises StoreError for a damaged store, OSError where
    `out` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        epochs = stack.enter_context(_epoch_writer(out))
        tables = collect(sweep, epochs)
    written = [out / "epochs.parquet", out / "epochs.csv"]
    for name, frame, schema in (("runs", tables.runs, RUNS), ("cells", tables.cells, CELLS)):
        written += write_table(out / name, as_table(frame, schema))
    with replaced(out / "cells.tex") as file:
        file.write(cells_latex(tables.cells).encode())
    return tables, (*written, out / "cells.tex")


def csv_bytes(table: pa.Table, header: bool = True) -> bytes:
    """A table as CSV: UTF-8, a line feed after each row, quotes where they are needed.

    A text that a spreadsheet would take for a formula has an apostrophe before it (OWASP, "CSV Injection").
    """
    frame = pl.from_arrow(_nan_to_null(table))
    assert isinstance(frame, pl.DataFrame)
    frame = frame.with_columns(pl.col(pl.String).str.replace(FORMULA, "'$0"))
    return frame.write_csv(include_header=header).encode()


def csv_text(frame: pd.DataFrame) -> str:
    """One of this module's tables, whole or without some columns, as the text of its CSV file."""
    schema = next(s for s in (CELLS, RUNS, EPOCHS) if set(frame.columns) <= set(s.names))
    return csv_bytes(as_table(frame, schema)).decode()


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


@contextmanager
def _epoch_writer(out: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Takes the epochs run by run and writes them a row group at a time: memory does not grow with the
    sweep.
    """
    with replaced(out / "epochs.parquet") as binary, replaced(out / "epochs.csv") as text:
        held: list[pa.Table] = []
        text.write(csv_bytes(EPOCHS.empty_table()))
        with pq.ParquetWriter(binary, EPOCHS, compression="zstd") as parquet:

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
