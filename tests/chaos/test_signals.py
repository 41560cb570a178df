"""Preemption: SIGTERM and SIGUSR1, to a worker and to the driver. The epoch is saved, the run goes on from it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.chaos.scene import LOCAL, RAY, Scene, ended, wait_for


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_worker_that_is_told_to_go_saves_its_epoch(scene: Scene, oracle, faults, number: signal.Signals) -> None:
    with faults(f"4 {number.name} to a worker") as page:
        slow = [{"point": "epoch", "do": "sleep", "hit": 0}]
        process = scene.start(*RAY, faults=slow)
        told = []
        for _ in range(2):
            told.append(scene.worker(process, told))
            os.kill(told[-1], number)
            page.injected += 1
        code, output = ended(process)
        assert code == 0, output
        scene.check(oracle)
        assert not list(scene.store.rglob("failure-*"))  # it went by itself: no attempt is lost


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGUSR1, marks=pytest.mark.long)])
@pytest.mark.parametrize("runner", [RAY, pytest.param(LOCAL, marks=pytest.mark.long)])
def test_a_driver_that_is_told_to_go_saves_all_epochs(scene: Scene, oracle, faults, number, runner) -> None:
    with faults(f"4 {number.name} to the driver") as page:
        slow = [{"point": "epoch", "do": "sleep", "hit": 0}]
        process = scene.start(*runner, faults=slow, FROSTLINE_CHECKPOINT_SHARE="0")  # then only who is told to go saves
        wait_for(lambda: len(scene.trained()) >= (2 if runner is RAY else 1), process)
        process.send_signal(number)
        page.injected += 1
        code, output = ended(process, 60)
        assert code == 130 and "goes on from the last saved epochs" in output, output
        assert not scene.leases()
        assert scene.trained() == scene.kept()
        assert scene.until_done(*runner) == [0]
        scene.check(oracle)
        assert not list(scene.store.glob("stops/*"))
