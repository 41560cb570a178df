"""The table `measures`: what runs measured beside errors and losses, one row a value.

A run has the measures that its recipe asked for (`train.measures`), some of them one for each unit of its network. So
the table is long: a column for each would be empty for most runs.
"""

from __future__ import annotations

import pyarrow as pa

from analysis.tables.load import StoredSweep, read_epochs
from sweeps.records import ADAPTATION

MEASURES = pa.schema(
    [("run_id", pa.string()), ("epoch", pa.int64()), ("measure", pa.string()), ("value", pa.float64())]
)


def measures_table(sweep: StoredSweep) -> pa.Table:
    """Rows in the order of the table `runs`, then by measure and epoch. A value that was no number is null.

    Empty where no run has any. What adapting a head recorded is in the table `runs`. Raises StoreError where a file of
    epochs is damaged.
    """
    parts = [MEASURES.empty_table()]
    for run in sweep.runs:
        measures = {} if run.result is None else run.result.measures or {}
        asked = {name: values for name, values in measures.items() if name not in ADAPTATION}
        if not asked:
            continue
        epochs = read_epochs(sweep.store, run, ["epoch"])["epoch"].to_pylist()
        for name, values in asked.items():
            rows = min(len(epochs), len(values))
            columns = [[run.id] * rows, epochs[:rows], [name] * rows, list(values[:rows])]
            parts.append(pa.table([pa.array(*each) for each in zip(columns, MEASURES.types, strict=True)], MEASURES))
    return pa.concat_tables(parts)
