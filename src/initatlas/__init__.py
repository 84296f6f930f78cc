"""initatlas: an atlas of random initialisation."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("initatlas")  # not a constant here: a release must not change the version of all code
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "unknown"
