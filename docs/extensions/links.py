"""Links between pages: pages outside of this folder are pages too, and a link that shows a file's name shows its title."""

import re

from sphinx.application import Sphinx

PAGES = {
    "../config/README.md": "config.md",
    "../examples/finite_width/README.md": "finite_width.md",
    "../CONTRIBUTING.md": "contributing.md",
}
"""The link as it is written in this folder, and the page."""

_NAMED_AS_FILE = re.compile(r"\[(?:docs/|\.\./)*[\w/]+\.md\]\(")


def to_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Let links in the text of a page lead to pages of the site."""
    source[0] = rewritten(source[0])


def to_pages_from_outside(app: Sphinx, path: object, name: str, source: list[str]) -> None:
    """The same in a text that a page includes."""
    source[0] = rewritten(source[0])


def rewritten(text: str) -> str:
    """The text of a page with links as the site has them; a link without a text takes the title."""
    for written, page in PAGES.items():
        text = text.replace(f"]({written}", f"]({page}")
    return _NAMED_AS_FILE.sub("[](", text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    app.connect("source-read", to_pages)
    app.connect("include-read", to_pages_from_outside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
