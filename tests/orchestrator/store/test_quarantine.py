"""A result that is not what was committed: found, moved aside with the reason, computed again, its tables the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Damaged, Ledger
from orchestrator.train.trial import run_trial
from sweeps.layout import QUARANTINE
from sweeps.layout import sweep as sweep_key
from sweeps.sweep import parse
from tests.orchestrator.small_runs import curve, folder_of, opened, path_of, run_of, small, small_sweep, source_of

SWEEP = small_sweep(epochs=3)
RUN, SOURCE = run_of(small()), source_of(small())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def another_error(folder: Path) -> None:
    """A number altered so that the file still says something possible."""
    result = folder / "result.json"
    text = result.read_text()
    result.write_text(text.replace('"wall_seconds": ', '"wall_seconds": 1'))


ALTERED: dict[str, tuple[Job, Callable[[Path], object]]] = {
    "a number in the result": (RUN, another_error),
    "a bit of the result": (RUN, lambda folder: flip(folder / "result.json")),
    "an empty result": (RUN, lambda folder: (folder / "result.json").write_bytes(b"")),
    "a bit of the curve": (RUN, lambda folder: flip(next(folder.glob("epochs-*")))),
    "no curve": (RUN, lambda folder: next(folder.glob("epochs-*")).unlink()),
    "a bit of the source's weights": (SOURCE, lambda folder: flip(next(folder.glob("weights-*")))),
    "a number in the source's result": (SOURCE, another_error),
}


@pytest.fixture
def filled(tmp_path: Path) -> Ledger:
    ledger, options = opened(tmp_path)
    for job in (SOURCE, RUN):
        assert run_trial(job, options) == "done"
    ledger.save_sweep(make_plan(parse(SWEEP), ledger).record())
    return ledger


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_moved_aside_and_computed_again(
    filled: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    job, alter = ALTERED[what]
    before, weights = curve(filled, RUN), filled.result(SOURCE)
    place, store = folder_of(filled, job), str(filled.root)
    alter(place)
    altered = contents(place)
    sweep = tmp_path / "small.yaml"
    sweep.write_text(SWEEP)

    assert main(["plan", str(sweep), "--store", store]) == main(["status", str(sweep), "--store", store]) == 0
    assert contents(place) == altered and not filled.store.exists(QUARANTINE)

    arguments = ["run", str(sweep), "--store", store, "--runner", "local", "--wandb", "disabled"]
    capsys.readouterr()
    assert main(arguments) == 0
    assert "damaged: 1" in capsys.readouterr().out
    assert curve(filled, RUN) == before
    again = filled.result(SOURCE)
    assert again is not None and weights is not None and again.weights_sha256 == weights.weights_sha256
    assert main(["verify", store]) == 0

    (folder,) = path_of(filled, QUARANTINE).iterdir()
    assert folder.name == f"{job.kind}-{job.id}-1"
    reason = json.loads((folder / "reason.json").read_text())
    assert reason["id"] == job.id and str(place) in reason["reason"]
    kept = {path.name: content for path, content in contents(folder).items() if path.name != "reason.json"}
    assert kept == {path.name: content for path, content in altered.items()}
    assert main(arguments) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_source_altered_in_mid_sweep_is_trained_again_by_the_run_that_finds_it(filled: Ledger) -> None:
    flip(next(folder_of(filled, SOURCE).glob("weights-*")))
    _, options = opened(filled.root.parent)
    job = run_of(small(train={"epochs": 2}))
    assert run_trial(job, options) == "done"
    assert filled.last_failure(job) is None
    assert len(list(path_of(filled, QUARANTINE).iterdir())) == 1
    assert filled.verified_result(SOURCE) is not None


def test_a_run_waits_for_whoever_trains_its_lost_source_again(filled: Ledger) -> None:
    path_of(filled, filled.place(SOURCE).result).unlink()
    _, options = opened(filled.root.parent)
    lease = filled.claim(SOURCE)
    job = run_of(small(train={"epochs": 2}))
    assert run_trial(job, options) == "held"
    lease.release()
    assert run_trial(job, options) == "done"


def test_an_altered_curve_is_never_read_as_a_curve(filled: Ledger) -> None:
    record = filled.result(RUN)
    assert record is not None
    flip(next(folder_of(filled, RUN).glob("epochs-*")))
    with pytest.raises(Damaged, match="SHA-256 is not that of its result"):
        filled.curve(record)


def test_an_altered_record_of_a_sweep_is_made_again(filled: Ledger) -> None:
    """One that lost a run, say, would silently shorten the tables."""
    sweep = parse(SWEEP)
    path = path_of(filled, sweep_key(sweep.name, sweep.digest))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(RUN.id.encode(), b"0" * 20))
    filled.save_sweep(make_plan(sweep, filled).record())
    assert path.read_bytes() == whole
