"""initatlas: an atlas of random initialisation.

What people use from Python is here under one name, and imported when it is asked for: no import statement leads to it, so it is
no part of the version of all other code.
"""

from importlib import import_module


def __getattr__(name: str) -> object:
    """The version, or one of the names of `initatlas.exports`."""
    if name == "__version__":
        return _version()
    exports = import_module(f"{__name__}.exports").EXPORTS
    if name not in exports:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(exports[name]), name)


def _version() -> str:
    """The version; not a constant here, since a release must not change the version of all code."""
    from importlib.metadata import PackageNotFoundError, version  # takes longer than the rest of a short stage's start

    try:
        return version("initatlas")
    except PackageNotFoundError:  # a source tree on the path, not installed
        return "unknown"


def __dir__() -> list[str]:
    """All names, those of `initatlas.exports` too."""
    return sorted({"__version__", *globals(), *import_module(f"{__name__}.exports").EXPORTS})
