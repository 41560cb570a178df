"""Each file of deploy/ against the schema of what reads it, and what each says of Frostline."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from frostline.cli import main
from orchestrator.runners.ray_start import STOP_AFTER
from orchestrator.runners.resources import TRAVELS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.34"
SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), *DEPLOY.rglob("*.sbatch")])
CLOUD = sorted(DEPLOY.glob("cloud/*.yaml"))
MANIFESTS = sorted(DEPLOY.glob("kubernetes/*.yaml"))


def name_of(path: Path) -> str:
    return path.name


def test_every_file_is_checked_by_something() -> None:
    found = {path for path in DEPLOY.rglob("*") if path.is_file()}
    assert found == {*SCRIPTS, *CLOUD, *MANIFESTS} and len(found) >= 5


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_scripts_are_read_by_bash_and_by_shellcheck_where_it_is(script: Path) -> None:
    checkers = [["bash", "-n"]]
    if shutil.which("shellcheck"):
        checkers.append(["shellcheck", "--shell=bash"])
    for checker in checkers:
        done = subprocess.run([*checker, script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def validated(config: dict[str, Any]) -> dict[str, Any]:
    """As `ray up` does: defaults filled in, then Ray's own schema."""
    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


@pytest.mark.parametrize("path", CLOUD, ids=name_of)
def test_ray_up_takes_the_cluster(path: Path) -> None:
    config = yaml.safe_load(path.read_text())
    prepared = validated(config)
    types = prepared["available_node_types"]
    assert types[prepared["head_node_type"]]["resources"]["CPU"] == 0
    assert any(each["max_workers"] > 0 for each in types.values())
    starts = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if "ray start" in command)
    assert "~/.ray/auth_token" in config["file_mounts"]


@pytest.mark.parametrize("path", CLOUD, ids=name_of)
def test_ray_up_sends_every_package(path: Path) -> None:
    """A pattern without a slash in front leaves out what has its name at any depth: rsync(1), filter rules."""
    folders = {folder.name for name in TRAVELS for folder in (ROOT / name).rglob("*") if folder.is_dir()}
    excluded = set(yaml.safe_load(path.read_text())["rsync_exclude"])
    assert "store" in folders and excluded.isdisjoint(folders)
    assert excluded.isdisjoint({name for package in TRAVELS for name in (package, f"/{package}")})


@pytest.mark.parametrize("change", [{"max_workers": "many"}, {"unknown": 1}, {"head_node_type": "nobody"}])
def test_ray_up_would_refuse_what_is_wrong(change: dict[str, Any]) -> None:
    config = yaml.safe_load(CLOUD[0].read_text())
    with pytest.raises((jsonschema.ValidationError, ValueError, KeyError, TypeError)):
        validated({**config, **change})


def objects(path: Path) -> list[dict[str, Any]]:
    """What Kubernetes has a schema for: a RayJob is there as the pods of its groups."""
    found = []
    for each in yaml.safe_load_all(path.read_text()):
        if each["kind"] != "RayJob":
            found.append(each)
            continue
        cluster = each["spec"]["rayClusterSpec"]
        for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **group["template"]})
    return found


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_kubernetes_takes_the_objects(path: Path) -> None:
    found = objects(path)
    assert {each["kind"] for each in found} == {"PersistentVolumeClaim", "Pod"}
    for each in found:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    pod = next(each for each in found if each["kind"] == "Pod")
    pod["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@pytest.mark.parametrize("path", [*CLOUD, *MANIFESTS], ids=name_of)
def test_a_launch_waits_until_its_first_worker_has_booted(path: Path) -> None:
    """Where no worker is there before it is asked for: the launch would end after STOP_AFTER."""
    given = re.search(r"FROSTLINE_START_TIMEOUT(?:=|, value: \")(\d+)", path.read_text())
    assert given is not None and float(given[1]) >= 5 * STOP_AFTER


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_a_ray_job_mounts_what_it_names(path: Path) -> None:
    (job,) = [each for each in yaml.safe_load_all(path.read_text()) if each["kind"] == "RayJob"]
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"]["mode"] == "token"
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert mounts.keys() == volumes and mounts["store"] == "/store"
    assert "--store /store" in job["spec"]["entrypoint"]
    assert cluster["rayVersion"] == locked("ray")


def locked(package: str) -> str:
    match = re.search(rf"^{package}(?:\[\w+\])?==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert match is not None
    return match[1]


def commands() -> list[tuple[str, list[str]]]:
    """(file, options) of every `frostline run` in the files."""
    found = []
    for path in (*SCRIPTS, *CLOUD, *MANIFESTS):
        for line in path.read_text().splitlines():
            if match := re.search(r"\bfrostline(?:\}\")? run (.*)", line):
                found.append((path.name, re.findall(r"--[a-z-]+", match[1])))
    return found


def test_commands_in_the_files_have_options_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert len(commands()) >= 5
    for file, options in commands():
        assert set(options) <= known, file
