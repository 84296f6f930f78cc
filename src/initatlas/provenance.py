"""Where a number comes from: the version of the code behind it, the packages, the machine."""

import ast
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import NamedTuple

from initatlas.errors import UserError

PACKAGES = ("numpy", "scipy", "torch", "numba", "xarray", "netCDF4", "ray", "snakemake")


@cache
def code_version(entry: str) -> str:
    """Hash of all code of this project that `entry` can reach by imports.

    Comments, docstrings and layout do not count: the hash is over the syntax trees of the modules in the import closure,
    imports inside functions included. Modules of other projects do not count either; their versions are recorded by
    `package_versions`.

    Parameters
    ----------
    entry
        A module name, such as ``initatlas.experiments.forward_kernel``.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ModuleNotFoundError
        If `entry` does not exist.
    """
    digest = hashlib.sha256()
    for name, path in sorted(import_closure(entry).items()):
        digest.update(name.encode())
        digest.update(_read(name, path).syntax)
    return digest.hexdigest()


def import_closure(entry: str) -> dict[str, Path]:
    """The modules that `entry` can reach by imports: name to source file.

    They are those of its own package and ours, and of what lies beside its package, unless that is where packages are installed.

    Raises
    ------
    ModuleNotFoundError
        If `entry` does not exist.
    UserError
        If one of them is no Python.
    """
    roots = {entry.partition(".")[0], __name__.partition(".")[0]}
    home = _home(entry.partition(".")[0])
    modules: dict[str, Path] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        path = None if name in modules else _source(name)
        if path is None:
            continue
        modules[name] = path
        mentioned = (*_parents(name), *_read(name, path).imports)
        waiting.extend(other for other in mentioned if _belongs(other.partition(".")[0], roots, home))
    if entry not in modules:
        raise ModuleNotFoundError(f"no source for module {entry}", name=entry)
    return modules


def top_level_names(module: str) -> frozenset[str]:
    """The names that a module defines or imports at its top level, found without importing it; ``*`` for those of a star.

    Raises
    ------
    ModuleNotFoundError, UserError
        As `import_closure`.
    """
    return _read(module, source_file(module)).names


def syntax_tree(module: str) -> ast.Module:
    """The syntax of a module, found without importing it.

    Raises
    ------
    ModuleNotFoundError, UserError
        As `import_closure`.
    """
    path = source_file(module)
    return _parsed(path, path.read_bytes())


def source_file(module: str) -> Path:
    """The source file of a module that has to exist."""
    path = _source(module)
    if path is None:
        raise ModuleNotFoundError(f"no source for module {module}", name=module)
    return path


def _belongs(top: str, roots: Set[str], home: Path | None) -> bool:
    """Whether the code below a top-level module counts: it is one of the roots, or lies in the folder `home`."""
    return top in roots or (home is not None and top != "" and _home(top) == home)


@cache
def _home(top: str) -> Path | None:
    """The folder that holds a top-level module; None for one without a file, or where packages are installed."""
    try:
        spec = find_spec(top)
    except ValueError:  # what `__main__` is while a script runs
        return None
    if spec is None:
        return None
    file = [spec.origin] if spec.origin and spec.has_location else []
    places = file if spec.submodule_search_locations is None else spec.submodule_search_locations
    folders = [Path(place).resolve().parent for place in places]
    return next((folder for folder in folders if folder.name not in ("site-packages", "dist-packages")), None)


