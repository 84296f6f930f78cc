"""Docstrings as reStructuredText, signatures that can be read, and scikit-learn's own methods left out."""

import re

from numpy.typing import ArrayLike, DTypeLike
from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

_LITERAL = re.compile(r"(``.*?``)")

_FOREIGN = re.compile(r"set_\w+_request|get_metadata_routing")
"""Methods that every estimator of scikit-learn has, documented with marks that lead to its own pages."""

_ALIASES = {
    **{
        re.escape(stringify_annotation(kind, "smart")): name
        for kind, name in ((ArrayLike, "ArrayLike"), (DTypeLike, "DTypeLike"))
    },
    r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[([^][]+)\]\]": r"NDArray[\1]",
    r"<class '([\w.]+)'>": r"\1",
}
"""How types are spelt out, as patterns, and their names."""


def shorten_signature(
    app: Sphinx, what: str, name: str, thing: object, options: object, arguments: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Call types by their names."""
    return arguments and _named(arguments), returns and _named(returns)


def _named(text: str) -> str:
    """A part of a signature with the names of types in the place of what they stand for."""
    for pattern, name in _ALIASES.items():
        text = re.sub(pattern, name, text)
    return text


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
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-skip-member", skip_foreign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
