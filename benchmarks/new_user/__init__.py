"""The path of a new user who has the README alone, timed."""
