"""A slice of a sweep: a part of its points that a job of its own computes, beside those of the other slices.

Every point belongs to one slice by its key alone. So the jobs need not know of each other, nor when the others store what.
"""

import re
from typing import NamedTuple, Self

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

    def owns(self, key: str) -> bool:
        """Whether a point is of this slice.

        Parameters
        ----------
        key
            Its key in the store: hexadecimal digits of a hash.
        """
        return int(key[:12], 16) % self.of == self.number - 1

    def name(self, sweep: str) -> str:
        """What a slice of a sweep is called; all of it has the sweep's own title."""
        return sweep if self == WHOLE else f"{sweep}.{self.number}-of-{self.of}"


WHOLE = Slice(1, 1)
