"""A sweep beside published errors: `references/` has them as data, `compare` and `files` lay ours beside them."""
