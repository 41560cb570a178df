"""`python -m benchmarks.gpu`: see benchmarks/gpu/table.py."""

import typer

from benchmarks.gpu.table import main

if __name__ == "__main__":
    typer.run(main)
