"""How Sphinx makes the pages in this folder a site: offline, and strict (`make docs`)."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

import initatlas.sweeping  # noqa: F401  autodoc would import pydantic's models in a way that they do not stand

HERE = Path(__file__).parent

sys.path.insert(0, str(HERE / "extensions"))

project = "initatlas"
author = "the authors of initatlas"
version = release = installed("initatlas")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docstrings",
    "links",
    "gallery",
    "notebook",
]
exclude_patterns = ["extensions"]

html_theme = "furo"
html_title = "initatlas"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

pygments_style = "tango"
pygments_dark_style = "monokai"
highlight_language = "none"  # blocks without a language are commands and what they say

myst_heading_anchors = 4
myst_links_external_new_tab = False

default_role = "py:obj"  # `name` in a docstring is code, and a link where the name has a page
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "Parameters")]  # those of a dataclass are its parameters
suppress_warnings = ["ref.python"]  # `shape` is the name of several things
