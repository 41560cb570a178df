"""`python -m benchmarks.noop [SIZES ...]`."""

import sys

from benchmarks.noop.here import line

if __name__ == "__main__":
    sizes = tuple(int(word) for word in sys.argv[1:])
    print(line(sizes) if sizes else line())
