"""The comparisons as a table: one row per cell that has a partner from scratch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.negative_transfer.comparison import CellComparison
from analysis.negative_transfer.labels import labels
from analysis.tables.cells import DECIMALS
from analysis.tables.collect import Tables
from analysis.tables.schema import frame_of, spec_types

SHOWN_FIELDS = (
    *("model.family", "model.depth", "model.width", "source.task", "source.size", "target.task", "target.size"),
    *("transfer.frozen", "transfer.inherit.mode", "transfer.inherit.share", "transfer.inherit.granularity"),
)
"""Fields of the specification with a column of their own; `cell_id` leads to the others."""

SCHEMA = pa.schema(
    [
        ("cell_id", pa.string()),
        ("cell", pa.string()),
        *((name, spec_types()[name]) for name in SHOWN_FIELDS),
        ("inherited_share", pa.float64()),
        ("outcome", pa.string()),
        ("n", pa.int64()),
        *((name, pa.float64()) for name in ("test_error", "scratch_test_error", "gain", "gain_low", "gain_high")),
        *((name, pa.float64()) for name in ("p_value", "q_value", "negative_q_value")),
        *((name, pa.float64()) for name in ("matched_gain", "matched_low", "matched_high")),
        *((name, pa.float64()) for name in ("train_loss", "scratch_train_loss", "predicted_gain")),
    ]
)


def negative_transfer_frame(tables: Tables, compared: Sequence[CellComparison]) -> pd.DataFrame:
    """One row per comparison: SCHEMA. Gains are accuracy less that from scratch, as fractions; missing is empty."""
    ids = tables.cells["cell_id"]
    rows = [_row(each, str(ids.iloc[each.cell]), label) for each, label in zip(compared, labels(compared), strict=True)]
    return frame_of({name: [row[name] for row in rows] for name in SCHEMA.names}, SCHEMA)


def _row(each: CellComparison, cell_id: str, label: str) -> dict[str, Any]:
    error, scratch_error = each.errors
    loss, scratch_loss = each.train_losses
    numbers = {
        "inherited_share": each.share,
        "test_error": error,
        "scratch_test_error": scratch_error,
        "gain": each.gain.mean,
        "gain_low": each.gain.low,
        "gain_high": each.gain.high,
        "p_value": each.gain.p_value,
        "q_value": each.q_value,
        "negative_q_value": each.negative_q_value,
        "matched_gain": each.matched.mean,
        "matched_low": each.matched.low,
        "matched_high": each.matched.high,
        "train_loss": loss,
        "scratch_train_loss": scratch_loss,
        "predicted_gain": each.predicted,
    }
    return {
        "cell_id": cell_id,
        "cell": label,
        "outcome": each.outcome,
        "n": each.gain.n,
        **{name: each.fields.get(name) for name in SHOWN_FIELDS},
        **{name: None if math.isnan(value) else round(value, DECIMALS) for name, value in numbers.items()},
    }
