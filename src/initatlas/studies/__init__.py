"""One package per paper: its figures, tables and claims, read from cubes alone."""
