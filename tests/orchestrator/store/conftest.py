"""Stores of every kind: the same tests hold for each."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore as ObstoreMemory

from orchestrator.store.folder import FolderStore, store_at
from orchestrator.store.interface import Store
from orchestrator.store.objects.store import ObjectStore
from sweeps.store.location import S3Location
from sweeps.store.objects.bucket import Bucket
from sweeps.store.objects.cache import ObjectCache
from tests.object_store import s3 as s3
from tests.orchestrator.store.memory_store import MemoryStore


@pytest.fixture(params=["folder", "keys", "objects", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A folder; keys in memory without conditions; objects in memory with them; objects of a server that speaks S3."""
    made: Store
    if request.param == "folder":
        made = FolderStore(tmp_path / "store")
    elif request.param == "keys":
        made = MemoryStore(tmp_path)
    elif request.param == "objects":
        here = S3Location("memory")
        made = ObjectStore(Bucket(ObstoreMemory(), str(here)), here, cache=ObjectCache(tmp_path / "cache"))
    else:
        made = store_at(request.getfixturevalue("s3"))
    made.prepare()
    return made
