"""The notebooks of examples/ run to their end on the golden store, each in a kernel of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.docs.pages import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.ipynb"))
GOLDEN = ROOT / "tests" / "golden"
OF_A_SWEEP = f"sweep_file, store = {str(GOLDEN / 'sweep.yaml')!r}, {str(GOLDEN / 'store')!r}"
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def test_there_are_three() -> None:
    assert [path.stem for path in EXAMPLES] == ["own_curves", "paper_figure", "read_a_sweep"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not kept in the repository"
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    if "sweep_file" in parameters.source:
        parameters.source = OF_A_SWEEP
    nbformat.write(notebook, tmp_path / path.name)
    done = subprocess.run(
        [sys.executable, "-c", RUN, path.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cells = [cell for cell in nbformat.read(tmp_path / path.name, as_version=4).cells if cell.cell_type == "code"]
    said = "".join(out.get("text", "") for cell in cells for out in cell.outputs)
    assert all(cell.execution_count for cell in cells)
    shown = {kind for cell in cells for out in cell.outputs for kind in out.get("data", {})}
    assert "image/png" in shown
    if path.stem == "own_curves":
        assert said.startswith("double_descent") and "monotone False" in said
    if path.stem == "read_a_sweep":
        assert "text/html" in shown and "C3 " in said and "best depths: " in said
    if path.stem == "paper_figure":
        assert "frozen.pdf" in said and (tmp_path / "frozen.svg").is_file() and r"\includegraphics[width=3.25in" in said
