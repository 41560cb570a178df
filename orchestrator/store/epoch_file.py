"""A run's epochs as Parquet bytes: the same records give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from sweeps.records import EPOCH_TYPES, EpochRecord

SCHEMA = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in EPOCH_TYPES.items()])


def to_parquet(curve: Sequence[EpochRecord]) -> bytes:
    """One row per epoch, columns and types of EPOCH_TYPES; NaN where there was nothing to measure."""
    columns = [pa.array([row[i] for row in curve], type=field.type) for i, field in enumerate(SCHEMA)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def from_parquet(content: bytes) -> list[EpochRecord]:
    """The records that `to_parquet` wrote. Raises ValueError, in one line, for anything else."""
    try:
        table = pq.read_table(pa.BufferReader(content), schema=SCHEMA)
        if any(column.null_count for column in table.columns):
            raise ValueError("a value is missing")
        columns = table.to_pydict()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as problem:
        raise ValueError(f"not a curve: {' '.join(str(problem).split())[:200]}") from None
    return [EpochRecord(*row) for row in zip(*columns.values(), strict=True)]
