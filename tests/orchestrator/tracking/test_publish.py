"""Publishing and online tracking, against a server on the loopback interface."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from orchestrator.store.folder import store_at
from orchestrator.tracking import wandb_service
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.published import FORM, is_published
from tests.orchestrator.tracking.tracked_runs import CANARY, curve, files, holding, track, tracker
from tests.orchestrator.tracking.wandb_account import committed, publish
from tests.wandb_server import WandbServer

pytestmark = pytest.mark.usefixtures("account")


def test_publishes_every_epoch_once(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(2)
    report = publish(store, runs, TrackingOptions(tmp_path / "store"), sweep="letters", differ=("target.size",))
    assert (report.published, report.already, report.problems, report.complete) == (2, 0, (), True)
    for record, epochs in runs:
        id = f"{record.id}-2"
        rows = server.rows[id]
        assert [rows[n]["epoch"] for n in range(4)] == [1, 2, 3, 4]
        assert [rows[n]["test/error"] for n in range(4)] == [row.test_error for row in epochs]
        created = server.runs[id]
        assert created["groupName"] == "vit2-w16 frozen 0: from scratch to digits 100, edition 1"
        assert (created["jobType"], created["displayName"]) == ("target", f"size 100, seed {record.spec['seed']}")
        assert created["tags"] == ["letters", "network:vit2-w16", "source:none", "target:digits"]
        assert created["commit"] == "c0ffee" * 6
        summary = server.summaries[id]
        assert (summary["final/test_error"], summary["time/wall_seconds"]) == (epochs[-1].test_error, 1.0)
        assert summary["time/compute_seconds"] == 1.0
        assert '"depth":{"value"' in created["config"] or '"depth":2' in created["config"]
        assert server.exits[id] == 0
    sent = server.requests
    again = publish(store, runs, TrackingOptions(tmp_path / "store"), sweep="letters", differ=("target.size",))
    assert (again.published, again.already, again.complete, server.requests) == (0, 2, True, sent)


def test_a_run_of_two_sweeps_has_both_tags(tmp_path: Path, server: WandbServer) -> None:
    store, runs, options = store_at(tmp_path / "store"), committed(1), TrackingOptions(tmp_path / "store")
    for sweep, sent in (("one", 1), ("two", 1), ("one", 0), ("two", 0)):
        assert publish(store, runs, options, sweep=sweep).published == sent
    assert {"one", "two"} <= set(server.runs[f"{runs[0][0].id}-2"]["tags"])


def test_a_verdict_that_has_changed_is_sent(tmp_path: Path, server: WandbServer) -> None:
    store, runs, options = store_at(tmp_path / "store"), committed(1), TrackingOptions(tmp_path / "store")
    id = runs[0][0].id
    for shape, sent in (("monotone", 1), ("monotone", 0), ("double_descent", 1)):
        assert publish(store, runs, options, verdicts={id: {"verdict/shape": shape}}).published == sent
        assert server.summaries[f"{id}-2"]["verdict/shape"] == shape


def test_what_an_earlier_version_published_is_brought_to_this_form(tmp_path: Path, server: WandbServer) -> None:
    """Its rows, under the names of the table's columns, are there and are no proof that the new ones are."""
    store, runs, options = store_at(tmp_path / "store"), committed(1), TrackingOptions(tmp_path / "store")
    id = runs[0][0].id
    mark = tmp_path / "store" / "wandb" / "published" / f"{id}.json"
    mark.parent.mkdir(parents=True)
    mark.write_text(json.dumps({"project": "frostline", "wandb_id": f"{id}-2", "url": None}))
    server.rows[f"{id}-2"] = {n: {"epoch": n + 1, "test_error": 0.5, "_step": n} for n in range(4)}
    server.lose = {0}
    (problem,) = publish(store, runs, options).problems
    assert "the server shows 3 of 4 rows" in problem
    server.lose = set()
    assert publish(store, runs, options).published == 1
    assert json.loads(mark.read_text())["form"] == FORM
    assert all("test/error" in row for row in server.rows[f"{id}-2"].values())


