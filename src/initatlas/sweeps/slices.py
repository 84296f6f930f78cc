"""A slice of a sweep: a part of its points that a job of its own computes, beside those of the other slices.

Every point belongs to one slice by its key alone. So the jobs need not know of each other, nor when the others store what.
"""

import re
from typing import NamedTuple, Self

import numpy as np

from initatlas.errors import UserError


class Slice(NamedTuple):
    """One of several slices; the first has number 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``number/of``.

        Raises
        ------
        UserError
            If it is something else.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        part = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if not 1 <= part.number <= part.of:
            raise UserError(f"--slice {text}: give the number of a slice and how many there are, such as 2/8")
        return part

    def owns(self, keys: np.ndarray) -> np.ndarray:
        """Which points are of this slice.

        Parameters
        ----------
        keys
            Their keys in the store, a row of 32 bytes for each.
        """
        digits = np.zeros((len(keys), 8), dtype=np.uint8)
        digits[:, 2:] = keys[:, :6]
        owned: np.ndarray = digits.view(">u8")[:, 0] % np.uint64(self.of) == self.number - 1
        return owned

    def name(self, sweep: str) -> str:
        """What a slice of a sweep is called; all of it has the sweep's own title."""
        return sweep if self == WHOLE else f"{sweep}.{self.number}-of-{self.of}"


WHOLE = Slice(1, 1)
