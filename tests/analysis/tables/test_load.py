"""What the store holds is read as it is; what contradicts itself is refused in one line that names the file."""

import json
from pathlib import Path

import pytest

from analysis.tables.load import StoreError, read_epochs, read_sweep
from sweeps.identity import run_id
from sweeps.layout import place
from sweeps.sweep import parse
from tests.analysis.store_factory import failed, finished, planned, running, sweep_text, whole

TEXT = sweep_text(epochs=8, frozen="[0, 3]", last_seed=2)


def test_states_of_runs(tmp_path: Path) -> None:
    sweep, runs = planned(TEXT, tmp_path)
    by_place = {(spec.transfer.frozen, spec.seed): spec for spec in runs.values()}
    finished(tmp_path, by_place[0, 0])
    finished(tmp_path, by_place[0, 1], status="diverged")
    running(tmp_path, by_place[0, 2])
    failed(tmp_path, by_place[0, 2])  # a lease on a run that failed before: it is being tried again
    failed(tmp_path, by_place[3, 0])
    failed(tmp_path, by_place[3, 1], kind="source")
    stored = read_sweep(sweep, tmp_path)
    assert {(run.spec.transfer.frozen, run.spec.seed): run.status for run in stored.runs} == {
        (0, 0): "done",
        (0, 1): "diverged",
        (0, 2): "running",
        (3, 0): "failed",
        (3, 1): "blocked",
        (3, 2): "missing",
    }


def test_order_follows_the_specification_not_the_files(tmp_path: Path) -> None:
    sweep = whole(tmp_path, sweep_text(epochs=4, frozen="[10, 2, 0]", last_seed=1))
    order = [(run.spec.transfer.frozen, run.spec.seed) for run in read_sweep(sweep, tmp_path).runs]
    assert order == [(0, 0), (0, 1), (2, 0), (2, 1), (10, 0), (10, 1)]


def test_no_store_and_no_plan(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        read_sweep(parse(TEXT), tmp_path / "nowhere")
    with pytest.raises(StoreError, match="no plan of this version; `frostline run`"):
        read_sweep(parse(TEXT), tmp_path)
    planned(TEXT, tmp_path)
    with pytest.raises(StoreError, match=r"it holds 1 other version of made-up"):
        read_sweep(parse(TEXT.replace("1000", "500")), tmp_path)


def test_a_changed_byte_in_the_epochs_is_found(tmp_path: Path) -> None:
    sweep = whole(tmp_path, TEXT)
    stored = read_sweep(sweep, tmp_path)
    run = stored.runs[0]
    assert run.result is not None
    path = tmp_path / run.place.epochs(run.result.epochs_sha256)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=rf"{path.name}: damaged, its SHA-256 is not .*`frostline verify`"):
        read_epochs(stored.store, run)


def test_a_missing_epochs_file_is_named(tmp_path: Path) -> None:
    stored = read_sweep(whole(tmp_path, TEXT), tmp_path)
    run = stored.runs[0]
    assert run.result is not None
    (tmp_path / run.place.epochs(run.result.epochs_sha256)).unlink()
    with pytest.raises(StoreError, match="No such file"):
        read_epochs(stored.store, run)


def test_a_result_of_another_specification_is_refused(tmp_path: Path) -> None:
    sweep, runs = planned(TEXT, tmp_path)
    first, second = list(runs.values())[:2]
    record = finished(tmp_path, first)
    other = place("run", run_id(second))
    (tmp_path / other.folder).mkdir(parents=True)
    (tmp_path / other.result).write_text(record.model_copy(update={"id": run_id(second)}).model_dump_json())
    with pytest.raises(StoreError, match=rf"its spec is not that of run {run_id(second)}"):
        read_sweep(sweep, tmp_path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda value: {**value, "epochs": "many"}, "epochs = 'many'"),
        (lambda value: {**value, "schema_version": 99}, "schema_version = 99"),
        (lambda value: {key: item for key, item in value.items() if key != "ladder"}, "ladder: missing"),
        (lambda value: [value], "result.json"),
    ],
)
def test_damaged_results_are_refused_in_one_line(tmp_path: Path, damage, message: str) -> None:
    sweep, runs = planned(TEXT, tmp_path)
    spec = next(iter(runs.values()))
    finished(tmp_path, spec)
    path = tmp_path / place("run", run_id(spec)).result
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    with pytest.raises(StoreError) as raised:
        read_sweep(sweep, tmp_path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_epochs_that_do_not_fit_their_result(tmp_path: Path) -> None:
    sweep, runs = planned(TEXT, tmp_path)
    finished(tmp_path, next(iter(runs.values())), epochs=7)
    stored = read_sweep(sweep, tmp_path)
    run = next(run for run in stored.runs if run.result is not None)
    with pytest.raises(StoreError, match=r"8 epochs; result\.json says 7"):
        read_epochs(stored.store, run)
