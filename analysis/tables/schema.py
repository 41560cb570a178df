"""Columns of the tables and their types. A missing value is null there: an empty field in CSV, never 0."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel

from sweeps.records import ADAPTATION, EPOCH_TYPES, TIME_COLUMNS
from sweeps.spec import RunSpec

CROSSINGS = (15, 10, 5, 1)
"""Per cent of train error whose first crossing is reported."""

MACHINE_COLUMNS = ("device", "attempts", "provenance", "unlike", "reason")
"""Where and how a run ran, beside the times: the same run elsewhere differs in these and in nothing else."""

TTA_TERMS = (
    *("tta_bound", "tta_reweighted_loss", "tta_label_entropy", "tta_wasserstein", "tta_tau"),
    *("tta_measured_loss", "tta_violated"),
)
"""The bound of task transfer analysis and its terms, where `frostline rank` has ranked the sweep's sources."""
RELATEDNESS = ("class_overlap", "superclass_overlap", "linear_probe_error", *TTA_TERMS)
"""How related source and target are (analysis/tables/relatedness.py). There only where some run has a value."""

FINAL_LOSSES = ("final_test_loss", "final_train_loss")
"""Of runs whose recipe has the loss `squared`. There only where some run has."""
INHERITED = ("inherited_share", "inherited_digest")
"""Of the mask of a partial transfer. There only where some run has one."""
OCCASIONAL = (*FINAL_LOSSES, *RELATEDNESS, *ADAPTATION, *INHERITED, "unlike", "reason")
"""There only where some run or cell has a value: `unlike` cells, `reason` of runs that failed or are blocked."""

_TYPES: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}


@cache
def spec_types() -> dict[str, pa.DataType]:
    """Every field of a run's specification, flattened with dots, seed last. Not to be changed: it is shared."""
    found = dict(_flat_types(RunSpec, ""))
    found["seed"] = found.pop("seed")
    return found


def _flat_types(model: type[BaseModel], prefix: str) -> list[tuple[str, pa.DataType]]:
    columns: list[tuple[str, pa.DataType]] = []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            columns += _flat_types(inner, f"{prefix}{name}.")
        else:
            columns.append((f"{prefix}{name}", _TYPES[_scalar(field.annotation)]))
    return columns


def later_fields() -> set[str]:
    """The fields whose default is None, and those of a part whose default is None: what was there before them
    (sweeps/identity.py)."""
    return set(_later(RunSpec, ""))


def _later(model: type[BaseModel], prefix: str, part_is_later: bool = False) -> list[str]:
    found: list[str] = []
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        later = part_is_later or (not field.is_required() and field.default is None)
        if inner is not None:
            found += _later(inner, f"{prefix}{name}.", later)
        elif later:
            found.append(f"{prefix}{name}")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _scalar(annotation: Any) -> type:
    if isinstance(annotation, type):
        return annotation
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    return _scalar(next(part for part in get_args(annotation) if part is not type(None)))


EPOCHS = pa.schema([("run_id", pa.string()), *((name, pa.type_for_alias(kind)) for name, kind in EPOCH_TYPES.items())])

RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("cell_id", pa.string()),
        ("source_id", pa.string()),
        ("seed", pa.int64()),
        ("name", pa.string()),
        *((name, kind) for name, kind in spec_types().items() if name != "seed"),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("epochs", pa.int64()),
        ("final_test_error", pa.float64()),
        ("best_test_error", pa.float64()),
        ("final_train_error", pa.float64()),
        *((f"epochs_to_{per_cent}", pa.int64()) for per_cent in CROSSINGS),
        ("interpolates", pa.bool_()),
        *((name, pa.float64()) for name in (*FINAL_LOSSES, *RELATEDNESS, *ADAPTATION)),
        ("inherited_share", pa.float64()),
        ("inherited_digest", pa.string()),
        ("trainable_params", pa.int64()),
        ("total_params", pa.int64()),
        ("test_samples", pa.int64()),
        ("wall_seconds", pa.float64()),
        ("compute_seconds", pa.float64()),
        ("device", pa.string()),
        ("attempts", pa.int64()),
        ("provenance", pa.string()),
    ]
)

CELLS = pa.schema(
    [
        ("cell_id", pa.string()),
        *((name, kind) for name, kind in spec_types().items() if name != "seed"),
        ("n_asked", pa.int64()),
        ("n_done", pa.int64()),
        ("n_diverged", pa.int64()),
        ("trainable_params", pa.int64()),
        ("final_test_error", pa.float64()),
        ("final_test_error_low", pa.float64()),
        ("final_test_error_high", pa.float64()),
        ("final_test_error_images_low", pa.float64()),
        ("final_test_error_images_high", pa.float64()),
        ("final_train_error", pa.float64()),
        ("final_train_error_low", pa.float64()),
        ("final_train_error_high", pa.float64()),
        ("n_interpolating", pa.int64()),
        ("interpolates", pa.bool_()),
        *((f"epochs_to_{per_cent}", pa.float64()) for per_cent in CROSSINGS),
        *((name, pa.float64()) for name in RELATEDNESS),
        ("shape", pa.string()),
        ("strength", pa.string()),
        ("strength_low", pa.float64()),
        ("strength_high", pa.float64()),
        ("significance", pa.string()),
        ("double_descent", pa.bool_()),
        *((f"{point}_{part}{end}", pa.float64())
          for point in ("first_min", "peak", "second_min") for part in ("epoch", "error")
          for end in ("", "_low", "_high")),
        ("prominence", pa.float64()),
        ("roughness", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("train_error_at_peak", pa.float64()),
        ("agreement", pa.float64()),
        ("sensitivity", pa.float64()),
        ("unlike", pa.string()),
    ]
)  # fmt: skip


def frame_of(columns: dict[str, Any], schema: pa.Schema) -> pd.DataFrame:
    """A table of exactly the schema's columns. NaN and None are missing; floats that are whole fit int64."""
    assert list(columns) == schema.names, sorted(set(columns) ^ set(schema.names))
    arrays = [pa.array(columns[field.name], type=field.type, from_pandas=True) for field in schema]
    return as_frame(pa.table(arrays, schema=schema))


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow to pandas, missing values kept: whole numbers and flags in nullable columns, floats with NaN."""
    nullable: dict[pa.DataType, Any] = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=nullable.get)


def as_table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """pandas to Arrow: the schema's columns that the frame has, missing values null, no pandas metadata.

    A field that was added to the specification later has a column only where some run gives it, as has each of
    OCCASIONAL: tables of older results stay as they are.
    """
    occasional = [name for name in (*later_fields(), *OCCASIONAL) if name in frame.columns]
    unused = {name for name in occasional if not bool(frame[name].notna().to_numpy().any())}
    kept = pa.schema([field for field in schema if field.name in frame.columns and field.name not in unused])
    return pa.Table.from_pandas(frame, schema=kept, preserve_index=False).replace_schema_metadata(None)


def numbers(frame: pd.DataFrame, name: str, missing: float = np.nan) -> NDArray[np.float64]:
    """A column as (rows,) float64, whole numbers and flags too."""
    return cast(pd.Series, frame[name]).to_numpy(dtype=np.float64, na_value=missing)


def columns_of(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Several columns as (rows,) float64 with NaN where a value is missing, by name."""
    return {name: numbers(frame, name) for name in names}


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without what may differ between two runs of one specification: times, machine, provenance."""
    return frame.drop(columns=[name for name in (*TIME_COLUMNS, *MACHINE_COLUMNS) if name in frame.columns])
