"""Sweeps played through on clusters of any size, before a node is paid for: `frostline simulate`."""