@cache
def _source(name: str) -> Path | None:
    """Source file of a module, found without importing it; None if `name` is no module (an attribute, say)."""
    top, *rest = name.split(".")
    spec = find_spec(top) if top else None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    stems = [Path(folder).joinpath(*rest) for folder in spec.submodule_search_locations or ()]
    candidates = [path for stem in stems for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py"))]
    return next((path for path in candidates if path.is_file()), None)


def _parents(name: str) -> Iterator[str]:
    """The packages around a module: importing it runs their ``__init__`` as well."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imports(name: str, tree: ast.Module, *, is_package: bool) -> Iterator[str]:
    """Every module that the source mentions in an import; ``from a import b`` may mean the module ``a.b``."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(package: str, level: int, module: str | None) -> str:
    """Resolve a relative import against the package it stands in."""
    if level == 0:
        return module or ""
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{module}" if module else base


class _Module(NamedTuple):
    """What is asked of a source file: the modules in its imports, the names that it defines at its top level, and the hash of
    its syntax without docstrings and positions.
    """

    imports: tuple[str, ...]
    names: frozenset[str]
    syntax: bytes


@cache
def _read(name: str, path: Path) -> _Module:
    """Read a module, once for all the entries that reach it, and once for all processes until its text changes.

    What is found lies beside the bytecode. It is bound to the text, to the name (which relative imports are seen from), and to
    the text of this module.
    """
    text = path.read_bytes()
    key = hashlib.sha256(b"\0".join([_own_text(), name.encode(), text])).hexdigest()
    kept = Path(cache_from_source(path)).with_suffix(".code")
    module = _recall(kept, key)
    if module is None:
        module = _analysed(name, path, text)
        _keep(kept, key, module)
    return module


@cache
def _own_text() -> bytes:
    """The source of this module."""
    return Path(__file__).read_bytes()


def _recall(kept: Path, key: str) -> _Module | None:
    """What an earlier process found; None if it found nothing, or in another text, or in a file that is damaged."""
    try:
        bound, imports, names, syntax = json.loads(kept.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    return _Module(tuple(imports), frozenset(names), bytes.fromhex(syntax)) if bound == key else None


def _keep(kept: Path, key: str, module: _Module) -> None:
    """Write down what was found, whole or not at all; where bytecode may not or cannot be kept, neither is this."""
    if sys.dont_write_bytecode:
        return
    draft = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps([key, module.imports, sorted(module.names), module.syntax.hex()]), encoding="utf-8")
        draft.replace(kept)


def _analysed(name: str, path: Path, text: bytes) -> _Module:
    """Find what is asked of a source file in its text."""
    tree = _parsed(path, text)
    imports = tuple(_imports(name, tree, is_package=path.name == "__init__.py"))
    names = frozenset(_defined(tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [*_without_docstring(node.body)]
    return _Module(imports, names, hashlib.sha256(ast.dump(tree).encode()).digest())


def _parsed(path: Path, text: bytes) -> ast.Module:
    """The syntax of a file with this text; a slip in it is one line."""
    try:
        return ast.parse(text.decode())
    except (SyntaxError, ValueError) as error:  # the latter for what is not UTF-8, or has a null byte
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UserError(f"{path}{line}: not Python ({error.args[0]}); mend it") from None


def _defined(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements define, also those under an ``if`` or a ``try``."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))
        elif isinstance(node, ast.If | ast.Try):
            yield from _defined(inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt))


def _without_docstring(body: list[ast.stmt]) -> Iterable[ast.stmt]:
    """Drop string expressions: docstrings, and attribute docstrings, change no result."""
    return (
        node
        for node in body
        if not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    )


def digest(parts: Sequence[str]) -> str:
    """One hash of several texts: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(list(parts), separators=(",", ":")).encode()).hexdigest()


def text_version(folder: Path) -> str:
    """Hash of the files of a folder, for what is no Python: templates, styles."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def commit() -> str:
    """The commit of the checkout that this code runs from, with ``-dirty`` behind it where a file was changed.

    Empty for an installed copy, also for one that lies in the folder of another checkout.
    """
    here = Path(__file__)
    tracked = ["git", "-C", str(here.parent), "ls-files", "--error-unmatch", here.name]
    described = ["git", "-C", str(here.parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        for command in (tracked, described):
            answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def package_versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of those of the packages that are installed; by default all that carry the numbers."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