def test_published_runs_need_no_offline_copy(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(1)
    for attempt in (1, 2):
        track(tracker(store.local_folder("wandb"), id=runs[0][0].id, attempt=attempt), 4)
    track(tracker(store.local_folder("wandb"), number=5), 4)
    assert publish(store, runs, TrackingOptions(tmp_path / "store")).published == 1
    assert [path.name for path in files(store.local_folder("wandb"))] == [f"run-{5:020x}-1.wandb"]


def test_another_project_is_another_place(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(1)
    publish(store, runs, TrackingOptions(tmp_path / "store", project="one"))
    assert publish(store, runs, TrackingOptions(tmp_path / "store", project="two")).published == 1


def test_run_that_was_followed_live_is_not_sent_again(tmp_path: Path, server: WandbServer) -> None:
    store, runs = store_at(tmp_path / "store"), committed(1)
    assert track(tracker(store.local_folder("wandb"), id=runs[0][0].id, mode="online"), 4) is None
    assert len(server.rows[f"{runs[0][0].id}-1"]) == 4
    assert publish(store, runs, TrackingOptions(tmp_path / "store")).already == 1


def test_live_run_that_failed_is_not_marked(tmp_path: Path, server: WandbServer) -> None:
    assert track(tracker(tmp_path / "wandb", 3, mode="online"), 4, status="failed") is None
    assert not is_published(store_at(tmp_path), f"{3:020x}", "frostline")
    assert server.exits[f"{3:020x}-1"] == 1


def test_live_attempt_that_is_broken_off_is_ended_by_the_next(tmp_path: Path, server: WandbServer) -> None:
    broken = tracker(tmp_path / "wandb", 1, mode="online")
    broken.log(curve(1)[0])
    assert track(tracker(tmp_path / "wandb", 2, mode="online"), 3) is None
    assert server.exits == {f"{1:020x}-1": 1, f"{2:020x}-1": 0}


def test_refused_upload_is_a_problem_until_the_server_takes_it(tmp_path: Path, server: WandbServer) -> None:
    # wandb itself ends such a run without an error.
    store, runs = store_at(tmp_path / "store"), committed(2)
    server.refuse = 400
    refused = publish(store, runs, TrackingOptions(tmp_path / "store"))
    assert (refused.published, len(refused.problems), refused.complete) == (0, 1, False)
    assert refused.problems[0].startswith("2 runs") and "uploading" in refused.problems[0]
    server.refuse = None
    assert publish(store, runs, TrackingOptions(tmp_path / "store")).published == 2
    assert all(len(server.rows[f"{record.id}-2"]) == 4 for record, _ in runs)


@pytest.mark.parametrize("status", [429, 500])
def test_server_that_keeps_failing_costs_a_bounded_wait(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(wandb_service, "UPLOAD_TIMEOUT", 0.5)
    server.refuse = status
    assert "Timeout" in (track(tracker(tmp_path / "wandb", mode="online"), 3) or "")
    assert not is_published(store_at(tmp_path), f"{0:020x}", "frostline")


def test_unreachable_server_is_given_up_after_a_few_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb_service, "INIT_TIMEOUT", 0.5)
    store, runs = store_at(tmp_path / "store"), committed(5)
    report = publish(store, runs, TrackingOptions(tmp_path / "store"))
    assert (report.published, report.not_tried) == (0, 2)
    (line,) = report.problems
    assert line.startswith(f"3 runs (the first: {runs[0][0].id} ")


def test_without_a_key_nothing_is_asked(tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    assert "No API key" in (track(tracker(tmp_path / "wandb", mode="online"), 3) or "")
    assert server.requests == 0


def test_key_reaches_the_server_and_no_file(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    store = store_at(tmp_path / "store")
    publish(store, committed(1), TrackingOptions(tmp_path / "store"))
    server.refuse = 400
    track(tracker(store.local_folder("wandb"), mode="online"), 3)
    assert server.requests > 0
    assert holding(tmp_path, CANARY) == []
    assert capfd.readouterr() == ("", "")


def test_malformed_key_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "canary")
    problem = track(tracker(tmp_path / "wandb", mode="online"), 3)
    assert problem is not None and "canary" not in problem


def test_mark_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "wandb" / "published").mkdir(parents=True)
    (tmp_path / "wandb" / "published" / "a.json").write_text("{")
    assert not is_published(store_at(tmp_path), "a", "frostline")
    assert not is_published(store_at(tmp_path), "b", "frostline")


@pytest.mark.parametrize("wanted", [True, False])
def test_load_of_the_machine_is_sampled_where_it_is_wanted(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr(wandb_service, "SAMPLED_EACH", 0.1)
    options = TrackingOptions(tmp_path, mode="online", system=wanted)
    run = tracker(tmp_path / "wandb", options=options)
    run.log(curve(1)[0])
    time.sleep(1.0)
    run.finish("done", {})
    assert run.problem is None
    sampled = {name for event in server.events.get(run.wandb_id, []) for name in event if name.startswith("system.")}
    assert ("system.memory_percent" in sampled) is wanted, sampled
    assert not [path for path in server.files if "metadata" in path]  # the machine itself is not described


def test_load_of_the_machine_needs_a_run_that_is_followed(capsys: pytest.CaptureFixture[str]) -> None:
    from orchestrator.cli import main

    assert main(["run", "quickstart", "--wandb-system"]) == 2
    assert "--wandb-system: --wandb is offline; allowed: online" in capsys.readouterr().err
