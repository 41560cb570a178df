"""Listing many folders at once: everything, once, in as few requests as there are pages."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore as ObstoreMemory

from orchestrator.store.folder import store_at
from orchestrator.store.objects.store import ObjectStore
from sweeps import layout
from sweeps.layout import parent
from sweeps.store.location import S3Location
from sweeps.store.objects import bucket as buckets
from sweeps.store.objects import listing
from sweeps.store.objects.bucket import Bucket
from sweeps.store.objects.cache import ObjectCache
from sweeps.store.objects.listing import objects_below
from tests.orchestrator.store.asked import Asked

PAGE = 10


def a_bucket(keys: list[str]) -> Bucket:
    store = ObstoreMemory()
    for key in keys:
        obstore.put(store, key, key.encode())
    return Bucket(store, "s3://memory")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (buckets, listing):
        monkeypatch.setattr(module, "PAGE", PAGE)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("seed", range(24))
def test_all_of_some_folders_is_told_once_and_within_the_number_of_pages(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders empty and full, missing and not asked for, names that stand between a folder and what is in it."""
    random_of = random.Random(seed)
    folders = [f"{kind}/{first:02x}" for kind in ("runs", "sources") for first in range(40)]
    keys = [
        f"{folder}/{number:04x}/{name}"
        for folder in folders
        for number in range(random_of.choice((0, 0, 1, 2, random_of.randrange(9))))
        for name in ("epochs", "lease.json", "result.json")
    ]
    keys += [f"{folder}-beside/x" for folder in folders[:5]]
    keys += ["runs/0", "runs/05x", "sources/07x", "runs/0!/x", "runs/zz/x", "run/x", "sourcesx"]
    threads, asked_for = random_of.choice((1, 3, 8)), random_of.sample(folders, random_of.choice((1, 5, 40, 80)))
    bucket, asked = a_bucket(keys), Asked(monkeypatch)
    found = [each.key for each in objects_below(bucket, asked_for, threads)]
    wanted = sorted(key for key in keys if any(key.startswith(f"{folder}/") for folder in asked_for))
    assert sorted(found) == wanted
    for kind in ("runs", "sources"):
        assert [key for key in found if key.startswith(f"{kind}/")] == [key for key in wanted if key.startswith(kind)]
    kinds = {parent(folder) for folder in asked_for}
    from_first_to_last = sum(
        1
        for key in keys
        for kind in kinds
        if min(f for f in asked_for if parent(f) == kind) < key < max(f for f in asked_for if parent(f) == kind) + "0"
    )
    of_folders = Counter("/".join(key.split("/")[:2]) for key in wanted)
    assert asked.number["list"] <= from_first_to_last // PAGE + (threads + 1) * len(kinds)
    assert asked.number["list"] <= sum(of_folders[folder] // PAGE + 1 for folder in asked_for)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("service", ["heeds no start", "heeds no order"])
def test_a_service_that_lists_in_another_way_is_asked_for_each_folder(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"runs/{number % 30:02x}/{number:03}" for number in range(150)]
    bucket = a_bucket(keys)
    in_order = obstore.list

    def other(store: object, folder: str, offset: str | None = None, chunk_size: int = 50) -> object:
        if offset is None:
            return in_order(store, folder, chunk_size=chunk_size)  # pyright: ignore[reportArgumentType]
        (found,) = in_order(store, folder, chunk_size=1000)  # pyright: ignore[reportArgumentType]
        return iter([(found if service == "heeds no start" else found[::-1])[:chunk_size]])

    monkeypatch.setattr(buckets.obstore, "list", other)
    folders = [f"runs/{first:02x}" for first in range(30)]
    assert sorted(each.key for each in objects_below(bucket, folders, 4)) == sorted(keys)


def test_nothing_is_asked_where_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, asked = a_bucket(["runs/ab/x"]), Asked(monkeypatch)
    assert list(objects_below(bucket, [], 4)) == [] and asked.number.total() == 0


def test_a_server_that_speaks_s3_lists_from_any_key_on(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one page of it, below the prefix of a store."""
    store = store_at(s3)
    assert isinstance(store, ObjectStore)
    keys = [f"runs/{number % 64:02x}/{number:04}/result.json" for number in range(1100)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.replace(key, b""), [*keys, "runs-of-others/a", "sources/aa/b/c"]))
    asked = Asked(monkeypatch)
    found = [each.key for each in objects_below(store.bucket, [f"runs/{first:02x}" for first in range(256)], 8)]
    assert found == sorted(keys) and 2 <= asked.number["list"] == asked.number.total() <= 4


def results(store: ObjectStore, number: int) -> list[layout.Place]:
    """As many results, spread as ids are, each with curve and lease."""
    random_of = random.Random(number)
    places = [layout.place("run", f"{random_of.getrandbits(80):020x}") for _ in range(number)]
    for place in places:
        for key in (place.result, place.epochs("e" * 64), place.one_lease):
            store.bucket.put(key, place.id.encode())
    return places


def test_requests_of_a_snapshot_grow_with_its_pages_and_not_with_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4,000 results: 12 pages, and one index for each of 16 folders; once more on the same machine: the pages alone."""
    here = S3Location("memory")
    store = ObjectStore(Bucket(ObstoreMemory(), str(here)), here, cache=ObjectCache(tmp_path))
    places = results(store, 4000)
    shelves = [f"{layout.shelf(kind)}/{first:02x}" for kind in layout.KINDS for first in range(256)]
    asked = Asked(monkeypatch)
    assert store.gather() == 4000
    assert asked.number["get"] == 4000 + 16 and asked.number["put"] == 16 and asked.number["list"] <= 12 + 2 * 33 + 1
    for got in (16, 0):
        asked.clear()
        view = store.snapshot(shelves)
        assert all(view.read(place.result) == place.id.encode() for place in places)
        assert asked.number["get"] == got and set(asked.number) <= {"get", "list"}
        assert asked.number["list"] <= 12 + 2 * 33 + 1
    few = store_with_few(tmp_path)
    asked.clear()
    few.snapshot(shelves)
    assert asked.number == {"list": 3}  # runs, sources, and whether there is an index


def store_with_few(tmp_path: Path) -> ObjectStore:
    here = S3Location("few")
    store = ObjectStore(Bucket(ObstoreMemory(), str(here)), here, cache=ObjectCache(tmp_path))
    results(store, 300)
    return store
