"""`frostline store copy`, from a folder to a bucket and back: the same tables; and a sweep that is run in a bucket."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.cli import main
from orchestrator.store.folder import store_at
from orchestrator.store.ledger import Ledger
from orchestrator.train.trial import run_trial
from sweeps.layout import QUARANTINE
from sweeps.store.location import location_of
from sweeps.sweep import parse
from tests.csv_text import csv_text
from tests.object_store import SECRET
from tests.orchestrator.small_runs import opened, run_of, small, source_of
from tests.orchestrator.store.test_quarantine import SWEEP

RUN, SOURCE = run_of(small()), source_of(small())


def tables(store: str) -> list[str]:
    """Without times, machine and provenance."""
    stored = read_sweep(parse(SWEEP), store)
    made = collect(stored)
    return [csv_text(comparable(frame)) for frame in (epoch_frame(stored), made.runs, made.cells)]


@pytest.fixture
def sweep(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SWEEP)
    return str(path)


def run(sweep: str, store: str) -> int:
    return main(["run", sweep, "--store", store, "--runner", "local", "--wandb", "disabled"])


def test_a_sweep_in_a_bucket_has_the_tables_of_one_in_a_folder(
    s3: str, sweep: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And goes from the one to the other and on: nothing is computed again, and no key is in any file or output."""
    folder, back, third = str(tmp_path / "folder"), str(tmp_path / "back"), f"{s3}/third"
    assert run(sweep, folder) == run(sweep, s3) == 0
    assert tables(s3) == tables(folder)
    assert main(["store", "copy", s3, back]) == main(["store", "copy", folder, third]) == 0
    assert "2 results copied" in capfd.readouterr().out
    assert tables(back) == tables(third) == tables(folder)
    for store in (s3, back, third):
        assert main(["verify", store]) == main(["gc", store]) == run(sweep, store) == 0
        told = capfd.readouterr()
        assert "2 results, 0 damaged" in told.out and "nothing to do" in told.out and "0 to delete" in told.out
        assert SECRET not in told.out + told.err
    assert main(["store", "copy", s3, back]) == 0 and "0 results copied" in capfd.readouterr().out
    seen = [path for path in tmp_path.parent.rglob("*") if path.is_file()]
    assert len(seen) > 10 and not any(SECRET.encode() in path.read_bytes() for path in seen)


def test_what_is_damaged_is_not_copied_and_comes_to_quarantine_in_a_bucket_too(
    s3: str, sweep: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, ledger = store_at(s3), Ledger(location_of(s3))
    assert run(sweep, s3) == 0
    record = ledger.result(SOURCE)
    assert record is not None and record.weights_sha256 is not None
    key = ledger.place(SOURCE).weights(record.weights_sha256)
    store.read_cached(key)
    store.replace(key, b"altered")
    capsys.readouterr()
    assert main(["verify", s3]) == 1 and f"{s3}/{key}: damaged" in capsys.readouterr().out
    assert main(["store", "copy", s3, str(tmp_path / "copy")]) == 1
    assert "1 results copied" in (told := capsys.readouterr().out) and f"{s3}/{key}: damaged" in told
    assert run(sweep, s3) == 0 and len(store.list(QUARANTINE)) == 1
    assert main(["verify", s3]) == 0


def test_what_an_unfinished_run_left_is_not_copied_beside_a_result(tmp_path: Path, capsys) -> None:
    here, _ = opened(tmp_path / "here")
    there, options = opened(tmp_path / "there")
    here.fail(RUN, OSError("full"))
    here.fail(SOURCE, OSError("full"))
    assert run_trial(SOURCE, options) == "done"
    before = there.store.list(there.place(SOURCE).folder)
    assert main(["store", "copy", str(here.location), str(there.location)]) == 0
    assert "0 results copied" in capsys.readouterr().out
    assert there.store.list(there.place(SOURCE).folder) == before
    assert there.store.list(there.place(RUN).folder) == ["failure-0001.json"]


def test_a_copy_is_refused_where_it_could_not_be_right(s3: str, tmp_path: Path, capsys) -> None:
    nothing, held = str(tmp_path / "nothing"), Ledger(location_of(s3))
    held.open()
    lease = held.claim(RUN)
    for words, told in (
        ([s3, s3], "is the store that is copied"),
        ([nothing, s3], f"FROM {nothing}: no store"),
        ([s3, nothing], f"{s3}: in use (run {RUN.id} is running)"),
        ([s3, "gs://bucket/a"], "scheme 'gs' is not supported"),
    ):
        assert main(["store", "copy", *words]) == 2
        err = capsys.readouterr().err
        assert told in err and err.count("\n") == 1, err
    lease.release()
    assert not os.path.exists(nothing)
