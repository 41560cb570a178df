"""Figures for papers: their sizes, a layout in which nothing overlaps, their files, captions, and a page with all."""
