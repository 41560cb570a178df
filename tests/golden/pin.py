"""Pins a finished sweep as the golden one: `python -m tests.golden.pin SWEEP.yaml STORE`; without them, its tables.

Copies what analysis reads (the sweep's record, results, epochs; the host's name is left out) and writes the tables.
Afterwards check the new tables by hand, as README.md describes, before they are committed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from analysis.report.table_files import write_tables
from analysis.tables.load import read_sweep
from sweeps import layout
from sweeps.self_digest import seal, unsealed_if_sealed
from sweeps.store import records
from sweeps.sweep import parse

HERE = Path(__file__).resolve().parent
TABLES = ("epochs.csv", "runs.csv", "cells.csv")


def pin(sweep_file: Path, store: Path) -> None:
    stored = read_sweep(parse(sweep_file.read_text()), store)
    shutil.rmtree(HERE / "store", ignore_errors=True)
    for run in stored.runs:
        assert run.result is not None, f"{run.id} is {run.status}"
        into = HERE / "store"
        (into / run.place.folder).mkdir(parents=True)
        record = json.loads(unsealed_if_sealed(stored.store.read(run.place.result) or b""))
        record["provenance"].pop("host", None)
        (into / run.place.result).write_bytes(seal(json.dumps(record, indent=1).encode()))
        key = run.place.epochs(run.result.epochs_sha256)
        (into / key).write_bytes(records.content(stored.store, key, run.result.epochs_sha256))
    path = HERE / "store" / layout.sweep(stored.record.name, stored.record.digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(seal(stored.record.model_dump_json().encode()))
    (HERE / "sweep.yaml").write_text(sweep_file.read_text())
    write_golden_tables(HERE / "tables")


def write_golden_tables(out: Path) -> None:
    """The tables of the pinned store, those that are pinned and no others."""
    _, files = write_tables(read_sweep(parse((HERE / "sweep.yaml").read_text()), HERE / "store"), out)
    for path in files:
        if path.name not in TABLES:
            path.unlink()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        write_golden_tables(HERE / "tables")
    else:
        pin(Path(sys.argv[1]), Path(sys.argv[2]))
