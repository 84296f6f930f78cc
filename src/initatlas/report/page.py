"""The report page: one HTML file that needs nothing beside it to be read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from initatlas.report.drawings import Drawing, Drawings
from initatlas.report.intervals import interval_svg
from initatlas.report.ledger import (
    VERDICTS,
    count_verdicts,
    format_estimate,
    format_published,
    format_quantity,
    format_seconds,
    format_test,
)
from initatlas.report.sources import Source
from initatlas.report.typography import typeset
from initatlas.studies.claim import Claim, Verdict


@dataclass(frozen=True)
class FigureView:
    """A figure on the page.

    Attributes
    ----------
    product, title
        Its name in the study, and what it is called on the page.
    picture
        Drawn by the page itself, or the data URI of a raster where the drawing is too heavy for that.
    width, height
        In CSS pixels; 0 where unknown.
    alternative
        The picture in words.
    caption
        HTML fragment.
    links
        Label to relative link.
    source
        What it was made from.
    """

    product: str
    title: str
    picture: Drawing | str
    width: int
    height: int
    alternative: str
    caption: str
    links: Mapping[str, str]
    source: Source

    @property
    def drawing(self) -> Drawing | None:
        """The picture, where the page draws it."""
        return self.picture if isinstance(self.picture, Drawing) else None


@dataclass(frozen=True)
class TableView:
    """A table on the page, described as a figure is; `html` and `caption` are HTML fragments."""

    product: str
    title: str
    html: str
    caption: str
    links: Mapping[str, str]
    source: Source


@dataclass(frozen=True)
class SweepView:
    """The settings behind a cube, and where its numbers come from.

    Attributes
    ----------
    title, summary, experiment
        What was swept.
    axes, fixed
        Names and values as text.
    computed, failed, excluded
        Points of the grid.
    errors
        The commonest reasons of failure, with how often each occurred.
    mixture
        What differs between the environments that computed its points; empty if nothing does.
    output
        One of its outputs.
    provenance
        Label to value: seed, version and commit of the package, code version, data sets, packages, backend, wall time.
    """

    title: str
    summary: str
    experiment: str
    axes: Mapping[str, str]
    fixed: Mapping[str, str]
    computed: int
    failed: int
    excluded: int
    errors: Mapping[str, int]
    mixture: str
    provenance: Mapping[str, str]
    output: str


@dataclass(frozen=True)
class StudyView:
    """A study on the page.

    Attributes
    ----------
    key, title, citation, link, summary, says, headline, key_claims
        As the study declares them.
    claims
        Its lines of the ledger.
    figures, tables, sweeps
        What there is of it.
    missing
        Products that are declared and not made yet.
    """

    key: str
    title: str
    citation: str
    link: str
    summary: str
    says: str = ""
    headline: str = ""
    key_claims: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    figures: tuple[FigureView, ...] = ()
    tables: tuple[TableView, ...] = ()
    sweeps: tuple[SweepView, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Verdict, int]:
        """Its claims by verdict."""
        return count_verdicts(self.claims)

    @property
    def products(self) -> dict[str, str]:
        """What is shown: names with their titles."""
        views: tuple[FigureView | TableView, ...] = (*self.figures, *self.tables)
        return {view.product: view.title for view in views}

    @property
    def poster(self) -> FigureView | None:
        """The figure that stands for the study: its headline, or else the first one."""
        return next(
            (figure for figure in self.figures if figure.product == self.headline), next(iter(self.figures), None)
        )

    @property
    def found(self) -> list[Claim]:
        """The claims that say what came out: those that the study names."""
        named = {claim.name: claim for claim in self.claims}
        return [named[name] for name in self.key_claims if name in named]

    def claims_about(self, product: str) -> list[Claim]:
        """The claims that a figure or table shows."""
        return [claim for claim in self.claims if claim.published.product == product]


@dataclass(frozen=True)
class Page:
    """Everything that the page says; it holds no time of building, so the same inputs give the same bytes.

    Attributes
    ----------
    title, version, scale
        Of the page, of this package, of the sweeps.
    studies
        In their order.
    drawings
        What the figures share.
    head
        What holds for all numbers: label to value.
    absent
        Data sets that are not here, with the command that brings each, if there is one.
    explorer, kernels
        JSON of `initatlas.report.explorer` and of `initatlas.report.explorer_kernels`; empty before it is made.
    """

    title: str
    version: str
    scale: str
    studies: tuple[StudyView, ...]
    drawings: Drawings = field(default_factory=Drawings)
    head: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    explorer: str = ""
    kernels: str = ""

    @property
    def left_out(self) -> list[str]:
        """What the explorer cannot show, in sentences."""
        return [sentence for text in (self.explorer, self.kernels) if text for sentence in json.loads(text)["left_out"]]

    @property
    def claims(self) -> list[Claim]:
        """The whole ledger."""
        return [claim for study in self.studies for claim in study.claims]

    def claims_that(self, verdict: Verdict) -> list[Claim]:
        """The claims with a verdict."""
        return [claim for claim in self.claims if claim.judged.verdict == verdict]

    @property
    def poster(self) -> tuple[StudyView, FigureView] | None:
        """The figure at the top, with its study: that of the first study that has one."""
        return next(((study, study.poster) for study in self.studies if study.poster), None)

    @property
    def counts(self) -> dict[Verdict, int]:
        """All claims by verdict."""
        return count_verdicts(self.claims)


# Tick, almost equal, cross, question, dash: the shape says what the colour says.
MARKS: dict[Verdict, str] = {"holds": "✓", "differs": "≈", "fails": "✕", "undecided": "?", "not measured": "–"}


def render_page(page: Page) -> str:
    """The page as one HTML text: styles, script and pictures inside, links to other files relative.

    Captions and tables of `page` are trusted HTML; everything else is escaped.
    """
    environment = Environment(
        loader=PackageLoader("initatlas.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        estimate=format_estimate,
        published=format_published,
        quantity=format_quantity,
        interval=lambda claim: Markup(interval_svg(claim)),
        typeset=lambda text: Markup(typeset(text)),
        contract_test=format_test,
        seconds=format_seconds,
        trusted=Markup,
        json_inside=_json_inside,
        slug=slug,
    )
    return environment.get_template("page.html.j2").render(page=page, verdicts=VERDICTS, marks=MARKS)


def _json_inside(text: str) -> Markup:
    """JSON as the content of a script element, which nothing inside it can end."""
    return Markup(text.replace("<", "\\u003c"))


def slug(text: str) -> str:
    """A text as part of an id: letters, digits and hyphens."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text).split())
