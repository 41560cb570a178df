"""Jobs named by what differs among them: on a narrow screen twelve names that begin alike are one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from orchestrator.store.jobs import Job
from sweeps.errors import printable
from sweeps.identity import canonical, canonical_json, model_name
from sweeps.naming import telling
from sweeps.spec import RunSpec, Spec

NETWORK = ("model.family", "model.depth", "model.width", "model.name")
"""What `model_name` tells."""
TASKS = {"source.task": "from", "target.task": "on"}


class Labels:
    """Names the jobs of a plan by the fields that tell its runs apart.

    Example: `resnet14-w8, frozen 11, seed 3`; of a source model `source model, resnet14-w8, seed 3`. A sweep of one run
    has nothing that differs: its job is named as its files are.
    """

    def __init__(self, runs: Iterable[Job]) -> None:
        specs = [job.spec for job in runs]
        self.fields = telling(specs)
        self._mixed = len({spec.source is None for spec in specs}) > 1
        self._last = Counter(field.rpartition(".")[2] for field in self.fields)

    def of(self, job: Job) -> str:
        """The label of a job, on one line."""
        kept = self.fields
        if job.kind == "source":
            kept = tuple(field for field in kept if field.partition(".")[0] in ("source", "model", "seed"))
        parts = ["source model"] if job.kind == "source" else []
        if any(field in NETWORK for field in kept):
            parts.append(model_name(job.spec.model))
        if job.kind == "run" and self._mixed and job.spec.source is None:
            parts.append("from scratch")
        parts += [text for field in kept if field not in NETWORK and (text := self._value(job.spec, field))]
        return printable(", ".join(parts) or job.name)

    def _value(self, spec: RunSpec, field: str) -> str:
        section, _, name = field.partition(".")
        part = getattr(spec, section)
        value = canonical(part).get(name) if isinstance(part, Spec) else part
        if value is None or (field == "source.task" and spec.source is None):
            return ""
        text = value if isinstance(value, str) else canonical_json(value)
        if field in TASKS:
            return f"{TASKS[field]} {getattr(part, 'task', text)}"
        ambiguous = section == "source" or self._last[name] > 1
        return f"{field if ambiguous else name or field} {text}"
