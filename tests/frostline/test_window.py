"""`frostline publish` and `frostline report --wandb`: files read back offline, and all of it at a loopback server."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from frostline.cli import main
from frostline.window.content import MOST_ROWS, added_by_run, as_content
from frostline.window.results import write_results
from orchestrator.tracking import tracker as tracking
from orchestrator.tracking.metrics import AXES, METRICS
from sweeps import console, layout
from sweeps.errors import command_line
from sweeps.identity import source_id, source_value
from sweeps.records import RunRecord
from sweeps.self_digest import seal
from sweeps.spec import RunSpec
from sweeps.store.folder import Folder
from sweeps.sweep import parse
from tests.analysis.store_factory import double_descent, epoch_table, finished, planned, sweep_text
from tests.orchestrator.tracking.tracked_runs import CANARY, holding
from tests.orchestrator.tracking.wandb_account import account as account
from tests.orchestrator.tracking.wandb_account import server as server
from tests.wandb_file import WandbRun, read_run
from tests.wandb_server import WandbServer

FROZEN = [0, 3, 8, 9, 10, 11, 12, 13]
SEEDS, EPOCHS = 3, 40
RUNS, SOURCES = len(FROZEN) * SEEDS, SEEDS
Told = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep's file beside its store, whose curves are made up: a double descent along frozen units, peak at 10."""
    text = sweep_text(EPOCHS, str(FROZEN), SEEDS - 1)
    (tmp_path / "sweep.yaml").write_text(text)
    _, runs = planned(text, tmp_path / "store")
    for spec in runs.values():
        finished(tmp_path / "store", spec)
        _finished_source(tmp_path / "store", spec)
    (tmp_path / "store" / layout.FORMAT_KEY).write_text(f"{layout.FORMAT}\n")
    for path in (*(tmp_path / "store").rglob("result.json"), *(tmp_path / "store" / "sweeps").rglob("*.json")):
        path.write_bytes(seal(path.read_bytes()))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sweep.yaml"


def _finished_source(store: Path, spec: RunSpec) -> None:
    id, value = source_id(spec), source_value(spec)
    assert id is not None and value is not None
    record = finished(store, spec)
    place, buffer = layout.place("source", id), io.BytesIO()
    (store / place.folder).mkdir(parents=True, exist_ok=True)
    pq.write_table(epoch_table(spec, double_descent), buffer)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    (store / place.epochs(sha256)).write_bytes(buffer.getvalue())
    changes = {"kind": "source", "id": id, "spec": value, "epochs_sha256": sha256, "weights_sha256": "e" * 64}
    source = RunRecord.model_validate(record.model_dump() | changes)
    (store / place.result).write_text(source.model_dump_json())


def frostline(*arguments: str) -> int:
    """A command, as a process of its own would find wandb."""
    try:
        return main(list(arguments))
    finally:
        if tracking._SERVICE is not None:
            tracking._SERVICE.leave()
            tracking._SERVICE = None


def test_offline_everything_is_read_back(sweep: Path, tmp_path: Path, capsys: Told) -> None:
    for _ in range(2):
        assert frostline("publish", str(sweep), "--offline") == 0
        out = capsys.readouterr().out.splitlines()
        assert out[0] == f"{RUNS + SOURCES} written, 0 there already, 0 without a result"
        assert out[1].startswith("sweep-made-up: 3 tables, ")
    shown = {run.id: (run, path) for path in tmp_path.rglob("*.wandb") for run in [read_run(path)]}
    assert len(shown) == RUNS + SOURCES + 1 == len(list(tmp_path.rglob("*.wandb")))
    own, file = shown.pop("sweep-made-up")
    _check_runs([run for run, _ in shown.values()])
    _check_own_run(own, file)
    assert holding(tmp_path / "store", CANARY) == []


