"""Captions: reStructuredText for the page (HTML, formulas as MathML), for papers (TeX) and for plain text."""

import re
from dataclasses import dataclass
from typing import Any

from docutils.core import publish_doctree, publish_parts
from docutils.nodes import Text, math, math_block
from docutils.utils import SystemMessage

from initatlas.errors import UserError

# Warnings halt; no caption may read a file or carry raw HTML.
_SETTINGS: dict[str, Any] = {
    "halt_level": 2,
    "report_level": 5,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "math_output": "MathML",
    "use_latex_citations": True,
    "legacy_column_widths": False,
    "_disable_config": True,
}


_PARTS = re.compile(
    r"\s*(?P<title>\S[^\n]*)\n=+[ ]*\n(?:\s*\n:alt:(?P<alternative>[^\n]*(?:\n[ ]+[^\n]*)*)(?:\n|\Z))?(?P<body>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Caption:
    """What is said of a product.

    Attributes
    ----------
    title
        Plain text; empty where it has none.
    alternative
        What is to be seen, for who does not see it; plain text, empty where it has none.
    body
        The caption in reStructuredText.
    """

    title: str
    alternative: str
    body: str


def read_caption(rst: str) -> Caption:
    """Take a caption apart: a title underlined with ``=``, a field ``:alt:``, and the text; the first two may be missing."""
    parts = _PARTS.fullmatch(rst)
    if parts is None:
        return Caption("", "", rst.strip())
    before = rst[: parts.start("body")].count("\n")  # an error names the line of the file
    alternative = " ".join((parts["alternative"] or "").split())
    return Caption(parts["title"].strip(), alternative, "\n" * before + parts["body"].rstrip())


def caption_html(rst: str, where: str) -> str:
    """Render a caption as an HTML fragment of paragraphs.

    Parameters
    ----------
    rst
        The caption in reStructuredText; formulas by the role ``:math:``.
    where
        The file, for the error line.

    Raises
    ------
    UserError
        If it is no clean reStructuredText.
    """
    return _render(rst, where, "html5")


def caption_tex(rst: str, where: str) -> str:
    """Render a caption as TeX, specials escaped; arguments and errors as in `caption_html`."""
    return _render(rst, where, "latex")


def caption_text(rst: str, where: str) -> str:
    """A caption as plain text, formulas as TeX between dollars; arguments and errors as in `caption_html`."""
    try:
        document = publish_doctree(rst, settings_overrides=_SETTINGS)
    except SystemMessage as error:
        raise _unreadable(where, error) from None
    for node in [*document.findall(math), *document.findall(math_block)]:
        node.children = [Text(f"${node.astext()}$")]
    return str(document.astext()).strip()


def _render(rst: str, where: str, writer: str) -> str:
    """The body that a docutils writer makes of a caption."""
    try:
        return str(publish_parts(rst, writer=writer, settings_overrides=_SETTINGS)["body"]).strip()
    except SystemMessage as error:
        raise _unreadable(where, error) from None


def _unreadable(where: str, error: SystemMessage) -> UserError:
    """The error line for a caption that docutils refuses."""
    return UserError(f"{where}: not clean reStructuredText ({' '.join(str(error).split())}); mend the caption")
