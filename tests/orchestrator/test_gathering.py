"""A launch gathers results for plans while it runs: where something has ended since, and whatever the store refuses."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

from orchestrator.launch import gathering


class Store:
    """Refuses the first time."""

    def __init__(self) -> None:
        self.asked = 0
        self.gathered = threading.Event()

    def gather(self) -> int:
        self.asked += 1
        if self.asked == 1:
            raise OSError(5, "refused")
        self.gathered.set()
        return 1


def test_what_has_ended_is_gathered_while_a_launch_runs() -> None:
    store, agenda = Store(), SimpleNamespace(ended={})
    with gathering(cast(Any, SimpleNamespace(store=store)), cast(Any, agenda), every=0.01):
        assert not store.gathered.wait(0.2) and store.asked == 0  # nothing has ended
        number = 0
        while not store.gathered.wait(0.05):
            agenda.ended[f"job {number}"] = "done"
            number += 1
            assert number < 600
    asked = store.asked
    agenda.ended["last"] = "done"
    store.gathered.clear()
    assert not store.gathered.wait(0.1) and store.asked == asked >= 2
