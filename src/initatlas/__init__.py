"""initatlas: an atlas of random initialisation.

What people use from Python is here under one name, and imported when it is asked for: no import statement leads to it, so it is
no part of the version of all other code.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("initatlas")  # not a constant here: a release must not change the version of all code
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "unknown"


def __getattr__(name: str) -> object:
    """One of the names of `initatlas.exports`."""
    exports = import_module(f"{__name__}.exports").EXPORTS
    if name not in exports:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(exports[name]), name)


def __dir__() -> list[str]:
    """All names, those of `initatlas.exports` too."""
    return sorted({*globals(), *import_module(f"{__name__}.exports").EXPORTS})
