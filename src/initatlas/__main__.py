"""`python -m initatlas`."""

from initatlas.cli import entry

entry()
