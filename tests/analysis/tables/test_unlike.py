"""Results of one cell that were computed in unlike ways are told, once per cell, wherever results are shown."""

from pathlib import Path
from typing import Any

import pytest

from analysis.cli import main
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.train.provenance import machine
from tests.analysis.store_factory import finished, planned, sweep_text

PLACE: dict[str, Any] = {
    "git_sha": "0" * 40,
    "git_dirty": False,
    "versions": {"torch": "2.15"},
    "cpu": "Example CPU",
    "cpu_capability": "AVX2",
    "threads": 1,
    "host": "a",
}


def _store(store: Path, *places: dict[str, Any], device: tuple[str, ...] = ("cpu", "cpu", "cpu")) -> None:
    _, runs = planned(sweep_text(frozen="[0, 3]"), store)
    for spec in runs.values():
        unlike = spec.transfer.frozen == 3
        place = PLACE | (places[spec.seed] if unlike and spec.seed < len(places) else {})
        finished(store, spec, provenance=place, device=device[spec.seed] if unlike else "cpu")


def _unlike(store: Path) -> list[str | None]:
    cells = collect(read_sweep(planned(sweep_text(frozen="[0, 3]"), store)[0], store)).cells
    assert "unlike" not in comparable(cells)
    return [None if value != value else value for value in cells["unlike"].astype(object)]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"threads": 2}, "threads: 1, 2"),
        ({"cpu": "Other CPU"}, "CPU: Example CPU, Other CPU"),
        ({"cpu_capability": "AVX512"}, "CPU capability: AVX2, AVX512"),
        ({"versions": {"torch": "2.16"}}, "torch: 2.15, 2.16"),
        ({"git_sha": "1" * 40}, "commit: 0000000000, 1111111111"),
        ({"threads": 2, "versions": {"torch": "2.16"}}, "threads: 1, 2; torch: 2.15, 2.16"),
    ],
)
def test_what_a_cell_does_not_share_is_named(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    _store(tmp_path, {}, change)
    assert _unlike(tmp_path) == [None, text]


def test_devices_count_and_hosts_do_not(tmp_path: Path) -> None:
    _store(tmp_path / "hosts", {}, {"host": "b"}, {"versions": {"torch": "2.15", "ray": "2"}})
    assert _unlike(tmp_path / "hosts") == [None, None]
    _store(tmp_path / "devices", device=("cpu", "NVIDIA H100", "cpu"))
    assert _unlike(tmp_path / "devices") == [None, "device: NVIDIA H100, cpu"]


def test_what_an_older_result_does_not_tell_is_no_difference(tmp_path: Path) -> None:
    _store(tmp_path, {}, {"cpu": None, "threads": None, "versions": {}})
    assert _unlike(tmp_path) == [None, None]


def test_terminal_and_page_warn_once_per_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _store(tmp_path / "store", {}, {"threads": 2})
    (tmp_path / "sweep.yaml").write_text(sweep_text(frozen="[0, 3]"))
    options = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main(["summary", str(tmp_path / "sweep.yaml"), *options]) == 0
    assert capsys.readouterr().out.count("its runs differ in threads: 1, 2") == 1
    assert (tmp_path / "out" / "report.html").read_text().count("its runs differ in threads: 1, 2") == 1


def test_a_result_records_its_processor() -> None:
    assert machine()["cpu"] and machine()["cpu_capability"]
