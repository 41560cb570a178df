"""One job from claim to commit: what is recorded, what is exact, what a checkpoint keeps."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from architectures import Network, build, ladder_length
from orchestrator.store.folder import FolderStore
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Fenced, Lease
from orchestrator.store.ledger import Ledger
from orchestrator.train import trial
from orchestrator.train.batch_sizes import images_per_pass
from orchestrator.train.methods import checkpoint
from orchestrator.train.options import TrialOptions
from orchestrator.train.start import network_of, weights_of
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import LruCache, WorkerState
from sweeps.layout import place
from sweeps.records import EPOCH_TYPES
from sweeps.self_digest import sha256_of
from sweeps.spec import RunSpec
from tasks import held_out, target_data
from tests.orchestrator.small_runs import (
    MODELS,
    WHOLE_BATCHES,
    curve,
    folder_of,
    opened,
    path_of,
    run_of,
    small,
    source_of,
)


def computed(folder: Path, spec_changes: dict, activation_bytes: int = 2**30) -> tuple[Ledger, Job]:
    ledger, options = opened(folder)
    state = WorkerState(options)
    state.activations.most_bytes = activation_bytes
    spec = small(**spec_changes)
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options, state) == "done"
    return ledger, run_of(spec)


def asked_to_stop(options: TrialOptions) -> WorkerState:
    """A worker that was asked to stop: each of its trials ends after an epoch."""
    state = WorkerState(options)
    state.stop.set()
    return state


def test_every_column_of_every_epoch_is_recorded(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {"transfer": {"frozen": 3}})
    rows = curve(ledger, job)
    assert {*rows, "seconds"} == set(EPOCH_TYPES)
    assert rows["epoch"] == [1, 2, 3]
    assert rows["step"] == [4, 8, 12]
    for name, values in rows.items():
        assert all(isinstance(value, int | float) and math.isfinite(value) for value in values), name
    flipped = 60 * torch.tensor(rows["train_error_flipped_given"])
    assert ((flipped >= 0) & (flipped <= 60)).all()


def test_the_split_train_errors_add_up(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {})
    flipped = int(target_data(job.spec).flipped.sum())
    assert 0 < flipped < 60
    rows = curve(ledger, job)
    for whole, clean, given in zip(
        rows["train_error"], rows["train_error_clean"], rows["train_error_flipped_given"], strict=True
    ):
        assert whole * 60 == pytest.approx(clean * (60 - flipped) + given * flipped)


def test_without_label_noise_there_is_nothing_flipped_to_measure(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {"target": {"label_noise": 0.0}})
    rows = curve(ledger, job)
    assert rows["train_error_flipped_given"] == [None] * 3
    assert rows["train_error_clean"] == rows["train_error"]


@pytest.mark.parametrize("family", MODELS)
def test_the_prefix_cache_changes_no_bit(tmp_path: Path, family: str) -> None:
    """Every depth, every norm mode: the curve with activations computed once equals the one without."""
    spec = small(model=MODELS[family])
    ledger, options = opened(tmp_path)
    assert run_trial(source_of(spec), options) == "done"
    without, _ = opened(tmp_path / "without")
    assert run_trial(source_of(spec), TrialOptions(without.root)) == "done"
    cached = 0
    for norm in ("eval", "stats", "train"):
        for frozen in range(ladder_length(spec.model)):
            job = run_of(small(model=MODELS[family], target=WHOLE_BATCHES, transfer={"frozen": frozen, "norm": norm}))
            assert run_trial(job, options) == "done"
            assert run_trial(job, TrialOptions(without.root, use_prefix_cache=False)) == "done"
            assert curve(ledger, job) == curve(without, job), (norm, frozen)
            record = ledger.result(job)
            assert record is not None
            cached += "computed once" in record.notes[0]
    assert cached >= ladder_length(spec.model) - 1


def cached_or_not(folder: Path, spec: RunSpec, cached: bool) -> dict[str, list[Any]]:
    """The curve of a run from scratch, in a store of its own."""
    ledger, options = opened(folder / str(cached))
    assert run_trial(run_of(spec), replace(options, use_prefix_cache=cached)) == "done"
    return curve(ledger, run_of(spec))


@pytest.mark.parametrize("samples", [20, 33, 60, 64])
@pytest.mark.parametrize("family", MODELS)
def test_the_prefix_cache_changes_no_bit_whatever_the_last_batch(tmp_path: Path, family: str, samples: int) -> None:
    """Used or declined as this processor's arithmetic has it: the curve is the same."""
    spec = small(model=MODELS[family], source=None, target={"size": samples}, transfer={"frozen": 3})
    assert cached_or_not(tmp_path, spec, True) == cached_or_not(tmp_path, spec, False)


@pytest.mark.parametrize("family", MODELS)
def test_the_prefix_cache_changes_no_bit_where_evaluation_takes_several_passes(tmp_path: Path, family: str) -> None:
    """Images so large that a batch holds 128 of them, some of both sets."""
    model = {**MODELS[family], "image_size": 32}
    spec = small(model=model, source=None, target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 1})
    assert images_per_pass(32) == 128 < WHOLE_BATCHES["size"] + held_out(spec.target.task)
    assert cached_or_not(tmp_path, spec, True) == cached_or_not(tmp_path, spec, False)


