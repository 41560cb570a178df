"""A sweep's distinct work in hand-written PyTorch loops: the time that no orchestrator can go below.

    python -m benchmarks.bare SWEEP.yaml OUT.json PROCESSES

Each source model is trained once and each frozen prefix computed once, then every run trains its other units; each
epoch ends with the same evaluation that a run records. No Lightning, Ray, store or leases. OUT.json gets the seconds
of computing, summed over the processes, which work at the same time on parts of the sweep, and the final test errors.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from architectures import Network
from benchmarks.peers.classifier import source_network, target_network
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.train.allocator import keep_freed
from orchestrator.train.batch_sizes import images_per_pass
from orchestrator.train.inputs import passes
from sweeps.expand import expand
from sweeps.identity import run_id, source_id
from sweeps.seeds import Role
from sweeps.spec import Recipe, RunSpec
from sweeps.sweep import read
from tasks import Batches, TaskData, source_data, target_data

State = tuple[Tensor, ...]


def train(network: Network, data: TaskData, cut: int, recipe: Recipe, role: Role, seed: int) -> float:
    """Train for the recipe's epochs from the activations after `cut` units; the last test error."""
    network.eval()
    inputs = in_passes(
        lambda images: network.prefix(images[0], cut), (torch.cat([data.inputs, data.test_inputs]),), data
    )
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if recipe.optimizer == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(parameters, recipe.learning_rate, fused=True)
    else:
        optimizer = torch.optim.SGD(parameters, recipe.learning_rate, recipe.momentum, fused=True)
    batches = Batches(len(data.labels), recipe.batch_size, seed, role, batches=recipe.batches)
    error = float("nan")
    for epoch in range(recipe.epochs):
        network.train()
        for index in batches.epoch(epoch):
            optimizer.zero_grad()
            logits = network.suffix(tuple(tensor[index] for tensor in inputs), cut)
            cross_entropy(logits, data.labels[index]).backward()
            optimizer.step()
        error = evaluate(network, data, inputs, cut)
    return error


@torch.no_grad()
def evaluate(network: Network, data: TaskData, inputs: State, cut: int) -> float:
    """All that an epoch's record says of both sets, in one pass; the test error is returned."""
    network.eval()
    (logits,) = in_passes(lambda state: (network.suffix(state, cut),), inputs, data)
    train, test = logits.tensor_split([len(data.labels)])
    losses = cross_entropy(test, data.test_labels), cross_entropy(train, data.labels)
    predicted = train.argmax(1)
    wrong, untrue = predicted != data.labels, predicted != data.true_labels
    parts = (wrong.sum(), (wrong & ~data.flipped).sum(), (wrong & data.flipped).sum(), (untrue & data.flipped).sum())
    torch.stack([*losses, *parts]).tolist()
    return (test.argmax(1) != data.test_labels).sum().item() / len(data.test_labels)


@torch.no_grad()
def in_passes(run: Callable[[State], State], state: State, data: TaskData) -> State:
    """A network, or a part of it, on all images: in batches of the size that the product found to be quick."""
    parts = passes(len(state[0]), images_per_pass(data.inputs.shape[-1]))
    pieces = [run(tuple(tensor[part] for tensor in state)) for part in parts]
    return tuple(torch.cat(tensors) for tensors in zip(*pieces, strict=True))


def work(specs: list[RunSpec], found: multiprocessing.Queue[tuple[float, dict[str, float]]]) -> None:
    """The runs of some source models, and those before them."""
    torch.set_num_threads(1)
    keep_freed()
    seconds, errors, models = 0.0, dict[str, float](), dict[str, dict[str, Tensor]]()
    for spec in specs:
        source = source_id(spec)
        assert source is not None and spec.source is not None
        began = time.perf_counter()
        if source not in models:
            data = source_data(spec)
            network = source_network(spec, data.classes, spec.source.kernels)
            train(network, data, 0, spec.source, "source", spec.seed)
            models[source] = dict(network.state_dict())
        data = target_data(spec)
        network = target_network(spec, data.classes, models[source], spec.train.kernels)
        errors[run_id(spec)] = train(network, data, spec.transfer.frozen, spec.train, "target", spec.seed)
        seconds += time.perf_counter() - began
    found.put((seconds, errors))


def main(sweep: str, out: str, processes: int) -> None:
    specs = list(expand(read(sweep), KnownWords()).values())
    names = sorted({source_id(spec) or "" for spec in specs})
    shares = [[spec for spec in specs if names.index(source_id(spec) or "") % processes == n] for n in range(processes)]
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = [context.Process(target=work, args=(share, found)) for share in shares]
    for worker in workers:
        worker.start()
    results = [found.get() for _ in workers]
    for worker in workers:
        worker.join()
    errors = {id: error for _, part in results for id, error in part.items()}
    Path(out).write_text(json.dumps({"seconds": sum(seconds for seconds, _ in results), "errors": errors}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
