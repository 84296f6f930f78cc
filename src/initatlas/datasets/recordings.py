"""Reader of sound recordings: WAV files."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from initatlas.datasets.clips import Recordings
from initatlas.datasets.raw import file_sha256
from initatlas.datasets.specs import RecordingsSpec
from initatlas.errors import UserError


def load(name: str, spec: RecordingsSpec, raw_data: Path) -> Recordings:
    """Read all WAV files of a folder, in the order of their names.

    Parameters
    ----------
    name
        The data set's name.
    spec
        The folder, and the source in words.
    raw_data
        The raw data folder.

    Raises
    ------
    UserError
        If there is no file, one is not mono with 16 bits, or their rates differ.
    """
    paths = sorted((raw_data / spec.folder).glob("*.wav"))
    if not paths:
        raise UserError(f"{name}: there is no WAV file in {raw_data / spec.folder}; put some there")
    clips = [_read(path) for path in paths]
    rates = sorted({rate for rate, _ in clips})
    if len(rates) > 1:
        raise UserError(f"{raw_data / spec.folder}: the files have sample rates {rates}; give files of one rate")
    length = np.array([len(clip) for _, clip in clips], dtype=np.int64)
    samples = np.zeros((len(clips), int(length.max())), dtype=np.int16)
    for row, (_, clip) in zip(samples, clips, strict=True):
        row[: len(clip)] = clip
    return Recordings(
        name=name,
        samples=samples,
        length=length,
        rate=rates[0],
        source=spec.source or f"WAV files of {spec.folder}",
        raw_sha256={path.name: file_sha256(path) for path in paths},
    )


def _read(path: Path) -> tuple[int, NDArray[np.int16]]:
    """Rate and samples of a mono 16-bit file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # unknown chunks: notes of a recording program
            rate, samples = wavfile.read(path)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: not a readable WAV file ({error})") from error
    if samples.dtype != np.int16 or samples.ndim != 1 or samples.size == 0:
        raise UserError(f"{path}: {samples.dtype} of shape {samples.shape}; give mono files of 16 bits")
    return int(rate), samples
