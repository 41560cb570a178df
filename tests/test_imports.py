"""Imports go one way, heavy packages stay in their rooms, and nothing unsafe is called.

    sweeps <- tasks        {sweeps, tasks, architectures} <- orchestrator
    sweeps <- architectures        sweeps <- analysis
    {sweeps, tasks, orchestrator, analysis} <- frostline

All imports count: at the top, inside functions, under TYPE_CHECKING. Every rule is tried on a module that breaks it.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "sweeps": set(),
    "tasks": {"sweeps"},
    "architectures": {"sweeps"},
    "orchestrator": {"sweeps", "tasks", "architectures"},
    "analysis": {"sweeps"},
    "frostline": {"sweeps", "tasks", "orchestrator", "analysis"},
}
NO_PACKAGE = {"tests", "benchmarks"}

_STORE, _TRAIN = {"store"}, {"store", "tracking"}
ROOMS: dict[str, dict[str, set[str]]] = {
    "analysis": {
        "statistics": set(),
        "theory": set(),
        "detector": {"statistics"},
        "scoring": {"detector", "statistics"},
        "logs": {"detector", "statistics", "scoring", "report"},  # report: how every figure looks
        "tables": {"detector", "statistics"},
        "transferability": set(),
        "claims": {"tables", "detector", "statistics"},
        "advice": {"tables", "detector", "statistics"},
        "report": {"advice", "claims", "tables", "detector", "statistics"},
        "overlay": {"theory", "report", "claims", "tables", "detector", "statistics"},
        "negative_transfer": {"tables", "statistics", "report"},  # report: how figures and pages look
    },
    "sweeps": {"language": set(), "store": set()},
    "tasks": {"files": set(), "datasets": {"files"}},
    "architectures": {"families": set()},
    "orchestrator": {
        "store": set(),
        "tracking": _STORE,
        "train": _TRAIN,
        "schedule": {*_TRAIN, "train"},
        "features": {*_TRAIN, "train", "schedule"},
        "runners": {*_TRAIN, "train", "schedule"},
        "screen": {*_TRAIN, "train", "schedule", "runners"},
    },
}
"""The rooms of a package, and those that each may import. Modules beside the rooms (command lines) import any of them,
and no room imports these, but for those in PASSAGES and in GROUND."""
PASSAGES = {("sweeps/store", name) for name in ("identity", "layout", "records", "self_digest", "spec", "sweep")}
"""(room, module) that a room takes from beside the rooms."""
GROUND: dict[str, set[str]] = {
    "sweeps": {"contents", "errors"},
    "tasks": {"class_lists", "dataset", "streams", "subsets"},
}
"""Modules beside the rooms of a package that every room of it may stand on. They import no room."""
MOST_MODULES = 16
MOST_LINES = 260

LIGHT = {"sweeps": {"pydantic", "yaml"}}
"""All that a room takes from outside the standard library, where that is the rule."""

LIGHTNING = ("pytorch_lightning", "lightning", "lightning_fabric")
ROOMS_OF = {
    "torch": {"tasks", "architectures", "orchestrator"},
    "torchvision": {"tasks", "architectures", "orchestrator"},
    "timm": {"architectures"},
    **{name: {"orchestrator"} for name in LIGHTNING},
}
FILES_OF = {
    "ray": {f"orchestrator/runners/{name}.py" for name in ("cluster", "growth", "placement", "ray_start", "searcher")},
    "wandb": {"orchestrator/tracking/tracker.py"},
    "wandb_workspaces": {"frostline/window/workspaces.py"},
    "obstore": {"sweeps/store/objects/bucket.py", "sweeps/store/objects/s3.py"},
}
PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
COMPUTED_IMPORTS = {"sweeps/contents.py", "tasks/registry.py"}
"""Where the name of an imported module is computed: from a literal table."""

SAFE_LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader"}
UNSAFE_CALLS = {
    *(f"yaml.{name}" for name in ("unsafe_load", "unsafe_load_all", "full_load", "full_load_all", "load_all")),
    *("eval", "exec", "compile", "builtins.eval", "builtins.exec", "builtins.compile", "os.system", "os.popen"),
}


class Module:
    """One file of the product, as its syntax."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.room = path.split("/")[0]
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.names = dict(self._bound())

    def _bound(self) -> Iterator[tuple[str, str]]:
        """(local name, dotted name of what it stands for) of every import."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.split(".")[0]
                    yield (alias.asname, alias.name) if alias.asname else (root, root)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{self._source(node)}.{alias.name}"

    def _source(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.split("/")[: -node.level]
        return ".".join([*package, node.module or ""]).strip(".")

    def imported(self) -> Iterator[str]:
        """Dotted names of all modules (and of what is taken from them)."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{self._source(node)}.{alias.name}" for alias in node.names)
        for called, call in self.calls():
            if called in ("importlib.import_module", "__import__"):
                name = call.args[0] if call.args else None
                yield str(name.value) if isinstance(name, ast.Constant) else "?"

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """(dotted name of what is called, the call)."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield self.full_name(node.func), node

    def full_name(self, node: ast.expr | None) -> str:
        """`np.load` as `numpy.load`; empty for what is no dotted name."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.full_name(node.value)}.{node.attr}"
        return ""

    def safe_loaders(self) -> set[str]:
        """PyYAML's safe loaders and the classes of this file that extend them."""
        found = set(SAFE_LOADERS)
        for node in self.nodes:
            if isinstance(node, ast.ClassDef) and any(self.full_name(base) in found for base in node.bases):
                found.add(node.name)
        return found


