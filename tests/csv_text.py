"""A table of a sweep as the text of its CSV file: two are the same where their texts are."""

from __future__ import annotations

import pandas as pd

from analysis.report.table_files import csv_bytes
from analysis.tables.schema import CELLS, EPOCHS, RUNS, as_table
from analysis.tables.verdict_frame import verdict_schema


def csv_text(frame: pd.DataFrame) -> str:
    """Of cells, runs, epochs or verdicts, whole or without some columns."""
    known = (CELLS, RUNS, EPOCHS, verdict_schema())
    schema = next(schema for schema in known if set(frame.columns) <= set(schema.names))
    return csv_bytes(as_table(frame, schema)).decode()
