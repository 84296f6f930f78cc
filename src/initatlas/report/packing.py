"""Arrays as text that a browser unpacks: bytes in planes, deflated, in base64."""

import base64
import zlib

import numpy as np

from initatlas.arrays import Floats

_DROPPED_BITS = 8
"""Of the 23 bits of a single-precision fraction; what is left holds more than four digits."""


def pack(array: Floats) -> str:
    """Pack an array of numbers of one size.

    Parameters
    ----------
    array
        Any shape; read in C order.

    Returns
    -------
    str
        Base64 of the zlib stream of the bytes in planes: first the lowest byte of every number, then the next one. Bytes of one
        place resemble each other, so the stream is shorter.
    """
    planes = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1, 1).view(np.uint8)
    return base64.b64encode(zlib.compress(planes.T.tobytes(), 9)).decode("ascii")


def shortened(values: Floats) -> Floats:
    """Values in single precision with 15 bits of their fraction: relative errors up to 2^-16.

    Raises
    ------
    OverflowError
        If a finite value is beyond single precision.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.asarray(values, dtype=np.float32)
    finite = np.isfinite(single)
    if not np.array_equal(finite, np.isfinite(values)):
        raise OverflowError("beyond single precision")
    bits = single.view(np.uint32)
    half, mask = np.uint32(1 << (_DROPPED_BITS - 1)), np.uint32(0xFFFFFFFF ^ ((1 << _DROPPED_BITS) - 1))
    rounded = ((bits + half) & mask).view(np.float32)
    return np.where(finite & np.isfinite(rounded), rounded, single)
