"""Where the workflow keeps its files, relative to the folder of the Snakefile."""

from pathlib import Path

POINTS = Path("data/points")
"""The point store."""


def dataset_path(name: str) -> Path:
    """The netCDF file of a data set."""
    return Path("data/datasets") / f"{name}.nc"


def cube_path(study: str, sweep: str) -> Path:
    """The cube of a sweep."""
    return Path("data/cubes") / study / f"{sweep}.nc"
