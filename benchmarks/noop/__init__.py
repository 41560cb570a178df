"""Runs that compute next to nothing: their cost here (`python -m benchmarks.noop`) and on three hosts (`.hosts`)."""
