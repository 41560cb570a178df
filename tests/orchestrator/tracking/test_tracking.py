"""Offline W&B runs, read back from their files."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.tracking import tracker as tracking
from orchestrator.tracking.metrics import METRICS, is_shown
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.tracker import Tracker
from sweeps.records import EpochRecord
from tests.orchestrator.tracking.tracked_runs import (
    CANARY,
    GROUP,
    ROOT,
    curve,
    files,
    holding,
    in_process,
    track,
    tracker,
)
from tests.wandb_file import read_run

MANY = """
import pathlib, sys
from tests.orchestrator.tracking.tracked_runs import track, tracker
for number in {numbers}:
    problem = track(tracker(pathlib.Path({folder!r}), number), 20)
    assert problem is None, problem
"""


@pytest.fixture(scope="module", autouse=True)
def own_service() -> Iterator[None]:
    yield
    if tracking._SERVICE is not None:
        tracking._SERVICE.leave()
        tracking._SERVICE = None


def test_every_epoch_and_column_is_in_the_file(tmp_path: Path) -> None:
    assert track(tracker(tmp_path / "wandb"), 300) is None
    (file,) = files(tmp_path)
    run = read_run(file)
    assert len(run.history) == 300
    measured = set(EpochRecord._fields) - {"train_error_flipped_given"}
    elapsed = 0.0
    for row, record in zip(run.history, curve(300), strict=True):
        elapsed += record.seconds
        assert row.pop("time/seconds") == pytest.approx(elapsed)
        assert {name for name in row if not name.startswith("_")} == {METRICS[name] for name in measured}
        assert all(row[METRICS[name]] == getattr(record, name) for name in measured)
    assert run.exit_code == 0


def test_run_is_described(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb", number=7, attempt=3), 2)
    (file,) = files(tmp_path)
    run = read_run(file)
    id = f"{7:020x}"
    assert (run.id, run.group, run.job_type) == (f"{id}-3", GROUP, "target")
    assert (run.name, run.project, run.tags) == ("frozen 7", "frostline", ("letters-to-digits",))
    assert run.config.pop("_wandb") is not None
    spec = {"model": {"family": "resnet", "width": 8}, "seed": 7}
    assert run.config == {**spec, "run_id": id, "attempt": 3}
    assert run.step_metrics == {"epoch": "", "test/*": "epoch", "train/*": "epoch", "time/*": "epoch"}
    assert (run.summary["final_test_error"], run.summary["status"]) == (0.25, "done")
    assert "nothing" not in run.summary
    assert run.host == ""


def test_the_commit_is_told_and_nothing_else_of_the_code(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb", commit="c0ffee" * 6), 2)
    (file,) = files(tmp_path)
    assert read_run(file).commit == "c0ffee" * 6
    assert holding(tmp_path, str(ROOT)) == []


def test_a_long_curve_is_shown_in_part_to_its_very_end(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb"), 2501)
    (file,) = files(tmp_path)
    shown = [row["epoch"] for row in read_run(file).history]
    assert shown == [*range(1, 1001), *range(1002, 2001, 2), *range(2004, 2501, 4), 2501]
    last = read_run(file).history[-1]
    assert last["time/seconds"] == pytest.approx(sum(row.seconds for row in curve(2501)))
    assert sum(map(is_shown, range(1, 100_001))) < 4500


def test_source_is_of_its_own_job_type(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb", kind="source"), 2)
    (file,) = files(tmp_path)
    assert read_run(file).job_type == "source"


@pytest.mark.parametrize(("status", "exit_code"), [("done", 0), ("diverged", 0), ("failed", 1)])
def test_status_is_the_exit_code(tmp_path: Path, status: str, exit_code: int) -> None:
    track(tracker(tmp_path / "wandb"), 2, status)
    (file,) = files(tmp_path)
    assert read_run(file).exit_code == exit_code


def test_infinite_loss_is_shown(tmp_path: Path) -> None:
    run = tracker(tmp_path / "wandb")
    run.log(curve(1)[0]._replace(test_loss=float("inf")))
    run.finish("diverged", {})
    (file,) = files(tmp_path)
    assert (run.problem, read_run(file).history[0]["test/loss"]) == (None, float("inf"))


def test_last_attempt_has_every_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "wandb"
    track(tracker(folder, attempt=1), 3, "failed")
    track(tracker(folder, attempt=2), 6)
    lengths = {run.id[-2:]: len(run.history) for run in map(read_run, files(folder))}
    assert lengths == {"-1": 3, "-2": 6}


def test_nothing_but_runs_is_left_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "wandb"
    track(tracker(folder, 0), 5)
    track(tracker(folder, 1), 5)
    assert {path.suffix for path in folder.rglob("*") if not path.is_dir()} == {".wandb"}
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    assert {path.parent.parent for path in files(folder)} == {folder}


def test_run_without_an_epoch_is_shown(tmp_path: Path) -> None:
    assert track(tracker(tmp_path / "wandb"), 0) is None
    (file,) = files(tmp_path)
    assert (read_run(file).history, read_run(file).exit_code) == ([], 0)


def test_reader_finds_an_altered_byte(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb"), 5)
    (file,) = files(tmp_path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        read_run(file)


def test_options_travel_to_workers(tmp_path: Path) -> None:
    options = TrackingOptions(store=tmp_path, mode="online", project="p")
    assert pickle.loads(pickle.dumps(options)) == options


def test_wandb_is_not_imported_where_it_is_not_used(tmp_path: Path) -> None:
    code = """
import pathlib, sys
from tests.orchestrator.tracking.tracked_runs import track, tracker
assert track(tracker(pathlib.Path("wandb"), mode="disabled"), 3) is None
tracker(pathlib.Path("wandb"))
assert "wandb" not in sys.modules
"""
    process = in_process(code, tmp_path)
    assert (*process.communicate(timeout=30), process.returncode) == ("", "", 0)
    assert not (tmp_path / "wandb").exists()


def test_key_and_paths_reach_no_file_and_nothing_is_printed(tmp_path: Path) -> None:
    folder = tmp_path / "wandb"
    process = in_process(MANY.format(numbers=[0, 1], folder=str(folder)), tmp_path, WANDB_API_KEY=CANARY)
    assert (*process.communicate(timeout=30), process.returncode) == ("", "", 0)
    assert len(files(folder)) == 2
    assert holding(tmp_path, CANARY) == []
    assert holding(folder, str(tmp_path)) == []


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "wandb"
    halves = [range(0, 5), range(5, 10)]
    processes = [in_process(MANY.format(numbers=half, folder=str(folder)), tmp_path) for half in halves]
    for process in processes:
        assert (*process.communicate(timeout=40), process.returncode) == ("", "", 0)
    runs = [read_run(file) for file in files(folder)]
    assert sorted(run.id for run in runs) == [f"{number:020x}-1" for number in range(10)]
    assert {len(run.history) for run in runs} == {20}


def test_trackers_in_turn_do_not_mix(tmp_path: Path) -> None:
    first: Tracker = tracker(tmp_path / "wandb", 1)
    second = tracker(tmp_path / "wandb", 2)
    for row in curve(4):
        first.log(row)
    second.log(curve(1)[0])
    second.finish("done", {})
    first.finish("done", {})
    assert {run.id[-3:]: len(run.history) for run in map(read_run, files(tmp_path))} == {"1-1": 4, "2-1": 1}