def _check_runs(runs: list[WandbRun]) -> None:
    targets = [run for run in runs if run.job_type == "target"]
    assert len(targets) == RUNS
    groups = {run.group: run.config["transfer"]["frozen"] for run in targets}
    assert sorted(groups.values()) == FROZEN  # one group for each cell
    for group, frozen in groups.items():
        assert group.startswith(f"resnet14-w4 frozen {frozen}: glyphs[A-Z] 3000 to digits 1000, noise 0.3")
    assert {run.name for run in targets} == {f"frozen {frozen}, seed {seed}" for frozen in FROZEN for seed in range(3)}
    for run in runs:
        assert run.tags[0] == "made-up" and run.step_metrics == AXES and run.commit == "0" * 40
        assert [row["epoch"] for row in run.history] == list(range(1, EPOCHS + 1))
        assert {"test/error", "train/error_clean", "time/seconds"} <= set(run.history[0]) <= {
            *METRICS.values(), "time/seconds", "_step", "_runtime", "_timestamp",
        }  # fmt: skip
        assert (run.summary["time/wall_seconds"], run.summary["status"]) == (2.0, "done")
    for run in targets:
        interpolates = run.config["transfer"]["frozen"] < 11
        assert run.summary["verdict/interpolates"] is interpolates
        assert run.summary["final/test_error"] == run.history[-1]["test/error"]
        if interpolates:  # the bump of the made-up curves
            assert run.summary["verdict/shape"] == "double_descent"
            assert 7 <= run.summary["verdict/peak_epoch"] <= 14 and run.summary["verdict/seeds"] == SEEDS


def _check_own_run(run: WandbRun, file: Path) -> None:
    assert (run.job_type, run.name, run.group) == ("sweep", "made-up", "sweeps")
    assert run.summary["finding"].startswith("double descent along frozen units in resnet14-w4")
    assert " % at 10" in run.summary["finding"]
    assert run.summary["claim/C3"] in ("supported", "contradicted", "undecided")
    curve = [
        row for row in run.history if "transfer_frozen" in row and "by_transfer_frozen/resnet14-w4_test_error" in row
    ]
    assert [row["transfer_frozen"] for row in curve[: len(FROZEN)]] == FROZEN
    assert curve[0]["by_transfer_frozen/resnet14-w4_threshold"] == 0.05
    folder = file.parent / "files"
    tables = {path.split("/")[-1].split("_")[0]: folder / path for path in run.files if path.endswith(".table.json")}
    assert set(tables) == {"runs", "cells", "verdicts"}
    cells = json.loads(tables["cells"].read_text())
    assert len(cells["data"]) == len(FROZEN) and "final_test_error" in cells["columns"]
    verdicts = json.loads(tables["verdicts"].read_text())
    axis, peak = (verdicts["columns"].index(name) for name in ("axis", "peak"))
    assert [row[peak] for row in verdicts["data"] if row[axis] == "transfer.frozen"] == [pytest.approx(10, abs=1)]
    assert [path for path in run.files if path.endswith(".html")]
    pictures = {path.split("/")[-1].split("_resnet14")[0] for path in run.files if path.endswith(".png")}
    assert pictures == {"final_by_frozen", "epochs_by_frozen", "surface"}
    (results,) = [artifact for artifact in run.artifacts if artifact.type == "sweep-results"]
    assert pq.read_table(results.contents["epochs.parquet"]).num_rows == RUNS * EPOCHS
    assert len(pq.read_table(results.contents["verdicts.parquet"])) == 1 + len(FROZEN)
    assert {"surface.parquet", "surface.csv", "budgets.parquet", "budgets.csv"} <= set(results.contents)
    assert len([name for name in results.contents if name.startswith("sources/")]) == SOURCES