def test_the_prefix_cache_declines_where_a_batch_gives_other_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Network.prefix

    def by_size(network: Network, x: torch.Tensor, cut: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.nextafter(a, a + 1) if len(x) == 12 else a for a in whole(network, x, cut))

    monkeypatch.setattr(Network, "prefix", by_size)
    ledger, job = computed(tmp_path, {"transfer": {"frozen": 4}})
    record = ledger.result(job)
    assert record is not None
    assert record.notes == ("frozen prefix in every pass: batches of 12 give other bits here",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transfer": {"frozen": 0}}, "nothing is frozen"),
        ({"transfer": {"frozen": 4, "norm": "stats"}}, "transfer.norm = stats"),
        ({"transfer": {"frozen": 4, "norm": "train"}}, "transfer.norm = train"),
        ({"transfer": {"frozen": 4}, "train": {"augment": "crop_flip"}}, "augment = crop_flip"),
    ],
)
def test_the_prefix_cache_declines_and_says_so(tmp_path: Path, changes: dict, reason: str) -> None:
    ledger, job = computed(tmp_path, changes)
    record = ledger.result(job)
    assert record is not None
    assert len(record.notes) == 1
    assert record.notes[0].startswith("frozen prefix in every pass") and reason in record.notes[0]


def test_the_prefix_cache_declines_what_does_not_fit(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {"transfer": {"frozen": 4}}, activation_bytes=1000)
    record = ledger.result(job)
    assert record is not None
    assert "too large" in record.notes[0]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("family", MODELS)
def test_resumed_equals_undisturbed(tmp_path: Path, family: str, optimizer: str) -> None:
    """Stopped after each epoch in turn, the run ends with the same curve to the bit, its source the same weights."""
    changes = {
        "model": MODELS[family],
        "transfer": {"frozen": 1},
        "train": {"optimizer": optimizer, "momentum": 0.9, "schedule": "cosine", "augment": "crop_flip"},
        "source": {"epochs": 3},
    }
    whole, job = computed(tmp_path / "whole", changes)
    ledger, options = opened(tmp_path / "stopped")
    stops = 0
    for part in (source_of(job.spec), job):
        while (ending := run_trial(part, options, asked_to_stop(options))) == "stopped":
            stops += 1
        assert ending == "done"
    assert stops == 4  # two epochs of three in each: after the last there is nothing left to save
    assert curve(ledger, job) == curve(whole, job)
    first, second = (each.result(source_of(job.spec)) for each in (whole, ledger))
    assert first is not None and second is not None
    assert first.weights_sha256 == second.weights_sha256


def test_the_source_gives_all_but_its_head(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {"transfer": {"frozen": 5}})
    source = ledger.result(source_of(job.spec))
    assert source is not None and source.weights_sha256 is not None
    weights = load_file(path_of(ledger, place("source", source.id).weights(source.weights_sha256)))
    network = network_of(job.spec, "target", 10, weights_of(source.id, ledger, LruCache(2**30)).tensors)
    head = network.units[-1]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, weights[name]) != head.holds(name), name
    assert build(job.spec.model, 10, 0).head.weight.shape == network.head.weight.shape


def test_a_source_seed_of_its_own_gives_that_seeds_source_and_leaves_the_target(tmp_path: Path) -> None:
    """Weights and data come from the field; the target's data, head and order from the run's seed."""
    ledger, options = opened(tmp_path / "own")
    spec, theirs, plain = small(source={"seed": 5}, seed=1), small(seed=5), small(seed=1)
    assert source_of(spec).id == source_of(theirs).id
    assert run_trial(source_of(spec), options) == "done"
    other, apart = opened(tmp_path / "theirs")
    assert run_trial(source_of(theirs), apart) == "done"
    assert ledger.weights_sha256(source_of(spec).id) == other.weights_sha256(source_of(theirs).id)
    assert run_trial(run_of(spec), options) == "done"
    record, (own, as_run) = ledger.result(run_of(spec)), (target_data(one).digest for one in (spec, plain))
    assert record is not None and record.data_sha256 == own == as_run != target_data(theirs).digest


