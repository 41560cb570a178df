"""Paths of the store: apart from each other, inside the store, in the order they are asked for."""

from __future__ import annotations

from pathlib import Path

from sweeps.layout import Layout

SHA = "0123456789abcdef" * 4


def test_places_lie_inside_the_store_and_apart(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    run, source, other = layout.place("run", "ab12"), layout.place("source", "ab12"), layout.place("run", "ab13")
    assert run.folder == tmp_path / "runs" / "ab" / "ab12"
    assert source.folder == tmp_path / "sources" / "ab" / "ab12"
    assert len({run.folder, source.folder, other.folder}) == 3
    assert run.folder.parent.parent == layout.shelf("run")


def test_files_are_named_by_their_content() -> None:
    place = Layout(Path("store")).place("source", "ab12")
    assert place.epochs(SHA).name == "epochs-0123456789abcdef.parquet"
    assert place.weights(SHA).name == "weights-0123456789abcdef.safetensors"
    assert place.checkpoint(7, SHA).name == "checkpoint-00000007-0123456789abcdef.ckpt"
    assert place.epochs(SHA) != place.epochs(SHA[::-1])


def test_checkpoints_come_latest_first_whatever_their_digests(tmp_path: Path) -> None:
    place = Layout(tmp_path).place("run", "ab12")
    place.folder.mkdir(parents=True)
    paths = [place.checkpoint(epoch, digest) for epoch, digest in ((9, "f" * 64), (10, "0" * 64), (100, "a" * 64))]
    for path in paths:
        path.touch()
    assert place.checkpoints() == paths[::-1]


def test_a_token_is_never_given_out_twice(tmp_path: Path) -> None:
    place = Layout(tmp_path).place("run", "ab12")
    assert place.last_token() == 0
    place.folder.mkdir(parents=True)
    place.lease(2).touch()
    assert place.last_token() == 2
    place.released(11).touch()
    assert place.last_token() == 11
    assert place.leases() == [place.lease(2)]


def test_failures_come_first_attempt_first(tmp_path: Path) -> None:
    place = Layout(tmp_path).place("run", "ab12")
    place.folder.mkdir(parents=True)
    for number in (10, 2, 1):
        place.failure(number).touch()
    assert place.failures() == [place.failure(1), place.failure(2), place.failure(10)]


def test_an_empty_or_absent_place_has_nothing(tmp_path: Path) -> None:
    place = Layout(tmp_path).place("run", "ab12")
    assert place.leases() == place.checkpoints() == place.failures() == []


def test_a_sweep_is_on_record_by_name_and_digest() -> None:
    layout = Layout(Path("store"))
    assert layout.sweep("letters", SHA).parent == Path("store/sweeps/letters")
    assert layout.sweep("letters", SHA) != layout.sweep("letters", SHA[::-1])
    assert layout.format == Path("store/FORMAT")
    assert layout.wandb == Path("store/wandb")
