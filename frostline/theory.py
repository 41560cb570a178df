"""`frostline theory SWEEP`: what theory says of a sweep's runs, beside what they measured.

Mean-field networks are predicted by their limit of infinite width, runs whose head alone trains from their frozen
features. All else is counted and left.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.loaded import LoadedSweep, load
from analysis.overlay.figures import theory_figures
from analysis.overlay.page import theory_page
from analysis.overlay.readouts import ReadoutOverlay, readout_overlay, readout_row
from analysis.overlay.widths import Computed, difference_text, width_cells
from analysis.report.table_files import replaced
from analysis.tables.load import StoredRun
from analysis.theory.gradient_filter import Readout
from analysis.theory.readout_prediction import kind_of
from analysis.theory.second_stage import Samples
from analysis.theory.width_prediction import InfiniteWidth, TaskPair, has_infinite_width
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import ledger_at
from sweeps import layout
from sweeps.identity import SCHEMA
from sweeps.records import PredictedRun, TheoryRecord
from sweeps.self_digest import seal
from sweeps.spec import RunSpec
from sweeps.store import records
from sweeps.store.interface import StoreError
from tasks.data import TaskData, source_data, target_data
from tasks.steps import budget

MOST_REASONS = 5
MOST_EPOCHS = 150
"""Of a run's predicted curve that are kept in the store."""


def write_theory(sweep: str, store: str, out: Path | None) -> tuple[list[str], list[Path]]:
    """Predict, compare, write tables, figures and a page; lines for the user, and the files.

    Files: theory_cells.csv (mean-field networks), theory_runs.csv and theory_epochs.csv (readouts), figures/theory_*
    as .png and .pdf, theory.html, in `out`, by default results/<sweep name>. The predictions are kept in the store too,
    for tables, reports and W&B; where it cannot be written a line says so. Raises InputError where the sweep or the
    store cannot be read.
    """
    loaded = load(sweep, store)
    folder = out or Path("results") / loaded.name
    folder.mkdir(parents=True, exist_ok=True)
    predictor = Computed(InfiniteWidth(own_samples))
    cells = width_cells(loaded.tables, predictor)
    left: Counter[str] = Counter()
    overlays = list(_overlays(loaded, store, left))
    frames: dict[str, pd.DataFrame] = {}
    lines: list[str] = []
    try:
        save_theory(loaded, [*_of_widths(loaded, predictor), *_of_readouts(overlays)], ledger_at(store))
    except StoreError as problem:  # another's store, to be read alone
        lines.append(f"not kept in the store, so tables, reports and W&B go without theory: {problem}")
    if len(cells):
        frames["theory_cells"] = cells
        lines.append(f"mean-field networks: {difference_text(cells)}")
    if overlays:
        frames["theory_runs"] = pd.DataFrame([{**_fields(found.run), **readout_row(found)} for found in overlays])
        lines += _readout_lines(frames["theory_runs"])
    lines += [f"without a theory: {number} runs: {reason}" for reason, number in left.most_common(MOST_REASONS)]
    if others := left.most_common()[MOST_REASONS:]:
        lines.append(f"without a theory: {sum(number for _, number in others)} runs more: {len(others)} other reasons")
    drawn = theory_figures(overlays, cells, folder)
    pictures = [path for path in drawn if path.suffix == ".png"]
    page = theory_page(loaded.name, loaded.stored.record.about, lines, frames, pictures, folder / "theory.html")
    if overlays:
        frames["theory_epochs"] = pd.concat([found.frame() for found in overlays])
    return lines, [*(_written(frame, folder / f"{name}.csv") for name, frame in frames.items()), *drawn, page]


def save_theory(loaded: LoadedSweep, runs: Sequence[PredictedRun], ledger: Ledger) -> None:
    """Keep predictions in the store. Raises StoreError if it cannot be written."""
    its = loaded.stored.record
    at = datetime.now(UTC).isoformat(timespec="seconds")
    record = TheoryRecord(schema_version=SCHEMA, name=its.name, digest=its.digest, at=at, runs=tuple(runs))
    key = layout.theory(its.name, its.digest)
    try:
        ledger.store.replace(key, seal(record.model_dump_json().encode()))
    except OSError as problem:
        raise records.unreadable(ledger.store, key, problem) from None


def _of_widths(loaded: LoadedSweep, predictor: Computed) -> Iterator[PredictedRun]:
    for run in loaded.stored.runs:
        if has_infinite_width(run.spec):
            found = predictor.of(run.spec)
            if math.isfinite(found.test_error):
                yield PredictedRun(id=run.id, kind=found.kind, test_error=found.test_error)


