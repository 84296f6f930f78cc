"""Outlines of a drawing in few characters: the same points, each told from the one before."""

import re

_WORD = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)")
_POINTS = {"M": 1, "L": 1, "Q": 2, "C": 3}


def compact(outline: str, digits: int) -> str:
    """An outline of absolute commands, as matplotlib writes it, in relative ones.

    Points are rounded first and then subtracted, so nothing adds up along the outline.

    Parameters
    ----------
    outline
        Content of the attribute ``d``; commands M, L, Q, C and Z. What holds others is given back as it is.
    digits
        Decimals to keep.
    """
    words = _WORD.findall(outline)
    if not words or any(word.isalpha() and word not in "MLQCZz" for word in words):
        return outline
    written = _Written(digits)
    command, place = "", 0
    while place < len(words):
        if words[place].isalpha():
            command, place = words[place].upper(), place + 1
        if command == "Z":
            written.close()
            continue
        end = place + 2 * _POINTS[command]
        numbers = [round(float(word) * 10**digits) for word in words[place:end]]
        written.draw(command, list(zip(numbers[::2], numbers[1::2], strict=True)))
        place, command = end, "L" if command == "M" else command
    return written.text


class _Written:
    """What was written so far of an outline, in whole units of its last decimal.

    Parameters
    ----------
    digits
        Decimals.
    """

    def __init__(self, digits: int) -> None:
        self.text = ""
        self._digits = digits
        self._last = ""
        self._here = self._start = (0, 0)

    def draw(self, command: str, points: list[tuple[int, int]]) -> None:
        """Go on to some points."""
        (x, y), first = self._here, not self.text
        moves = points if first else [(to_x - x, to_y - y) for to_x, to_y in points]
        letter = command if first else command.lower()
        numbers = [number for move in moves for number in move]
        if letter == "l" and 0 in numbers:
            letter, numbers = ("h", numbers[:1]) if numbers[1] == 0 else ("v", numbers[1:])
        self._add(letter, numbers)
        self._here = points[-1]
        if command == "M":
            self._start = self._here

    def close(self) -> None:
        """Go back to where this part began."""
        self.text += "z"
        self._last, self._here = "z", self._start

    def _add(self, letter: str, numbers: list[int]) -> None:
        """Write a command; its letter is left out where it is understood."""
        understood = letter == {"m": "l"}.get(self._last, self._last) and letter not in "mM"
        words = [self._number(number) for number in numbers]
        for position, word in enumerate(words):
            joined = "" if word.startswith("-") or (position == 0 and not understood) else " "
            self.text += f"{letter if position == 0 and not understood else ''}{joined}{word}"
        self._last = letter

    def _number(self, number: int) -> str:
        """A number without needless characters."""
        text = f"{abs(number) / 10**self._digits:.{self._digits}f}"
        short = text.rstrip("0").rstrip(".").lstrip("0") if "." in text else text
        return f"-{short}" if number < 0 else short or "0"
