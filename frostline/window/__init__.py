"""The window on W&B: a sweep's own run there, with tables, figures, page and artifact, and its report.

The modules: `results` reads a sweep and writes its files, `content` is what its W&B run shows, `publish` sends it with
its runs, `blocks` and `panels` are the report's parts, `report` builds it, `send_report` saves it on a server.
"""
