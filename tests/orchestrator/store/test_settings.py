"""Settings from the environment: read when asked for, refused in one line, handed on as they are."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.store.faults import Fault, Faults
from orchestrator.store.settings import DEFAULT, Settings, from_environment
from sweeps.errors import SpecError

ROOT = Path(__file__).parents[3]


def test_without_an_environment_they_are_the_defaults() -> None:
    for environment in ({}, {"FROSTLINE_LEASE_EXPIRY": "", "FROSTLINE_FAULTS": ""}):
        told = from_environment(environment)
        assert (told.lease_expiry, told.checkpoint_share) == (60.0, 0.01)


def test_each_variable_sets_its_own() -> None:
    told = from_environment({"FROSTLINE_LEASE_EXPIRY": "5", "FROSTLINE_CHECKPOINT_SHARE": "inf"})
    assert told.lease_expiry == 5 and told.checkpoint_share == float("inf")
    faults = from_environment({"FROSTLINE_FAULTS": '[{"point": "epoch", "do": "ENOSPC"}]'}).faults
    with pytest.raises(OSError, match="No space"):
        faults.point("epoch", "run ab12 1")
    faults.point("epoch", "run ab12 2")  # once
    DEFAULT.faults.point("epoch")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FROSTLINE_LEASE_EXPIRY", "soon"),
        ("FROSTLINE_LEASE_EXPIRY", "-1"),
        ("FROSTLINE_LEASE_EXPIRY", "0"),
        ("FROSTLINE_LEASE_EXPIRY", "inf"),
        ("FROSTLINE_CHECKPOINT_SHARE", "nan"),
        ("FROSTLINE_FAULTS", "{"),
        ("FROSTLINE_FAULTS", '[{"at": "epoch"}]'),
    ],
)
def test_what_is_none_is_refused_in_one_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=name):
        from_environment({name: value})
    monkeypatch.setenv(name, value)
    assert main(["verify", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and name in told and "allowed" in told
    assert ("a finite number of at least 0.1" in told) == (name == "FROSTLINE_LEASE_EXPIRY")


def test_nothing_reads_the_environment_when_it_is_imported() -> None:
    """A variable that would be refused is not looked at."""
    code = "import orchestrator.store.ledger, orchestrator.store.lease, orchestrator.train.methods.checkpoint"
    environment = {
        **os.environ,
        "FROSTLINE_LEASE_EXPIRY": "soon",
        "FROSTLINE_FAULTS": "{",
        "FROSTLINE_CHECKPOINT_SHARE": "x",
    }
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert ended.returncode == 0


def test_a_worker_counts_its_own_visits() -> None:
    """Settings travel to workers; a fault at the second visit happens at a worker's second, not the driver's."""
    settings = Settings(faults=Faults([Fault("epoch", "EIO", hit=2)]))
    settings.faults.point("epoch")
    workers: Settings = pickle.loads(pickle.dumps(settings))
    workers.faults.point("epoch")
    with pytest.raises(OSError, match="Input/output"):
        workers.faults.point("epoch")
