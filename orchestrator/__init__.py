"""Running: from a sweep to committed results. Nothing imports this package."""
