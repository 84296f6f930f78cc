"""The directive ``gallery``: every figure that the workflow has made here, with its caption, or a sentence if there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from initatlas.config import load_workflow
from initatlas.layout import Layout
from initatlas.report.captions import caption_html, caption_text
from initatlas.studies.product import Study

SCALES = ("paper", "quick", "smoke")
"""Of each study the figures of the first of these scales that has any are shown."""

NOTHING = "No figures have been made here yet: `initatlas run` makes them, and the next `make docs` shows them."


class Gallery(SphinxDirective):
    """``{gallery}``, without arguments."""

    def run(self) -> list[nodes.Node]:
        """A section for each study that has figures."""
        self.env.note_reread()
        atlas = Path(self.env.app.confdir).parent
        studies = load_workflow(atlas).studies
        sections = [section for key, study in studies.items() if (section := self._study(atlas, key, study))]
        return [*sections] or [nodes.paragraph("", NOTHING)]

    def _study(self, atlas: Path, key: str, study: Study) -> nodes.section | None:
        """The figures of a study, at the scale that comes first."""
        for scale in SCALES:
            paths = {name: atlas / Layout(scale).figure(key, name, "png") for name in study.figures}
            made = {name: path for name, path in paths.items() if path.is_file()}
            if made:
                section = nodes.section("", nodes.title("", study.title), ids=[nodes.make_id(key)], classes=["gallery"])
                section += nodes.paragraph("", f"{study.citation} Scale {scale}.")
                section.extend(node for name, path in made.items() for node in self._figure(study, name, path))
                return section
        return None

    def _figure(self, study: Study, name: str, path: Path) -> Iterator[nodes.Node]:
        """A figure with its caption."""
        source = study.captions / f"{name}.rst"
        words = source.read_text(encoding="utf-8")
        uri = os.path.relpath(path, Path(self.env.doc2path(self.env.docname)).parent)
        figure = nodes.figure("", nodes.image(uri=uri, alt=caption_text(words, str(source))))
        figure += nodes.caption("", "", nodes.raw("", caption_html(words, str(source)), format="html"))
        yield figure


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
