"""W&B broken in every way that a worker can meet: the trial goes on, told once, within a stated time."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.tracking import tracker as tracking
from orchestrator.tracking import wandb_service
from orchestrator.tracking.copies import check_whole
from tests.orchestrator.tracking.tracked_runs import CANARY, curve, files, in_process, signal_core, track, tracker
from tests.wandb_file import read_run


@pytest.fixture(autouse=True)
def own_service() -> Iterator[None]:
    tracking._SERVICE = None
    yield
    if tracking._SERVICE is not None:
        tracking._SERVICE.leave()
        tracking._SERVICE = None


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "frostline.tracking"]


def test_run_after_a_killed_core_is_whole(tmp_path: Path) -> None:
    assert track(tracker(tmp_path / "wandb", 0), 3) is None
    signal_core(signal.SIGKILL)
    assert track(tracker(tmp_path / "wandb", 1), 30) is None
    assert [len(read_run(file).history) for file in files(tmp_path)] == [3, 30]


def test_a_core_that_dies_at_its_start_costs_a_run_no_more_than_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb 0.31 would wait for ever, in this run and in each that follows."""
    real, started = subprocess.Popen, []

    def dead_at_first(arguments: Any, *more: Any, **settings: Any) -> subprocess.Popen[Any]:
        process = real(arguments, *more, **settings)
        if "wandb-core" in str(arguments) and not started:
            process.kill()
            started.append(process)
        return process

    monkeypatch.setattr(subprocess, "Popen", dead_at_first)
    assert track(tracker(tmp_path / "wandb", 0), 3) is None
    assert started
    assert [len(read_run(file).history) for file in files(tmp_path)] == [3]


def test_core_that_hangs_costs_a_bounded_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    track(tracker(tmp_path / "wandb", 0), 3)
    monkeypatch.setattr(tracking, "PATIENCE", 0.5)
    monkeypatch.setattr(wandb_service, "CLEANUP", 2.0)
    signal_core(signal.SIGSTOP)
    began = time.monotonic()
    problem = track(tracker(tmp_path / "wandb", 1), 3)
    assert time.monotonic() - began < 0.5 + 2 * 2.0
    assert problem is not None and "no answer" in problem
    monkeypatch.undo()
    assert track(tracker(tmp_path / "wandb", 2), 3) is None
    assert [read_run(file).config["seed"] for file in files(tmp_path)] == [0, 2]
    assert len(told(caplog)) == 1


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_log_never_waits_for_a_core_that_hangs(
    tmp_path: Path, mode: tracking.Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    track(tracker(tmp_path / "wandb", 0), 1)
    signal_core(signal.SIGSTOP)
    run = tracker(tmp_path / "wandb", 1, mode)
    began = time.monotonic()
    for _ in range(10_000):
        run.log(curve(1)[0])
    assert time.monotonic() - began < 2
    signal_core(signal.SIGKILL)


def test_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "store").write_text("a file in the way")
    problem = track(tracker(tmp_path / "store" / "wandb"), 3)
    assert problem is not None and "store" in problem and "\n" not in problem
    assert len(told(caplog)) == 1


def test_wandb_is_left_alone_after_several_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    problems = [track(tracker(tmp_path / "file" / "wandb", number), 1) for number in range(4)]
    assert ["left alone" in (problem or "") for problem in problems] == [False, False, False, True]
    assert "left alone" in (track(tracker(tmp_path / "wandb"), 1) or "")
    now = time.monotonic()
    monkeypatch.setattr(wandb_service.time, "monotonic", lambda: now + wandb_service.REST + 1)
    assert track(tracker(tmp_path / "wandb"), 1) is None


def test_file_without_its_end_is_a_problem(tmp_path: Path) -> None:
    track(tracker(tmp_path / "wandb"), 50)
    (file,) = files(tmp_path)
    check_whole(file.parent, f"{0:020x}-1")
    whole = file.read_bytes()
    file.write_bytes(whole[:4096])
    with pytest.raises(OSError, match="disk full"):
        check_whole(file.parent, f"{0:020x}-1")
    late = threading.Timer(0.3, file.write_bytes, [whole])  # wandb-core, which still writes
    late.start()
    check_whole(file.parent, f"{0:020x}-1")
    late.join()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_process_ends_in_time_whatever_became_of_the_core(tmp_path: Path, number: signal.Signals) -> None:
    code = f"""
import pathlib
from orchestrator.tracking import wandb_service
from orchestrator.tracking.copies import check_whole
from tests.orchestrator.tracking.tracked_runs import signal_core, track, tracker
wandb_service.CLEANUP = 0.5
assert track(tracker(pathlib.Path("wandb")), 3) is None
signal_core({int(number)})
"""
    process = in_process(code, tmp_path)
    assert (*process.communicate(timeout=20), process.returncode) == ("", "", 0)


def test_attempt_that_is_broken_off_leaves_no_file(tmp_path: Path) -> None:
    run = tracker(tmp_path / "wandb", 0)
    run.log(curve(1)[0])
    del run
    assert track(tracker(tmp_path / "wandb", 1), 3) is None
    assert [read_run(file).config["seed"] for file in files(tmp_path)] == [1]
