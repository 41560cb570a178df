"""Several processes, and time: two drivers, a hung worker, a wall clock that jumps, memory that runs out."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.chaos.scene import LOCAL, RAY, RUNS, Scene, ended, wait_for

SLOW = {"point": "epoch", "do": "sleep", "hit": 0}


@pytest.mark.parametrize("runners", [(LOCAL, LOCAL), pytest.param((RAY, LOCAL), marks=pytest.mark.long)])
def test_two_drivers_share_one_store(scene: Scene, oracle, faults, runners) -> None:
    with faults("12 two drivers on one store") as page:
        both = [scene.start(*runner, faults=[SLOW]) for runner in runners]
        page.injected += 1
        for process in both:
            code, output = ended(process)
            assert code == 0 and f"{RUNS} of {RUNS} runs done" in output, output
        scene.check(oracle)
        trained = [event["subject"] for event in scene.events() if event["point"] == "epoch"]
        assert len(trained) == len(set(trained))  # no epoch twice
        assert len({event["pid"] for event in scene.events()}) >= 2


@pytest.mark.long
def test_a_worker_that_hangs_is_ended_and_its_run_taken_up(scene: Scene, oracle, faults) -> None:
    """On Ray, the driver ends it: a stopped process would hold its core for ever."""
    with faults("13 SIGSTOP of a worker on Ray") as page:
        stop = scene.fault("epoch", "stop", hit=5)
        codes = scene.until_done(*RAY, faults=[stop], FROSTLINE_LEASE_EXPIRY="4")
        assert codes == [0]
        scene.check(oracle)
        page.injected += scene.injected()
        assert len(list(scene.store.rglob("failure-*"))) == 1


def test_a_sleeper_wakes_after_its_run_was_taken_over(scene: Scene, oracle, faults) -> None:
    """Its late commit is refused, by its token; both processes end well."""
    with faults("13 SIGSTOP before a commit, takeover, SIGCONT") as page:
        stop = scene.fault("epochs.begin", "stop", hit=3)
        sleeper = scene.start(*LOCAL, faults=[stop], FROSTLINE_LEASE_EXPIRY="3")
        wait_for(lambda: Path(stop["marker"]).exists(), sleeper)
        (held,) = scene.leases()
        assert scene.until_done(*LOCAL, FROSTLINE_LEASE_EXPIRY="3") == [0]
        page.injected += scene.injected()
        before = {path: path.read_bytes() for path in scene.store.glob("*s/??/*/*") if "failure" not in path.name}
        os.kill(held["pid"], signal.SIGCONT)
        code, output = ended(sleeper)
        assert code == 0, output
        after = {path: path.read_bytes() for path in scene.store.glob("*s/??/*/*") if "failure" not in path.name}
        assert {path: after[path] for path in before} == before
        assert all(path.name.startswith("epochs-") for path in after.keys() - before.keys())  # of the refused commit
        scene.check(oracle, lost=False)


CLOCK = """
import time, datetime
_time, _began, _jump = time.time, time.monotonic(), {jump}
time.time = lambda: _time() + (_jump if time.monotonic() - _began > 3 else 0)
time.time_ns = lambda: int(time.time() * 1e9)
"""


@pytest.mark.long
@pytest.mark.parametrize("jump", [86400, -86400])
def test_the_clock_jumps_by_a_day(scene: Scene, oracle, faults, jump: int) -> None:
    """Of one of two processes that share the store, three seconds after its start; the other's stays."""
    with faults("14 clock jumps by a day") as page:
        folder = scene.folder / "clock"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(CLOCK.format(jump=jump))
        jumping = scene.start(*LOCAL, faults=[SLOW], PYTHONPATH=str(folder))
        page.injected += 1
        steady = scene.start(*LOCAL, faults=[SLOW])
        for process in (jumping, steady):
            code, output = ended(process)
            assert code == 0, output
        scene.check(oracle)
        trained = [event["subject"] for event in scene.events() if event["point"] == "epoch"]
        assert len(trained) == len(set(trained))  # nobody's lease expired by a clock


@pytest.mark.parametrize(("what", "runner"), [("memory", LOCAL), pytest.param("cuda", RAY, marks=pytest.mark.long)])
def test_out_of_memory_once(scene: Scene, oracle, faults, what: str, runner) -> None:
    """Tried once more when nothing else runs; the others are not disturbed."""
    with faults("10 out of memory once") as page:
        fault = scene.fault("epoch", what, hit=12, subject="run ")
        assert scene.until_done(*runner, faults=[fault]) == [0]
        scene.check(oracle)
        page.injected += scene.injected()
        (failure,) = scene.store.rglob("failure-*")
        assert "OutOfMemory" in failure.read_text()
        order = [event["subject"].split()[1] for event in scene.events() if event["point"] == "epoch"]
        assert order[-1] == failure.parent.name  # after all others, alone


@pytest.mark.long
def test_out_of_memory_always(scene: Scene, oracle, faults) -> None:
    """One run never fits: it has failed with a reason, all others are done; with more memory it is done as well."""
    with faults("10 out of memory always in one run") as page:
        scene.run(*LOCAL, faults=[scene.fault("result.named", "kill", subject="/runs/")])
        (first,) = scene.store.glob("runs/*/*/result.json")
        victim = next(run for run in scene.asked() if run != first.parent.name)
        never = {"point": "epoch", "do": "memory", "hit": 0, "subject": victim, "log": str(scene.trace)}
        code, output = scene.run(*LOCAL, faults=[never])
        assert code == 1 and f"{RUNS - 1} of {RUNS} runs done" in output and "OutOfMemory" in output, output
        assert len(list(scene.store.rglob("failure-*"))) == 2
        page.injected += scene.injected()
        assert scene.until_done(*LOCAL) == [0]
        scene.check(oracle, lost=False)
