"""Prepared arrays: how soon training can begin, and what it costs where they do not fit into memory.

    python -m benchmarks.mapped_data start              50,000 images of 32x32, to the end of the first epoch's batches
    python -m benchmarks.mapped_data cap                200,000 images of 64x64, with less memory than they take

`start` runs in a process of its own with one thread, its files in the page cache, imports not counted: a path in which
the inputs are made in memory, as training does where they fit, and one in which each batch is read from the map.
`cap` makes an epoch of batches twice, each in a process of its own: from the map, under a limit on the process's own
memory (RLIMIT_DATA: what it allocates, not what it maps) that is below the size of the images as bytes; and in memory
without a limit. It compares SHA-256 over all batches.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.spec import ModelSpec, RunSpec, TargetSpec

BATCH = 128
CAP_SAMPLES, CAP_SIDE = 200_000, 64
TEST_SAMPLES = 1000


def spec(task: str, size: int, side: int) -> RunSpec:
    model = ModelSpec(family="resnet", depth=18, width=4, image_size=side, channels=3)
    return RunSpec(source=None, target=TargetSpec(task=task, size=size), model=model)


def make_images(samples: int, side: int, classes: int = 200) -> str:
    """The same as the arrays of somebody's own images; the name of the task."""
    from tasks.files.known import KnownContent

    digest = hashlib.sha256(f"{samples} {side} {classes}".encode()).hexdigest()[:40]
    make_arrays(f"images-{digest}", classes, samples, side, sized=True, source={"content": digest})
    folder = Path(os.environ["FROSTLINE_DATA"])
    counts = {"train": samples, "test": TEST_SAMPLES}
    record = KnownContent(
        digest=digest,
        paths=("benchmark",),
        arrays=str(folder / "prepared"),
        classes=tuple(f"{index:03}" for index in range(classes)),
        counts={split: (number // classes,) * classes for split, number in counts.items()},
        channels=3,
    )
    (folder / "contents").mkdir()
    (folder / "contents" / f"{digest}.json").write_text(record.model_dump_json())
    return f"images(content=sha256-{digest})"


def make_arrays(
    name: str, classes: int, samples: int, side: int, sized: bool = False, source: dict[str, str] | None = None
) -> None:
    """Random images as the prepared arrays of a data set, written as `frostline data` writes them."""
    from tasks.files.draft import Draft, prepare

    def make(draft: Draft) -> None:
        rng = np.random.default_rng(0)
        for split, number in (("train", samples), ("test", TEST_SAMPLES)):
            shape = (number, 3, side, side)
            images = np.lib.format.open_memmap(draft.folder / f"{split}.npy", "w+", np.uint8, shape)
            for start in range(0, number, 10_000):
                part = images[start : start + 10_000]
                part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
            images.flush()
            np.save(draft.folder / f"{split}-labels.npy", np.arange(number, dtype=np.int64) % classes)

    names = [f"{index:03}" for index in range(classes)]
    prepare(name, side if sized else None, names, source or {"benchmark": "random"}, make, 1)


def epoch(task: str, size: int, side: int, most_bytes: int | None, hashed: bool) -> dict[str, Any]:
    """One epoch of float batches in this process: its seconds, its digest and what memory it took."""
    import torch

    from tasks import Batches, target_data

    torch.set_num_threads(1)
    torch.zeros(1).sum()
    run = spec(task, size, side)
    began = time.perf_counter()
    data = target_data(run, most_bytes)
    sha = hashlib.sha256()
    values = 0
    for index in Batches(size, BATCH, run.seed, "target").epoch(0):
        batch = data.inputs[index]
        values += batch.numel()
        if hashed:
            sha.update(batch.numpy().data)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text().splitlines()
    memory = {
        line.partition(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith(("Rss", "VmHWM"))
    }
    return {
        "seconds": seconds,
        "mapped": type(data.inputs).__name__ == "MappedImages",
        "values": values,
        "digest": data.digest,
        "batches": sha.hexdigest() if hashed else None,
        "peak_own_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **memory,
    }


def apart(folder: Path, limit: int | None, *arguments: Any) -> dict[str, Any]:
    """`epoch` in a process of its own that may allocate `limit` bytes."""
    code = (
        "import json, resource, sys\n"
        "arguments, limit = json.loads(sys.argv[1])\n"
        "if limit: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
        "from benchmarks.mapped_data import epoch\n"
        "print(json.dumps(epoch(*arguments)))"
    )
    environment = {**os.environ, "FROSTLINE_DATA": str(folder), "OMP_NUM_THREADS": "1"}
    asked = [sys.executable, "-c", code, json.dumps([arguments, limit])]
    return json.loads(subprocess.run(asked, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def start(folder: Path) -> None:
    make_arrays("cifar100", 100, 50_000, 32)
    for name, most in (("in memory", None), ("from the map", 0)):
        found = [apart(folder, None, "cifar100", 50_000, 32, most, False) for _ in range(3)]
        seconds = sorted(each["seconds"] for each in found)
        print(f"{name}: {seconds[1]:.2f} s ({seconds[0]:.2f} to {seconds[2]:.2f}), {found[0]['values']:,} values")


def cap(folder: Path) -> None:
    task = make_images(CAP_SAMPLES, CAP_SIDE)
    size = CAP_SAMPLES * 3 * CAP_SIDE**2
    limit = size // 2
    asked = task, CAP_SAMPLES, CAP_SIDE
    mapped = apart(folder, limit, *asked, 0, True)
    print(f"images: {size / 2**30:.2f} GiB as bytes; allowed: {limit / 2**30:.2f} GiB")
    print(f"from the map: {mapped['seconds']:.1f} s, own memory at the end {mapped['RssAnon'] / 2**30:.2f} GiB")
    whole = apart(folder, None, *asked, None, True)
    print(f"in memory: {whole['seconds']:.1f} s, own memory at the end {whole['RssAnon'] / 2**30:.2f} GiB")
    print(f"the same bits: {mapped['batches'] == whole['batches'] and mapped['digest'] == whole['digest']}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        os.environ["FROSTLINE_DATA"] = made
        {"start": start, "cap": cap}[sys.argv[1]](Path(made))
