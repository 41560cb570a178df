"""W&B broken in every way while a real sweep runs: the tables are the same, publishing later completes, nothing twice.

And the canary: a key in the environment appears in no file, no output and no process's arguments.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.scene import ROOT, RUNS, SOURCES, Scene, ended, wait_for
from tests.wandb_server import wandb_server

CANARY = "canary1" * 6
SLOW = {"point": "epoch", "do": "sleep", "hit": 0}


def account(scene: Scene, url: str) -> dict[str, Any]:
    home = scene.folder / "home"
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "WANDB_CONFIG_DIR": str(home), "WANDB_API_KEY": CANARY, "WANDB_BASE_URL": url}


def publish(scene: Scene, url: str) -> str:
    told = subprocess.run(
        [sys.executable, "-m", "frostline", "publish", str(scene.sweep), "--store", str(scene.store)],
        cwd=ROOT, env={**os.environ, **account(scene, url)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def holding(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


@pytest.mark.long
def test_the_server_is_away_or_refuses(tmp_path: Path, oracle, faults) -> None:
    """Three sweeps at once, since most of it is waiting: nobody answers, 429, 500."""
    with contextlib.ExitStack() as servers, faults("11 W&B unreachable, 429, 500") as page:
        sweeps = []
        for status in (None, 429, 500):
            scene, server = Scene(tmp_path / str(status)), servers.enter_context(wandb_server())
            server.refuse = status
            url = "http://127.0.0.1:1" if status is None else server.url
            process = scene.start("--runner", "local", "--wandb", "online", **account(scene, url))
            sweeps.append((scene, server, process))
        for scene, server, process in sweeps:
            code, output = ended(process)
            assert code == 0, output
            page.injected += 1
            scene.check(oracle)
            server.refuse = None
            assert "published" in publish(scene, server.url)
            assert publish(scene, server.url).startswith(f"0 published, {RUNS + SOURCES} there already")
            shown = {id: rows for id, rows in server.rows.items() if not id.startswith("sweep-")}
            assert len(shown) <= RUNS + SOURCES and all(len(rows) <= 8 for rows in shown.values())


@pytest.mark.long
def test_its_core_is_killed_and_no_key_is_anywhere(scene: Scene, oracle, faults) -> None:
    """On Ray, offline. While it runs, no process but through its environment knows the key."""
    with faults("11 wandb-core killed in mid-run") as page:
        process = scene.start("--workers", "2", faults=[SLOW], **account(scene, "http://127.0.0.1:1"))
        for _ in range(2):
            core = wait_for(lambda: cores(process.pid), process)[0]
            seen = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
            assert not [text for text in seen if CANARY.encode() in text]
            os.kill(core, signal.SIGKILL)
            page.injected += 1
        code, output = ended(process)
        assert code == 0 and CANARY not in output, output
        scene.check(oracle)
        assert holding(scene.folder) == []
        sessions = sorted(Path("/tmp/ray").glob("session_2*"), key=lambda path: path.stat().st_mtime)
        assert holding(sessions[-1] / "logs") == []


@pytest.mark.long
def test_its_folder_cannot_be_written(scene: Scene, oracle, faults) -> None:
    with faults("11 W&B's folder in the way") as page:
        scene.store.mkdir(mode=0o700)
        (scene.store / "wandb").write_text("a file in the way")
        page.injected += 1
        code, output = scene.run("--runner", "local", **account(scene, "http://127.0.0.1:1"))
        assert code == 0, output
        scene.check(oracle)


def cores(driver: int) -> list[int]:
    """wandb-core processes of this command's session."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (process / "stat").read_text().rpartition(")")
            ours = f"{CANARY}".encode() in (process / "environ").read_bytes()
        except OSError:
            continue
        if "wandb-core" in name and ours and rest.split()[0] != "Z":
            found.append(int(process.name))
    return found
