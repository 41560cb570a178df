"""Publishing to a faulty W&B server: nothing is removed that has not arrived, and the next publish completes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.store.folder import store_at
from orchestrator.tracking import read_back, wandb_service
from orchestrator.tracking import tracker as tracking
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.published import is_published
from tests.orchestrator.tracking.tracked_runs import curve, files, track, tracker
from tests.orchestrator.tracking.wandb_account import CLOSED, Runs, committed, publish
from tests.wandb_file import read_run
from tests.wandb_server import WandbServer

Fault = Callable[[WandbServer, pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def impatient(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real waits, shorter."""
    monkeypatch.setattr(wandb_service, "INIT_TIMEOUT", 1.0)
    monkeypatch.setattr(wandb_service, "UPLOAD_TIMEOUT", 1.0)
    monkeypatch.setattr(wandb_service, "CLEANUP", 1.0)
    monkeypatch.setattr(read_back, "ARRIVAL", 0.5)
    monkeypatch.setattr(tracking, "PATIENCE", 6.0)


def refusing_uploads(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refuse = 403


def failing_uploads(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refuse = 500


def hanging_uploads(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.hang = True


def refusing(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refuse_all = 403


def failing(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refuse_all = 500


def not_to_be_read(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.hang_reading = True


def losing_the_last_row(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.lose = {3}


def losing_a_row_between(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.lose = {1}


def losing_all(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.lose = set(range(4))


def not_there(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", CLOSED)


def without_a_key(server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")


FAULTS: dict[Fault, str] = {
    refusing_uploads: "uploading",
    failing_uploads: "",
    hanging_uploads: "",
    refusing: "",
    failing: "",
    not_to_be_read: "",
    losing_the_last_row: "the server shows 3 of 4 rows",
    losing_a_row_between: "the server shows 3 of 4 rows",
    losing_all: "the server shows 0 of 4 rows",
    not_there: "",
    without_a_key: "No API key configured",
}
"""What each says at least."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_nothing_is_removed_that_has_not_arrived(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    store, runs = store_at(tmp_path / "store"), committed(2)
    options = TrackingOptions(tmp_path / "store")
    for record, _ in runs:
        # The copy of the very attempt that is published: its W&B id is the same.
        assert track(tracker(store.local_folder("wandb"), id=record.id, attempt=record.attempts), 4) is None
    in_a_new_process()
    before = everything(tmp_path / "store")
    assert len(files(tmp_path / "store")) == 2

    with monkeypatch.context() as faulty:
        fault(server, faulty)
        report = publish(store, runs, options)
        in_a_new_process()
    assert (report.published, report.already, report.complete) == (0, 0, False)
    (line,) = report.problems
    assert "\n" not in line and line.startswith(f"2 runs (the first: {runs[0][0].id} ") and FAULTS[fault] in line
    assert everything(tmp_path / "store") == before
    assert not any(is_published(store, record.id, "frostline") for record, _ in runs)

    server.refuse = server.refuse_all = None
    server.hang = server.hang_reading = False
    server.lose = set()
    server.ended.set()  # lets go of the answers that hang
    assert_arrives(tmp_path / "store", runs, server)


def in_a_new_process() -> None:
    """As a command of its own would find wandb: it reads its settings once in a process."""
    assert tracking._SERVICE is not None
    tracking._SERVICE.leave()
    tracking._SERVICE = None


def assert_arrives(folder: Path, runs: Runs, server: WandbServer) -> None:
    store, options = store_at(folder), TrackingOptions(folder)
    report = publish(store, runs, options)
    assert (report.problems, report.published) == ((), len(runs))
    assert files(folder) == []
    for record, epochs in runs:
        rows = server.rows[f"{record.id}-{record.attempts}"]
        assert [rows[n]["test/error"] for n in range(4)] == [row.test_error for row in epochs]
    sent = server.requests
    again = publish(store, runs, options)
    assert (again.published, again.already, server.requests) == (0, len(runs), sent)


def test_server_that_comes_back_takes_what_is_left(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(3)
    server.refuse = 403
    first = publish(store, runs[:1], TrackingOptions(tmp_path / "store"))
    server.refuse = None
    rest = publish(store, runs, TrackingOptions(tmp_path / "store"))
    assert (first.published, rest.published, rest.complete) == (0, 3, True)


def test_rows_that_are_shown_late_have_arrived(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_back, "ARRIVAL", 10.0)
    asked: list[int] = []
    shown = read_back.Reader._shown

    def late(self: read_back.Reader, wandb: object, path: str) -> dict[int, set[str]]:
        asked.append(1)
        return shown(self, wandb, path) if len(asked) > 2 else {}

    monkeypatch.setattr(read_back.Reader, "_shown", late)
    report = publish(store_at(tmp_path), committed(1), TrackingOptions(tmp_path))
    assert (report.published, len(asked)) == (1, 3)


def test_one_line_for_each_cause(tmp_path: Path, server: WandbServer) -> None:
    runs = committed(2)
    server.lose = {2}
    report = publish(store_at(tmp_path), [runs[0], (runs[1][0], curve(6))], TrackingOptions(tmp_path))
    assert [line.partition("W&B")[2] for line in report.problems] == [
        ": ConnectionError: the server shows 3 of 4 rows",
        ": ConnectionError: the server shows 5 of 6 rows",
    ]


def test_live_run_that_has_not_arrived_keeps_its_copy(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(1)
    server.lose = {0}
    id, attempt = runs[0][0].id, runs[0][0].attempts
    run = tracker(store.local_folder("wandb"), id=id, attempt=attempt, mode="online")
    assert "3 of 4 rows" in (track(run, 4) or "")
    (file,) = files(tmp_path)
    assert len(read_run(file).history) == 4
    assert not is_published(store, id, "frostline")
    server.lose = set()
    assert_arrives(tmp_path / "store", runs, server)


def everything(folder: Path) -> dict[str, str]:
    """Path -> digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