def wrong_imports(module: Module) -> Iterator[str]:
    for name in module.imported():
        root = name.split(".")[0]
        if root == "?" and module.path not in COMPUTED_IMPORTS:
            yield "imports a module by a computed name"
        if root in NO_PACKAGE or (root in MAY_IMPORT and root not in {module.room, *MAY_IMPORT[module.room]}):
            yield f"{module.room} imports {root}"
        if root in ROOMS_OF and module.room not in ROOMS_OF[root]:
            yield f"{module.room} imports {root}"
        if root in FILES_OF and module.path not in FILES_OF[root]:
            yield f"{root} is imported outside {', '.join(sorted(FILES_OF[root]))}"
        if root in PICKLES:
            yield f"imports {root}, which can run what it reads"
        outside = root not in sys.stdlib_module_names and root not in MAY_IMPORT and root != "?"
        listed = module.path in FILES_OF.get(root, ())
        if outside and not listed and root not in LIGHT.get(module.room, {root}):
            yield f"{module.room} imports {root}; allowed: {', '.join(sorted(LIGHT[module.room]))}"


def wrong_arrows(module: Module) -> Iterator[str]:
    """Imports between the rooms of one package that run against the arrows."""
    package, *inner = module.path.split("/")
    rooms = ROOMS.get(package, {})
    room = inner[0] if len(inner) > 1 else None
    if not rooms:
        return
    if room is None:
        ground = inner[0].removesuffix(".py") in GROUND.get(package, ())
        taken = {tuple(name.split(".")[:2]) for name in module.imported()} if ground else set()
        for other in (other for other in rooms if (package, other) in taken):
            yield f"{module.path}, which rooms stand on, imports {package}/{other}"
        return
    if room not in rooms:
        yield f"{package}/{room} is no room that the rules know"
        return
    for name in module.imported():
        parts = name.split(".")
        if parts[0] != package or len(parts) < 2 or parts[1] == room:
            continue
        if parts[1] in rooms and parts[1] not in rooms[room]:
            yield f"{package}/{room} imports {package}/{parts[1]}"
        elif parts[1] not in {*rooms, *GROUND.get(package, ())} and (f"{package}/{room}", parts[1]) not in PASSAGES:
            yield f"{package}/{room} imports {package}.{parts[1]}, which stands beside the rooms"


def unsafe_calls(module: Module) -> Iterator[str]:
    for name, call in module.calls():
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if name in UNSAFE_CALLS or name.endswith((".read_pickle", ".to_pickle")):
            yield f"calls {name}"
        if name == "yaml.load" and module.full_name(given.get("Loader")) not in module.safe_loaders():
            yield "calls yaml.load without a safe loader"
        weights = name == "torch.load" or name.endswith(".load_from_checkpoint")
        if weights and not _is(given.get("weights_only"), True):
            yield f"calls {name.rpartition('.')[2]} without weights_only=True"
        if "allow_pickle" in given and not _is(given["allow_pickle"], False):
            yield "allows pickle"
        if "shell" in given and not _is(given["shell"], False):
            yield "starts a shell"


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def faults(path: str, text: str) -> list[str]:
    module = Module(path, text)
    return [*wrong_imports(module), *wrong_arrows(module), *unsafe_calls(module)]


