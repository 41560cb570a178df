"""The claims of several sweeps as people look at them: one table, and one figure for each claim."""
