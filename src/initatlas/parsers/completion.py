"""What the tab key offers where names of the atlas are asked for: read from the config as written, quickly and without checks."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from initatlas.errors import UserError
from initatlas.layout import CONFIG, SETTINGS
from initatlas.runs import atlas_or_here

Names = Callable[[Path], Iterator[str]]


def offers(names: Names) -> Callable[..., list[str]]:
    """A completer for `argcomplete` from the names below the folder of the atlas; no config, no offers."""

    def complete(**given: object) -> list[str]:
        try:
            return list(names(atlas_or_here(Path.cwd())))
        except (OSError, UserError):
            return []

    return complete


def completed(argument: argparse.Action, names: Names) -> None:
    """Let the tab key offer names for an argument."""
    argument.completer = offers(names)  # type: ignore[attr-defined]


def studies(atlas: Path) -> Iterator[str]:
    """The studies of the config, and the files of sweeps beside them."""
    written = _read(atlas / SETTINGS).get("studies") or []
    files = (path.stem for path in sorted((atlas / CONFIG / "sweeps").glob("*.yaml")))
    yield from dict.fromkeys([*(str(study).rpartition(".")[2] for study in written), *files])


def sweeps(atlas: Path) -> Iterator[str]:
    """Sweeps as ``study/sweep``."""
    for path in sorted((atlas / CONFIG / "sweeps").glob("*.yaml")):
        yield from (f"{path.stem}/{name}" for name in _part(_read(path), "sweeps"))


def targets(atlas: Path) -> Iterator[str]:
    """Studies and sweeps."""
    yield from studies(atlas)
    yield from sweeps(atlas)


def claims(atlas: Path) -> Iterator[str]:
    """Claims as ``study/claim``."""
    for path in sorted((atlas / CONFIG / "published").glob("*.yaml")):
        yield from (f"{path.stem}/{name}" for name in _part(_read(path), "claims"))


def studies_and_claims(atlas: Path) -> Iterator[str]:
    """Studies and claims."""
    yield from studies(atlas)
    yield from claims(atlas)


def downloads(atlas: Path) -> Iterator[str]:
    """Data sets with somewhere to download them from."""
    for name, spec in _read(atlas / CONFIG / "datasets.yaml").items():
        if isinstance(spec, Mapping) and spec.get("mirrors"):
            yield name


def activations(atlas: Path) -> Iterator[str]:
    """Activations by their names."""
    from initatlas.activations.base import ACTIVATIONS

    yield from ACTIVATIONS.names


def _part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping within a mapping."""
    part = content.get(key)
    return part if isinstance(part, Mapping) else {}


def _read(path: Path) -> Mapping[str, Any]:
    """The content of a YAML file."""
    from initatlas.yaml_files import read_yaml

    return read_yaml(path)