FILES = sorted(path.relative_to(ROOT).as_posix() for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))


def test_every_room_is_looked_at() -> None:
    assert {path.split("/")[0] for path in FILES} == set(MAY_IMPORT)
    named = {path for paths in FILES_OF.values() for path in paths} | COMPUTED_IMPORTS
    assert named <= set(FILES)


def test_rooms_and_files_are_of_a_size_to_be_read() -> None:
    """Benchmarks too. Tests are left out."""
    files = [*FILES, *(path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmarks").rglob("*.py"))]
    held = Counter(path.rpartition("/")[0] for path in files)
    assert {room: modules for room, modules in held.items() if modules > MOST_MODULES} == {}
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: number for path, number in lines.items() if number > MOST_LINES} == {}


def test_the_arrows_between_rooms_have_no_circle() -> None:
    for rooms in ROOMS.values():
        assert all(below <= set(rooms) - {room} for room, below in rooms.items())
        tuple(TopologicalSorter(rooms).static_order())  # raises CycleError


@pytest.mark.parametrize("path", [path for path in FILES if path.endswith("__init__.py")])
def test_a_contents_page_offers_what_there_is(path: str) -> None:
    """A name of a module would hide what is offered once that module is imported."""
    package = importlib.import_module(path.removesuffix("/__init__.py").replace("/", "."))
    offered = {**getattr(package, "OFFERED", {}), **dict.fromkeys(getattr(package, "__all__", ()))}
    modules = {file.stem for file in (ROOT / path).parent.glob("*.py")}
    assert not modules & set(offered)
    for name in offered:
        assert getattr(package, name) is not None
        assert name in (package.__doc__ or ""), f"{name} is not explained"


@pytest.mark.parametrize("path", FILES)
def test_a_file_keeps_the_rules(path: str) -> None:
    assert faults(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        # Direction.
        ("sweeps/a.py", "import tasks", "sweeps imports tasks"),
        ("sweeps/a.py", "from architectures.build import build", "sweeps imports architectures"),
        ("sweeps/language/a.py", "import analysis.tables.load", "sweeps imports analysis"),
        ("tasks/a.py", "from architectures import build", "tasks imports architectures"),
        ("architectures/a.py", "import tasks.names as names", "architectures imports tasks"),
        ("tasks/a.py", "from orchestrator import plan", "tasks imports orchestrator"),
        ("analysis/a.py", "import orchestrator", "analysis imports orchestrator"),
        ("analysis/a.py", "from tasks.names import parse", "analysis imports tasks"),
        ("analysis/a.py", "import architectures", "analysis imports architectures"),
        ("orchestrator/a.py", "import analysis", "orchestrator imports analysis"),
        ("analysis/a.py", "from tests.golden import a", "analysis imports tests"),
        ("orchestrator/a.py", "import benchmarks.a", "orchestrator imports benchmarks"),
        ("orchestrator/a.py", "from frostline import cli", "orchestrator imports frostline"),
        ("analysis/a.py", "import frostline as fl", "analysis imports frostline"),
        ("sweeps/a.py", "import frostline", "sweeps imports frostline"),
        ("frostline/a.py", "import architectures", "frostline imports architectures"),
        ("frostline/a.py", "import torch", "frostline imports torch"),
        ("frostline/a.py", "def f():\n    import wandb", "wandb is imported outside"),
        ("frostline/a.py", "from wandb_workspaces import expr", "wandb_workspaces is imported outside"),
        ("tasks/a.py", "import os, sys, orchestrator.schedule.plan", "tasks imports orchestrator"),
        # Wherever the import stands, however it is written.
        ("analysis/a.py", "def f():\n    if True:\n        import orchestrator", "analysis imports orchestrator"),
        (
            "tasks/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from architectures import Network",
            "tasks imports architectures",
        ),
        ("tasks/a.py", "try:\n    import architectures\nexcept ImportError: pass", "tasks imports architectures"),
        ("tasks/a.py", "import importlib\nimportlib.import_module('architectures.vit')", "tasks imports architectures"),
        ("tasks/a.py", "from importlib import import_module as get\nget('orchestrator')", "tasks imports orchestrator"),
        ("tasks/a.py", "__import__('orchestrator')", "tasks imports orchestrator"),
        ("analysis/a.py", "from importlib import import_module\nimport_module(name)", "by a computed name"),
        ("tasks/a.py", "from ..architectures import build", "tasks imports architectures"),
        # Between the rooms of a package.
        ("analysis/detector/a.py", "from analysis.tables.load import x", "analysis/detector imports analysis/tables"),
        ("analysis/tables/a.py", "from analysis.claims import x", "analysis/tables imports analysis/claims"),
        (
            "analysis/claims/a.py",
            "def f():\n    from analysis import report",
            "analysis/claims imports analysis/report",
        ),
        ("analysis/tables/a.py", "from analysis.cli import app", "which stands beside the rooms"),
        ("tasks/datasets/a.py", "from tasks.names import parse", "which stands beside the rooms"),
        ("tasks/streams.py", "from tasks.datasets import digits", "which rooms stand on, imports tasks/datasets"),
        ("analysis/attic/a.py", "import json", "is no room that the rules know"),
        ("orchestrator/store/a.py", "from orchestrator.train import trial", "imports orchestrator/train"),
        ("orchestrator/train/a.py", "from ..schedule import plan", "imports orchestrator/schedule"),
        ("orchestrator/schedule/a.py", "import orchestrator.runners.local", "imports orchestrator/runners"),
        # Heavy packages.
        ("sweeps/a.py", "import torch", "sweeps imports torch"),
        ("sweeps/a.py", "def f():\n    import pandas as pd", "sweeps imports pandas"),
        ("sweeps/a.py", "import numpy", "sweeps imports numpy; allowed: pydantic, yaml"),
        *(("analysis/a.py", f"import {name}", f"analysis imports {name}") for name in ("torch", "timm", *LIGHTNING)),
        ("analysis/a.py", "from torch.nn import functional", "analysis imports torch"),
        ("analysis/a.py", "import ray", "ray is imported outside"),
        ("analysis/a.py", "import wandb", "wandb is imported outside"),
        ("tasks/a.py", "import timm", "tasks imports timm"),
        ("architectures/a.py", "import pytorch_lightning as pl", "architectures imports pytorch_lightning"),
        ("orchestrator/train/trial.py", "def f():\n    import wandb", "wandb is imported outside"),
        ("orchestrator/a.py", "from wandb.sdk import wandb_run", "wandb is imported outside"),
        (
            "orchestrator/runners/local.py",
            "from ray import tune",
            "ray is imported outside orchestrator/runners/cluster.py",
        ),
        ("orchestrator/train/trial.py", "from ray.tune import report", "ray is imported outside"),
        # What can run what it reads.
        *(("orchestrator/a.py", f"import {name}", f"imports {name}, which can run") for name in sorted(PICKLES)),
        ("analysis/a.py", "def f():\n    from pickle import loads", "imports pickle"),
        ("analysis/a.py", "import pandas as pd\npd.read_pickle('a')", "calls pandas.read_pickle"),
        ("analysis/a.py", "frame.to_pickle('a')", "calls frame.to_pickle"),
        ("tasks/a.py", "import numpy as np\nnp.load('a', allow_pickle=True)", "allows pickle"),
        ("tasks/a.py", "import numpy as np\nnp.load('a', allow_pickle=given)", "allows pickle"),
        ("sweeps/a.py", "eval('1')", "calls eval"),
        ("sweeps/a.py", "exec('1')", "calls exec"),
        ("sweeps/a.py", "code = compile('1', '', 'eval')", "calls compile"),
        ("sweeps/a.py", "import builtins\nbuiltins.eval('1')", "calls builtins.eval"),
        ("sweeps/a.py", "import yaml\nyaml.load(text)", "yaml.load without a safe loader"),
        ("sweeps/a.py", "import yaml\nyaml.load(text, yaml.Loader)", "yaml.load without a safe loader"),
        ("sweeps/a.py", "import yaml\nyaml.load(text, Loader=yaml.FullLoader)", "yaml.load without a safe loader"),
        ("sweeps/a.py", "from yaml import load as read\nread(text)", "yaml.load without a safe loader"),
        (
            "sweeps/a.py",
            "import yaml\nclass L(yaml.Loader): ...\nyaml.load(text, Loader=L)",
            "yaml.load without a safe loader",
        ),
        ("sweeps/a.py", "import yaml\nyaml.unsafe_load(text)", "calls yaml.unsafe_load"),
        ("sweeps/a.py", "import yaml as y\ny.full_load(text)", "calls yaml.full_load"),
        ("orchestrator/a.py", "import torch\ntorch.load(path)", "calls load without weights_only=True"),
        ("orchestrator/a.py", "import torch as t\nt.load(path, weights_only=False)", "load without weights_only=True"),
        (
            "orchestrator/a.py",
            "from torch import load\nload(path, weights_only=safe)",
            "load without weights_only=True",
        ),
        ("orchestrator/a.py", "Module.load_from_checkpoint(path)", "load_from_checkpoint without weights_only=True"),
        ("orchestrator/a.py", "import subprocess\nsubprocess.run('a', shell=True)", "starts a shell"),
        ("orchestrator/a.py", "import os\nos.system('a')", "calls os.system"),
    ],
)
def test_a_broken_rule_is_found(path: str, text: str, fault: str) -> None:
    assert any(fault in found for found in faults(path, text)), faults(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("orchestrator/a.py", "import sweeps.spec, tasks, architectures\nfrom orchestrator import plan"),
        ("orchestrator/runners/a.py", "from orchestrator.schedule import plan\nfrom orchestrator.store import jobs"),
        ("frostline/a.py", "import orchestrator.cli, analysis.cli, tasks\nfrom sweeps.errors import run_command"),
        ("orchestrator/runners/cluster.py", "import ray\nfrom ray import tune"),
        ("orchestrator/tracking/tracker.py", "def f():\n    import wandb"),
        ("orchestrator/a.py", "import pytorch_lightning as pl\nimport torch\ntorch.load(path, weights_only=True)"),
        ("architectures/a.py", "import timm\nfrom sweeps.spec import ModelSpec\nnetwork.eval()"),
        (
            "analysis/a.py",
            "import pandas\nfrom sweeps import records\nfrom analysis.tables.load import f\nfrom . import load",
        ),
        ("analysis/a.py", "import re\nre.compile('a')\nframe.eval('a')"),
        ("sweeps/a.py", "import yaml\nclass L(yaml.SafeLoader): ...\nclass M(L): ...\nyaml.load(text, Loader=M)"),
        ("sweeps/a.py", "import ast, json\nimport pydantic\nfrom sweeps.errors import SpecError\nyaml.safe_load(text)"),
        ("sweeps/contents.py", "from importlib import import_module\nimport_module(TABLE[name])"),
        ("tasks/a.py", "import numpy as np\nnp.load('a', allow_pickle=False)"),
    ],
)
def test_what_the_rules_allow_is_let_through(path: str, text: str) -> None:
    assert faults(path, text) == []


