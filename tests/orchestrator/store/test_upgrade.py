"""A real store of format 1 (tests/golden/store-1, written by the version before): refused by name, upgraded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import RELATEDNESS
from orchestrator.cli import main
from orchestrator.store import durable
from orchestrator.store.faults import Faults
from orchestrator.store.lease import Watch, claim
from orchestrator.store.ledger import Ledger
from sweeps.layout import place
from sweeps.sweep import read
from tests.csv_text import csv_text

OLD = Path(__file__).parents[2] / "golden" / "store-1"
SWEEP = str(OLD / "sweep.yaml")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "store")
    return tmp_path / "store"


def tables(store: Path, without: tuple[str, ...] = ()) -> list[str]:
    sweep = read_sweep(read(SWEEP), store)
    made = collect(sweep)
    frames = (epoch_frame(sweep), made.runs, made.cells)
    return [csv_text(frame.drop(columns=list(without), errors="ignore")) for frame in frames]


@pytest.mark.parametrize("command", ["plan", "status", "run"])
def test_it_is_refused_with_the_command_that_upgrades_it(
    store: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, SWEEP, "--store", str(store)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"frostline upgrade {store}" in told


def test_upgraded_it_has_the_same_runs_and_nothing_is_left_to_do(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tables(store)
    assert main(["upgrade", str(store)]) == 0
    assert capsys.readouterr().out == "3 files brought to the new format, 0 damaged ones left as they are\n"
    assert main(["verify", str(store)]) == 0
    assert tables(store) == before
    assert main(["run", SWEEP, "--store", str(store)]) == 0
    assert "nothing to do, all 2 runs" in capsys.readouterr().out
    # The sweep's record is written anew, and says now how related its tasks are.
    assert tables(store, without=RELATEDNESS) == before != tables(store)
    assert main(["upgrade", str(store)]) == 0


def test_what_was_damaged_before_does_not_come_out_as_good(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(store.glob("runs/*/*/epochs-*"))
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["upgrade", str(store)]) == 0
    assert "1 damaged" in capsys.readouterr().out
    assert main(["verify", str(store)]) == 1
    assert main(["run", SWEEP, "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    assert main(["verify", str(store)]) == 0


def test_one_that_was_cut_off_goes_on(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def full(path: Path, data: bytes, faults: Faults, plain=durable.replace) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        plain(path, data, faults)

    monkeypatch.setattr(durable, "replace", full)
    assert main(["upgrade", str(store)]) == 2
    monkeypatch.undo()
    with pytest.raises(Exception, match="upgrade"):
        Ledger(store).check()
    assert main(["upgrade", str(store)]) == 0
    assert main(["verify", str(store)]) == 0


def test_one_in_use_is_left_alone(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(store)
    lease = claim(ledger.store, place("run", "ab" * 10), 1, Watch())
    assert main(["upgrade", str(store)]) == 2
    assert "in use" in capsys.readouterr().err
    lease.release()
    assert main(["upgrade", str(store)]) == 0