def test_a_loss_that_is_no_number_ends_the_run_as_diverged(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    spec = small(source=None, train={"optimizer": "sgd", "learning_rate": 1e30, "epochs": 5})
    assert run_trial(run_of(spec), options) == "diverged"
    record = ledger.result(run_of(spec))
    assert record is not None and record.status == "diverged" and record.epochs < 5
    assert ledger.status(run_of(spec)) == "diverged"
    assert run_trial(run_of(spec), options) == "diverged"  # final: not computed again
    again = ledger.result(run_of(spec))
    assert again == record


def test_no_epochs_is_a_result_without_rows(tmp_path: Path) -> None:
    ledger, job = computed(tmp_path, {"train": {"epochs": 0}})
    assert curve(ledger, job)["epoch"] == []


def test_an_error_is_written_down_and_the_lease_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, options = opened(tmp_path)
    job = run_of(small(source=None))

    def broken(*_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(trial, "setting_of", broken)
    assert run_trial(job, options) == "failed"
    monkeypatch.undo()
    last = ledger.last_failure(job)
    assert last is not None
    failure, count, path = last
    assert failure.error == "RuntimeError: first line second line"
    assert "Traceback" in failure.traceback and count == 1 and Path(path).exists()
    assert ledger.status(job) == "failed"
    assert not list(folder_of(ledger, job).glob("lease-*"))
    assert run_trial(job, options) == "done"
    record = ledger.result(job)
    assert record is not None and record.attempts == 2


class Planted:
    """Unpickling this would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


def test_a_planted_checkpoint_does_not_execute(tmp_path: Path) -> None:
    """Its name carries the right digest, so that only the reader stands between it and the process."""
    ledger, options = opened(tmp_path)
    spec = small(source=None)
    folder_of(ledger, run_of(spec)).mkdir(parents=True)
    trace = tmp_path / "executed"
    torch.save({"state_dict": Planted(trace)}, tmp_path / "planted")
    content = (tmp_path / "planted").read_bytes()
    key = ledger.place(run_of(spec)).checkpoint(2, sha256_of(content))
    path_of(ledger, key).write_bytes(content)
    assert run_trial(run_of(spec), options) == "done"
    assert not trace.exists()
    record = ledger.result(run_of(spec))
    assert record is not None
    assert any("damaged" in note for note in record.notes)
    torch.load(tmp_path / "planted", weights_only=False)
    assert trace.exists()  # the plant was live


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    whole, job = computed(tmp_path / "whole", {"train": {"epochs": 4}})
    ledger, options = opened(tmp_path / "damaged")
    assert run_trial(source_of(job.spec), options) == "done"
    for _ in range(2):
        assert run_trial(job, options, asked_to_stop(options)) == "stopped"
    before, newest = sorted(folder_of(ledger, job).glob("checkpoint-*"))
    damaged = bytearray(newest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    newest.write_bytes(damaged)
    key, content, _ = checkpoint.newest(ledger.store, ledger.place(job))
    assert key is not None and ledger.store.local_path(key) == before and content == before.read_bytes()
    assert run_trial(job, options) == "done"
    assert curve(ledger, job) == curve(whole, job)
    record = ledger.result(job)
    assert record is not None and any(newest.name in note for note in record.notes)


def test_damaged_checkpoints_of_later_epochs_do_not_push_out_a_new_one(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    job = run_of(small(source=None, train={"epochs": 4}))
    folder = folder_of(ledger, job)
    folder.mkdir(parents=True)
    for epoch in (10, 20):
        path_of(ledger, ledger.place(job).checkpoint(epoch, sha256_of(b"whole"))).write_bytes(b"damaged")
    epochs = []
    for _ in range(3):
        assert run_trial(job, options, asked_to_stop(options)) == "stopped"
        epochs.append([int(file.name.split("-")[1]) for file in sorted(folder.glob("checkpoint-*"))])
    assert epochs == [[1], [1, 2], [2, 3]]


@pytest.mark.parametrize("error", [errno.EHOSTUNREACH, errno.EIO])
def test_a_checkpoint_is_only_passed_over_where_the_refusal_may_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    ledger, options = opened(tmp_path)
    job = run_of(small(source=None, train={"epochs": 4}))
    for _ in range(2):
        assert run_trial(job, options, asked_to_stop(options)) == "stopped"
    before, newest = sorted(folder_of(ledger, job).glob("checkpoint-*"))
    read = FolderStore.read

    def refuses(store: FolderStore, key: str) -> bytes | None:
        if key.endswith(newest.name):
            raise OSError(error, os.strerror(error), store.where(key))
        return read(store, key)

    monkeypatch.setattr(FolderStore, "read", refuses)
    if error == errno.EHOSTUNREACH:
        assert run_trial(job, options) == "failed"
        last = ledger.last_failure(job)
        assert last is not None and newest.name in last[0].error
        monkeypatch.undo()
        assert checkpoint.newest(ledger.store, ledger.place(job))[1] == newest.read_bytes()
    else:
        key, content, passed_over = checkpoint.newest(ledger.store, ledger.place(job))
        assert key is not None and content == before.read_bytes()
        (warning,) = passed_over.values()
        assert warning == f"checkpoint {newest.name} is unreadable ({os.strerror(error)}); not used"


def test_whoever_lost_the_lease_commits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, options = opened(tmp_path)
    job = run_of(small(source=None))

    def taken_over(self: Lease) -> None:
        raise Fenced("taken over")

    monkeypatch.setattr(Lease, "check", taken_over)
    assert run_trial(job, options) == "held"
    assert ledger.result(job) is None
    assert not list(folder_of(ledger, job).glob("epochs-*"))
