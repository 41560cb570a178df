"""`python -m frostline`: the same as the command `frostline`."""

import sys

from frostline.cli import main

if __name__ == "__main__":
    sys.exit(main())
