"""From a figure or a table to what it was made from: cubes, settings, code, and the commands that make and read it."""

import ast
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from initatlas.layout import CONFIG
from initatlas.provenance import source_file, syntax_tree


@dataclass(frozen=True)
class Source:
    """What stands behind a product; links are relative to the page, and empty where that cannot reach a file.

    Attributes
    ----------
    cubes
        Title of a sweep to the link to its cube.
    settings
        Path of the YAML of its sweeps to the link to it.
    code
        Path or module of the code that makes it, with the link to it.
    make
        The command that makes it.
    read
        Python that reads one of its cubes.
    """

    cubes: Mapping[str, str]
    settings: Mapping[str, str]
    code: tuple[str, str]
    make: str
    read: str


def product_source(
    module: str,
    name: str,
    *,
    titles: Sequence[str],
    cubes: Mapping[str, Path],
    outputs: Mapping[str, str],
    target: Path,
    scale: str,
    page: Path,
) -> Source:
    """What stands behind a product.

    Parameters
    ----------
    module, name
        The module of the study that has it, and its name there.
    titles
        The sweeps that it is read from, as ``study/sweep``.
    cubes
        The cubes that there are, by title.
    outputs
        Title to an output that is worth a look.
    target
        One of its files.
    scale
        Of the page.
    page
        Folder of the page. Below its parent, the folder of the atlas, lies all that a link may lead to.
    """
    shown = {title: cubes[title] for title in titles if title in cubes}
    files = dict.fromkeys(CONFIG / "sweeps" / f"{title.partition('/')[0]}.yaml" for title in titles)
    root = page.parent
    settings = {path.as_posix(): link_to(root / path, page) for path in files}
    code = source_file(defining_module(module, name))
    return Source(
        cubes={title: link_to(path, page) for title, path in shown.items()},
        settings={text: link for text, link in settings.items() if link},
        code=(_below(code, root), link_to(code, page)),
        make=f"initatlas run --scale {scale} {_below(target, root)}",
        read=_reading(shown, outputs, root),
    )


def _reading(cubes: Mapping[str, Path], outputs: Mapping[str, str], root: Path) -> str:
    """Three lines that read the first cube; nothing where there is none."""
    for title, path in cubes.items():
        return "\n".join(
            [
                "import xarray as xr",
                f'cube = xr.open_dataset("{_below(path, root)}")',
                f'print(cube["{outputs[title]}"])' if title in outputs else "print(cube)",
            ]
        )
    return ""


def _below(path: Path, root: Path) -> str:
    """A path as it reads in the folder of the atlas; the end of one that lies elsewhere."""
    full = path.resolve()
    if full.is_relative_to(root.resolve()):
        return full.relative_to(root.resolve()).as_posix()
    return "/".join(full.parts[-4:])


def link_to(path: Path, page: Path) -> str:
    """A relative link from the page to a file of the atlas; empty where there is none, or it lies outside."""
    inside = path.is_file() and path.resolve().is_relative_to(page.parent.resolve())
    return quote(Path(os.path.relpath(path.resolve(), page.resolve())).as_posix()) if inside else ""


def defining_module(module: str, name: str) -> str:
    """The module that defines a function, where `module` may import it from another one by name."""
    for node in syntax_tree(module).body:
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            above = module.split(".")[: -node.level] if node.level else []
            return defining_module(".".join([*above, *filter(None, [node.module])]), name)
    return module
