"""verify finds whatever was altered after the commit, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.store.ledger import Ledger
from orchestrator.train.trial import run_trial
from tests.orchestrator.small_runs import folder_of, opened, run_of, small, source_of


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Ledger, Path, Path]:
    """A store, the folder of a source model, the folder of a run."""
    ledger, options = opened(tmp_path)
    spec = small(train={"epochs": 1})
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options) == "done"
    return ledger, folder_of(ledger, source_of(spec)), folder_of(ledger, run_of(spec))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_whole_store_has_no_problem(filled: tuple[Ledger, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(filled[0].root)]) == 0
    assert capsys.readouterr().out == "2 results, 0 damaged\n"


def test_commands_of_a_store_take_it_from_the_environment(
    filled: tuple[Ledger, Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("FROSTLINE_STORE", str(filled[0].root))
    for verb, told in (("verify", "2 results, 0 damaged"), ("gc", "2 to delete"), ("upgrade", "0 files brought")):
        assert main([verb]) == 0
        assert told in capsys.readouterr().out
    assert main(["verify", "another"]) == 0  # what is typed wins
    assert capsys.readouterr().out == "0 results, 0 damaged\n"


@pytest.mark.parametrize("what", ["epochs", "weights", "missing", "spec", "record", "moved"])
def test_every_kind_of_damage_is_found(
    filled: tuple[Ledger, Path, Path], capsys: pytest.CaptureFixture[str], what: str
) -> None:
    ledger, source, run = filled
    if what == "epochs":
        flip(next(run.glob("epochs-*")))
    elif what == "weights":
        flip(next(source.glob("weights-*")))
    elif what == "missing":
        next(run.glob("epochs-*")).unlink()
    elif what == "spec":
        (run / "result.json").write_text((run / "result.json").read_text().replace('"size": 60', '"size": 61'))
    elif what == "record":
        (run / "result.json").write_text((run / "result.json").read_text()[:-20])
    else:
        run.rename(run.with_name("f" * 20))
    assert main(["verify", str(ledger.root)]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("2 results, 1 damaged\n")
    assert len(captured.out.splitlines()) == 2
