"""SIGKILL: of the worker at every named point, of the driver at any time, of whole nodes."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.chaos.scene import FULL, LOCAL, RAY, Scene, ended, flip, wait_for

STAGES = ("begin", "half", "written", "named", "done")
FILES = ("checkpoint", "epochs", "result", "weights", "lease")
POINTS = [f"{file}.{stage}" for file in FILES for stage in STAGES]
SHORT = ["checkpoint.half", "epochs.named", "result.named"]


@pytest.mark.long
def test_the_worker_is_killed_at_every_named_point(scene: Scene, oracle, faults, rng: random.Random) -> None:
    with faults("1 SIGKILL of the worker at a named point") as page:
        kills = [scene.fault(point, "kill", hit=rng.randint(1, 3)) for point in POINTS]
        scene.until_done(*RAY, faults=kills)
        scene.check(oracle)
        page.injected += scene.injected()
        assert page.injected >= 20


def test_the_process_is_killed_around_each_commit(scene: Scene, oracle, faults) -> None:
    """The same in one process: every kill is one of driver and worker together, and the same command goes on."""
    with faults("1 SIGKILL of driver and worker in one at a named point") as page:
        for point in SHORT:
            code, _ = scene.run(*LOCAL, faults=[scene.fault(point, "kill", hit=2)])
            assert code == -signal.SIGKILL
        assert scene.until_done(*LOCAL) == [0]
        scene.check(oracle)
        page.injected += scene.injected()


@pytest.mark.parametrize("runner", [LOCAL, pytest.param(RAY, marks=pytest.mark.long)])
def test_the_driver_is_killed_at_random_times(scene: Scene, oracle, faults, rng: random.Random, runner) -> None:
    with faults("2 SIGKILL of the driver at a random time") as page:
        slow = [{"point": "epoch", "do": "sleep", "hit": 0}]
        for _ in range(6 if FULL else 2):
            process = scene.start(*runner, faults=slow)
            so_far = len(scene.events())
            wait_for(lambda seen=so_far: len(scene.events()) > seen, process)
            time.sleep(rng.uniform(0, 1.5))
            assert process.poll() is None
            process.kill()
            page.injected += 1
            ended(process)
        assert scene.until_done(*runner) == [0]
        scene.check(oracle)


@pytest.mark.long
def test_a_random_schedule_of_everything(scene: Scene, oracle, faults, rng: random.Random) -> None:
    """Kills, errors of the disk, lack of memory, signals, altered files, one after the other, at random points."""
    with faults("16 random schedule") as page:
        altered = 0
        for _ in range(4):
            some = [
                scene.fault(rng.choice(POINTS), rng.choice(("kill", "EIO", "ENOSPC")), hit=rng.randint(1, 8))
                for _ in "12"
            ]
            some.append(scene.fault("epoch", rng.choice(("kill", "memory", "term", "usr1")), hit=rng.randint(1, 20)))
            scene.run(*rng.choice((RAY, LOCAL)), faults=some)
            committed = sorted(scene.store.glob("*/*/*/*.*"))
            victims = [path for path in committed if path.name.startswith(("result", "epochs", "weights"))]
            if victims:
                flip(rng.choice(victims), rng)
                altered += 1
        scene.until_done(*LOCAL)
        scene.check(oracle, lost=False)  # what was altered after its commit is trained anew, rightly
        page.injected += scene.injected() + altered
        assert page.injected >= 8
