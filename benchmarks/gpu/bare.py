"""The same training by hand in PyTorch, nothing of the orchestrator in it: as fast as a careful person gets it.

Data on the device, channels last, fused Adam, kernels chosen by timing them, no determinism asked for. Beside it: the
deterministic kernels that the product uses, the step as a CUDA graph, the network compiled.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import architectures
from benchmarks.gpu.setting import CLASSES, Clock, Setting, Timing, data_of
from sweeps.seeds import seed_for
from tasks import Batches, TaskData

CHUNK = 1000
WARM_UP_STEPS = 3
Step = Callable[[Tensor, Tensor], None]
Forward = Callable[[Tensor], Tensor]


def bare(setting: Setting) -> Timing:
    """A loop over batches that lie on the device."""
    return _train(setting, lambda network, optimizer, data: _eager(setting, network, optimizer))


def bare_deterministic(setting: Setting) -> Timing:
    """The same loop on the product's terms: deterministic kernels, none chosen by timing."""
    return _train(setting, lambda network, optimizer, data: _eager(setting, network, optimizer), deterministic=True)


def graphed(setting: Setting) -> Timing:
    """Forward, backward and optimizer step captured once as a CUDA graph and replayed.

    Where there is no CUDA the same buffers are filled and the same step is run without capturing it.
    """
    return _train(setting, lambda network, optimizer, data: _graph(setting, network, optimizer, data))


def compiled(setting: Setting) -> Timing:
    """torch.compile with its own CUDA graphs; compiling falls into the first epoch and is not timed."""

    def make(network: nn.Module, optimizer: torch.optim.Optimizer, data: TaskData) -> Step:
        mode = "reduce-overhead" if setting.on_cuda else "default"
        faster: Forward = torch.compile(network, mode=mode, dynamic=False)
        return _eager(setting, faster, optimizer)

    return _train(setting, make)


def _train(
    setting: Setting,
    make_step: Callable[[nn.Module, torch.optim.Optimizer, TaskData], Step],
    deterministic: bool = False,
) -> Timing:
    tune(setting, deterministic)
    data = data_of(setting).to(setting.device)
    network = architectures.build(setting.model, CLASSES, seed_for(setting.seed, "target", "init")).to(setting.device)
    if setting.on_cuda and architectures.FAMILIES[setting.model.family].channels_last:
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    recipe = setting.spec().train
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate, fused=True, capturable=setting.on_cuda)
    network.train()
    step = make_step(network, optimizer, data)
    batches = Batches(setting.train, setting.batch, setting.seed, "target", setting.device)
    clock, scores = Clock(setting), (0.0, 0.0, 0.0)
    for epoch in range(setting.epochs):
        network.train()
        for index in batches.epoch(epoch):
            step(data.inputs[index], data.labels[index])
        scores = _evaluate(setting, network, data)
        clock.tick()
    return Timing(tuple(clock.stamps), *scores)


def tune(setting: Setting, deterministic: bool = False) -> None:
    """torch's settings as a person would make them by hand, in the setting's precision."""
    torch.set_num_threads(setting.threads)
    torch.set_float32_matmul_precision("high" if setting.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = setting.precision == "tf32"
    torch.backends.cudnn.benchmark = setting.on_cuda and not deterministic
    torch.use_deterministic_algorithms(setting.on_cuda and deterministic)


def _autocast(setting: Setting, cache: bool = True) -> torch.autocast:
    kind = "cuda" if setting.on_cuda else "cpu"
    return torch.autocast(kind, torch.bfloat16, enabled=setting.precision == "bf16", cache_enabled=cache)


def _eager(setting: Setting, network: Forward, optimizer: torch.optim.Optimizer) -> Step:
    def step(images: Tensor, labels: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        with _autocast(setting):
            logits = network(images)
        cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    return step


def _graph(setting: Setting, network: nn.Module, optimizer: torch.optim.Optimizer, data: TaskData) -> Step:
    images, labels = data.inputs[: setting.batch].clone(), data.labels[: setting.batch].clone()

    def work() -> None:
        with _autocast(setting, cache=False):  # a cached cast would be captured as a constant
            logits = network(images)
        cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    replay = _captured(work, network, optimizer) if setting.on_cuda else _restarted(work, network, optimizer)

    def step(batch: Tensor, given: Tensor) -> None:
        images.copy_(batch)
        labels.copy_(given)
        replay()

    return step


def _captured(work: Callable[[], None], network: nn.Module, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Warm-up on a side stream, then the capture, as PyTorch's notes on CUDA graphs ask for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        _restarted(work, network, optimizer)
    torch.cuda.current_stream().wait_stream(stream)
    optimizer.zero_grad(set_to_none=True)  # so that the capture's own backward pass allocates the gradients
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _restarted(work: Callable[[], None], network: nn.Module, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Run some steps, so that all state exists, then set weights, statistics and moments back in place."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def eager() -> None:
        optimizer.zero_grad(set_to_none=True)
        work()

    for _ in range(WARM_UP_STEPS):
        eager()
    network.load_state_dict(before)
    for state in optimizer.state.values():
        for tensor in state.values():
            tensor.zero_()
    return eager


@torch.no_grad()
def _evaluate(setting: Setting, network: nn.Module, data: TaskData) -> tuple[float, float, float]:
    """Test error, train error, train loss. Test loss and errors split by flipped labels are computed, as in a run."""
    network.eval()
    predicted, losses = [], []
    for images, labels in ((data.test_inputs, data.test_labels), (data.inputs, data.labels)):
        found, sums = [], []
        for start in range(0, len(labels), CHUNK):
            with _autocast(setting):
                logits = network(images[start : start + CHUNK])
            sums.append(cross_entropy(logits.float(), labels[start : start + CHUNK], reduction="sum").double())
            found.append(logits.argmax(1))
        predicted.append(torch.cat(found))
        losses.append(torch.stack(sums).sum())
    test, train = predicted
    wrong, untrue, flipped = train != data.labels, train != data.true_labels, data.flipped
    counts = [(test != data.test_labels), wrong, wrong & ~flipped, wrong & flipped, untrue & flipped]
    read = torch.stack([*(count.sum().double() for count in counts), *losses]).tolist()
    return read[0] / len(test), read[1] / len(train), read[-1] / len(train)
