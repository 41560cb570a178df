"""One run as the product trains it: prepared, fitted by Lightning with leases and checkpoints, as in a trial."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl

from benchmarks.gpu_setting import CLASSES, Clock, Setting, Timing, data_of
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease
from orchestrator.store.ledger import Ledger
from orchestrator.train.device import prepare
from orchestrator.train.fit import EachEpoch, fit
from orchestrator.train.inputs import inputs_of, network_of
from orchestrator.train.training import Training
from sweeps.identity import run_id


class TimedEpochs(EachEpoch):
    """What follows an epoch in a trial, then the time. `when_warm` is called once, before the first epoch is timed."""

    def __init__(self, lease: Lease, clock: Clock, when_warm: Callable[[], object]) -> None:
        super().__init__(lease, None)
        self.clock = clock
        self.when_warm = when_warm

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)
        if not self.clock.stamps:
            self.when_warm()
        self.clock.tick()


def product(setting: Setting, when_warm: Callable[[], object] = lambda: None) -> Timing:
    """Train as `orchestrator.train.trial` does."""
    spec = setting.spec()
    job = Job("run", run_id(spec), spec)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ledger = Ledger(Path(folder) / "store")
        ledger.open()
        device = prepare(setting.device, setting.threads, setting.precision, setting.gpus_per_run)
        data = data_of(setting).to(device)
        network = network_of(job, ledger, CLASSES, device)
        inputs, _ = inputs_of(job, network, data, ledger)
        training = Training(network, data, inputs, job.recipe, job.role, spec.seed)
        clock = Clock(setting)
        lease = ledger.claim(job)
        try:
            fit(training, TimedEpochs(lease, clock, when_warm), None, device)
        finally:
            lease.release()
    last = training.curve[-1]
    return Timing(tuple(clock.stamps), last.test_error, last.train_error, last.train_loss)
