"""The ledger: atomic, published once, compared on entry; durable writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.store import durable
from orchestrator.store.lease import Watch, claim
from orchestrator.store.ledger import Damaged, Ledger, StoreError
from orchestrator.train.trial import run_trial
from sweeps.layout import FORMAT_KEY, last_part
from sweeps.records import RunRecord
from sweeps.self_digest import seal, sha256_of
from tests.orchestrator.small_runs import folder_of, opened, path_of, run_of, small, source_of


def done(tmp_path: Path) -> tuple[Ledger, RunRecord]:
    ledger, options = opened(tmp_path)
    job = run_of(small(source=None, train={"epochs": 1}))
    assert run_trial(job, options) == "done"
    record = ledger.result(job)
    assert record is not None
    return ledger, record


def test_a_result_is_published_once(tmp_path: Path) -> None:
    ledger, record = done(tmp_path)
    job = run_of(small(source=None, train={"epochs": 1}))
    place = ledger.place(job)
    folder = folder_of(ledger, job)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"result.json", last_part(place.epochs(record.epochs_sha256))}
    late = claim(ledger.store, place, 1, Watch())
    other = b"another curve, as the time column of a second computation gives"
    changed = record.model_copy(update={"epochs_sha256": sha256_of(other)})
    assert ledger.commit(late, changed, other, None) is False
    late.release()
    assert ledger.result(job) == record
    for name, content in before.items():
        assert (folder / name).read_bytes() == content


def test_a_spec_that_differs_from_the_one_on_record_is_an_error(tmp_path: Path) -> None:
    ledger, record = done(tmp_path)
    job = run_of(small(source=None, train={"epochs": 1}))
    path = path_of(ledger, ledger.place(job).result)
    other = record.model_copy(update={"spec": {**record.spec, "seed": 9}})
    path.write_bytes(seal(other.model_dump_json().encode()))
    with pytest.raises(StoreError, match=r"its spec is not that of run"):
        ledger.status(job)


@pytest.mark.parametrize("content", ["", "{", "{}", "[1]", '{"schema_version": "x"}', "\x00"])
def test_a_damaged_result_is_said_to_be_missing(tmp_path: Path, content: str) -> None:
    ledger, _ = done(tmp_path)
    job = run_of(small(source=None, train={"epochs": 1}))
    path_of(ledger, ledger.place(job).result).write_text(content)
    assert ledger.status(job) == "missing"
    assert "result.json: damaged" in ledger.damaged[job.id] and "\n" not in ledger.damaged[job.id]
    with pytest.raises(Damaged):
        ledger.result(job)


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    path_of(ledger, FORMAT_KEY).write_text("99\n")
    with pytest.raises(StoreError, match="format '99'; this version reads"):
        ledger.open()


def test_the_store_is_its_owners_alone(tmp_path: Path) -> None:
    ledger, _ = done(tmp_path)
    for folder, _, files in os.walk(ledger.root):
        assert Path(folder).stat().st_mode & 0o077 == 0
        for file in files:
            assert (Path(folder) / file).stat().st_mode & 0o077 == 0


def test_content_is_synced_before_its_name_and_its_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the system calls is the promise: without either fsync this fails."""
    calls: list[str] = []
    real_fsync, real_replace, real_link = os.fsync, os.replace, os.link

    def fsync(descriptor: int) -> None:
        target = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        calls.append("fsync folder" if target.is_dir() else "fsync file")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> None:
        calls.append("name")
        real_replace(source, target)

    def link(source: Path, target: Path) -> None:
        calls.append("name")
        real_link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "link", link)
    durable.replace(tmp_path / "a", b"1")
    assert durable.create(tmp_path / "b", b"2")
    assert calls == ["fsync file", "name", "fsync folder"] * 2


def test_a_failed_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    durable.replace(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_failures_are_numbered_and_kept(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    job = run_of(small())
    for text in ("first", "second\nline"):
        ledger.fail(job, RuntimeError(text))
    last = ledger.last_failure(job)
    assert last is not None
    assert last[0].error == "RuntimeError: second line" and last[1] == 2
    assert sorted(path.name for path in folder_of(ledger, job).iterdir()) == ["failure-0001.json", "failure-0002.json"]


def test_nothing_starts_from_a_source_that_has_diverged(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    spec = small(source={"optimizer": "sgd", "learning_rate": 1.0e30}, train={"epochs": 1})
    source, run = source_of(spec), run_of(spec)
    assert run_trial(source, options) == "diverged"
    with pytest.raises(StoreError, match=f"^source model {source.id} has diverged: nothing starts from it$"):
        ledger.weights_sha256(source.id)
    assert run_trial(run, options) == "failed" and ledger.result(run) is None
