"""The page of a large sweep: made, opened, filtered."""
