"""initatlas: an atlas of random initialisation."""

__version__ = "0.1.0"
