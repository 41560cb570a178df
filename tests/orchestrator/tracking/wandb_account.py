"""An account at a W&B server on the loopback interface, and finished runs to publish there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store.interface import Store
from orchestrator.tracking import tracker as tracking
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.publish import Publication, PublishReport
from orchestrator.tracking.publish import publish as publish_runs
from sweeps.identity import canonical, run_id, run_name
from sweeps.records import EpochRecord, RunRecord
from sweeps.spec import ModelSpec, RunSpec, TargetSpec
from tests.orchestrator.tracking.tracked_runs import CANARY, curve
from tests.wandb_server import WandbServer, wandb_server

CLOSED = "http://127.0.0.1:1"
Runs = list[tuple[RunRecord, list[EpochRecord]]]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home and a key of the test's own, and a wandb-core that knows no other."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    monkeypatch.setenv("WANDB_BASE_URL", CLOSED)
    tracking._SERVICE = None
    yield
    if tracking._SERVICE is not None:
        tracking._SERVICE.leave()
        tracking._SERVICE = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    with wandb_server() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server


def spec(seed: int) -> RunSpec:
    return RunSpec(
        source=None,
        target=TargetSpec(task="digits", size=100),
        model=ModelSpec(family="vit", depth=2, width=16),
        seed=seed,
    )


def publish(store: Store, runs: Runs, options: TrackingOptions, **shown: Any) -> PublishReport:
    """The real one, with curves at hand instead of in the store."""
    curves = {record.id: epochs for record, epochs in runs}
    online = replace(options, mode="online")
    records = [record for record, _ in runs]
    return publish_runs(store, records, lambda record: curves[record.id], online, Publication(**shown))


def committed(seeds: int, epochs: int = 4) -> Runs:
    return [(_record(spec(seed), epochs), curve(epochs)) for seed in range(seeds)]


def _record(spec: RunSpec, epochs: int) -> RunRecord:
    return RunRecord(
        schema_version=1,
        kind="run",
        id=run_id(spec),
        name=run_name(spec),
        spec=canonical(spec),
        status="done",
        epochs=epochs,
        ladder=("stem", "head"),
        trainable_params=1,
        total_params=1,
        epochs_sha256="",
        data_sha256="",
        wall_seconds=1.0,
        compute_seconds=1.0,
        attempts=2,
        device="cpu",
        provenance={"git_sha": "c0ffee" * 6},
    )
