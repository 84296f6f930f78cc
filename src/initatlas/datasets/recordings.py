"""Reader of sound recordings: WAV files.

A WAV file is a RIFF file: named chunks, each with its length. Reference: Microsoft and IBM, "Multimedia Programming Interface and
Data Specifications 1.0" (1991).
"""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
        If there is no file, one is not mono with 16 bits or is cut short, or their rates differ.
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
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error
    if not content:
        raise UserError(f"{path}: is empty; record or copy it again, or take it away")
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UserError(f"{path}: is no WAV file; convert it, or take it away")
    chunks = _chunks(path, content)
    for key in (_FORMAT, _SAMPLES):
        if key not in chunks:
            raise UserError(
                f"{path}: is cut short, or no WAV file: it has no chunk {key.decode().strip()!r}; copy it again"
            )
    rate = _mono_rate(path, chunks[_FORMAT])
    if len(chunks[_SAMPLES]) < _BYTES:
        raise UserError(f"{path}: holds no sample; record or copy it again, or take it away")
    return rate, np.frombuffer(chunks[_SAMPLES], "<i2", len(chunks[_SAMPLES]) // _BYTES).astype(np.int16)


_FORMAT, _SAMPLES = b"fmt ", b"data"
_BYTES = 2  # of a sample
_PCM, _EXTENSIBLE = 1, 0xFFFE


def _chunks(path: Path, content: bytes) -> dict[bytes, bytes]:
    """The chunks of a RIFF file by their names, up to the samples; notes of a recording program may stand between."""
    chunks: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(content) and _SAMPLES not in chunks:
        name, size = struct.unpack_from("<4sI", content, position)
        position += 8
        if size > len(content) - position:
            raise UserError(
                f"{path}: is cut short, {len(content) - position} bytes instead of the {size} of its chunk "
                f"{name.decode(errors='replace').strip()!r}; copy it again"
            )
        chunks[name] = content[position : position + size]
        position += size + size % 2
    return chunks


def _mono_rate(path: Path, chunk: bytes) -> int:
    """The sample rate of a format that can be read."""
    if len(chunk) < 16:
        raise UserError(f"{path}: its chunk 'fmt' has {len(chunk)} bytes instead of 16; copy it again")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == _EXTENSIBLE and len(chunk) >= 26:
        (code,) = struct.unpack_from("<H", chunk, 24)
    if (code, channels, bits) != (_PCM, 1, 8 * _BYTES):
        raise UserError(
            f"{path}: has {channels} channels of {bits} bits, format {code}; give mono files of 16 bits, format 1 (PCM)"
        )
    if not 1 <= rate <= _HIGHEST_RATE:
        raise UserError(f"{path}: has a sample rate of {rate}; it must lie between 1 and {_HIGHEST_RATE}")
    return int(rate)


_HIGHEST_RATE = 10_000_000
