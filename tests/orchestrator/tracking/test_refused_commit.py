"""A commit that the store refuses: the W&B run of the attempt says that it failed, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store.faults import Fault, Faults
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Fenced
from orchestrator.store.ledger import Ledger
from orchestrator.store.settings import Settings
from orchestrator.tracking import tracker
from orchestrator.tracking.options import Mode, TrackingOptions
from orchestrator.tracking.published import is_published, mark_published, unmark
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from tests.orchestrator.small_runs import opened, run_of, small
from tests.orchestrator.tracking.tracked_runs import files
from tests.wandb_file import WandbRun, read_run
from tests.wandb_server import WandbServer

pytestmark = pytest.mark.usefixtures("account")
EPOCHS = 3
FULL = "OSError: No space left on device"


def tracked(folder: Path, mode: Mode, *faults: Fault) -> tuple[Ledger, TrialOptions]:
    ledger, options = opened(folder)
    settings = Settings(faults=Faults(faults))
    return ledger, replace(options, settings=settings, tracking=TrackingOptions(ledger.root, mode), sweep="small")


def job() -> Job:
    return run_of(small(source=None))


def shown(ledger: Ledger) -> dict[str, WandbRun]:
    runs = [read_run(file) for file in files(ledger.root / "wandb")]
    assert len({run.id for run in runs}) == len(runs)
    return {run.id: run for run in runs}


@pytest.mark.parametrize("point", ["result.written", "epochs.begin"])
def test_a_full_disk_is_told_and_the_next_attempt_is_done(tmp_path: Path, point: str) -> None:
    ledger, options = tracked(tmp_path, "offline", Fault(point, "ENOSPC"))
    assert run_trial(job(), options) == "failed"
    assert ledger.result(job()) is None
    (first,) = shown(ledger).values()
    assert (first.exit_code, first.summary["status"], first.summary["not_committed"]) == (1, "failed", FULL)
    assert [row["epoch"] for row in first.history] == [1, 2, 3]
    assert first.summary["final/epoch"] == EPOCHS and first.config["attempt"] == 1
    (file,) = files(ledger.root / "wandb")
    assert str(tmp_path).encode() not in file.read_bytes()
    assert run_trial(job(), options) == "done"
    second = shown(ledger)[f"{job().id}-2"]
    assert (second.exit_code, second.summary["status"]) == (0, "done") and "not_committed" not in second.summary


def test_an_attempt_that_was_overtaken_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken over between the end of its W&B run and its commit, or committed by another process in the midst of it."""
    real, outcome = Ledger.commit, {}

    def fenced(*_: Any) -> bool:
        raise Fenced("run x: taken over by another process")

    def quicker(self: Ledger, *result: Any) -> bool:
        assert real(self, *result)
        outcome["second"] = real(self, *result)
        return outcome["second"]

    for commit, ending, reason in (
        (fenced, "held", "taken over by another process"),
        (quicker, "done", "another process had committed a result"),
    ):
        monkeypatch.setattr(Ledger, "commit", commit)
        ledger, options = tracked(tmp_path / ending, "offline")
        assert run_trial(job(), options) == ending
        (run,) = shown(ledger).values()
        assert (run.exit_code, run.summary["not_committed"], len(run.history)) == (1, reason, EPOCHS)
    assert outcome == {"second": False}


def test_where_w_and_b_fails_as_well_no_run_says_that_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is as full for the second W&B run as for the commit."""
    ledger, options = tracked(tmp_path, "offline", Fault("result.written", "ENOSPC"))
    real, checked = tracker.check_whole, []

    def full_at_last(folder: Path, wandb_id: str) -> None:
        real(folder, wandb_id)
        checked.append(wandb_id)
        if len(checked) > 1:
            (folder / f"run-{wandb_id}.wandb").write_bytes(b"")
            real(folder, wandb_id)

    monkeypatch.setattr(tracker, "check_whole", full_at_last)
    assert run_trial(job(), options) == "failed"
    assert len(checked) == 3 and files(ledger.root / "wandb") == []  # it is tried once more, with a new wandb-core


def test_a_run_that_is_followed_live_is_ended_as_failed_and_not_marked(tmp_path: Path, server: WandbServer) -> None:
    ledger, options = tracked(tmp_path, "online", Fault("result.written", "ENOSPC"))
    assert run_trial(job(), options) == "failed"
    first = f"{job().id}-1"
    assert (server.exits[first], len(server.rows[first])) == (1, EPOCHS)
    assert (server.summaries[first]["status"], server.summaries[first]["not_committed"]) == ("failed", FULL)
    assert not is_published(ledger.store, job().id, "frostline")
    assert run_trial(job(), options) == "done"
    assert server.exits == {first: 1, f"{job().id}-2": 0}
    assert is_published(ledger.store, job().id, "frostline")


def test_the_mark_of_another_attempt_stays(tmp_path: Path) -> None:
    ledger, _ = tracked(tmp_path, "offline")
    mark_published(ledger.store, job().id, project="frostline", wandb_id=f"{job().id}-2", url=None)
    unmark(ledger.store, job().id, f"{job().id}-1")
    assert is_published(ledger.store, job().id, "frostline")
    unmark(ledger.store, job().id, f"{job().id}-2")
    assert not is_published(ledger.store, job().id, "frostline")
