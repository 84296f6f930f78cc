"""Where other libraries keep what they compiled or looked up, also where neither the package nor the home can be written.

In a container both may be read-only. Then a folder below the one for temporary files takes their place: private, since numba
and matplotlib run or trust what they find in their caches. Where there is none either, numba compiles in every process.
"""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

from initatlas.files import can_be_made

Function = TypeVar("Function", bound=Callable[..., Any])

_MATPLOTLIB = "MPLCONFIGDIR"


def private_folder(name: str) -> Path | None:
    """A folder below the one for temporary files that this user alone can read and write; it is made if it is absent.

    Parameters
    ----------
    name
        Name of the folder inside the user's own one.

    Returns
    -------
    Path or None
        None where there is no such folder: it cannot be made, or somebody else can write what stands in its place.
    """
    try:
        own = Path(tempfile.gettempdir()) / f"initatlas-{os.geteuid()}"
        return own / name if _is_private(own) and _is_private(own / name) else None
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    """Make a folder if it is absent; whether it is one of this user's, without access for others."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def use_writable_caches() -> None:
    """Give matplotlib a folder that can be written, in this process and in those that it starts.

    By itself it would take a new folder in every process, list all fonts anew, and say so on every job's standard error.
    """
    if _MATPLOTLIB in os.environ or all(map(can_be_made, _matplotlib_folders())):
        return
    folder = private_folder("matplotlib")
    if folder is not None:
        os.environ[_MATPLOTLIB] = str(folder)


def _matplotlib_folders() -> list[Path]:
    """Where matplotlib keeps its settings and its list of fonts, on Linux; elsewhere the home stands for both."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # stays as it is where no home is known
    return [
        Path(os.environ.get(variable) or home / usual) / "matplotlib"
        for variable, usual in (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache"))
    ]


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Decorator: numba's ``njit`` without the lock of the interpreter, with a cache where there is room for one.

    Parameters
    ----------
    **options
        Further options of ``numba.njit``.
    """

    def compile_(function: Function) -> Function:
        import numba

        config: Any = numba.config
        try:
            done: Function = numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # numba has no folder for its cache
            folder = private_folder("numba")
            before = config.CACHE_DIR
            config.CACHE_DIR = "" if folder is None else str(folder)
            try:
                done = numba.njit(cache=folder is not None, nogil=True, **options)(function)
            finally:
                config.CACHE_DIR = before
        _notice_imports(done, function)
        return done

    return compile_


def _notice_imports(done: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Have numba's cache notice a change of what a compiled function takes from other modules.

    Of itself it looks at the file of the function alone. A compiled function or a constant of another module becomes part of
    the machine code, which would outlive a change of that module; so does what plain functions write, where a module has
    intrinsics. What numba compares is private to it; where it is not found, nothing is done, and a test says so.
    """
    names = sorted(name for name in function.__globals__ if not name.startswith("__"))
    values = [function.__globals__[name] for name in names]
    stamps = [_stamp(value) for value in values]
    if any(isinstance(value, _intrinsic()) for value in values):
        stamps += [_file_stamp(value) for value in values]
    file = _cache_file(done)
    if file is not None:
        file._source_stamp = (file._source_stamp, *filter(None, stamps))


def _stamp(value: Any) -> Any:
    """What tells a constant, or a compiled function with all that it takes, from another one; None for all else."""
    constants = value if isinstance(value, tuple) else (value,)
    if all(isinstance(constant, bool | int | float | complex | str) for constant in constants):
        return repr(value)
    return getattr(_cache_file(value), "_source_stamp", None)


def _intrinsic() -> type:
    """What numba makes of a function that writes LLVM's code."""
    from numba.core.extending import _Intrinsic

    kind: type = _Intrinsic
    return kind


def _file_stamp(value: Any) -> Any:
    """What tells the file of a plain function from an older one; None for all else."""
    if not isinstance(value, FunctionType) or value.__module__ == __name__:
        return None
    status = Path(value.__code__.co_filename).stat()
    return status.st_mtime_ns, status.st_size


def _cache_file(function: Any) -> Any:
    """The file of numba's cache of a compiled function, or None."""
    file = getattr(getattr(function, "_cache", None), "_cache_file", None)
    return file if hasattr(file, "_source_stamp") else None
