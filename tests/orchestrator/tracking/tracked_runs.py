"""Small runs for the tests of tracking: a curve, a tracker, and the same from a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from orchestrator.tracking.options import Mode, TrackingOptions
from orchestrator.tracking.tracker import Tracker
from sweeps.records import EpochRecord

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary0" * 6
GROUP = "resnet18-w8 frozen 3: letters 100 to digits 40"
NAN = float("nan")


def curve(epochs: int) -> list[EpochRecord]:
    """Every value of every epoch differs from all others, and one column has nothing to measure."""
    values = ([n + column / 10 for column in range(1, 10)] for n in range(1, epochs + 1))
    records = [EpochRecord(n, 16 * n, *row) for n, row in enumerate(values, start=1)]
    return [record._replace(train_error_flipped_given=NAN) for record in records]


def tracker(
    folder: Path, number: int = 0, mode: Mode = "offline", options: TrackingOptions | None = None, **changes: Any
) -> Tracker:
    described: dict[str, Any] = {
        "kind": "run",
        "id": f"{number:020x}",
        "group": GROUP,
        "name": f"frozen {number}",
        "attempt": 1,
        "config": {"model": {"family": "resnet", "width": 8}, "seed": number, "run_id": f"{number:020x}"},
        "tags": ["letters-to-digits"],
        "sweeps": ["letters-to-digits"],
    }
    """`folder` is the store, or its folder for W&B."""
    store = folder.parent if folder.name == "wandb" else folder
    return Tracker(options or TrackingOptions(store=store, mode=mode), **{**described, **changes})


def track(tracker: Tracker, epochs: int, status: str = "done") -> str | None:
    """Logs a curve and finishes; what went wrong, if anything."""
    for row in curve(epochs):
        tracker.log(row)
    tracker.finish(status, {"final_test_error": 0.25, "nothing": NAN})
    return tracker.problem


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wandb"))


def holding(folder: Path, text: str) -> list[Path]:
    """The files below a folder that contain `text`."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def signal_core(number: signal.Signals) -> None:
    """Sends a signal to this process's wandb-core, of which there must be one; a killed one is gone on return."""
    found = [process for process in Path("/proc").glob("[0-9]*") if _is_core(process)]
    assert len(found) == 1
    os.kill(int(found[0].name), number)
    while number == signal.SIGKILL and _is_core(found[0]):  # the system takes its time
        time.sleep(0.01)


def _is_core(process: Path) -> bool:
    try:
        name, _, rest = (process / "stat").read_text().rpartition(")")
    except OSError:
        return False
    state, parent = rest.split()[:2]
    return name.endswith("(wandb-core") and int(parent) == os.getpid() and state != "Z"


def in_process(code: str, home: Path, **environment: str) -> subprocess.Popen[str]:
    """A Python process that runs `code`, with a home folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
