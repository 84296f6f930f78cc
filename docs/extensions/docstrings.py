"""Docstrings as reStructuredText: bars of absolute values are no substitutions, and scikit-learn's own methods are left out."""

import re

from sphinx.application import Sphinx

_LITERAL = re.compile(r"(``.*?``)")

_FOREIGN = re.compile(r"set_\w+_request|get_metadata_routing")
"""Methods that every estimator of scikit-learn has, documented with marks that lead to its own pages."""


def escape_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Write ``|x|`` so that it stays."""
    lines[:] = ["".join(map(_escaped, _LITERAL.split(line))) for line in lines]


def _escaped(part: str) -> str:
    """A part of a line, with bars escaped unless it is code."""
    return part if part.startswith("``") else part.replace("|", r"\|")


def skip_foreign(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """Leave out what is not ours."""
    return True if _FOREIGN.fullmatch(name) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register, before napoleon makes its own marks of the sections."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)
    app.connect("autodoc-skip-member", skip_foreign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