@pytest.mark.parametrize(
    ("room", "heavy"),
    [
        ("sweeps", {"torch", "pandas", "numpy"}),
        ("analysis", {"torch", "timm", "ray", "wandb", *LIGHTNING}),
    ],
)
def test_a_light_room_loads_nothing_heavy(room: str, heavy: set[str]) -> None:
    """In a process of its own: what a package we import may import in turn counts as well."""
    modules = [path.removesuffix(".py").replace("/", ".") for path in FILES if path.startswith(f"{room}/")]
    assert loads([module for module in modules if not module.endswith("__main__")], heavy) == set()


def test_a_driver_loads_no_torch() -> None:
    """A sweep starts seconds sooner, and the driver of a cluster needs no gigabyte for it."""
    driver = ["orchestrator.cli", "orchestrator.launch", "orchestrator.runners.cluster", "orchestrator.progress"]
    assert loads(driver, {"torch", "timm", "wandb", *LIGHTNING}) == set()


def test_the_front_door_is_light() -> None:
    """`import frostline` takes no time, and its command line loads a half only for a command of that half."""
    heavy = {"torch", "ray", "wandb", "pandas", "numpy", "matplotlib", "orchestrator", "analysis", *LIGHTNING}
    assert loads(["frostline"], {*heavy, "typer"}) == set()
    assert loads(["frostline.cli"], heavy) == set()
    assert loads(["frostline.notebook"], {"torch", "ray", "wandb", "matplotlib", "orchestrator", *LIGHTNING}) == set()
    assert loads(["frostline.doctor"], {"torch", "ray", "wandb", "matplotlib", *LIGHTNING}) == set()


def loads(modules: list[str], heavy: set[str]) -> set[str]:
    """Those of the heavy packages that a process has loaded after importing the modules."""
    code = f"import sys, {', '.join(modules)}; print(*set(sys.modules).intersection({sorted(heavy)}))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stderr == ""
    return set(found.stdout.split())
