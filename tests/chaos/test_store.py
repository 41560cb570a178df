"""What lies in the store or comes from outside is not what it should be."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.chaos.scene import LOCAL, ROOT, SWEEP, Scene, flip

OLD = ROOT / "tests" / "golden" / "store-1"


def test_committed_files_are_altered(scene: Scene, finished: Scene, oracle, faults, rng: random.Random) -> None:
    """Results, curves and source models: found, put in quarantine, computed again."""
    with faults("7 committed result, curve or source model altered") as page:
        shutil.copytree(finished.store, scene.store)
        for pattern in (
            "runs/*/*/result.json",
            "runs/*/*/epochs-*",
            "sources/*/*/weights-*",
            "sources/*/*/result.json",
        ):
            flip(rng.choice(sorted(scene.store.glob(pattern))), rng)
            page.injected += 1
        verified = command("orchestrator", "verify", str(scene.store))
        damaged = int(verified.stdout.splitlines()[-1].split()[2])
        assert verified.returncode == 1 and damaged >= 2
        assert scene.until_done(*LOCAL) == [0]
        aside = [json.loads(path.read_text()) for path in scene.store.glob("quarantine/*/reason.json")]
        assert len(aside) == damaged and all(reason["reason"] for reason in aside)
        scene.check(oracle, lost=False)


@pytest.mark.long
def test_a_source_is_altered_while_its_runs_wait(scene: Scene, oracle, faults, rng: random.Random) -> None:
    with faults("7 source model altered in mid-sweep") as page:
        scene.run(*LOCAL, faults=[scene.fault("lease.begin", "kill", subject="/runs/", hit=1)])
        for path in sorted(scene.store.glob("sources/*/*/weights-*"))[:3]:
            flip(path, rng)
            page.injected += 1
        assert scene.until_done(*LOCAL) == [0]
        scene.check(oracle, lost=False)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", *arguments]
    return subprocess.run(
        line, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def link(name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info, b""


ARCHIVES = {
    "truncated": archive((tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin"), b"x" * 5000))[:-100],
    "checksum": archive((tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin"), b"x" * 5000)),
    "outside": archive((tarfile.TarInfo("../../outside"), b"x")),
    "link": archive(link("cifar-10-batches-bin", "../outside"), (tarfile.TarInfo("cifar-10-batches-bin/a"), b"x")),
}


@pytest.mark.long
def test_archives_that_are_not_the_published_one(scene: Scene, faults) -> None:
    """In the commands as users give them; past the checksum, the reader's own refusals are in tests/tasks."""
    with faults("8 archive truncated, altered, with members outside") as page:
        text = (
            SWEEP.split("axes:")[0]
            .replace("task: digits", "task: cifar10")
            .replace("depth: 8, width: 4", "depth: 8, width: 4, image_size: 32, channels: 3")
        )
        scene.sweep.write_text(text.replace('"glyphs[A-D]", size: 40, epochs: 3', '"glyphs[A-D]", size: 40, epochs: 0'))
        data = scene.folder / "data"
        data.mkdir()
        for content in ARCHIVES.values():
            (data / "cifar-10-binary.tar.gz").write_bytes(content)
            before = sorted(scene.folder.parent.rglob("outside"))
            told = command("frostline", "data", "cifar10", FROSTLINE_DATA=str(data))
            assert told.returncode == 2 and "Traceback" not in told.stderr, told.stderr
            assert "cifar-10-binary.tar.gz" in told.stderr and len(told.stderr.splitlines()) == 1, told.stderr
            code, output = scene.run(*LOCAL, FROSTLINE_DATA=str(data))
            assert code == 2 and output.splitlines()[-1].endswith("make them: frostline data cifar10"), output
            assert sorted(scene.folder.parent.rglob("outside")) == before == []
            assert sorted(path.name for path in data.iterdir()) == ["cifar-10-binary.tar.gz"]
            page.injected += 1


def test_a_loss_that_is_no_number(scene: Scene, finished: Scene, oracle, faults) -> None:
    """The sweep has a run that diverges: final, in the tables, tried once, not again."""
    with faults("9 loss that is no number") as page:
        page.injected += 1
        (record,) = [
            result
            for path in finished.store.glob("runs/*/*/result.json")
            if (result := json.loads(path.read_text()))["status"] == "diverged"
        ]
        assert record["attempts"] == 1 and record["epochs"] < 8
        assert sum("diverged" in row for row in oracle[1].splitlines()) == 1
        shutil.copytree(finished.store, scene.store)
        code, output = scene.run(*LOCAL)
        assert code == 0 and "nothing to do" in output
        out = scene.folder / "report.html"
        shown = command("analysis", "report", str(scene.sweep), "--store", str(scene.store), "--out", str(out))
        assert shown.returncode == 0, shown.stderr
        assert "diverged" in out.read_text()


def test_a_store_of_the_version_before(tmp_path: Path, faults) -> None:
    with faults("15 store of the previous format") as page:
        store, sweep = str(tmp_path / "store"), str(OLD / "sweep.yaml")
        shutil.copytree(OLD, store)
        page.injected += 1
        refused = command("orchestrator", "run", sweep, "--store", store, *LOCAL)
        assert refused.returncode == 2 and f"frostline upgrade {store}" in refused.stderr
        assert command("orchestrator", "upgrade", store).returncode == 0
        assert "nothing to do" in command("orchestrator", "run", sweep, "--store", store, *LOCAL).stdout
