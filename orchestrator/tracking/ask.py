"""A question to W&B outside of a run: in the thread of all calls into wandb, waited for no longer than said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.tracker import service
from orchestrator.tracking.wandb_service import RunSettings

Answer = TypeVar("Answer")


def ask(options: TrackingOptions, call: Callable[[], Answer], patience: float) -> Answer:
    """What `call` returns, made online. Raises what it raises, and TimeoutError after `patience` seconds."""
    answers: list[Answer] = []
    settings = RunSettings("online", options.project, options.runs, patience=patience)
    done = service().lane.submit(lambda: service().ask(settings, lambda: answers.append(call())))
    try:
        done.result(timeout=patience)
    except TimeoutError:
        service().restart()
        raise
    return answers[0]
