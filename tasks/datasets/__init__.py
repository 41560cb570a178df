"""Data sets, one file each: how its samples are read, what they are, what to cite. `tasks/registry.py` lists them."""
