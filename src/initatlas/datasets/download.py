"""Download of raw files: checked by SHA-256, from the first mirror that works, continued where it broke off."""

import logging
import os
import re
from pathlib import Path
from typing import Any

import pooch
import requests
from urllib3.exceptions import HTTPError

from initatlas.datasets.kinds import DatasetSpec
from initatlas.datasets.specs import CifarSpec, IdxSpec
from initatlas.errors import UserError

_LOGGER = logging.getLogger(__name__)
_TIMEOUT = (10.0, 60.0)  # Seconds to connect, and between two pieces.
_CHUNK = 2**18
_OK, _PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 200, 206, 416


def download(name: str, spec: DatasetSpec, raw_data: Path) -> list[Path]:
    """Download the raw files of a data set.

    Parameters
    ----------
    name
        The data set's name, for messages.
    spec
        Its files, hashes and mirrors. A file without a hash is downloaded unchecked, and never continued.
    raw_data
        The raw data folder; the files go into the folder of the data set there. A file that is there with the right
        hash is left alone. A download that breaks off leaves ``<file>.part``, which the next call continues.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If the data set is generated or has no mirror, or no mirror gave a file with the right hash.
    """
    if not isinstance(spec, IdxSpec | CifarSpec):
        raise UserError(f"{name}: is generated, there is nothing to download")
    folder = raw_data / spec.folder
    if not spec.mirrors:
        raise UserError(
            f"{name}: has no mirrors; add 'mirrors' to its entry in datasets.yaml, or fill {folder} yourself"
        )
    return [_fetch(name, spec.mirrors, file, sha256, folder) for file, sha256 in _hashes(spec).items()]


def _hashes(spec: IdxSpec | CifarSpec) -> dict[str, str | None]:
    """List the files to download, each with its hash."""
    if isinstance(spec, CifarSpec):
        return {spec.archive: spec.sha256}
    return {name: spec.sha256.get(name) for name in spec.files.names()}


def _fetch(name: str, mirrors: tuple[str, ...], file: str, sha256: str | None, folder: Path) -> Path:
    """Get one file from the first mirror that has it whole."""
    target = folder / file
    _check_writable(target)
    if sha256 is None:
        # Two mirrors may hold different files: without a hash nobody would notice that their halves were joined.
        _part(target).unlink(missing_ok=True)
    failures = []
    for mirror in mirrors:
        try:
            return _retrieve(mirror + file, target, sha256)
        except (requests.RequestException, HTTPError, UserError) as error:
            failures.append(f"{mirror}: {_one_line(error)}")
            _LOGGER.warning("%s: %s", name, failures[-1])
    raise UserError(f"{target}: no mirror gave the file ({'; '.join(failures)}); try again, or put the file there")


def _check_writable(target: Path) -> None:
    """Make the folder, or say why not."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{target.parent}: cannot be made ({error.strerror}); choose another folder") from error


def _retrieve(url: str, target: Path, sha256: str | None) -> Path:
    """Let pooch fetch a file, check it, and move it to its name only if it is right."""
    try:
        pooch.retrieve(
            url=url,
            known_hash=sha256,
            fname=target.name,
            path=target.parent,
            downloader=ResumingDownloader(_part(target)),
        )
    except ValueError as error:
        if "hash" not in str(error):
            raise
        raise UserError("what it sent has the wrong SHA-256 and was deleted") from error
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise
        raise UserError(f"{target}: cannot be written ({error.strerror or error}); check the folder") from error
    return target


def _part(target: Path) -> Path:
    """Where the beginning of a file waits for the rest."""
    return target.with_name(target.name + ".part")


def _one_line(error: Exception) -> str:
    """Give the first line of an error."""
    return (str(error) or type(error).__name__).splitlines()[0]


class ResumingDownloader:
    """A downloader for pooch that continues a partial file by an HTTP Range request (RFC 9110, section 14).

    Parameters
    ----------
    part
        Where the bytes that have come are kept until the file is whole.
    """

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: str | os.PathLike[str], pooch: Any) -> None:
        """Download `url` into `output_file`.

        Parameters
        ----------
        url
            The address.
        output_file
            Where the whole file goes.
        pooch
            Not used; pooch passes itself.

        Raises
        ------
        requests.RequestException, urllib3.exceptions.HTTPError
            If the server cannot be reached, refuses, or breaks off; what has come stays in the partial file.
        """
        if not self._continue(url):
            self._transfer(url, start=0)
        self.part.replace(output_file)

    def _continue(self, url: str) -> bool:
        """Try to complete the partial file; False if there is none or it does not fit what the server has."""
        start = self.part.stat().st_size if self.part.is_file() else 0
        return start > 0 and self._transfer(url, start=start)

    def _transfer(self, url: str, *, start: int) -> bool:
        """Ask for the bytes from `start` on and write what comes; False if the server has no such bytes."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            content_range = response.headers.get("Content-Range", "")
            if response.status_code == _RANGE_NOT_SATISFIABLE:
                return content_range == f"bytes */{start}"
            response.raise_for_status()
            if response.status_code not in (_OK, _PARTIAL_CONTENT):
                raise requests.HTTPError(f"{url}: unexpected status {response.status_code}")
            continued = response.status_code == _PARTIAL_CONTENT
            if continued and not re.match(rf"bytes {start}-", content_range):
                return False
            with self.part.open("ab" if continued else "wb") as file:
                # Raw bytes: a server may call a .gz file an encoding, and requests would then unpack it.
                for piece in response.raw.stream(_CHUNK, decode_content=False):
                    file.write(piece)
        return True
