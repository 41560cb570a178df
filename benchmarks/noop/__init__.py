"""What runs cost that compute next to nothing: on this machine (`python -m benchmarks.noop`), on three hosts (`.hosts`)."""
