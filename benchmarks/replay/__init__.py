"""The simulator against sweeps that were run: here (`python -m benchmarks.replay`) and on hosts (`.hosts`)."""
