"""`python -m benchmarks.replay [WORKERS ...]`."""

import sys

from benchmarks.replay.here import line

if __name__ == "__main__":
    numbers = tuple(int(word) for word in sys.argv[1:])
    print(line(numbers) if numbers else line())
