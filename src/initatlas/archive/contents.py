"""What belongs to the archive of a scale: which file of the atlas goes where."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from initatlas.config import Workflow
from initatlas.identity import Ancestry
from initatlas.layout import CONFIG, FIGURE_FORMATS, PAGE, SETTINGS, TABLE_FORMATS, Layout, published
from initatlas.provenance import import_closure

SPECS_IN_ARCHIVE = Path("specs")
"""The resolved spec of every sweep and every data set, in the archive."""

WORKFLOW_FILE = Path("Snakefile")
"""The main workflow of the archive."""

OURS = Path(__file__).parents[1]
"""The package."""

_OF_THE_CLONE = ("requirements.lock", "environment.yml", "pyproject.toml", "LICENSE", "CITATION.cff", "codemeta.json")
"""What the clone says of itself: versions, terms, how to cite."""


class Contents:
    """The files of an archive.

    Parameters
    ----------
    workflow
        The checked config, at the scale of the archive.
    studies
        The studies that the archive is narrowed to; none: everything of the scale.
    home
        Folder of the Snakefile.
    """

    def __init__(self, workflow: Workflow, studies: Sequence[str], home: Path) -> None:
        self._workflow, self._home = workflow, home
        self._layout = Layout(workflow.settings.scale)
        self.narrowed = bool(studies)
        self.studies = tuple(studies or workflow.studies)

    def titles(self) -> list[str]:
        """The sweeps whose cubes belong to it: those that its studies have or read, and others that were run."""
        ancestry = Ancestry(self._workflow)
        of_studies = [title for study in self.studies for title in ancestry.titles(study)]
        return list(dict.fromkeys([*of_studies, *self.extra_titles()]))

    def extra_titles(self) -> list[str]:
        """The sweeps of no study that were run; none for an archive of some studies."""
        of_none = [title for title in self._workflow.titles if title.partition("/")[0] not in self._workflow.studies]
        return [title for title in of_none if not self.narrowed and self._layout.cube(title).is_file()]

    def cubes(self) -> dict[str, Path]:
        """The cubes by their titles."""
        return {title: self._layout.cube(title) for title in self.titles()}

    def products(self) -> Iterator[Path]:
        """Figures, tables and claims of the studies, and for a whole scale the ledger and the page."""
        for study in self.studies:
            declared = self._workflow.studies[study]
            yield from (self._layout.figure(study, name, kind) for name in declared.figures for kind in FIGURE_FORMATS)
            yield from (self._layout.table(study, name, kind) for name in declared.tables for kind in TABLE_FORMATS)
            yield self._layout.claims(study)
        if not self.narrowed:
            yield from (self._layout.ledger, PAGE)

    def config(self) -> Iterator[Path]:
        """The config as it is read."""
        yield SETTINGS
        yield from (path for path in (CONFIG / "datasets.yaml",) if path.is_file())
        yield from sorted(path for kind in ("*.yaml", "*.yml") for path in (CONFIG / "sweeps").glob(kind))
        yield from map(published, self._workflow.studies)

    def of_the_clone(self) -> Iterator[tuple[Path, Path]]:
        """The workflow and the versions that it was made for: place in the archive, and file."""
        rules = (path for path in sorted((self._home / "workflow").rglob("*")) if path.is_file())
        named = (self._home / name for name in (WORKFLOW_FILE, *_OF_THE_CLONE))
        for path in (*named, *rules):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(self._home), path

    def code(self) -> Iterator[Path]:
        """The studies and experiments of the user's own, as far as they lie in the folder of the atlas."""
        studies = [*self._workflow.studies.values()]  # all: the config names them all
        entries = [f"{study.package}.{part}" for study in studies for part in ("figures", "tables", "claims")]
        entries += [self._workflow.sweep(title).experiment for title in self.titles()]
        captions = [path for study in studies for path in study.captions.rglob("*.rst")]
        sources = [*captions, *(path for entry in entries for path in _own_modules(entry))]
        here = Path.cwd()
        for path in sorted({path.resolve() for path in sources if OURS not in path.resolve().parents}):
            if path.is_relative_to(here):
                yield path.relative_to(here)

    def files(self) -> Iterator[tuple[Path, Path]]:
        """All files that are copied: place in the archive, and file."""
        yield from self.of_the_clone()
        for path in (*self.config(), *self.code(), *self.cubes().values(), *self.products()):
            yield path, path

    def specs(self) -> dict[Path, str]:
        """The resolved specs: place in the archive, and text."""
        sweeps = {spec_place(title): self._workflow.sweep(title) for title in self.titles()}
        names = dict.fromkeys(name for sweep in sweeps.values() for name in sweep.datasets)
        datasets = {SPECS_IN_ARCHIVE / "datasets" / f"{name}.json": self._workflow.datasets[name] for name in names}
        return {place: f"{spec.model_dump_json()}\n" for place, spec in {**sweeps, **datasets}.items()}


def _own_modules(entry: str) -> Iterable[Path]:
    """The modules that one of the user's can reach; none for one of ours, which the clone holds."""
    return import_closure(entry).values() if "." in entry else ()


def spec_place(title: str) -> Path:
    """Where the resolved spec of a sweep lies in an archive."""
    return SPECS_IN_ARCHIVE / "sweeps" / f"{title}.json"
