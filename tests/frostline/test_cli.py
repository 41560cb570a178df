"""The command `frostline`: both command lines, help, version, completion, doctor. As `python -m frostline`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from analysis.cli import app as analysis
from frostline import doctor
from frostline.cli import ANALYSIS, FROM_ORCHESTRATOR, OF_BOTH, RUNNING, main
from frostline.cli import STORE as STORE_COMMANDS
from frostline.doctor import examine
from frostline.window.cli import app as window
from orchestrator.cli import app as orchestrator
from orchestrator.runners import limits

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SWEEP, STORE = str(GOLDEN / "sweep.yaml"), str(GOLDEN / "store")


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "frostline", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_command_of_both_halves_is_there_and_no_other() -> None:
    halves = {"orchestrator": orchestrator, "analysis": analysis}
    have = {name: set(typer.main.get_group(app).commands) for name, app in halves.items()}
    of_both = typer.main.get_group(window).commands
    assert have == {"orchestrator": set(FROM_ORCHESTRATOR) - {"publish"}, "analysis": set(ANALYSIS)}
    assert set(of_both) == set(OF_BOTH) <= {*FROM_ORCHESTRATOR, *ANALYSIS}
    commands = {**typer.main.get_group(analysis).commands, **typer.main.get_group(orchestrator).commands, **of_both}
    for name, command in commands.items():
        assert (command.epilog or "").startswith(f"Example: frostline {name} "), name


def test_help_fits_80_columns_and_names_every_command() -> None:
    told = process("--help")
    assert (told.returncode, told.stderr) == (0, "")
    listed = [line.split()[0] for line in told.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()]
    of_both = ["doctor", "catalog", "compare", "data", "rank", "transferability", "simulate", "advise", "theory"]
    assert listed == [*RUNNING, *ANALYSIS, *STORE_COMMANDS, *of_both]
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert "..." not in told.stdout.partition("Commands:")[2]  # nothing is cut off
    assert process().stdout == told.stdout


@pytest.mark.parametrize("command", ["plan", "detect", "doctor"])
def test_help_of_a_command_is_the_commands_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"Example: frostline {command} " in told and "--json" in told


def test_version() -> None:
    told = process("--version")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.split()[0] == "frostline" and len(told.stdout.split()) >= 2


def test_completion_lists_commands_and_the_options_of_each() -> None:
    # The shell is the one that the command was typed into: it is looked for among the processes above.
    typed = ["bash", "-c", '"$0" -W error -m frostline --show-completion; exit $?', sys.executable]
    script = subprocess.run(typed, capture_output=True, text=True)
    assert "complete -o default -F _frostline_completion frostline" in script.stdout
    asked = {"_FROSTLINE_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    found = process(**asked, COMP_WORDS="frostline pl")
    assert found.stdout.split() == ["plan"]
    options = process(**{**asked, "COMP_CWORD": "2"}, COMP_WORDS="frostline plan --wor")
    assert options.stdout.split() == ["--workers"]


def test_each_half_is_loaded_for_its_own_commands_alone() -> None:
    code = (
        "import sys; from frostline.cli import main; code = main(sys.argv[2:]); "
        "sys.exit(code or sorted(set(sys.argv[1].split(',')) & set(sys.modules)) or 0)"
    )
    for arguments, heavy in (
        (["plan", SWEEP, "--store", STORE], "torch,pandas,wandb,ray,analysis.cli,matplotlib"),
        (["claims", SWEEP, "--store", STORE], "torch,wandb,ray,orchestrator,matplotlib"),
        (["advise", SWEEP, "--store", STORE], "torch,wandb,ray,orchestrator,matplotlib"),
        (["detect", "--help"], "torch,wandb,ray,orchestrator,matplotlib"),
        (["--help"], "torch,pandas,numpy,orchestrator,analysis"),
    ):
        line = [sys.executable, "-c", code, heavy, *arguments]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (0, ""), arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detekt"], "No such command 'detekt'. Did you mean 'detect'?"),
        (["plan"], "Missing argument 'sweep'"),
        (["plan", SWEEP, "--stroe", "x"], "No such option: --stroe"),
        (["plan", "quickstrat"], "did you mean 'quickstart'?"),
        (["claims", "quickstart", "--store", "{tmp}"], "has no plan of this version"),
        (["claims", SWEEP, "--store", STORE, "--related", "fish"], "no run has the source task 'fish'"),
        (["doctor", "--store", "{tmp}/a/file", "--store"], "requires an argument"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("error: ") and message in told.err


def test_all_three_ways_print_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    from analysis.cli import main as analysis_main
    from orchestrator.cli import main as orchestrator_main

    for half, arguments in (
        (orchestrator_main, ["plan", SWEEP, "--store", STORE, "--json"]),
        (analysis_main, ["claims", SWEEP, "--store", STORE]),
    ):
        assert main(arguments) == 0
        joined = capsys.readouterr().out
        assert half(arguments) == 0
        assert capsys.readouterr().out == joined != ""


def test_ctrl_c_and_a_closed_pipe_have_exit_codes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(store: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupted)
    assert main(["doctor"]) == 130
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "frostline", "claims", SWEEP, "--store", STORE]
    done = subprocess.run(line, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    os.close(writer)
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_doctor_reports_this_machine_and_writes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "new" / "store"
    told = process("doctor", "--store", str(store), "--json", HOME=str(tmp_path), WANDB_API_KEY="a-secret-value")
    assert (told.returncode, told.stderr) == (0, "")
    found = json.loads(told.stdout)
    assert found["healthy"] and found["faults"] == []
    assert found["packages"]["torch"] and found["frostline"]["python"] == sys.version.split()[0]
    assert found["cores"]["usable"] == limits.usable_cores() and found["devices"][0] == "cpu"
    assert 0 < found["memory"]["bytes"] <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found["data"]["digits"] == {"found": True}
    assert not found["data"]["cifar10"]["found"] and "frostline data cifar10" in found["data"]["cifar10"]["how"]
    assert found["wandb_key"] == {"found": True, "where": "WANDB_API_KEY"}
    assert "a-secret-value" not in told.stdout
    assert not store.parent.exists() and [path.name for path in tmp_path.iterdir()] in ([], [".cache"])


def test_doctor_says_what_stands_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "store"
    file.write_text("not a folder")
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    found = examine(file)
    assert not found.healthy
    text = found.as_text().splitlines()
    assert text[-2:] == [
        "fault: the package no-such-package: install what requirements.lock names (make setup)",
        f"fault: --store {file}: Not a directory; it must be a folder that can be read and written",
    ]
    assert len(json.loads(found.as_json())["faults"]) == 2
    assert main(["doctor", "--store", str(file)]) == 1
