"""A sweep beside published errors: `references/` has them as data, `compare` sets ours beside them, `files` shows it."""
