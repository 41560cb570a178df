"""The same faults, the same tables, where the store is in a bucket (moto's server on the loopback interface)."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from sweeps.layout import QUARANTINE
from sweeps.store import records
from tests.chaos.scene import LOCAL, RAY, RUNS, Scene, ended, wait_for
from tests.chaos.test_store import command
from tests.object_store import SECRET
from tests.object_store import s3 as s3

pytestmark = pytest.mark.long
SLOW = {"point": "epoch", "do": "sleep", "hit": 0}
KILLS = (
    "lease.begin",
    "lease.done",
    "checkpoint.begin",
    "checkpoint.done",
    "epochs.done",
    "result.begin",
    "result.done",
)


@pytest.fixture
def scene(s3: str, tmp_path: Path) -> Scene:
    return Scene(tmp_path, bucket=s3)


def test_killed_before_and_after_each_write(scene: Scene, oracle, faults, rng: random.Random) -> None:
    """Of the lease, a checkpoint, the curve, the result: one process each time."""
    with faults("16 S3: SIGKILL before or after a write") as page:
        for point in KILLS:
            code, output = scene.run(*LOCAL, faults=[scene.fault(point, "kill", hit=rng.randrange(1, 3))])
            assert code == -signal.SIGKILL, output
        scene.until_done(*LOCAL)
        page.injected += scene.injected()
        assert page.injected == len(KILLS)
        scene.check(oracle)


def test_committed_objects_are_altered(scene: Scene, oracle, faults, rng: random.Random) -> None:
    with faults("16 S3: committed result, curve or source model altered") as page:
        assert scene.until_done(*LOCAL) == [0]
        store = scene.opened
        for kind, start in (("run", "result"), ("run", "epochs-"), ("source", "weights-"), ("source", "result")):
            place = rng.choice([place for place in records.places(store) if place.kind == kind])
            (key,) = place.named(store.list(place.folder), start)
            content = bytearray(store.read(key) or b"")
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            store.replace(key, bytes(content))
            page.injected += 1
        verified = command("orchestrator", "verify", scene.address)
        damaged = int(verified.stdout.splitlines()[-1].split()[2])
        assert verified.returncode == 1 and damaged >= 2
        assert scene.until_done(*LOCAL) == [0]
        aside = [json.loads(store.read(f"{QUARANTINE}/{name}/reason.json") or b"") for name in store.list(QUARANTINE)]
        assert len(aside) == damaged and all(reason["reason"] for reason in aside)
        scene.check(oracle, lost=False)


def test_two_drivers_share_one_bucket(scene: Scene, oracle, faults) -> None:
    with faults("16 S3: two drivers on one store") as page:
        both = [scene.start(*LOCAL, faults=[SLOW]) for _ in range(2)]
        page.injected += 1
        for process in both:
            code, output = ended(process)
            assert code == 0 and f"{RUNS} of {RUNS} runs done" in output and SECRET not in output, output
        scene.check(oracle)
        trained = [event["subject"] for event in scene.events() if event["point"] == "epoch"]
        assert len(trained) == len(set(trained))  # no epoch twice
        assert len({event["pid"] for event in scene.events()}) >= 2


def test_a_sleeper_wakes_after_its_run_was_taken_over(scene: Scene, oracle, faults) -> None:
    with faults("16 S3: SIGSTOP before a commit, takeover, SIGCONT") as page:
        stop = scene.fault("epochs.begin", "stop", hit=3)
        sleeper = scene.start(*LOCAL, faults=[stop], FROSTLINE_LEASE_EXPIRY="3")
        wait_for(lambda: Path(stop["marker"]).exists(), sleeper)
        (held,) = scene.leases()
        assert scene.until_done(*LOCAL, FROSTLINE_LEASE_EXPIRY="3") == [0]
        page.injected += scene.injected()
        store = scene.opened
        before = {place: store.read(place.result) for place in records.places(store)}
        os.kill(held["pid"], signal.SIGCONT)
        code, output = ended(sleeper)
        assert code == 0, output
        assert {place: store.read(place.result) for place in records.places(store)} == before
        scene.check(oracle, lost=False)


def test_a_worker_that_hangs_is_ended_and_its_run_taken_up(scene: Scene, oracle, faults) -> None:
    with faults("16 S3: SIGSTOP of a worker on Ray") as page:
        stop = scene.fault("epoch", "stop", hit=5)
        assert scene.until_done(*RAY, faults=[stop], FROSTLINE_LEASE_EXPIRY="6") == [0]
        scene.check(oracle)
        page.injected += scene.injected()
        store = scene.opened
        failures = [key for place in records.places(store) for key in place.failures(store.list(place.folder))]
        assert len(failures) == 1
