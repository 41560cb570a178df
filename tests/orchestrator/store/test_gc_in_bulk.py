"""gc of many runs: requests in bulk, and the same care as of one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from obstore.store import MemoryStore as ObstoreMemory

from orchestrator.store.gc import Garbage, garbage, listing, remove
from orchestrator.store.interface import Store
from orchestrator.store.lease import Watch, claim, living
from orchestrator.store.objects.store import ObjectStore
from orchestrator.store.settings import Settings
from sweeps import layout
from sweeps.layout import Place
from sweeps.store.location import S3Location
from sweeps.store.objects.bucket import Bucket
from sweeps.store.objects.cache import ObjectCache
from tests.orchestrator.store.asked import Asked

RELEASED = json.dumps({"holder": "", "beat": 1, "progress": 1, "epochs": 1, "token": 3, "released": True}).encode()


def places(number: int) -> list[Place]:
    """Of ids that stand near each other and far from each other."""
    return [layout.place("run", f"{number * 7 % 256:02x}{number:018x}") for number in range(number)]


def fill(store: Store, places: list[Place]) -> None:
    for place in places:
        store.create(place.epochs("e" * 64), b"curve")
        store.create(place.result, b"{}")
        if store.one_lease:
            store.create(place.one_lease, RELEASED)


def everything(store: Store) -> set[str]:
    return {entry.key for folder in ("runs", "sources") for entry in store.entries(folder)}


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    here = S3Location("memory")
    return ObjectStore(Bucket(ObstoreMemory(), str(here)), here, cache=ObjectCache(tmp_path))


def test_many_unreached_runs_go_by_a_few_requests_each_and_are_deleted_in_bulk(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 runs of 3 objects: for each a listing, a look at its lease and its replacement, and a listing of its keys."""
    fill(objects, places(300))
    asked = Asked(monkeypatch)
    items = garbage(objects)
    assert [item.what for item in items] == ["unreached run"] * 300 and items[0].bytes == len(RELEASED) + 7
    assert asked.number["get"] == 300 and asked.number["list"] + asked.number["list_with_delimiter"] < 50
    assert asked.number["delete"] == asked.number["put"] == 0
    asked.clear()
    assert remove(objects, items) == items and everything(objects) == set()
    assert asked.number["delete"] == 3 * 3  # results, the rest, leases: of 128, 128 and 44 runs
    assert asked.number["put"] == 300 and asked.number["get"] == 300
    assert asked.number["list"] + asked.number["list_with_delimiter"] <= 2 * 300 + 20


def test_leases_that_were_written_long_before_the_last_write_are_not_asked_for(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(objects, places(50))
    monkeypatch.setattr(listing, "AGE_SECONDS", 0.0)
    asked = Asked(monkeypatch)
    assert len(garbage(objects, Settings(lease_expiry=0.0))) == 50
    assert asked.number["get"] <= 1  # of the lease that was written last


def test_of_whole_results_that_a_sweep_wants_nothing_is_read(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 300 runs one has a curve too many, and one no result: these two are looked at."""
    some = places(300)
    fill(objects, some)
    objects.replace(some[5].epochs("f" * 64), b"of a late writer")
    objects.remove(some[6].result)
    monkeypatch.setattr(listing, "reached", lambda store: {(place.kind, place.id) for place in some})
    asked = Asked(monkeypatch)
    assert garbage(objects) == []  # its result is no result: for `run` to find
    assert sorted(asked.keys) == sorted([*(place.one_lease for place in some[5:7]), some[5].result])
    assert asked.number["list"] + asked.number["list_with_delimiter"] < 50


def test_what_is_held_among_many_is_left_and_all_else_goes(store: Store) -> None:
    """In each kind of store; a batch holds both, and those of it that are left are given back."""
    some = places(20)
    fill(store, some)
    items = garbage(store)
    settings = Settings(lease_expiry=5.0)  # a heartbeat each second
    held = [claim(store, place, 1, Watch(settings)) for place in some[3:20:5]]
    gone = remove(store, items, settings)
    assert {item.place for item in gone} == {*some} - {lease.place for lease in held}
    left = {key.rpartition("/")[0] for key in everything(store)}
    assert left == {lease.place.folder for lease in held}
    for lease in held:
        lease.check()
        lease.release()
    assert remove(store, garbage(store)) and everything(store) == set()


def test_a_holder_is_found_although_the_first_look_takes_longer_than_the_expiry(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does where there are 100,000 leases to look at."""
    settings, (place,) = Settings(lease_expiry=0.5), places(1)
    lease = claim(objects, place, 1, Watch(settings))
    read, slow = objects.read, iter([0.7])

    def reading(key: str) -> bytes | None:
        found = read(key)
        time.sleep(next(slow, 0.0))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(objects, "read", reading)
        assert living(objects, [place], settings) == [place]
    lease.release()
    assert living(objects, [place], settings) == []


def test_of_a_batch_in_which_the_storage_fails_nothing_stays_held(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(objects, places(10))
    items = garbage(objects)
    with monkeypatch.context() as broken:
        broken.setattr(objects, "remove_all", lambda *keys: (_ for _ in ()).throw(OSError(5, "refused")) if keys else 0)
        with pytest.raises(OSError, match="refused"):
            remove(objects, items)
    assert len(everything(objects)) == 30
    assert [item.key for item in remove(objects, garbage(objects))] == [item.key for item in items]
    assert everything(objects) == set()


def test_a_result_goes_before_what_it_speaks_of_and_a_lease_after_it(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion that ends half way leaves no result whose curve is gone, and nobody begins before it has ended."""
    (place,) = places(1)
    fill(objects, [place])
    items = garbage(objects)
    told: list[list[str]] = []
    delete = objects.bucket.delete
    monkeypatch.setattr(objects.bucket, "delete", lambda keys: (told.append(keys), delete(keys)))
    assert remove(objects, items) == items
    ends = [[layout.last_part(key) for key in keys] for keys in told if keys]
    assert ends == [["result.json"], [place.id, "epochs-eeeeeeeeeeeeeeee.parquet"], ["lease.json"]]


def test_what_belongs_to_no_place_goes_in_bulk(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1500):
        objects.bucket.put(f"features/{number % 256:02x}/{number}.safetensors", b"x")
    for number in range(30):
        objects.bucket.put(f"quarantine/run-{number}/reason.json", b"{}")
    items = garbage(objects)
    assert sum(item.what == "quarantine" for item in items) == 30
    assert sum(item == Garbage("activations", item.key, 1) for item in items) == 1500
    asked = Asked(monkeypatch)
    assert remove(objects, items) == items and garbage(objects) == []
    assert asked.number["delete"] == 1 + 2
