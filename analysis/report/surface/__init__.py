"""Error over (epoch x frozen units): a table, a figure, and the freezing-wise verdict at several training budgets."""
