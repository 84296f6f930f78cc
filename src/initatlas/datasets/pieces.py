"""Random pieces of images and recordings at falling resolutions.

Resampling is that of Pillow (bicubic, its support stretched with the reduction, so that nothing aliases) and of scipy
(polyphase with a linear-phase low-pass filter).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initatlas.arrays import Doubles
from initatlas.datasets.clips import Recordings
from initatlas.datasets.image_set import GreyLevel, Images
from initatlas.errors import UserError

Piece = tuple[int, list[Doubles]]

_STEPS = 65535.0  # of 16 bits


def image_pieces(
    images: Images, count: int, *, shape: tuple[int, int], levels: int, rng: np.random.Generator
) -> Iterator[Piece]:
    """Cut random pieces out of images, and make each smaller.

    Parameters
    ----------
    images
        The data set.
    count
        How many pieces.
    shape
        Rows and columns of a piece.
    levels
        How many resolutions, each with half the pixels of the one before.
    rng
        Source of randomness.

    Yields
    ------
    image : int
        Which image the piece is from.
    resolutions : list of ndarray
        Grey levels from 0 to 255, the finest first, shape (row, column[, channel]).

    Raises
    ------
    UserError
        If the images are smaller than the pieces.
    """
    rows, columns = images.images.shape[1:3]
    if shape[0] > rows or shape[1] > columns:
        raise UserError(
            f"data set {images.name}: its images are {rows}x{columns} pixels, pieces {shape[0]}x{shape[1]}; take smaller pieces"
        )
    for _ in range(count):
        image = int(rng.integers(len(images)))
        top, left = int(rng.integers(rows - shape[0] + 1)), int(rng.integers(columns - shape[1] + 1))
        piece = images.images[image, top : top + shape[0], left : left + shape[1]]
        yield image, [_shrunk(piece, 2.0 ** (-level / 2.0)) for level in range(levels)]


def _shrunk(piece: NDArray[GreyLevel], factor: float) -> Doubles:
    """An image made smaller by bicubic interpolation with anti-aliasing."""
    from PIL import Image

    if factor == 1.0:
        return piece.astype(np.float64)
    size = (max(1, round(piece.shape[1] * factor)), max(1, round(piece.shape[0] * factor)))
    return np.asarray(Image.fromarray(piece).resize(size, Image.Resampling.BICUBIC), dtype=np.float64)


def recording_pieces(
    recordings: Recordings, count: int, *, seconds: float, levels: int, rng: np.random.Generator
) -> Iterator[Piece]:
    """Cut random pieces out of recordings, and decimate each.

    Parameters
    ----------
    recordings
        The data set.
    count
        How many pieces; each lies within one clip.
    seconds
        Duration of a piece.
    levels
        How many resolutions, each with half the sample rate of the one before.
    rng
        Source of randomness.

    Yields
    ------
    clip : int
        Which clip the piece is from.
    resolutions : list of ndarray
        Samples, 16 bits mapped to the range from 0 to 255, the finest first, shape (sample,).

    Raises
    ------
    UserError
        If all clips are shorter than the pieces.
    """
    size = round(seconds * recordings.rate)
    long_enough = np.flatnonzero(recordings.length >= size)
    if long_enough.size == 0:
        longest = int(recordings.length.max()) / recordings.rate
        raise UserError(f"data set {recordings.name}: its longest clip has {longest:.2f} s, pieces {seconds:g} s")
    decimated = {int(clip): _decimations(_clip(recordings, int(clip)), levels) for clip in long_enough}
    for _ in range(count):
        clip = int(rng.choice(long_enough))
        start = int(rng.integers(int(recordings.length[clip]) - size + 1))
        yield (
            clip,
            [
                signal[start >> level : (start >> level) + max(1, size >> level)]
                for level, signal in enumerate(decimated[clip])
            ],
        )


def _clip(recordings: Recordings, clip: int) -> Doubles:
    """The samples of a clip."""
    return recordings.samples[clip, : int(recordings.length[clip])].astype(np.float64)


def _decimations(clip: Doubles, levels: int) -> list[Doubles]:
    """A clip at halved sample rates, on the scale from 0 to 255; whole, so that no piece sees the filter start."""
    from scipy.signal import resample_poly

    slower = [clip if level == 0 else resample_poly(clip, 1, 2**level, padtype="mean") for level in range(levels)]
    return [(signal + 32768.0) * (255.0 / _STEPS) for signal in slower]


def largest_coordinate(signal: NDArray[Any], *, centred: bool) -> float:
    """Dimension times (max |x_i| / |x|)^4, for the signal as it is or with its mean taken off.

    It is 1 / m for a flat signal and m for one with a single coordinate; 0 / 0 (a constant signal, centred) is 1 / m.
    """
    values = signal.ravel() - (signal.mean() if centred else 0.0)
    norm = float(np.linalg.norm(values))
    if norm == 0.0:
        return 1.0 / values.size
    return float(values.size * (np.abs(values).max() / norm) ** 4)
