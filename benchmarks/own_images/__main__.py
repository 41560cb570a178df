"""Advice for a folder of images, held against seeds that it has not seen.

    python -m benchmarks.own_images [--model resnet18] [--per-class 60] [--epochs 20] [--budget 12m] [--runner R] [DIR]

Real pictures: MNIST's digits 5 to 9 as PNG in class folders, so many of each to train on and all 750 test images. The
weights are of a network that was trained on the digits 0 to 4. `frostline advise --images` writes the sweep, runs it
and answers. Then every depth is run on three new seeds: does the advised depth lie within the interval of the best one
there? Printed beside it: how many of all depths do, without which the answer says little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from analysis.loaded import load
from analysis.statistics.intervals import mean_interval
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.schema import numbers
from tasks.datasets import mnist

ROOT = Path(__file__).parents[2]
SOURCE, TARGET = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
NEW_SEEDS = "100..102"
INSIDE, OUTSIDE = "inside the interval of the best", "OUTSIDE the interval of the best"
WEIGHTS = """
name: weights
base:
  source: {{task: "mnist[0-4]", size: 1600, epochs: {epochs}, schedule: cosine}}
  target: {{task: "mnist[5-9]", size: 10}}
  model: {model}
  train: {{epochs: 1}}
axes: {{transfer.frozen: [{last}]}}
"""


class Held(NamedTuple):
    """The advised depth on new seeds. best, low, high: the lowest mean there, with its 95 % interval; inside: whether
    the advised depth's mean is in it; share: (inside, all) of depths; behind: advised less best, paired, with interval.
    """

    advised: int
    error: float
    best: int
    low: float
    mean: float
    high: float
    inside: bool
    share: tuple[int, int]
    behind: tuple[float, float, float]


def write_pictures(folder: Path, per_class: int) -> None:
    """PNG files of 28x28 grey pixels: folder/train/<digit>/, folder/test/<digit>/."""
    train = mnist.train(TARGET, "target", per_class * len(TARGET), 0, mnist.SIDE)
    for split, (images, labels) in (("train", train), ("test", mnist.test(TARGET, mnist.SIDE))):
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / split / str(TARGET[int(label)])
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.round(image[0] * 255).astype(np.uint8)).save(place / f"{index:04}.png")


def trained_weights(folder: Path, model: dict[str, Any], last: int, epochs: int = 10) -> Path:
    """The weights of a network trained on the other digits, as a source model of a sweep."""
    text = WEIGHTS.format(model=json.dumps(model), last=last, epochs=epochs)
    (folder / "weights.yaml").write_text(text)
    command(folder, "run", "weights.yaml", "--store", "source-store", "--runner", "local", "--wandb", "disabled")
    (found,) = (folder / "source-store" / "sources").rglob("weights-*.safetensors")
    return Path(shutil.copy(found, folder / "digits-0-to-4.safetensors"))


def command(folder: Path, *arguments: str) -> str:
    """Standard output of a command; its errors go to the terminal. Raises CalledProcessError."""
    environment = {**os.environ, "FROSTLINE_DATA": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "frostline", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def held_against(each: AxisVerdict, advised: int) -> Held:
    """each: the verdict along frozen units on the new seeds, which holds their errors."""
    means = each.test.mean(axis=0)
    best, own = int(means.argmin()), int(np.flatnonzero(each.group.values == advised)[0])
    mean, low, high = mean_interval(each.test[:, best])
    inside = (low <= means) & (means <= high)
    return Held(
        advised,
        float(means[own]),
        int(each.group.values[best]),
        low,
        mean,
        high,
        bool(inside[own]),
        (int(inside.sum()), len(means)),
        mean_interval(each.test[:, own] - each.test[:, best]),
    )


def lines(folder: Path, asked: argparse.Namespace) -> list[str]:
    """Run all of it in a folder. The last line says whether the advice held."""
    own = asked.model.startswith("resnet") and "-w" in asked.model
    depth, _, width = asked.model.removeprefix("resnet").partition("-w")
    kind = {"family": "resnet", "depth": depth, "width": width} if own else {"family": "timm", "name": asked.model}
    model = {**kind, "image_size": mnist.SIDE, "channels": 1}
    write_pictures(folder / "pictures", asked.per_class)
    weights = trained_weights(folder, model, last=1)
    began, used = time.perf_counter(), _cpu_seconds()
    given = ["--images", "pictures", "--model", asked.model, "--weights", weights.name, "--epochs", str(asked.epochs)]
    given += ["--budget", asked.budget, "--runner", asked.runner]
    answer = json.loads(command(folder, "advise", *given, "--json"))
    wall, used = time.perf_counter() - began, _cpu_seconds() - used
    network = answer["networks"][-1]  # of all the images
    text = (folder / "advise-pictures.yaml").read_text()
    seeds = next(line.split(": ")[1] for line in text.splitlines() if line.strip().startswith("seed: "))
    changed = text.replace(f"seed: {seeds}", f"seed: {NEW_SEEDS}").replace('name: "advise-pictures"', "name: new-seeds")
    (folder / "new-seeds.yaml").write_text(changed)
    command(folder, "run", "new-seeds.yaml", "--runner", asked.runner, "--wandb", "disabled")
    new = load(folder / "new-seeds.yaml", folder / "store")
    sizes = sorted({int(size) for size in new.runs["target.size"]})
    (each,) = [
        verdict
        for verdict in new.axis_verdicts
        if verdict.group.axis == "transfer.frozen"
        and verdict.group.fields["target.size"] == sizes[-1]
        and len(verdict.group.values) > 1
    ]
    old = load(folder / "advise-pictures.yaml", folder / "store").runs
    busy = float(numbers(old, "wall_seconds").sum())
    held = held_against(each, int(network["best"]))
    ran = f"{len(old)} runs, seeds {seeds}, sizes {sizes}, {asked.epochs} epochs"
    spread = f"[{_points(held.low)}, {_points(held.high)}]"
    cpu = f"{used:.0f} CPU seconds; " if asked.runner == "local" else ""  # Ray's workers are nobody's children
    behind = " ".join(_points(part) for part in held.behind)
    return [
        f"{asked.model}, {sizes[-1]} digits as PNG: {ran}",
        f"  `frostline advise` took {wall:.0f} s ({cpu}{busy:.0f} s of runs; load average {os.getloadavg()[1]:.1f})",
        f"  advised: frozen = {network['best']}, not told apart: {network['among_best']}",
        f"  new seeds {NEW_SEEDS}: lowest at {held.best}: {_points(held.mean)} % {spread}",
        f"  advised {held.advised}: {_points(held.error)} %, behind by {behind} points (mean, 95 %)",
        f"  {INSIDE if held.inside else OUTSIDE}; {held.share[0]} of {held.share[1]} depths are inside",
    ]


def _cpu_seconds() -> float:
    """Of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _points(value: float) -> str:
    return f"{100 * value:.2f}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a new folder to work in; default: one that is deleted")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--per-class", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--budget", default="12m")
    parser.add_argument("--runner", choices=("ray", "local"), default="ray")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="frostline-advice-") as scratch:
        folder = (asked.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        told = lines(folder, asked)
    print("\n".join(told))
    return 0 if INSIDE in told[-1] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
