"""What a terminal shows: columns, and colours where somebody looks."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

Colour = Literal["red", "green", "yellow", "cyan"]

_CODES: Mapping[Colour, int] = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}


class _Stream(Protocol):
    def isatty(self) -> bool: ...


def takes_colours(stream: _Stream) -> bool:
    """Whether colours are wanted: on a terminal that has them, unless ``NO_COLOR`` is set to something."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: Colour | None, stream: _Stream) -> str:
    """Text in a colour, or as it is where no colours are wanted."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour and text and takes_colours(stream) else text


def aligned(rows: Sequence[Sequence[str]], colours: Mapping[str, Colour] | None = None) -> str:
    """Rows of text as columns, for standard output.

    Parameters
    ----------
    rows
        Cells; each row has as many.
    colours
        Cells that are painted, by their whole text.
    """
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    chosen = colours or {}
    return "\n".join(
        "  ".join(
            painted(text, chosen.get(text), sys.stdout) + " " * (width - len(text))
            for text, width in zip(row, (*widths, 0), strict=True)
        ).rstrip()
        for row in rows
    )
