"""Raw tables out of the four kinds of log: long CSV, Lightning CSVLogger, TensorBoard, W&B export."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.logs.columns import CurveError, listed

BROKEN = (pl.exceptions.PolarsError, pa.ArrowException, OSError, UnicodeDecodeError)


def read_table(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file. Raises CurveError where it is empty, broken or of no known kind."""
    parquet = path.suffix.lower() == ".parquet"
    if path.stat().st_size == 0:
        raise CurveError(f"{path}: the file is empty; a header with epoch and test_error is needed")
    try:
        frame = _parquet(path) if parquet else pl.read_csv(path, infer_schema_length=None)
        frame = _unfolded(frame.rename({c: c.strip() for c in frame.columns}))
    except (*BROKEN, pl.exceptions.PanicException) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CurveError(f"{path}: cannot be read as {'Parquet' if parquet else 'CSV'}: {reason}") from None
    if frame.is_empty():
        raise CurveError(f"{path}: no rows below the header; at least 4 points are needed")
    return frame


def _parquet(path: Path) -> pl.DataFrame:
    """By Arrow, whose checks hold: polars' own reader panics, not raises, at some broken pages."""
    table = pq.read_table(path)
    table.validate(full=True)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _unfolded(frame: pl.DataFrame) -> pl.DataFrame:
    """The wide table of a W&B chart export, `run - metric` beside `Step`, as a long one; others
    unchanged."""
    wide = [c for c in frame.columns if " - " in c and not c.endswith(("__MIN", "__MAX"))]
    if not wide:
        return frame
    axis = next((c for c in frame.columns if c.lower() in ("epoch", "step", "trainer/global_step")), None)
    if axis is None:
        raise CurveError(f"columns: {listed(frame.columns)}; a W&B chart export has Step or epoch")
    runs: dict[str, pl.DataFrame] = {}
    for column in wide:
        run, metric = column.rsplit(" - ", 1)
        part = frame.select(axis, pl.col(column).alias(metric))
        runs[run] = part if run not in runs else runs[run].join(part, on=axis, how="full", coalesce=True)
    return pl.concat([t.with_columns(run=pl.lit(name)) for name, t in runs.items()], how="diagonal_relaxed")


def lightning_folder(folder: Path) -> pl.DataFrame | None:
    """All metrics.csv below a folder, one run each, named by its folder; None where there are none."""
    files = sorted(folder.rglob("metrics.csv"))
    tables = [read_table(f).with_columns(run=pl.lit(_name(f.parent, folder))) for f in files]
    return pl.concat(tables, how="diagonal_relaxed") if tables else None


def csv_folder(folder: Path) -> pl.DataFrame | None:
    """All CSV and Parquet files of a folder; the file's stem is the run where the file names none."""
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in (".csv", ".parquet"))
    tables = [
        table if "run" in table.columns else table.with_columns(run=pl.lit(f.stem))
        for f, table in ((f, read_table(f)) for f in files)
    ]
    return pl.concat(tables, how="diagonal_relaxed") if tables else None


def tensorboard(path: Path) -> pl.DataFrame | None:
    """All scalars of the event files at or below a path, one run per folder; None where there are none.

    Rows are (run, step) with a column per tag. Lightning's `epoch` tag, where logged, gives each step its
    epoch.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*tfevents*"))
    if not files:
        return None
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # slow to import

    root = path.parent if path.is_file() else path
    tables = []
    for folder in sorted({file.parent for file in files}):
        events = EventAccumulator(str(path if path.is_file() else folder), size_guidance={"scalars": 0})
        events.Reload()
        table = pl.DataFrame(schema={"step": pl.Int64})
        for tag in events.Tags()["scalars"]:
            last = {e.step: e.value for e in events.Scalars(tag)}
            part = pl.DataFrame({"step": list(last), tag: list(last.values())})
            table = table.join(part, on="step", how="full", coalesce=True)
        if table.width > 1:
            tables.append(table.sort("step").with_columns(run=pl.lit(_name(folder, root))))
    if not tables:
        raise CurveError(f"{path}: event files without a scalar; log the test error with add_scalar")
    return pl.concat(tables, how="diagonal_relaxed")


def _name(folder: Path, root: Path) -> str:
    name = folder.relative_to(root).as_posix()
    return root.resolve().name if name == "." else name
