"""A storage that refuses a read says nothing of what is stored: nothing is called damaged, missing or done for it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from analysis.tables.load import read_sweep
from orchestrator.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.store.folder import FolderStore
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger, StoreError
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from sweeps.layout import FORMAT_KEY, QUARANTINE, RESULT
from sweeps.layout import sweep as sweep_key
from sweeps.self_digest import seal
from sweeps.store.folder import TRIES, Folder
from sweeps.store.location import reading_at
from sweeps.sweep import parse
from tests.orchestrator.small_runs import folder_of, opened, path_of, refused, run_of, small, small_sweep, source_of
from tests.orchestrator.store.test_upgrade import OLD

SWEEP = small_sweep(epochs=1)
SPEC = small(train={"epochs": 1})
RUN, SOURCE = run_of(SPEC), source_of(SPEC)
LOOP, EIO = os.strerror(errno.ELOOP), os.strerror(errno.EIO)
FILES: dict[str, tuple[Job, str]] = {
    "a result": (RUN, RESULT),
    "a curve": (RUN, "epochs-*"),
    "the weights of the source": (SOURCE, "weights-*"),
    "a run's folder": (RUN, ""),
}
Told = pytest.CaptureFixture[str]


def everything(root: Path) -> dict[str, bytes]:
    """The files of a store but for leases, failures and the sweep's own record."""
    files = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    left_out = ("lease-", "released-", "failure-")
    return {name: path.read_bytes() for name, path in files.items() if not path.name.startswith(left_out)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refused")
    ledger, options = opened(folder)
    for job in (SOURCE, RUN):
        assert run_trial(job, options) == "done"
    ledger.save_sweep(make_plan(parse(SWEEP), ledger).record())
    (folder / "small.yaml").write_text(SWEEP)
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A store with a source model, a run and the sweep that asks for both."""
    shutil.copytree(made / "store", tmp_path / "store")
    return tmp_path / "store"


def file_of(store: Path, what: str) -> Path:
    job, pattern = FILES[what]
    folder = folder_of(Ledger(store), job)
    return next(folder.glob(pattern)) if pattern else folder


@pytest.mark.parametrize("what", FILES)
def test_a_launch_ends_with_one_line_before_anything_is_launched(
    made: Path, store: Path, capsys: Told, what: str
) -> None:
    path = file_of(store, what)
    arguments = [str(made / "small.yaml"), "--store", str(store)]
    before = everything(store)
    with refused(path):
        now = everything(store)
        assert main(["run", *arguments, "--runner", "local", "--wandb", "disabled"]) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and str(path) in told and LOOP in told
        assert everything(store) == now
    assert everything(store) == before
    assert main(["run", *arguments]) == 0
    assert "nothing to do, all 1 runs" in capsys.readouterr().out


@pytest.mark.parametrize("what", FILES)
def test_verify_tells_what_it_could_not_read_from_what_is_damaged(store: Path, capsys: Told, what: str) -> None:
    path = file_of(store, what)
    with refused(path):
        assert main(["verify", str(store)]) == 1
        told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "2 results, 0 damaged, 1 not read"
    assert str(path) in told.out and LOOP in told.out and "quarantine" not in told.err
    assert main(["verify", str(store)]) == 0


def test_verify_names_a_result_of_a_later_version_and_does_not_call_it_damaged(store: Path, capsys: Told) -> None:
    ledger = Ledger(store)
    record = ledger.result(RUN)
    assert record is not None
    later = record.model_copy(update={"schema_version": 99})
    path_of(ledger, ledger.place(RUN).result).write_bytes(seal(later.model_dump_json().encode()))
    assert main(["verify", str(store)]) == 1
    told = capsys.readouterr().out
    assert "schema_version = 99" in told and "2 results, 0 damaged, 1 not read" in told


@pytest.mark.parametrize("what", ["a result", "a curve", "the weights of the source"])
def test_a_worker_moves_nothing_to_quarantine_and_its_attempt_fails(store: Path, what: str) -> None:
    ledger, path = Ledger(store), file_of(store, what)
    job, before = FILES[what][0], everything(store)
    with refused(path):
        assert run_trial(job, TrialOptions(store)) == "failed"
        last = ledger.last_failure(job)
        assert last is not None and str(path) in last[0].error and LOOP in last[0].error
    assert everything(store) == before and not (store / QUARANTINE).exists()
    assert run_trial(job, TrialOptions(store)) == "done"


@pytest.mark.parametrize("pattern", ["result.json", "epochs-*"])
def test_upgrade_keeps_the_format_until_all_was_read(tmp_path: Path, capsys: Told, pattern: str) -> None:
    store = tmp_path / "store"
    shutil.copytree(OLD, store)
    path = sorted(store.glob(f"runs/*/*/{pattern}"))[-1]
    with refused(path):
        assert main(["upgrade", str(store)]) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and LOOP in told and "damaged" not in told
        assert (store / FORMAT_KEY).read_text().strip() == "1"
    assert main(["upgrade", str(store)]) == 0
    assert capsys.readouterr().out.endswith("files brought to the new format, 0 damaged ones left as they are\n")
    assert main(["verify", str(store)]) == 0


def test_gc_does_not_advise_to_remove_a_record_that_it_could_not_read(store: Path, capsys: Told) -> None:
    sweep = parse(SWEEP)
    path = store / sweep_key(sweep.name, sweep.digest)
    with refused(path):
        assert main(["gc", str(store)]) == 2
        told = capsys.readouterr().err
    assert told.count("\n") == 1 and LOOP in told and "remove" not in told and "damaged" not in told
    path.write_bytes(b"{}")
    assert main(["gc", str(store)]) == 2
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["show", "rerun"])
def test_a_run_that_is_not_found_is_told_with_the_record_that_was_not_read(
    store: Path, capsys: Told, command: str
) -> None:
    sweep = parse(SWEEP)
    with refused(store / sweep_key(sweep.name, sweep.digest)):
        for given in (RUN.id, "f" * 20):
            assert main([command, given, "--store", str(store)]) == 2
            told = capsys.readouterr().err
            assert told.count("\n") == 1 and "; not read: " in told and LOOP in told
    assert main(["show", RUN.id, "--store", str(store)]) == 0
    assert main(["show", "f" * 20, "--store", str(store)]) == 2
    assert "not read" not in capsys.readouterr().err


def test_the_record_of_a_failure_that_cannot_be_read_is_told_and_hides_nothing(
    made: Path, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = opened(tmp_path)
    sweep, read = parse(SWEEP), Folder.read
    of_run = ledger.place(RUN).failure(MOST_ATTEMPTS)

    def refuses(store: Folder, key: str) -> bytes | None:
        if key == of_run:
            raise OSError(errno.EIO, EIO, store.where(key))
        return read(store, key)

    ledger.save_sweep(make_plan(sweep, ledger).record())
    for number in range(MOST_ATTEMPTS):
        ledger.fail(RUN, RuntimeError(f"attempt {number}"))
    arguments = ["--store", str(ledger.root)]
    monkeypatch.setattr(Folder, "read", refuses)
    with pytest.raises(StoreError, match=f"{of_run}: {EIO}"):
        ledger.last_failure(RUN)
    assert main(["status", str(made / "small.yaml"), "--failed", *arguments]) == 0
    told = capsys.readouterr().out
    assert f"{of_run}: {EIO}" in told and RUN.id in told and "1 failed" in told and "damaged" not in told
    assert main(["status", str(made / "small.yaml"), "--failed", "--json", *arguments]) == 0
    (failed,) = json.loads(capsys.readouterr().out)["failed"]
    assert EIO in failed["error"] and failed["attempts"] is None and failed["file"] is None
    assert main(["show", RUN.id, *arguments]) == 0
    told = capsys.readouterr().out
    assert f"{of_run}: {EIO}" in told and "damaged" not in told
    assert main(["show", RUN.id, "--json", *arguments]) == 0
    assert EIO in capsys.readouterr().out


def test_tables_are_made_where_the_record_of_a_failure_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = opened(tmp_path)
    sweep, read = parse(SWEEP), Folder.read
    ledger.save_sweep(make_plan(sweep, ledger).record())
    ledger.fail(RUN, RuntimeError("of the run"))

    def refuses(store: Folder, key: str) -> bytes | None:
        if key == ledger.place(RUN).failure(1):
            raise OSError(errno.EIO, EIO, store.where(key))
        return read(store, key)

    monkeypatch.setattr(Folder, "read", refuses)
    (run,) = read_sweep(sweep, ledger.root).runs
    assert (run.status, run.reason) == ("failed", "its failure record cannot be read")


def test_a_result_that_is_committed_is_done_although_nothing_is_tidied_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, options = opened(tmp_path)

    def refuses(store: FolderStore, *keys: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "remove", refuses)
        assert run_trial(SOURCE, options) == "done"
    assert ledger.status(SOURCE) == "done" and ledger.last_failure(SOURCE) is None


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ELOOP])
def test_a_folder_does_not_take_a_refusal_for_a_key_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuses(path: str) -> os.stat_result:
        raise OSError(error, os.strerror(error), path)

    with monkeypatch.context() as patched, pytest.raises(OSError, match=os.strerror(error)):
        patched.setattr("sweeps.store.folder.os.stat", refuses)
        Folder(tmp_path).exists("runs")


def test_what_is_not_there_or_below_a_file_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = Folder(tmp_path)
    assert folder.exists("file") and folder.exists("")
    assert not folder.exists("other") and not folder.exists("file/below")


@pytest.mark.parametrize("stale", [TRIES - 1, TRIES])
def test_a_file_that_is_replaced_while_it_is_looked_at_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: int
) -> None:
    looks: list[str] = []
    stat = os.stat

    def replaced(path: str) -> os.stat_result:
        looks.append(path)
        if len(looks) <= stale:
            raise OSError(errno.ESTALE, "Stale file handle", path)
        return stat(path)

    (tmp_path / "file").write_text("")
    with monkeypatch.context() as patched:
        patched.setattr("sweeps.store.folder.os.stat", replaced)
        if stale < TRIES:
            assert Folder(tmp_path).exists("file")
        else:
            with pytest.raises(OSError, match="Stale"):
                Folder(tmp_path).exists("file")
    assert len(looks) == TRIES


def test_a_store_that_may_not_be_looked_at_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuses)
    with pytest.raises(StoreError, match=r"^store '[^\n]*': Permission denied$"):
        reading_at(tmp_path)
