"""The commands on one run, and on the runs of a sweep in some state: show, rerun, reset, cancel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator import cancel
from orchestrator.cli import main
from orchestrator.run_lookup import find
from orchestrator.runners.limits import usable_cores
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import make_plan
from orchestrator.store.gc import AGE_SECONDS, garbage
from orchestrator.store.ledger import Ledger
from orchestrator.store.verify import problems
from sweeps import layout
from sweeps.self_digest import seal, unsealed
from sweeps.sweep import parse

ROOT = Path(__file__).parents[2]
SWEEP = """
name: commands
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 2}
  train: {epochs: 3, batch_size: 32}
axes: {transfer.frozen: [0, 3]}
blocks:
  - base: {source: {optimizer: sgd, learning_rate: 1.0e+30}}
    axes: {seed: [7]}
"""
LONG = """
name: long
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 2}
  train: {epochs: 200, batch_size: 32}
axes: {seed: 0..3}
"""
RUN = ("--runner", "local", "--wandb", "disabled")
SLOW = '[{"point": "epoch", "do": "sleep", "hit": 0}]'
Told = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that are done, and one that a diverged source blocks."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "sweep.yaml").write_text(SWEEP)
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told) -> Path:
    """A copy of it, as the working directory."""
    if not (done / "store").exists():
        monkeypatch.chdir(done)
        assert main(["run", "sweep.yaml", *RUN]) == 1
    shutil.copytree(done, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    capsys.readouterr()
    return tmp_path / "copy"


def ids(folder: Path, kind: str, status: str) -> list[str]:
    found = [json.loads(path.read_text()) for path in (folder / "store").glob(f"{kind}s/*/*/result.json")]
    return [record["id"] for record in found if record["status"] == status]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((folder / "store").rglob("*")) if path.is_file()}


def test_rerun_gives_the_committed_curve_and_leaves_the_store_alone(folder: Path, capsys: Told) -> None:
    run, before = ids(folder, "run", "done")[0], snapshot(folder)
    assert main(["rerun", run[:6]]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"run {run} resnet8-w2_") and told.endswith("committed one, to the bit\n")
    assert snapshot(folder) == before
    assert main(["rerun", run, "--print"]) == 0
    assert capsys.readouterr().out.endswith(f" rerun {run}\n")


def test_rerun_tells_another_curve_apart(folder: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator import rerun

    run = ids(folder, "run", "done")[0]
    honest = Ledger.curve

    def wrong(*given):  # a curve that was altered
        return [row._replace(test_loss=0.0) for row in honest(*given)]

    monkeypatch.setattr(rerun.CatchingLedger, "curve", wrong)
    assert main(["rerun", run]) == 1
    assert "not the committed curve: differs from epoch 1 on" in capsys.readouterr().out


def test_rerun_of_what_fails_ends_with_its_traceback(
    folder: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ids(folder, "run", "done")[0]
    monkeypatch.setenv("FROSTLINE_FAULTS", '[{"point": "epoch", "do": "EIO", "hit": 2}]')
    opened: list[object] = []
    monkeypatch.setattr("pdb.post_mortem", opened.append)
    assert main(["rerun", run, "--debugger"]) == 1
    told = capsys.readouterr()
    assert "OSError: [Errno 5] Input/output error" in told.err and told.out.endswith(": failed\n")
    assert len(opened) == 1


def test_rerun_into_refuses_what_is_computed_already_and_the_store(folder: Path, capsys: Told) -> None:
    run = ids(folder, "run", "done")[0]
    assert main(["rerun", run, "--into", "other"]) == 0
    capsys.readouterr()
    before = snapshot(folder)
    for into, said in (
        ("other", f"has run {run} already"),
        ("store", "lies in"),
        ("store/runs", "lies in the store"),
        ("s3://bucket/x", "--into s3://bucket/x: allowed: a folder\n"),
    ):
        assert main(["rerun", run, "--into", into]) == 2
        told = capsys.readouterr()
        assert told.out == "" and said in told.err and told.err.count("\n") == 1
    assert not (folder / "s3:").exists()
    shutil.rmtree(folder / "other" / "runs")
    assert main(["rerun", run, "--into", "other"]) == 2
    assert "has source " in capsys.readouterr().err
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("zz", "RUN 'zz': allowed: an id (20 hex digits), or how one begins"),
        ("../x", "RUN '../x': allowed: an id"),
        ("", "RUN '': allowed: an id"),
        ("0" * 20, "no run or source model of"),
        ("A" * 21, "allowed: an id"),
    ],
)
def test_an_id_that_is_none_is_one_line(folder: Path, capsys: Told, given: str, said: str) -> None:
    for verb in ("show", "rerun"):
        assert main([verb, given]) == 2
        told = capsys.readouterr()
        assert told.out == "" and said in told.err and told.err.count("\n") == 1


def test_a_beginning_of_several_ids_names_them(folder: Path, capsys: Told) -> None:
    store = Ledger(folder / "store").store
    record = next(iter((folder / "store" / "sweeps" / "commands").glob("*.json"))).read_text()
    known = [*json.loads(record)["runs"], *ids(folder, "source", "done"), *ids(folder, "source", "diverged")]
    firsts = [id[0] for id in known]
    shared = next((first for first in firsts if firsts.count(first) > 1), None)
    if shared is None:  # another beginning: no id shares one, so one is put beside a run
        shared = known[0][0]
        store.replace(f"runs/{known[0][:2]}/{known[0][:19]}{'0' if known[0][19] != '0' else '1'}/x", b"")
    assert main(["show", shared]) == 2
    assert "ids begin so: " in capsys.readouterr().err


def test_show_has_spec_curve_and_files(folder: Path, capsys: Told) -> None:
    run = ids(folder, "run", "done")[0]
    assert main(["show", run[:8]]) == 0
    told = capsys.readouterr().out
    for part in ("status: done", "sweeps: commands", "  train.epochs: 3", "curve: epoch", "result.json", " rerun "):
        assert part in told
    assert main(["show", run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "done" and len(found["curve"]) == 3 and found["failures"] == 0
    assert main(["show", found["source"]]) == 0
    assert "status: done" in capsys.readouterr().out


def test_show_of_a_diverged_model_is_json(folder: Path, capsys: Told) -> None:
    (source,) = ids(folder, "source", "diverged")
    assert main(["show", source, "--json"]) == 0

    def no_json(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(capsys.readouterr().out, parse_constant=no_json)
    assert found["status"] == "diverged" and None in found["curve"][-1].values()


@pytest.mark.parametrize("what", ["result.json", "epochs-"])
@pytest.mark.parametrize("written", [b"{}", b""])
def test_show_of_a_damaged_result_shows_the_rest(folder: Path, capsys: Told, what: str, written: bytes) -> None:
    run, ledger = ids(folder, "run", "done")[0], Ledger(folder / "store")
    job = find(ledger, run).job
    ledger.fail(job, ValueError("an earlier failure"))
    (file,) = (folder / "store").glob(f"runs/*/{run}/{what}*")
    file.write_bytes(written)
    assert main(["show", run]) == 0
    told = capsys.readouterr().out
    part = "result" if what == "result.json" else "curve"
    assert len([line for line in told.splitlines() if line.startswith(f"{part}: ") and "damaged" in line]) == 1
    assert "ValueError: an earlier failure" in told and "failure-0001.json" in told and " rerun " in told
    assert main(["show", run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "damaged" in found["problem"] and found["failures"] == 1 and found["files"] and found["curve"] == []


def test_show_of_a_run_whose_lease_cannot_be_read_shows_the_rest(
    folder: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    run = ids(folder, "run", "done")[0]
    monkeypatch.setattr(Ledger, "lease", broken)
    assert main(["show", run]) == 0
    assert "status: done" in (told := capsys.readouterr().out) and "result.json" in told and "curve: epoch" in told
    assert main(["show", run, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["running"] is None


def test_show_of_a_result_of_another_version_shows_the_rest(folder: Path, capsys: Told) -> None:
    run = ids(folder, "run", "done")[0]
    (file,) = (folder / "store").glob(f"runs/*/{run}/result.json")
    record = json.loads(unsealed(file.read_bytes()))
    file.write_bytes(seal(json.dumps({**record, "schema_version": 99}).encode()))
    assert main(["show", run]) == 0
    told = capsys.readouterr().out
    assert "status: unknown\n" in told and "schema_version = 99" in told and "files:" in told


def test_show_of_a_blocked_run_says_by_what(folder: Path, capsys: Told) -> None:
    (source,) = ids(folder, "source", "diverged")
    record = next(iter((folder / "store" / "sweeps" / "commands").glob("*.json"))).read_text()
    blocked = [id for id in json.loads(record)["runs"] if id not in ids(folder, "run", "done")]
    assert main(["show", blocked[0]]) == 0
    told = capsys.readouterr().out
    assert (
        "status: blocked: source resnet8-w2_glyphs-A-D-40_seed7" in told
        and "1e30 diverged\n" in told
        and source in told
    )
    assert main(["rerun", blocked[0]]) == 2
    assert f"source model {source} has diverged" in capsys.readouterr().err


def test_reset_lets_what_diverged_begin_anew_and_removes_nothing(folder: Path, capsys: Told) -> None:
    (source,) = ids(folder, "source", "diverged")
    assert main(["reset", "sweep.yaml"]) == 0
    assert capsys.readouterr().out.startswith("nothing reset")
    assert main(["reset", "sweep.yaml", "--state", "diverged"]) == 0
    assert capsys.readouterr().out.startswith("1 source model reset")
    assert ids(folder, "source", "diverged") == []
    kept = folder / "store" / "quarantine" / f"source-{source}-1"
    assert (kept / "result.json").is_file() and json.loads((kept / "reason.json").read_text())["reason"] == "reset"
    assert main(["status", "sweep.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"]["missing"] == 1 and found["sources_to_train"] == 1 and found["blocked_by"] == []
    assert main(["run", "sweep.yaml", *RUN]) == 1  # it diverges again
    assert ids(folder, "source", "diverged") == [source]
    assert [problem for _, problem in problems(Ledger(folder / "store").store) if problem] == []


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    (folder / "long.yaml").write_text(LONG)
    return subprocess.Popen(
        [sys.executable, "-m", "frostline", "run", "long.yaml", "--wandb", "disabled", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FROSTLINE_FAULTS": SLOW},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("runner", ["local", "ray"])
def test_cancel_ends_a_launch_with_its_epochs_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told, runner: str
) -> None:
    monkeypatch.chdir(tmp_path)
    process = started(tmp_path, "--runner", runner)
    running: list[dict[str, object]] = []
    until = time.monotonic() + 100
    while not any(int(f"{each['progress']}") >= 4 for each in running):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.5)
        if (tmp_path / "store" / "FORMAT").exists():
            assert main(["status", "long.yaml", "--json"]) == 0
            running = json.loads(capsys.readouterr().out)["running"]
    assert main(["status", "long.yaml"]) == 0
    told = capsys.readouterr().out
    assert f" of 200, on {running[0]['host']}, process {running[0]['pid']}" in told
    assert main(["cancel", "long.yaml"]) == 0
    assert capsys.readouterr().out == "long: 1 launch asked to end: what runs saves its epoch and ends\n"
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "cancelled: the same command goes on from the last saved epochs" in output and "Traceback" not in output
    assert list((tmp_path / "store").glob("runs/*/*/checkpoint-*"))
    assert not list((tmp_path / "store").glob("runs/*/*/lease-*")) and not list((tmp_path / "store").glob("stops/*"))
    assert main(["cancel", "long.yaml"]) == 0
    assert capsys.readouterr().out == "long: nothing of it runs now\n"


def test_cancel_finds_a_launch_whose_ray_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told) -> None:
    monkeypatch.chdir(tmp_path)
    process = started(tmp_path, "--runner", "ray")
    until = time.monotonic() + 60
    while not list(tmp_path.glob("store/drivers/*.json")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    assert not list(tmp_path.glob("store/runs/*/*/lease-*"))
    assert main(["cancel", "long.yaml"]) == 0
    assert capsys.readouterr().out == "long: 1 launch asked to end: what runs saves its epoch and ends\n"
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130 and "cancelled: the same command goes on" in output, output
    assert not list(tmp_path.glob("store/drivers/*")) and not list(tmp_path.glob("store/stops/*"))


def test_the_key_of_a_launch_is_there_while_it_is_and_tells_nothing_once_it_is_dead(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.open()
    plan = make_plan(parse(LONG), ledger)
    agenda = Agenda(plan, dict.fromkeys(plan.runs, 1.0))
    key = ledger.root / layout.driver("ours")
    with cancel.watching(ledger, agenda, "ours", "long"), cancel.watching(ledger, agenda, "theirs", "another"):
        assert cancel.launches_of(plan, ledger) == ["ours"]
        alive = json.loads(key.read_text())
        written = key.stat().st_mtime_ns
        until = time.monotonic() + 20
        while key.stat().st_mtime_ns == written:
            assert time.monotonic() < until, "it is not written anew"
            time.sleep(0.1)
    assert not key.exists() and cancel.launches_of(plan, ledger) == []
    elsewhere = {**alive, "host": "node7", "boot": "another"}
    dead = {"gone": {**alive, "pid_start": "1"}, "old": elsewhere, "new": elsewhere}
    for launch, told in dead.items():
        ledger.store.create(layout.driver(launch), json.dumps(told).encode())
    ledger.store.create(layout.driver("damaged"), b"[")
    assert cancel.launches_of(plan, ledger) == ["new", "old"]  # nobody can know yet
    minutes_ago = time.time() - 2 * ledger.settings.lease_expiry
    os.utime(ledger.root / layout.driver("old"), (minutes_ago, minutes_ago))
    assert cancel.launches_of(plan, ledger) == ["new"]
    assert garbage(ledger.store) == []
    hours_ago = time.time() - 2 * AGE_SECONDS
    os.utime(ledger.root / layout.driver("old"), (hours_ago, hours_ago))
    assert [item.key for item in garbage(ledger.store)] == [layout.driver("old")]


@pytest.mark.parametrize(
    "arguments", [("--runner", "local"), ("--threads-per-run", str(usable_cores()))], ids=["local", "ray"]
)
def test_cancel_of_what_waits_lets_the_running_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told, arguments: tuple[str, ...]
) -> None:
    """On Ray too, where one worker has all cores, and Tune was given the next runs already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "LONG", LONG.replace("epochs: 200", "epochs: 20"))
    process = started(tmp_path, *arguments)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("store/runs/*/*/lease-*")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.2)
    assert main(["cancel", "long.yaml", "--state", "waiting"]) == 0
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "1 of 4 runs done" in output, output


def test_the_time_left_counts_what_running_runs_have_done(tmp_path: Path) -> None:
    from orchestrator.schedule.forecast import forecast

    ledger = Ledger(tmp_path)
    ledger.open()
    plan = make_plan(parse(LONG), ledger)
    whole = forecast(plan, 1)
    lease = ledger.claim(next(iter(plan.runs.values())), "launch")
    lease.progress = 150
    lease.beat()
    plan.read_statuses(ledger)
    left = forecast(plan, 1)
    lease.release()
    assert left.costs.total.seconds == pytest.approx(whole.costs.total.seconds * 3.25 / 4)
    assert left.wall_seconds == pytest.approx(whole.wall_seconds * 3.25 / 4)
