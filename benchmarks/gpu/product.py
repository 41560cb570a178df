"""One run as the product trains it: prepared, fitted by Lightning with leases and checkpoints, as in a trial."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from benchmarks.gpu.setting import CLASSES, Clock, Setting, Timing, data_of
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease
from orchestrator.store.ledger import Ledger
from orchestrator.train.device import placed, prepare
from orchestrator.train.inputs import images
from orchestrator.train.methods import method
from orchestrator.train.methods.fit import fit
from orchestrator.train.methods.reports import EpochReports
from orchestrator.train.start import network_of
from orchestrator.train.stopping import StopRequest
from sweeps.identity import run_id
from sweeps.records import EpochRecord


class TimedReports(EpochReports):
    """What follows an epoch in a trial, then the time. `when_warm` is called once, before the first epoch is timed."""

    def __init__(self, lease: Lease, clock: Clock, when_warm: Callable[[], object]) -> None:
        super().__init__(lease, None, StopRequest())
        self.clock = clock
        self.when_warm = when_warm

    def trained(self, row: EpochRecord) -> bool:
        asked = super().trained(row)
        if not self.clock.stamps:
            self.when_warm()
        self.clock.tick()
        return asked


def product(setting: Setting, when_warm: Callable[[], object] = lambda: None) -> Timing:
    """Train as `orchestrator.train.trial` does."""
    spec = setting.spec()
    job = Job("run", run_id(spec), spec)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ledger = Ledger(Path(folder) / "store")
        ledger.open()
        device = prepare(setting.device, setting.threads, setting.precision, setting.gpus_per_run)
        data = data_of(setting).to(device.torch)
        network = placed(network_of(spec, "target", CLASSES), spec.model.family, spec.train.kernels, device.torch)
        # Everything trains (`Setting.spec`): there is no frozen prefix to compute once.
        given = method.Setting(network, data, images(data), spec.train, spec.transfer, "target", spec.seed, device)
        clock = Clock(setting)
        lease = ledger.claim(job)
        try:
            trained = fit(given, TimedReports(lease, clock, when_warm))
        finally:
            lease.release()
    last = trained.curve[-1]
    return Timing(tuple(clock.stamps), last.test_error, last.train_error, last.train_loss)
