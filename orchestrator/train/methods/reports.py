"""What a training method reports after each epoch, and what it hears back."""

from __future__ import annotations

from orchestrator.store.lease import Lease
from orchestrator.tracking.tracker import Tracker
from orchestrator.train.stopping import StopRequest
from sweeps.records import EpochRecord


class EpochReports:
    """One job's reports: the lease's progress shows that the job is alive, W&B shows its curve."""

    def __init__(self, lease: Lease, tracker: Tracker | None, stop: StopRequest) -> None:
        self.lease = lease
        self._tracker = tracker
        self._stop = stop

    def resumed(self, curve: list[EpochRecord], epochs: int) -> None:
        """The epochs that an earlier attempt trained, and of these the evaluated ones, from its checkpoint."""
        self.lease.progress = epochs
        for row in curve:
            self._show(row)

    def trained(self, row: EpochRecord) -> bool:
        """One more epoch is trained. True when this process was asked to stop."""
        self._show(row)
        return self.passed(row.epoch)

    def passed(self, epoch: int) -> bool:
        """So many epochs are trained, and this one is not evaluated. True when this process was asked to stop."""
        self.lease.reached(epoch)
        return self._stop.asked()

    def _show(self, row: EpochRecord) -> None:
        if self._tracker is not None:
            self._tracker.log(row)
