"""All jobs of the workflow by the names under which Snakemake tells of them: what each makes, and where its log is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from initatlas.config import Workflow
from initatlas.identity import Ancestry
from initatlas.layout import FIGURE_FORMATS, PAGE, TABLE_FORMATS, Layout

DATA_SETS = "data sets"
REPORT = "report"
"""Groups of jobs that belong to no study."""

CANNOT_RUN = ", which cannot run"
"""How the name of such a sweep's job ends."""


@dataclass(frozen=True)
class Job:
    """A job of the workflow.

    Attributes
    ----------
    name
        What it says of itself, such as ``sweep atlas/trainability``.
    group
        The study that it belongs to, ``data sets`` or ``report``.
    files
        What it makes.
    log
        Its log.
    """

    name: str
    group: str
    files: tuple[Path, ...]
    log: Path


class Jobs:
    """All jobs of a workflow.

    Parameters
    ----------
    workflow
        The checked config.
    """

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._layout = Layout(workflow.settings.scale)
        self._ancestry = Ancestry(workflow)

    @cached_property
    def groups(self) -> list[str]:
        """The studies in the order of the page, and the other files of sweeps."""
        files = (title.partition("/")[0] for title in (*self._workflow.titles, *self._workflow.unavailable))
        return list(dict.fromkeys([*self._workflow.studies, *files]))

    @cached_property
    def by_name(self) -> dict[str, Job]:
        """Every job by its name, in the order of the page."""
        studies = (job for group in self.groups for job in self._group(group))
        return {job.name: job for job in (*self._datasets(), *studies, *self._report())}

    @cached_property
    def makers(self) -> dict[str, str]:
        """File to the name of the job that makes it."""
        return {str(path): job.name for job in self.by_name.values() for path in job.files}

    def _titles(self, group: str) -> list[str]:
        """The sweeps of a study, with those of others that it reads; of a file without a study its own."""
        if group in self._workflow.studies:
            return self._ancestry.titles(group)
        titles = (*self._workflow.titles, *self._workflow.unavailable)
        return [title for title in titles if title.startswith(f"{group}/")]

    def _datasets(self) -> Iterator[Job]:
        titles = dict.fromkeys(title for group in self.groups for title in self._titles(group))
        able = [title for title in titles if title not in self._workflow.unavailable]
        names = dict.fromkeys(name for title in able for name in self._workflow.sweep(title).datasets)
        for name in names:
            log = self._layout.log(f"datasets/{name}")
            yield Job(f"data set {name}", DATA_SETS, (self._layout.dataset(name),), log)

    def _group(self, group: str) -> Iterator[Job]:
        layout = self._layout
        for title in self._titles(group):
            if title.partition("/")[0] == group:
                absent = CANNOT_RUN if title in self._workflow.unavailable else ""
                yield Job(f"sweep {title}{absent}", group, (layout.cube(title),), layout.log(f"sweeps/{title}"))
        study = self._workflow.studies.get(group)
        for name in study.figures if study else ():
            files = tuple(layout.figure(group, name, suffix) for suffix in FIGURE_FORMATS)
            yield Job(f"figure {group}/{name}", group, files, layout.log(f"figures/{group}/{name}"))
        for name in study.tables if study else ():
            files = tuple(layout.table(group, name, suffix) for suffix in TABLE_FORMATS)
            yield Job(f"table {group}/{name}", group, files, layout.log(f"tables/{group}/{name}"))
        if study:
            yield Job(f"claims of {group}", group, (layout.claims(group),), layout.log(f"claims/{group}"))

    def _report(self) -> Iterator[Job]:
        layout = self._layout
        for name, path, log in (
            ("ledger of claims", layout.ledger, "ledger"),
            ("cubes for the explorer", layout.explorer, "explorer"),
            ("kernels for the explorer", layout.kernels, "kernels"),
            ("report page", PAGE, "page"),
        ):
            yield Job(name, REPORT, (path,), layout.log(log))
