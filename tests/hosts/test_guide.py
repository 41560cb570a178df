"""The commands of docs/cluster.md and docs/hosts.md, given on hosts as they stand there.

Filled in are what a user fills in: address of the head, sweep, store, file of hosts. Commands that need what is not
here are in `ELSEWHERE` with the reason.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.verify import problems
from tests.hosts.guide import ALL, ELSEWHERE, HEAD, ORDER, OUTSIDE, WHERE, commands, starts
from tests.hosts.launches import Launches
from tests.hosts.machines import BIN, PORT, ROOT, Host, Switch

TRAINS = """
name: guide
about: A source model and two runs that start from it.
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 1, batch_size: 16}
axes: {transfer.frozen: [0, 4]}
"""
SOLVES = """
name: guide
about: Runs that need no GPU, whatever share of one a launch asks for.
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {method: lva_ridge, loss: squared}
  transfer: {frozen: 7}
axes: {seed: 0..1}
"""
RUNS = 2
PAGES = sorted({page for page, _ in ORDER})


def test_every_command_of_the_pages_is_given_somewhere_or_has_a_reason() -> None:
    found = {(page, section): given for page in PAGES for section, given in commands(page).items()}
    assert sorted(found) == sorted(ORDER)
    rows = [(command, starts(command)) for given in found.values() for command in given]
    assert [command for command, begun in rows if len(begun) != 1] == []
    assert {begun for _, (begun,) in rows} == {*WHERE, *ELSEWHERE}, "a row that no page uses"


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("make sweep A=1   # as before", ["make sweep A=1"]),
        ("ray start --head # and `ray start --address=HEAD:6379` on `others`", None),
        ("# only a remark\n\nfrostline run #1", ["frostline run #1"]),
    ],
)
def test_commands_are_told_from_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, given: list[str] | None
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(f"# Page\n\n```\n{text}\n```\n")
    monkeypatch.setattr("tests.hosts.guide.ROOT", tmp_path)
    assert commands("page.md") == {"": given or ["ray start --head", "ray start --address=HEAD:6379"]}


@pytest.fixture
def bare(switch: Switch, tmp_path: Path) -> Iterator[list[Host]]:
    """Two hosts on which nothing runs, and which have no token."""
    made = [
        Host(switch, number, tmp_path, name, PYTHONPATH=str(ROOT), RAY_prestart_worker_first_driver="0")
        for number, name in ((11, "first"), (12, "second"))
    ]
    try:
        for host in made:
            host.boot()
        yield made
    finally:
        for host in made:
            host.kill()


def test_the_commands_do_what_the_pages_say(bare: list[Host], tmp_path: Path) -> None:
    shells = Shells(bare, tmp_path)
    try:
        for page, section in ORDER:
            given = [command for command in commands(page)[section] if starts(command)[0] in WHERE]
            if not given:
                continue
            shells.begin(f"{page}-{section}", given)
            for command in given:
                shells.give(command)
            shells.check()
    finally:
        shutil.rmtree(ROOT / "results" / "guide", ignore_errors=True)  # of `make sweep`


class Shells:
    """Shells on the hosts, and on a machine that reaches them by ssh, into which one block after the other is typed."""

    def __init__(self, hosts: list[Host], folder: Path) -> None:
        self.head, *self.others = hosts
        self.hosts = hosts
        self.folder = folder
        self.exported: dict[str, str] = {}

    def begin(self, name: str, block: list[str]) -> None:
        """A block with a store of its own; of solves where it asks for a GPU, which no host has."""
        self.launches = Launches(self.folder / name.replace(" ", "-"))
        solves = any("gpu" in command.lower() for command in block)
        self.launches.file.write_text(SOLVES if solves else TRAINS)
        self.done = False
        if any(WHERE[starts(command)[0]] == OUTSIDE or "ray start --head" in command for command in block):
            self.exported.clear()
            for host in self.hosts:
                host.run("ray", "stop")

    def give(self, command: str) -> None:
        where = WHERE[starts(command)[0]]
        if where == OUTSIDE:
            self._outside(command)
        elif command.startswith("export "):
            assert where == ALL
            name, _, value = command.removeprefix("export ").partition("=")
            self.exported[name] = value
        else:
            for host in [self.head] if where == HEAD else self.others:
                self._on(host, command)

    def _on(self, host: Host, command: str) -> None:
        output = host.run("sh", "-c", self._filled(command), **self.exported)
        if command.startswith(("make sweep", "frostline run")):
            told = f"nothing to do, all {RUNS} runs are in" if self.done else f"{RUNS} of {RUNS} runs done in"
            assert f"{told} {self.launches.address}\n" in output, output
            self.done = True
        for name in re.findall(r"--out (\S+)", command):
            assert (self.launches.shared / name).exists(), output
        if "get-auth-token" in command:  # "copy ~/.ray/auth_token (mode 600) to every node"
            token = Path("home/.ray/auth_token")
            assert (host.folder / token).stat().st_mode & 0o777 == 0o600
            for other in self.others:
                shutil.copy2(host.folder / token, other.folder / token)

    def _filled(self, command: str) -> str:
        """A command with what a user fills in. Of `make`, what is set up already is this environment."""
        for word, value in {
            "HEAD:": f"{self.head.address}:",
            "my.yaml": str(self.launches.file),
            "/shared/store": self.launches.address,
            "--out ": f"--out {self.launches.shared}/",
            "make ": f"make ENV={sys.prefix} --assume-old={sys.prefix}/.ready ",
        }.items():
            command = command.replace(word, value)
        return command

    def _outside(self, command: str) -> None:
        """The script as it is, with an ssh that enters a host."""
        outside = self.folder / "outside"
        if not outside.exists():
            outside.mkdir()
            (outside / "hosts.txt").write_text("".join(f"{host.address}\n" for host in self.hosts))
            (outside / "ssh").write_text(SSH.format(cases="\n".join(map(_case, self.hosts))))
            (outside / "ssh").chmod(0o755)
        told = subprocess.run(
            ["bash", "-c", command.replace("hosts.txt", f"{outside}/hosts.txt")],
            cwd=ROOT,
            env={"PATH": f"{outside}:{BIN}:{os.environ['PATH']}", "HOME": str(outside)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
        if " up " in command:
            assert f"--address {self.head.address}:{PORT}\n" in told.stdout, told.stdout

    def check(self) -> None:
        """The block's sweep is done, on these hosts."""
        assert self.done and all(problem is None for _, problem in problems(self.launches.store))
        assert self.launches.hosts_of_results() <= {host.name for host in self.hosts}


SSH = """#!/bin/sh
# ssh -o BatchMode=yes HOST COMMAND
case "$3" in
{cases}
esac
exit 255
"""


def _case(host: Host) -> str:
    variables = [f"{name}={value}" for name, value in host.environment().items()]
    return f'{host.address}) exec {shlex.join([*host.inside(), "env", "-i", *variables, "sh", "-c"])} "$4" ;;'
