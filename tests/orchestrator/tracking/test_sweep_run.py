"""A sweep's own W&B run: offline read back from its files, online whole at the server, and not sent twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from orchestrator.store.folder import store_at
from orchestrator.tracking import read_back, wandb_service
from orchestrator.tracking import tracker as tracking
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.sweep_run import SourceModel, SweepContent, TableContent, send_sweep
from tests.orchestrator.tracking.tracked_runs import CANARY, files, holding
from tests.wandb_file import read_run
from tests.wandb_server import WandbServer

pytestmark = pytest.mark.usefixtures("account")
matplotlib.use("Agg")
SOURCE = SourceModel("ab" * 10, "source_seed0", f"{'ab' * 10}-1", "cd" * 32)


@pytest.fixture
def content(tmp_path: Path) -> Iterator[SweepContent]:
    made = tmp_path / "made"
    made.mkdir()
    page, table, figure = made / "report.html", made / "cells.csv", made / "final.png"
    page.write_text("<html><body>grün</body></html>", "utf-8")
    table.write_text("a,b\n1,2\n")
    Image.new("RGB", (4, 3), "red").save(figure)
    yield SweepContent(
        name="quick",
        config={"sweep": "quick", "digest": "d" * 64},
        summary={"finding": "a finding", "claim/C1": "undecided"},
        curves=[{"transfer_frozen": n, "by_transfer_frozen/r_test_error": 0.5 - n / 10} for n in (0, 3)],
        axes={"transfer_frozen": "", "by_transfer_frozen/*": "transfer_frozen"},
        tables={"tables/cells": TableContent(["cell", "error"], [["a", 0.25], ["b", None]])},
        figures={"figures/final": (figure, "what it shows")},
        page=page,
        files={"report.html": page, "cells.csv": table, "figures/final.png": figure},
        sources=[SOURCE],
        commit="c0ffee" * 6,
    )


def test_offline_it_is_read_back_from_its_files(tmp_path: Path, content: SweepContent) -> None:
    store, options = store_at(tmp_path / "store"), TrackingOptions(tmp_path / "store")
    for _ in range(2):
        assert send_sweep(store, content, options) == (True, None)
    (file,) = files(tmp_path / "store")  # the second has taken the place of the first
    run = read_run(file)
    assert (run.id, run.name, run.group, run.job_type) == ("sweep-quick", "quick", "sweeps", "sweep")
    assert (run.tags, run.commit, run.exit_code) == (("quick",), "c0ffee" * 6, 0)
    assert run.config["digest"] == "d" * 64
    assert (run.summary["finding"], run.summary["claim/C1"]) == ("a finding", "undecided")
    assert run.step_metrics == {"transfer_frozen": "", "by_transfer_frozen/*": "transfer_frozen"}
    assert [row.get("by_transfer_frozen/r_test_error") for row in run.history[:2]] == [0.5, 0.2]

    kept = {path.split("/")[1]: file.parent / "files" / path for path in run.files}
    assert set(kept) == {"table", "images", "html"} and all(path.is_file() for path in kept.values())
    table = json.loads(kept["table"].read_text())
    assert (table["columns"], table["data"]) == (["cell", "error"], [["a", 0.25], ["b", None]])
    assert kept["html"].read_text("utf-8") == content.page.read_text("utf-8")

    (results,) = [artifact for artifact in run.artifacts if artifact.type == "sweep-results"]
    assert results.metadata["sweep"] == "quick"
    for name, path in content.files.items():
        assert Path(results.contents[name]).read_bytes() == path.read_bytes()
    reference = results.contents[f"sources/{SOURCE.id}"]
    assert reference == f"frostline://sources/{SOURCE.id}?run={SOURCE.wandb_id}&weights={SOURCE.weights_sha256}"


def test_online_it_arrives_whole_with_its_lineage_once(
    tmp_path: Path, content: SweepContent, server: WandbServer, capfd: pytest.CaptureFixture[str]
) -> None:
    store, options = store_at(tmp_path / "store"), TrackingOptions(tmp_path / "store", mode="online")
    assert send_sweep(store, content, options) == (True, None)
    assert server.summaries["sweep-quick"]["finding"] == "a finding"
    assert server.exits["sweep-quick"] == 0
    media = {path.split("/")[2] for path in server.files if path.startswith("sweep-quick/media")}
    assert media == {"table", "images", "html"}
    by_name = {artifact["artifactCollectionName"]: id for id, artifact in server.artifacts.items()}
    results, sources = by_name["sweep-quick"], by_name["sweep-quick-sources"]
    for name, path in content.files.items():
        assert server.files[f"artifact/{results}/{name}"] == path.read_bytes()
    assert server.used == {("sweep-quick", sources)}
    assert f"sources/{SOURCE.id}" in server.artifacts[results]["manifest"]["contents"]
    assert json.loads(server.artifacts[sources]["metadata"])["models"][SOURCE.id]["wandb_id"] == SOURCE.wandb_id
    assert files(tmp_path / "store") == [] and holding(tmp_path, CANARY) == []
    assert capfd.readouterr() == ("", "")

    asked = server.requests
    assert send_sweep(store, content, options) == (False, None) and server.requests == asked
    content.files["cells.csv"].write_text("a,b\n1,3\n")
    assert send_sweep(store, replace(content, summary={"finding": "another"}), options) == (True, None)
    assert server.summaries["sweep-quick"]["finding"] == "another"
    assert server.files[[path for path in server.files if path.endswith("cells.csv")][-1]] == b"a,b\n1,3\n"


@pytest.mark.parametrize("fault", ["refuse", "lose", "away", "files"])
def test_it_is_not_marked_before_it_has_arrived(
    tmp_path: Path, content: SweepContent, server: WandbServer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(wandb_service, "INIT_TIMEOUT", 1.0)
    monkeypatch.setattr(wandb_service, "CLEANUP", 1.0)
    monkeypatch.setattr(read_back, "ARRIVAL", 0.5)
    monkeypatch.setattr("orchestrator.tracking.sweep_run.PATIENCE", 4.0)
    monkeypatch.setattr("orchestrator.tracking.sweep_run.ARRIVAL", 2)
    store, options = store_at(tmp_path / "store"), TrackingOptions(tmp_path / "store", mode="online")
    with monkeypatch.context() as faulty:
        if fault == "refuse":
            server.refuse = 403
        elif fault == "lose":
            server.lose = {1}
        elif fault == "files":
            server.refuse_files = 403
        else:
            faulty.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
        sent, problem = send_sweep(store, content, options)
        assert sent and problem is not None and "\n" not in problem
    assert tracking._SERVICE is not None
    tracking._SERVICE.leave()
    tracking._SERVICE = None
    server.refuse = server.refuse_files = None
    server.lose = set()
    assert send_sweep(store, content, options) == (True, None)
    assert send_sweep(store, content, options) == (False, None)
