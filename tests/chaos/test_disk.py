"""The disk: full, read-only, failing; what lies on it altered."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scene import LOCAL, ROOT, Scene, ended, flip, wait_for

CHECKPOINTS = "*/*/*/checkpoint-*"


@pytest.mark.parametrize("error", ["ENOSPC", pytest.param("EIO", marks=pytest.mark.long)])
def test_the_nth_write_fails(scene: Scene, oracle, faults, rng: random.Random, error: str) -> None:
    """By a fault in store/durable.py: of a checkpoint, of each file of a commit, of a lease, of a failure."""
    with faults(f"5 {error} at the n-th write") as page:
        points = ("checkpoint.half", "epochs.begin", "result.written", "weights.half", "lease.half", "lease.written")
        some = [scene.fault(point, error, hit=rng.randint(1, 4)) for point in points]
        scene.until_done(*LOCAL, faults=some)
        scene.check(oracle)
        page.injected += scene.injected()
        assert page.injected == len(points)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB, which the sweep does not fit into at first."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    "free", [40, pytest.param(150, marks=pytest.mark.long), pytest.param(300, marks=pytest.mark.long)]
)
def test_a_full_disk(small_disk: Path, tmp_path: Path, oracle, faults, free: int) -> None:
    """A real file system with `free` KB left: the command ends with an error, never a traceback, and goes on later."""
    with faults("5 disk full (a real file system)") as page:
        scene = Scene(tmp_path / "scene", store_folder=small_disk / "store")
        (small_disk / "ballast").write_bytes(b"x" * (400 - free) * 1024)
        code, output = scene.run(*LOCAL)
        assert code == 1 or (code == 2 and output.count("\n") <= 5), output
        assert "Traceback" not in output and "No space left" in output, output
        page.injected += 1
        (small_disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        scene.until_done(*LOCAL)
        scene.check(oracle)


@pytest.mark.long
def test_a_store_that_becomes_read_only(small_disk: Path, tmp_path: Path, oracle, faults) -> None:
    with faults("5 read-only store") as page:
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        scene = Scene(tmp_path / "scene", store_folder=small_disk / "store")
        # The lease of the run that goes on cannot be given back: it has to expire.
        slow = {"point": "epoch", "do": "sleep", "hit": 0}
        process = scene.start(*LOCAL, faults=[slow], FROSTLINE_LEASE_EXPIRY="5")
        wait_for(lambda: list(scene.store.glob("runs/*/*/checkpoint-*")), process)
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        page.injected += 1
        code, output = ended(process)
        assert code == 1 and "Traceback" not in output, output
        code, output = scene.run(*LOCAL)
        page.injected += 1
        assert code == 2 and "Read-only file system" in output and output.count("\n") == 1, output
        for command in ("plan", "status"):
            told = subprocess.run(
                [sys.executable, "-m", "orchestrator", command, str(scene.sweep), "--store", str(scene.store)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert told.returncode == 0, told.stderr
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        scene.until_done(*LOCAL)
        scene.check(oracle)


def cut(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(1, path.stat().st_size)])


def empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damages",
    [
        (flip, None),
        *(
            pytest.param(pair, marks=pytest.mark.long)
            for pair in [(cut, None), (empty, None), (flip, flip), (empty, cut)]
        ),
    ],
)
def test_checkpoints_are_damaged(scene: Scene, oracle, faults, rng: random.Random, damages) -> None:
    """With one whole checkpoint left the run goes on from it; with none it starts anew, and its record says so."""
    with faults("6 checkpoint truncated, bit-flipped or empty") as page:
        stopped = scene.fault("epoch", "kill", hit=9 + rng.randint(0, 3) * 8)
        slow = {"point": "checkpoint.done", "do": "sleep", "hit": 0}
        code, _ = scene.run(*LOCAL, faults=[stopped, slow])
        assert code == -signal.SIGKILL
        newest = sorted(scene.store.glob(CHECKPOINTS), reverse=True)
        assert newest
        place, epochs = newest[0].parent, [int(path.name.split("-")[1]) for path in newest]
        for path, damage in zip(newest, damages, strict=False):
            if damage is not None:
                damage(path, rng)
                page.injected += 1
        before = len(scene.events())
        scene.until_done(*LOCAL)
        scene.check(oracle, lost=False)
        first = next(
            int(event["subject"].split()[2])
            for event in scene.events()[before:]
            if place.name in event["subject"] and event["point"] == "epoch"
        )
        whole = [epoch for epoch, damage in zip(epochs, (*damages, None), strict=False) if damage is None]
        assert first == (max(whole) if whole else 0) + 1
        assert sum("is damaged" in note for note in notes(place)) == page.injected


def notes(place: Path) -> list[str]:
    return json.loads((place / "result.json").read_text())["notes"]