def test_a_publish_arrives_whole_and_once(
    sweep: Path, tmp_path: Path, server: WandbServer, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frostline("publish", str(sweep)) == 0
    assert capsys.readouterr().out.startswith(f"{RUNS + SOURCES} published, 0 there already, 0 without a result\n")
    assert len(server.runs) == RUNS + SOURCES + 1
    assert all(len(rows) == EPOCHS for id, rows in server.rows.items() if id != "sweep-made-up")
    results = [id for id, each in server.artifacts.items() if each["artifactTypeName"] == "sweep-results"]
    curves = server.files[f"artifact/{results[0]}/epochs.parquet"]
    assert pq.read_table(io.BytesIO(curves)).num_rows == RUNS * EPOCHS
    assert {run for run, _ in server.used} == {"sweep-made-up"}

    asked = server.requests
    monkeypatch.setattr(console, "columns", lambda: 200)  # a terminal: the next command is named there
    assert frostline("publish", str(sweep)) == 0
    first, second, after = capsys.readouterr().out.splitlines()
    assert after == f"next: {command_line('report', sweep, '--wandb')}  (a report on W&B)"
    assert first == f"0 published, {RUNS + SOURCES} there already, 0 without a result"
    assert second.startswith("sweep-made-up: ") and second.endswith(", there already")
    assert server.requests == asked
    assert holding(tmp_path, CANARY) == []


def test_a_server_that_loses_rows_loses_nothing(sweep: Path, server: WandbServer, capsys: Told) -> None:
    server.lose = {EPOCHS - 1}
    assert frostline("publish", str(sweep)) == 1
    told = capsys.readouterr()
    problem, last = told.err.splitlines()
    assert problem.startswith("not published: 3 runs (the first: ") and f"{EPOCHS - 1} of {EPOCHS} rows" in problem
    assert "the same command goes on" in last and "sweep-made-up" not in server.runs
    server.lose = set()
    assert frostline("publish", str(sweep)) == 0
    assert all(len(rows) == EPOCHS for id, rows in server.rows.items() if id != "sweep-made-up")


def test_a_sweep_without_a_result(tmp_path: Path, server: WandbServer, capsys: Told) -> None:
    (tmp_path / "sweep.yaml").write_text(sweep_text(2, "[0]", 0))
    assert frostline("publish", str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store")) == 0
    assert capsys.readouterr().out == "0 published, 0 there already, 2 without a result\n"
    assert server.requests == 0


def specification(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.wandb.json").read_text())


def panels(spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(run set, panel) of every panel."""
    for block in spec["spec"]["blocks"]:
        if block["type"] == "panel-grid":
            (runs,) = block["metadata"]["runSets"]
            for panel in block["metadata"]["panelBankSectionConfig"]["panels"]:
                yield runs, panel


def text_of(block: dict[str, Any]) -> str:
    return "".join(part.get("text", "") or text_of(part) for part in block.get("children", ()))


def test_a_report_is_built_and_checked_without_a_server(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    assert frostline("report", str(sweep), "--wandb", "--no-send") == 0
    folder = tmp_path / "results" / "made-up"
    assert capsys.readouterr().out.splitlines() == ["results/made-up/report.html", "results/made-up/report.wandb.json"]
    spec, before = specification(folder), (folder / "report.wandb.json").read_bytes()

    blocks = spec["spec"]["blocks"]
    headings = [(block["level"], text_of(block)) for block in blocks if block["type"] == "heading"]
    assert headings[0] == (1, "Finding")
    first = next(block for block in blocks if block["type"] == "callout-block")
    assert text_of(first).startswith("double descent along frozen units in resnet14-w4") and "at 10" in text_of(first)
    claims = [title.partition(":")[0] for level, title in headings if level == 2 and title.startswith("C")]
    assert claims == ["C1", "C2 (interpolation time)", "C2 (peak time)", "C3", "C4 (better)", "C4 (on par)"]
    assert [title for level, title in headings if level == 1][-3:] == ["Method", "How to run it again", "Data"]
    assert sum(block["type"] == "latex" for block in blocks) >= 5
    file, commands = [block for block in blocks if block["type"] == "code-block"]
    assert "frostline run made-up.yaml" in text_of(commands)
    written = "\n".join(text_of(line) for line in file["children"])
    assert parse(written).digest == parse(sweep.read_text()).digest

    assert main(["report", str(sweep), "--wandb", "--no-send"]) == 0
    assert (folder / "report.wandb.json").read_bytes() == before
    assert tracking._SERVICE is None  # wandb's service was not even started


def test_panels_show_what_is_published(sweep: Path, tmp_path: Path, server: WandbServer) -> None:
    """Every metric, cell, table and picture that a panel names is at the server."""
    assert frostline("publish", str(sweep)) == 0
    assert frostline("report", str(sweep), "--wandb", "--no-send") == 0
    spec = specification(tmp_path / "results" / "made-up")
    runs_of: dict[str, set[str]] = {}
    for id, run in server.runs.items():
        config = json.loads(run["config"])
        runs_of.setdefault(config.get("cell_id", {"value": id})["value"], set()).add(id)
    own = server.summaries["sweep-made-up"]
    kinds = set()
    for runs, panel in panels(spec):
        kinds.add(panel["viewType"])
        (condition, *_) = runs["filters"]["filters"]
        wanted = condition["value"] if isinstance(condition["value"], list) else [condition["value"]]
        ids = set().union(*(runs_of.get(value, set()) for value in wanted))
        assert ids, condition
        config = panel["config"]
        if panel["viewType"] == "Run History Line Plot":
            for id in ids:
                rows = server.rows[id].values()
                for metric in (config["xAxis"], *config["metrics"]):
                    assert any(metric in row for row in rows), (id, metric)
            if config["xAxis"] == "epoch":
                assert len(wanted) == len(FROZEN) and len(ids) == RUNS
                assert (config["xLogScale"], config["groupArea"], config["groupBy"]) == (
                    True, "stddev", "transfer.value.frozen",
                )  # fmt: skip
            else:
                assert any(metric.endswith("_threshold") for metric in config["metrics"])
                assert set(config["overrideSeriesTitles"]) == {
                    f"sweep-made-up:{metric}" for metric in config["metrics"]
                }
        elif panel["viewType"] == "Media Browser":
            assert config["mediaKeys"] and set(config["mediaKeys"]) <= set(own)
        else:
            assert config["panel2Config"]["exp"]["fromOp"]["inputs"]["key"]["val"] in own
    assert kinds == {"Run History Line Plot", "Media Browser", "Weave"}


def test_a_report_arrives_whole_and_is_updated_in_place(
    sweep: Path, tmp_path: Path, server: WandbServer, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frostline("publish", str(sweep)) == 0
    capsys.readouterr()
    assert frostline("report", str(sweep), "--wandb") == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].endswith(" (new)") and told.err == ""
    ((id, view),) = server.views.items()
    here, there = specification(tmp_path / "results" / "made-up"), json.loads(view["spec"])
    assert view["displayName"] == here["displayName"] == "made-up: double descent by frozen depth"
    for block in there["blocks"]:  # online, run sets name the project that the report is in
        for runs in block.get("metadata", {}).get("runSets", ()):
            assert runs.pop("project") == {"entityName": "someone", "id": "1", "name": "frostline"}
    assert there == here["spec"]

    assert frostline("report", str(sweep), "--wandb") == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" (updated)")
    assert set(server.views) == {id}
    server.views.clear()  # deleted by a user
    monkeypatch.setattr(console, "columns", lambda: 200)  # a terminal: the next command is named there
    assert frostline("report", str(sweep), "--wandb") == 0
    address, after = capsys.readouterr().out.splitlines()[-2:]
    assert address.endswith(" (new)")
    assert after == f"next: {command_line('claims', sweep)}  (the tests behind the claims)"
    assert holding(tmp_path, CANARY) == []


@pytest.mark.parametrize("case", ["no project", "refused", "no key"])
def test_a_report_that_cannot_be_sent_is_kept(
    sweep: Path, tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: Told, case: str
) -> None:
    if case == "refused":
        server.refuse_all = 403
    if case == "no key":
        monkeypatch.delenv("WANDB_API_KEY")
    assert frostline("report", str(sweep), "--wandb") == 1
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert line.startswith("not sent: ") and CANARY not in line
    assert (tmp_path / "results" / "made-up" / "report.wandb.json").is_file()
    assert server.views == {}


def test_each_seed_is_sent_the_theory_of_its_own(sweep: Path, tmp_path: Path) -> None:
    """Seeds of a cell share its verdict, and not what theory predicts of each."""
    results = write_results(parse(sweep.read_text()), Folder(tmp_path / "store"), tmp_path / "out")
    ids = [str(id) for id in results.tables.runs["run_id"]]
    errors = np.arange(len(ids)) / 1000
    theory = {"run_id": ids, "theory_kind": "exact", "theory_test_error": errors, "theory_difference": 0.0}
    found = added_by_run(replace(results, theory=pd.DataFrame(theory)))
    assert [found[id]["theory/test_error"] for id in ids] == errors.tolist()
    assert all("verdict/shape" in found[id] for id in ids)


def test_a_table_is_plain_and_of_a_stated_length() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "text": ["a", None],
            "whole": pd.array([1, None], dtype="Int64"),
            "truth": pd.array([True, None], dtype="boolean"),
            "number": [0.5, np.nan],
            "provenance": ["{}", "{}"],
        }
    )
    content = as_content(frame)
    assert list(content.columns) == ["text", "whole", "truth", "number"]
    assert content.rows == [["a", 1, True, 0.5], [None, None, None, None]]
    assert [type(value) for value in content.rows[0]] == [str, int, bool, float]
    assert len(as_content(pd.concat([frame] * MOST_ROWS)).rows) == MOST_ROWS
