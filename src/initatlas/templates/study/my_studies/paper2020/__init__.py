"""What the paper is about, in a line. This file is read at every start of the workflow: it holds the declaration alone."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="A study: paper2020",
    citation="Author. Title. Journal, 2020.",
    link="",
    summary="One paragraph for the page: what the paper says, and what is checked here.",
    says="What the paper says in one sentence, for the top of the page.",
    headline="curve",
    figures={"curve": ("layers",)},
    tables={"numbers": ("layers",)},
    claims=("layers",),
)
