"""Keys of the store: apart from each other, in the order they are asked for, found among names."""

from __future__ import annotations

from sweeps import layout
from sweeps.layout import last_part, parent, place

SHA = "0123456789abcdef" * 4
PLACE = place("run", "ab12")


def names(*keys: str) -> list[str]:
    return [last_part(key) for key in keys]


def test_places_lie_apart() -> None:
    run, source, other = PLACE, place("source", "ab12"), place("run", "ab13")
    assert run.folder == "runs/ab/ab12"
    assert source.folder == "sources/ab/ab12"
    assert len({run.folder, source.folder, other.folder}) == 3
    assert parent(parent(run.folder)) == layout.shelf("run")


def test_files_are_named_by_their_content() -> None:
    assert last_part(PLACE.epochs(SHA)) == "epochs-0123456789abcdef.parquet"
    assert last_part(PLACE.weights(SHA)) == "weights-0123456789abcdef.safetensors"
    assert last_part(PLACE.checkpoint(7, SHA)) == "checkpoint-00000007-0123456789abcdef.ckpt"
    assert PLACE.epochs(SHA) != PLACE.epochs(SHA[::-1])


def test_checkpoints_come_latest_first_whatever_their_digests() -> None:
    keys = [PLACE.checkpoint(epoch, digest) for epoch, digest in ((9, "f" * 64), (10, "0" * 64), (100, "a" * 64))]
    assert PLACE.checkpoints(names(*keys, PLACE.result)) == keys[::-1]


def test_a_token_is_never_given_out_twice() -> None:
    assert PLACE.last_token([]) == 0
    assert PLACE.last_token(names(PLACE.lease(2))) == 2
    there = names(PLACE.released(11), PLACE.lease(2), PLACE.result)
    assert PLACE.last_token(there) == 11
    assert PLACE.leases(there) == [PLACE.lease(2)]
    assert PLACE.last_token(names(PLACE.reset(7), PLACE.result)) == 7
    assert PLACE.last_reset(names(PLACE.reset(7), PLACE.lease(8))) == 7 and PLACE.last_reset(there) == 0


def test_failures_come_first_attempt_first() -> None:
    there = names(*(PLACE.failure(number) for number in (10, 2, 1)))
    assert PLACE.failures(there) == [PLACE.failure(1), PLACE.failure(2), PLACE.failure(10)]


def test_an_empty_place_has_nothing() -> None:
    assert PLACE.leases([]) == PLACE.checkpoints([]) == PLACE.failures([]) == []


def test_a_sweep_is_on_record_by_name_and_digest() -> None:
    assert parent(layout.sweep("letters", SHA)) == "sweeps/letters"
    assert layout.sweep("letters", SHA) != layout.sweep("letters", SHA[::-1])
