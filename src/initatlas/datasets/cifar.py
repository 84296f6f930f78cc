"""Reader of CIFAR-10 in its Python form, straight from the archive: nothing is unpacked to the disk.

A batch is a pickle, and a pickle can run code. The unpickler here makes numpy arrays out of bytes and knows nothing
else.
Format: Krizhevsky, "Learning multiple layers of features from tiny images" (2009), and the data set's page.
"""

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from initatlas.datasets.image_set import Images
from initatlas.datasets.raw import check_sha256, join_splits
from initatlas.datasets.samples import Split
from initatlas.datasets.specs import CifarSpec
from initatlas.errors import UserError

_FOLDER = "cifar-10-batches-py"
_MEMBERS: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"{_FOLDER}/data_batch_{number}" for number in range(1, 6)),
    "test": (f"{_FOLDER}/test_batch",),
}
_CHANNELS, _SIZE, _CLASSES = 3, 32, 10
_LIMIT = 2**26  # Bytes of one batch; the real ones have 31 million.

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]

# numpy's own helper that makes an empty array for a pickle to fill; its home moved with numpy 2.
_RECONSTRUCT: Callable[..., Any] = cast(Callable[..., Any], np.empty(0).__reduce__()[0])
_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def load(name: str, spec: CifarSpec, raw_data: Path) -> Images:
    """Read the six batches.

    Parameters
    ----------
    name
        The data set's name.
    spec
        Folder, archive and hash.
    raw_data
        The raw data folder.

    Returns
    -------
    Images
        Colour images, channels red, green, blue.

    Raises
    ------
    UserError
        If the archive is missing or broken, has the wrong hash, or a batch is not what it should be.
    """
    path = raw_data / spec.folder / spec.archive
    if not path.is_file():
        raise UserError(f"{name}: {path} is missing; put the archive there, or download it")
    digest = check_sha256(path, spec.sha256)
    members = _read_members(path)
    parts = {part: _join([_decode(path, key, members[key]) for key in keys]) for part, keys in _MEMBERS.items()}
    images, labels, split = join_splits(name, parts)
    return Images(
        name=name,
        images=images,
        labels=labels,
        split=split,
        maximum=255,
        source=f"CIFAR-10, Python form: {spec.folder}/{spec.archive}",
        raw_sha256={spec.archive: digest},
    )


class _ArrayUnpickler(pickle.Unpickler):
    """Loads numpy arrays in containers; refuses every other name, and so runs no foreign code."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Look a name up in the short list of those that an array needs."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def unpickle_arrays(content: bytes) -> Any:
    """Load a pickle that holds builtin containers, numbers, bytes and numpy arrays only.

    Parameters
    ----------
    content
        The pickle. Strings that Python 2 wrote come back as bytes.

    Returns
    -------
    object
        What it holds.

    Raises
    ------
    pickle.UnpicklingError
        If it asks for anything else; that is not run.
    """
    return _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()


def _read_members(path: Path) -> dict[str, bytes]:
    """Read the six batches out of the archive; whatever else is in it stays untouched."""
    wanted = {key for keys in _MEMBERS.values() for key in keys}
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if member.name in wanted and member.isreg() and member.size <= _LIMIT:
                    stream = archive.extractfile(member)
                    members[member.name] = b"" if stream is None else stream.read()
    except Exception as error:  # A broken archive may raise anything at all.
        reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(":")
        raise UserError(f"{path}: the archive is broken ({reason}); download it again") from error
    if missing := sorted(wanted - set(members)):
        raise UserError(f"{path}: {missing[0]} is not in the archive; download it again")
    return members


def _decode(path: Path, member: str, content: bytes) -> Batch:
    """Turn a batch into images (sample, row, column, channel) and labels (sample,)."""
    try:
        batch = unpickle_arrays(content)
        pixels, labels = batch[b"data"], np.array(batch[b"labels"], dtype=np.int64)
    except Exception as error:  # A broken pickle may raise anything at all.
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(f"{path}: {member} is no CIFAR-10 batch ({reason}); download the archive again") from error
    _check_batch(path, member, pixels, labels)
    return pixels.reshape(-1, _CHANNELS, _SIZE, _SIZE).transpose(0, 2, 3, 1), labels


def _check_batch(path: Path, member: str, pixels: Any, labels: NDArray[np.int64]) -> None:
    """Refuse a batch whose arrays are not those of CIFAR-10."""
    columns = _CHANNELS * _SIZE**2
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (columns,):
        raise UserError(f"{path}: {member} does not hold rows of {columns} bytes; download the archive again")
    if labels.shape != (len(pixels),) or len(pixels) == 0:
        raise UserError(f"{path}: {member} has {len(pixels)} images and {labels.size} labels; download it again")
    if labels.min() < 0 or labels.max() >= _CLASSES:
        raise UserError(f"{path}: {member} has a label outside 0 to {_CLASSES - 1}; download the archive again")


def _join(batches: list[Batch]) -> Batch:
    """Join batches in order."""
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])
