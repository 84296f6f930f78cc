"""Outlines told from point to point."""

import re

import numpy as np
import pytest

from initatlas.report.outlines import compact

LENGTHS = {"m": 2, "l": 2, "h": 1, "v": 1, "q": 4, "c": 6, "z": 0}


def read(outline):
    """Every command of a compact outline with its points, absolute, as a browser reads it."""
    words = re.findall(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)", outline)
    x, y, start = 0.0, 0.0, (0.0, 0.0)
    letter, place, found = "", 0, []
    while place < len(words):
        if words[place].isalpha():
            letter, place = words[place], place + 1
        length = LENGTHS[letter.lower()]
        numbers = [float(word) for word in words[place : place + length]]
        place += length
        if letter == "z":
            x, y = start
            found.append(("Z", ()))
            continue
        if letter in "hv":
            numbers = [*numbers, 0.0] if letter == "h" else [0.0, *numbers]
        shift = (0.0, 0.0) if letter == "M" else (x, y)
        points = [(shift[0] + numbers[i], shift[1] + numbers[i + 1]) for i in range(0, len(numbers), 2)]
        x, y = points[-1]
        found.append((letter.upper().translate(str.maketrans("HV", "LL")), tuple(np.round(points, 6).ravel().tolist())))
        if letter in "mM":
            start, letter = (x, y), "l" if letter == "m" else "L"
    return found


@pytest.mark.parametrize(
    ("outline", "short"),
    [
        ("M0 0L1 1L3 4", "M0 0l1 1 2 3"),
        ("M 43.16 168.96 L 305.24 168.96", "M43.16 168.96h262.08"),
        ("M1 2L1 5L1 4", "M1 2v3-1"),
        ("M1 1L0.5 1L0.5 0.25", "M1 1h-.5v-.75"),
        ("M1 1L2 1L2 2ZM5 5L6 6", "M1 1h1v1zm4 4 1 1"),
        ("M0 0C1 1 2 2 3 3C4 4 5 5 6 6", "M0 0c1 1 2 2 3 3 1 1 2 2 3 3"),
        ("M0 0Q1 1 2 -2L2 -2", "M0 0q1 1 2-2h0"),
        ("M10.4 0L20.6 1", "M10.4 0l10.2 1"),
        ("M0 0A1 1 0 0 1 2 2", "M0 0A1 1 0 0 1 2 2"),
        ("", ""),
    ],
)
def test_each_point_is_told_from_the_one_before(outline, short):
    assert compact(outline, 2) == short


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_the_points_are_those_of_the_outline_rounded_and_nothing_adds_up(digits):
    rng = np.random.default_rng(digits)
    outline, expected = "", []
    for command in rng.choice([*"MLLLLQCZ"], size=3000):
        if command == "Z":
            outline, expected = f"{outline}Z M 1 1", [*expected, ("Z", ()), ("M", (1.0, 1.0))]
            continue
        letter = "M" if not outline else command
        numbers = rng.choice([rng.uniform(-400, 800), 0.004, 7.0], size={"M": 2, "L": 2, "Q": 4, "C": 6}[letter])
        outline += f"{letter} {' '.join(f'{number:.5f}' for number in numbers)}"
        scaled = [round(float(f"{number:.5f}") * 10**digits) / 10**digits for number in numbers]
        expected.append((letter, tuple(scaled)))
    found = read(compact(outline, digits))
    assert len(found) == len(expected)
    for (command, points), (meant, wanted) in zip(found, expected, strict=True):
        assert command == meant
        assert points == pytest.approx(wanted, abs=1e-5)
