"""The system whose truth is known, through the real trial: harm without a shared signal, help with a strong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import analysis.negative_transfer as nt
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from orchestrator.cli import app
from sweeps.sweep import parse

SWEEP = """
name: small-system
edition: 2
base:
  source:
    task: {name: signal_noise, dimension: 300, direction: 1, universal: 0, specific: 3.5, noise: 0.5}
    size: 100
    epochs: 200
    optimizer: sgd
    learning_rate: 1
    batch_size: 1000000
    evaluate: log
  target: {task: {name: signal_noise, dimension: 300, direction: 2, universal: 0, specific: 3.5}, size: 16}
  model: {family: two_layer_relu_cnn, depth: 2, width: 6, image_size: 25}
  transfer: {inherit: {share: 0.5}}
  train:
    epochs: 200
    optimizer: sgd
    learning_rate: 1
    batch_size: 1000000
    evaluate: log
    measures: [alignment, noise_memory]
axes: {seed: 0..3}
blocks:
  - base: {}
  - base: {source: {task: {universal: 2.3, specific: 1.2}}, target: {task: {universal: 2.3, specific: 1.2}}}
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("system")
    (folder / "sweep.yaml").write_text(SWEEP)
    ask = ["run", str(folder / "sweep.yaml"), "--store", str(folder / "store"), "--runner", "local"]
    found = CliRunner().invoke(app, [*ask, "--wandb", "disabled"])
    assert found.exit_code == 0, found.output
    return folder / "store"


def test_harm_and_help_are_flagged_as_the_theory_has_them(store: Path) -> None:
    tables = collect(read_sweep(parse(SWEEP), store))
    assert len(tables.runs) == 16  # four seeds, two strengths, and their partners, which the plan has added
    harmed, helped = sorted(nt.compare_with_scratch(tables), key=lambda each: each.fields["source.task.universal"])
    assert (harmed.outcome, helped.outcome) == ("negative", "positive")
    assert harmed.gain.mean < -0.04 and helped.gain.mean > 0.08
    assert harmed.predicted < 1 < helped.predicted
    for each in (harmed, helped):
        assert max(each.train_losses) < 0.01 and each.share == 0.5
    (everything,) = nt.shares((harmed, helped))
    assert (everything.negative, everything.tested) == (1, 2)


def test_inherited_filters_carry_the_shared_signal_and_the_noise(store: Path) -> None:
    for run in read_sweep(parse(SWEEP), store).runs:
        assert run.result is not None and run.result.measures is not None
        last = {name: values[-1] or 0.0 for name, values in run.result.measures.items()}
        if run.spec.source is None:
            continue
        of_source, of_target = last["alignment.specific_1.inherited"], last["alignment.specific_2.inherited"]
        assert of_source > 5 * abs(last["alignment.specific_1.fresh"])  # of no use to the target, and still there
        if run.fields["source.task.universal"]:
            assert last["alignment.universal.inherited"] > 2 * last["alignment.universal.fresh"]
        else:
            assert of_source > of_target > 0
        assert last["noise_memory.inherited"] > 0
