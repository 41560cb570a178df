"""What `summary` prints: the finding first, then the cells in as many columns as the terminal has."""
