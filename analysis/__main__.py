"""`python -m analysis`: the same as the command line in analysis/cli.py."""

import sys

from analysis.cli import main

if __name__ == "__main__":
    sys.exit(main())
