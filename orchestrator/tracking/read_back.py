"""Reading back from W&B what it shows of a run: the only proof that the rows have arrived."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

ARRIVAL = 12.0
"""Seconds for rows to be shown once they have been sent: W&B takes them before it shows them."""
REQUEST_TIMEOUT = 6
"""Whole seconds for one answer: wandb takes no fractions."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


def check_arrived(wandb: Any, path: str, epochs: Collection[int]) -> None:
    """Returns once the server shows every one of `epochs` in the history of the run at entity/project/id.

    Raises ConnectionError where it does not within `ARRIVAL` seconds, or cannot be asked.
    """
    wanted = set(epochs)
    until, pause = time.monotonic() + ARRIVAL, FIRST_PAUSE
    while True:
        try:
            shown = wanted & _shown(wandb, path)
        except Exception as error:
            problem = f"what has arrived cannot be read back: {error}"
        else:
            if shown == wanted:
                return
            problem = f"the server shows {len(shown)} of {len(wanted)} rows"
        if time.monotonic() + pause > until:
            raise ConnectionError(problem)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _shown(wandb: Any, path: str) -> set[int]:
    # A new one each time, and no cache on the disk: both would go on showing what was there at first.
    run = wandb.Api(timeout=REQUEST_TIMEOUT).run(path)
    return {row["epoch"] for row in run.scan_history(use_cache=False) if "epoch" in row}
