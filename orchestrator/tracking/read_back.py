"""Reading back from W&B what it shows of a run: the only proof that the rows have arrived."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

ARRIVAL = 12.0
"""Seconds for rows to be shown once they have been sent: W&B takes them before it shows them."""
REQUEST_TIMEOUT = 6
"""Whole seconds for one answer: wandb takes no fractions."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Reader:
    """Reads through one wandb-core. `forget` belongs after its end."""

    def __init__(self) -> None:
        self._api: Any = None
        # What is freed here, wandb frees in wandb-core too, in a thread that ends with a traceback once that has been
        # ended by force. So what a failure leaves is kept until wandb has closed the thread; an error holds its frames.
        self._kept: list[object] = []

    def check_arrived(self, wandb: Any, path: str, rows: Sequence[Collection[str]]) -> None:
        """Returns once the server shows every row of the run at entity/project/id, with all its metrics.

        rows: the metrics of each, in the order sent. What the server has of an earlier publication under the same id
        is no proof where its metrics had other names. Raises ConnectionError where a row is not shown within `ARRIVAL`
        seconds, or nothing can be asked.
        """
        until, pause = time.monotonic() + ARRIVAL, FIRST_PAUSE
        while True:
            try:
                shown = self._shown(wandb, path)
                arrived = sum(set(row) <= shown.get(step, set()) for step, row in enumerate(rows))
            except Exception as error:
                self._kept.append(error)
                problem = f"what has arrived cannot be read back: {error}"
            else:
                if arrived == len(rows):
                    self._kept.clear()
                    return
                problem = f"the server shows {arrived} of {len(rows)} rows"
            if time.monotonic() + pause > until:
                raise ConnectionError(problem)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def forget(self) -> None:
        """Lets go of what is left of the wandb-core that was."""
        self._api = None
        self._kept.clear()

    def _shown(self, wandb: Any, path: str) -> dict[int, set[str]]:
        """The metrics that the server shows of each row, by the row's step."""
        if self._api is None:
            entity, project, _ = path.split("/")
            self._api = wandb.Api({"entity": entity, "project": project}, timeout=REQUEST_TIMEOUT)
        # Neither this cache nor the one on the disk: both would go on showing what was there at first.
        self._api.flush()
        scan = self._api.run(path).scan_history(use_cache=False)
        self._kept.append(scan)
        return {row["_step"]: set(row) for row in scan if "_step" in row}
