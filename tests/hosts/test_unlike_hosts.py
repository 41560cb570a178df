"""Hosts with and without a GPU, which the first declares and does not have: what is sent where, by who tried it."""

from __future__ import annotations

from tests.hosts.launches import Launches
from tests.hosts.machines import Host

SWEEP = """
name: unlike
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes: {seed: 0..2}
blocks:
  - base: {train: {method: lva_ridge, loss: squared}, transfer: {frozen: 7}}
"""


def test_what_trains_goes_where_a_gpu_is_declared_and_solves_elsewhere(
    cluster: tuple[Host, Host, Host], launches: Launches
) -> None:
    """Training fails there, PyTorch seeing no CUDA device: its failures name the host that it was sent to."""
    head, declares, plain = cluster
    launches.file.write_text(SWEEP)
    declares.run("ray", "stop")
    declares.join(head, "--num-cpus=4", "--num-gpus=2")
    try:
        process = launches.start(head, "--gpus-per-run", "0.5", "--max-same-failure", "0")
        output = launches.finish(process, code=1)
        assert "3 of 6 runs done" in output, output
        assert launches.hosts_of_results() == {plain.name}
        failures = launches.failures()
        assert len(failures) == 9 and {failure["host"] for failure in failures} == {declares.name}
        assert all("NVIDIA" in failure["error"] for failure in failures), failures
    finally:
        declares.run("ray", "stop")
        declares.join(head)
