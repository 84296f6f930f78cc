"""`catalogue.json`: what an archive holds, in plain JSON."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from initatlas.archive.contents import Contents, spec_place
from initatlas.config import Workflow
from initatlas.cubes import open_placed_cube
from initatlas.errors import UserError
from initatlas.layout import PAGE, Layout
from initatlas.provenance import commit, package_versions
from initatlas.validation import first_fault

CATALOGUE = "catalogue.json"


class _Record(BaseModel):
    """A part of the catalogue: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CubeRecord(_Record):
    """A cube of an archive."""

    path: str = Field(description="The netCDF4 file, from the folder of the archive.")
    spec: str = Field(description="The resolved spec of its sweep.")
    summary: str = Field(description="What it holds, in a sentence.")
    experiment: str = Field(description="What computed it.")
    dimensions: dict[str, int] = Field(description="Lengths of its dimensions.")
    outputs: dict[str, str] = Field(description="Its outputs, each with its unit.")
    code_version: str = Field(description="Hash of all code that could change it.")
    datasets: dict[str, str] = Field(description="Its data sets, each with the hash of its content.")
    packages: dict[str, str] = Field(description="Versions of Python and of the numerical libraries.")
    commit: str = Field(description="Commit of the code, where it was a checkout.")
    created: str = Field(description="When it was written.")


class Catalogue(_Record):
    """The whole file."""

    layout: Literal[1] = Field(default=1, alias="schema", description="Number of this layout.")
    name: str = Field(description="Name of the archive.")
    scale: Literal["smoke", "quick", "paper"]
    studies: list[str] = Field(description="Its studies.")
    narrowed: bool = Field(description="Whether other studies were left out.")
    package_version: str = Field(description="Version of initatlas that wrote the archive.")
    commit: str = Field(description="Commit of its code.")
    packages: dict[str, str] = Field(
        description="Versions of Python and of the numerical libraries that wrote the archive."
    )
    ledger: str = Field(description="The claims of its studies.")
    page: str = Field(description="The report.")
    cubes: dict[str, CubeRecord] = Field(description="`study/sweep` to cube.")
    config: list[str] = Field(
        description="The config, and the studies and experiments of the user's own that it names."
    )
    files: dict[str, str] = Field(description="SHA-256 of every file but this one and ro-crate-metadata.json.")


def make_catalogue(folder: Path, contents: Contents, workflow: Workflow, *, name: str, version: str) -> Catalogue:
    """Read an archive that is about to be finished.

    Parameters
    ----------
    folder
        Where its files lie.
    contents, workflow
        What it was gathered from.
    name, version
        Of the archive, and of this package.
    """
    scale = workflow.settings.scale
    return Catalogue(
        name=name,
        scale=scale,
        studies=list(contents.studies),
        narrowed=contents.narrowed,
        package_version=version,
        commit=commit(),
        packages=package_versions(),
        ledger=str(Layout(scale).ledger),
        page=str(PAGE),
        cubes={title: _cube(folder, path, title) for title, path in sorted(contents.cubes().items())},
        config=[path.as_posix() for path in (*contents.config(), *contents.code())],
        files=_hashes(folder),
    )


def _cube(folder: Path, path: Path, title: str) -> CubeRecord:
    """What the catalogue says of a cube."""
    cube = open_placed_cube(folder / path, title)
    notes: Mapping[str, str] = cube.attrs
    return CubeRecord(
        path=path.as_posix(),
        spec=spec_place(title).as_posix(),
        summary=notes["summary"],
        experiment=notes["experiment"],
        dimensions={str(dimension): length for dimension, length in cube.sizes.items()},
        outputs={
            str(output): str(variable.attrs.get("units", ""))
            for output, variable in cube.data_vars.items()
            if output not in ("status", "error")
        },
        code_version=notes["code_version"],
        datasets=json.loads(notes["datasets"]),
        packages=json.loads(notes["packages"]),
        commit=notes["commit"],
        created=notes["created"],
    )


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()) for path in paths}


def sha256(content: bytes) -> str:
    """The hash of a file's content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def catalogue_to_json(catalogue: Catalogue) -> str:
    """The text of the file."""
    return catalogue.model_dump_json(indent=1, by_alias=True) + "\n"


def catalogue_from_json(text: bytes, where: str) -> Catalogue:
    """Read the file.

    Raises
    ------
    UserError
        If it is no catalogue of this layout.
    """
    try:
        return Catalogue.model_validate_json(text)
    except ValidationError as error:
        fault = first_fault(error, Catalogue.model_json_schema())
        raise UserError(
            f"{where}: no catalogue of an archive ({fault}); name a folder or zip file of `initatlas archive`"
        ) from None
