"""Open an archive: every cube by ``study/sweep``, from a folder or a zip file."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import xarray as xr

from initatlas.archive.catalogue import CATALOGUE, Catalogue, catalogue_from_json, sha256
from initatlas.cubes import read_cube
from initatlas.errors import UserError
from initatlas.names import did_you_mean
from initatlas.report.ledger import claims_from_json
from initatlas.studies.claim import Claim


class Archive(Mapping[str, xr.Dataset]):
    """The cubes of an archive by ``study/sweep``, each read when it is asked for.

    Attributes
    ----------
    path : Path
        The folder or the zip file.
    catalogue : Catalogue
        What it holds.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.catalogue: Catalogue = catalogue_from_json(self._content(CATALOGUE), str(self.path))

    def __getitem__(self, title: str) -> xr.Dataset:
        if title not in self.catalogue.cubes:
            raise KeyError(f"{self.path} has no cube {title!r}{did_you_mean(title, self.catalogue.cubes)}")
        place = self.catalogue.cubes[title].path
        return read_cube(self.read(place), f"{self.path}: {place}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.catalogue.cubes)

    def __len__(self) -> int:
        return len(self.catalogue.cubes)

    def read(self, name: str) -> bytes:
        """The content of a file of the archive.

        Raises
        ------
        UserError
            If there is no such file, or if it has changed since the archive was written.
        """
        content = self._content(name)
        if sha256(content) != self.catalogue.files.get(name):
            raise UserError(f"{self.path}: {name} is not what the archive was written with; get the archive again")
        return content

    def claims(self) -> dict[str, Claim]:
        """The claims by ``study/claim``."""
        name = self.catalogue.ledger
        claims = claims_from_json(self.read(name), f"{self.path}: {name}")
        return {f"{claim.study}/{claim.name}": claim for claim in claims}

    def _content(self, name: str) -> bytes:
        """The content of a file, whatever it is."""
        try:
            if self.path.is_dir():
                return (self.path / name).read_bytes()
            with zipfile.ZipFile(self.path) as packed:
                return packed.read(name)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or f"it has no {name}"
            if isinstance(error, zipfile.BadZipFile):
                reason = "it is no zip file, or a damaged one"
            raise UserError(
                f"{self.path}: no archive ({reason}); name a folder or zip file of `initatlas archive`"
            ) from None


def open_archive(path: Path | str) -> Archive:
    """Open what `initatlas archive` has written.

    Parameters
    ----------
    path
        The folder or the zip file.

    Returns
    -------
    Archive
        A mapping of ``study/sweep`` to cube (`xarray.Dataset`), with `catalogue`, `claims` and `read`. A cube is held against
        its hash when it is read.

    Raises
    ------
    UserError
        If there is no archive.
    """
    return Archive(path)
