"""Plans against a store in a bucket."""
