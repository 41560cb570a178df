"""verify finds whatever was altered after the commit, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.store.ledger import Ledger
from orchestrator.train.trial import run_trial
from sweeps.layout import Place
from tests.orchestrator.small_runs import opened, run_of, small, source_of


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Ledger, Place, Place]:
    ledger, options = opened(tmp_path)
    spec = small(train={"epochs": 1})
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options) == "done"
    return ledger, ledger.place(source_of(spec)), ledger.place(run_of(spec))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_whole_store_has_no_problem(filled: tuple[Ledger, Place, Place], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(filled[0].layout.root)]) == 0
    assert capsys.readouterr().out == "2 results, 0 damaged\n"


@pytest.mark.parametrize("what", ["epochs", "weights", "missing", "spec", "record", "moved"])
def test_every_kind_of_damage_is_found(
    filled: tuple[Ledger, Place, Place], capsys: pytest.CaptureFixture[str], what: str
) -> None:
    ledger, source, run = filled
    if what == "epochs":
        flip(next(run.folder.glob("epochs-*")))
    elif what == "weights":
        flip(next(source.folder.glob("weights-*")))
    elif what == "missing":
        next(run.folder.glob("epochs-*")).unlink()
    elif what == "spec":
        run.result.write_text(run.result.read_text().replace('"size": 60', '"size": 61'))
    elif what == "record":
        run.result.write_text(run.result.read_text()[:-20])
    else:
        run.folder.rename(run.folder.with_name("f" * 20))
    assert main(["verify", str(ledger.layout.root)]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("2 results, 1 damaged\n")
    assert len(captured.out.splitlines()) == 2
