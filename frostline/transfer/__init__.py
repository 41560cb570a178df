"""Which source, before the runs: `frostline rank`, and `frostline transferability` after them.

The module `commands` has both; `ranking` scores and orders, `measured` compares with results.
"""