def _of_readouts(overlays: Sequence[ReadoutOverlay]) -> Iterator[PredictedRun]:
    """With MOST_EPOCHS of each curve, spaced by a constant factor, the last one among them. A predicted divergence is
    left out."""
    for found in overlays:
        curve = found.predicted
        if not (np.isfinite(curve.train_error).all() and np.isfinite(curve.test_error).all()):
            continue
        number = len(curve.epochs)
        places = np.unique(np.geomspace(1, number, min(number, MOST_EPOCHS)).round().astype(int)) - 1
        yield PredictedRun(
            id=found.run.id,
            kind=found.kind,
            test_error=float(curve.test_error[-1]),
            epochs=tuple(curve.epochs[places].tolist()),
            train_errors=tuple(curve.train_error[places].tolist()),
            test_errors=tuple(curve.test_error[places].tolist()),
        )


def own_samples(spec: RunSpec) -> TaskPair:
    """The samples that a run is trained and tested on. Raises ValueError, in one line, for real targets of several
    values: their errors are not told apart from those of classes here."""
    source = None if spec.source is None else _samples(source_data(spec))
    return TaskPair(source, _samples(target_data(spec)))


def _samples(data: TaskData) -> Samples:
    """Inputs over the square root of their length, targets one-hot or real."""
    if data.is_regression and data.outputs > 1:
        raise ValueError(f"a regression of {data.outputs} values: allowed for infinite width: classes, or one value")
    train, test = (_flat(each) for each in (data.inputs, data.test_inputs))
    labels, truth = (_targets(each, data) for each in (data.labels, data.test_labels))
    return Samples(train, labels, test, truth)


def _flat(inputs: Any) -> np.ndarray:
    rows = np.asarray(inputs.numpy(), dtype=np.float64).reshape(len(inputs), -1)
    return rows / math.sqrt(rows.shape[1])


def _targets(labels: Any, data: TaskData) -> np.ndarray:
    numbers = labels.numpy()
    return numbers.astype(np.float64) if data.is_regression else np.eye(data.classes)[numbers]


def _overlays(loaded: LoadedSweep, store: str, left: Counter[str]) -> Iterator[ReadoutOverlay]:
    """Of all finished runs that have one; why the others have none is counted in `left`."""
    from orchestrator.head_inputs import head_inputs, worker_state

    state = worker_state(store)
    for run in loaded.stored.runs:
        if has_infinite_width(run.spec):
            continue
        if run.status != "done":
            left[f"status {run.status}"] += 1
            continue
        try:
            length = budget(run.spec.train, run.spec.target.size)
            kind = kind_of(run.spec.train, length.steps_per_epoch, run.spec.transfer)
            inputs = head_inputs(run.id, run.spec, state)
        except ValueError as problem:
            left[str(problem)] += 1
            continue
        task = Readout(inputs.features, inputs.targets, inputs.test_features, inputs.test_targets, inputs.start)
        try:
            found = readout_overlay(loaded.stored, run, kind, task, inputs.truth, inputs.regression)
        except StoreError:
            raise
        except ValueError as problem:  # a rate above the limit of stability
            left[str(problem)] += 1
            continue
        yield found


def _fields(run: StoredRun) -> dict[str, object]:
    named = ("source.task", "source.size", "target.task", "target.size", "target.label_noise", "model.family")
    return {name: run.fields.get(name) for name in (*named, "model.width", "transfer.frozen", "seed")}


def _readout_lines(rows: pd.DataFrame) -> Iterator[str]:
    for kind, group in rows.groupby("theory_kind"):
        off, loss, peak, predicted = (
            group[name].to_numpy(dtype=np.float64)
            for name in ("theory_difference", "theory_loss_difference", "peak_epoch", "theory_peak_epoch")
        )
        line = (
            f"readouts, {kind}: {len(group)} runs: final test error off by {np.median(np.abs(off)):.4f} in the median"
        )
        if np.isfinite(loss).any():
            line += f", test loss by {np.nanmax(loss):.1e} (relative) at most"
        both = np.isfinite(peak) & np.isfinite(predicted)
        same = int((peak[both] == predicted[both]).sum())
        yield f"{line}; peak at the predicted epoch in {same} of {int(both.sum())} with both"


def _written(frame: pd.DataFrame, path: Path) -> Path:
    with replaced(path) as file:
        file.write(frame.to_csv(index=False, lineterminator="\n").encode())
    return path
