"""Data sets: specs, readers, generated glyphs, and the one file format in which the workflow keeps them."""
