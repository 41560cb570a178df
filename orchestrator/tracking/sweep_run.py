"""A sweep's own W&B run: its curves along the axes, tables, figures, page, and one artifact with all of its files.

The content is plain data and files, made where results are read (analysis is not imported here).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.store.interface import Store
from orchestrator.tracking.copies import remove_all
from orchestrator.tracking.description import sweep_tag
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.published import is_published
from orchestrator.tracking.tracker import Tracker
from sweeps.self_digest import sha256_of

GROUP = "sweeps"
ARTIFACT_TYPE, SOURCES_TYPE = "sweep-results", "source-models"
PATIENCE = 600.0
"""Seconds for all files to arrive."""
ARRIVAL = 60
"""Whole seconds for W&B to show an artifact that has been sent."""


@dataclass(frozen=True)
class TableContent:
    """rows[i][j] is the value of column j: text, number, truth value or None for a missing one."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class SourceModel:
    """A source model that runs of the sweep start from; `wandb_id` is its W&B run's."""

    id: str
    name: str
    wandb_id: str
    weights_sha256: str | None


@dataclass(frozen=True)
class SweepContent:
    """What the W&B run of a sweep shows.

    curves: rows of W&B's history, each with its axis; axes: pattern of metrics -> metric on the x-axis ("" for an axis
    itself). tables, figures (PNG): by their name in W&B, `tables/cells`. files: by their name in the artifact.
    """

    name: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    curves: Sequence[Mapping[str, Any]]
    axes: Mapping[str, str]
    tables: Mapping[str, TableContent]
    figures: Mapping[str, tuple[Path, str]]
    """Of each its file and its caption."""
    page: Path
    files: Mapping[str, Path]
    sources: Sequence[SourceModel] = field(default=())
    commit: str | None = None

    @property
    def wandb_id(self) -> str:
        """One for each name of a sweep: a sweep that has grown is shown in the place of what it was."""
        return f"sweep-{self.name}"

    @property
    def artifact(self) -> str:
        """The artifact's name, of the characters that W&B takes."""
        return f"sweep-{re.sub(r'[^A-Za-z0-9_.-]', '-', self.name)}"

    def digest(self) -> str:
        """SHA-256 of all that is shown."""
        described = [self.config, self.summary, self.curves, [vars(source) for source in self.sources], self.commit]
        parts = [repr(described), *(f"{name} {sha256_of(path.read_bytes())}" for name, path in self.files.items())]
        return sha256_of("\n".join(parts).encode())


def send_sweep(store: Store, content: SweepContent, options: TrackingOptions) -> tuple[bool, str | None]:
    """Sends the sweep's own run, unless this project has it as it is: (whether it was sent, what went wrong).

    Offline: writes its file, in the place of earlier ones. Raises nothing of W&B's.
    """
    arrived = {"content": content.digest()}
    id = content.wandb_id
    if options.mode == "online" and is_published(store, id, options.project, verdict=arrived):
        return False, None
    tracker = Tracker(
        options,
        kind="sweep",
        id=id,
        group=GROUP,
        name=content.name,
        attempt=None,
        config=content.config,
        tags=[sweep_tag(content.name)],
        commit=content.commit,
        replayed=True,
        axes=content.axes,
        media=lambda wandb, run: _add(wandb, run, content, options.mode == "online"),
        patience=PATIENCE,
        verdict=arrived,
    )
    for row in content.curves:
        tracker.log_row(row)
    tracker.finish("done", content.summary)
    if tracker.problem is None:
        remove_all(options.runs, re.escape(id), but=tracker.folder if options.mode == "offline" else None)
    return True, tracker.problem


def _add(wandb: Any, run: Any, content: SweepContent, online: bool) -> None:
    """Tables, figures, page and artifact, in this order. Online it returns once the server has the artifact."""
    shown: dict[str, Any] = {name: _table(wandb, table) for name, table in content.tables.items()}
    shown |= {name: wandb.Image(str(path), caption=caption) for name, (path, caption) in content.figures.items()}
    with content.page.open(encoding="utf-8") as page:
        shown["page"] = wandb.Html(page, inject=False)
    run.log(shown)
    if online and content.sources:
        run.use_artifact(_sources(wandb, content))
    results = wandb.Artifact(content.artifact, type=ARTIFACT_TYPE, metadata=dict(content.config))
    for name, path in content.files.items():
        results.add_file(str(path), name=name, policy="immutable", skip_cache=True)
    _refer(results, content.sources)
    run.log_artifact(results)
    if online:
        results.wait(timeout=ARRIVAL)


def _table(wandb: Any, table: TableContent) -> Any:
    return wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows], allow_mixed_types=True)


def _sources(wandb: Any, content: SweepContent) -> Any:
    """The source models as an artifact that the sweep's run has used: what W&B draws its lineage from."""
    models = {source.id: vars(source) for source in content.sources}
    sources = wandb.Artifact(f"{content.artifact}-sources", type=SOURCES_TYPE, metadata={"models": models})
    _refer(sources, content.sources)
    return sources


def _refer(artifact: Any, sources: Sequence[SourceModel]) -> None:
    """Names each source model by its place in the store and the W&B run that trained it; no weights are sent."""
    for source in sources:
        uri = f"frostline://sources/{source.id}?run={source.wandb_id}&weights={source.weights_sha256}"
        artifact.add_reference(uri, name=f"sources/{source.id}", checksum=False)
