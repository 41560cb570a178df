"""From files of results to verdicts: curves, double descent, claims, tables and figures."""
