"""Fonts in a PDF, as outlines and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fontTools import subset


class _OutlinesAlone(subset.Options):  # type: ignore[misc]
    """Options of a subset without the tables that set text: a PDF places every letter itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.drop_tables += ["GDEF", "GPOS", "GSUB", "MATH"]


@contextmanager
def fonts_as_outlines() -> Iterator[None]:
    """Have matplotlib embed fonts without kerning, ligatures and the like, which no reader of a PDF looks at.

    To cut those tables to the letters of a figure takes more than half of the time that its fonts take.
    """
    options = subset.Options
    subset.Options = _OutlinesAlone
    try:
        yield
    finally:
        subset.Options = options
