"""What every file of the workflow is made from: a hash that goes downwards, and the files that stand above it.

Snakemake forgets a failed job whose output is an intermediate file: once that file is gone, what was read from it earlier is
newer than all that is left. So a file answers for everything above it. The parameters of its rule hold the identity of each of
its ancestors (spec, code, and theirs), and its inputs are all files above it, not those alone that its stage reads. Then a
run after a failure tries again, or fails again; it never passes.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from initatlas.activations.base import ACTIVATIONS
from initatlas.config import Workflow
from initatlas.layout import FIGURE_FORMATS, PAGE, PAGE_TEMPLATES, TABLE_FORMATS, Layout, published
from initatlas.provenance import code_version, digest, text_version
from initatlas.report.explored import explored_activations
from initatlas.studies.product import cube_titles
from initatlas.sweeps.code import sweep_code

Found = TypeVar("Found", Path, str)


def made_files(workflow: Workflow) -> Iterator[Path]:
    """Every file that the workflow makes at its scale."""
    layout = Layout(workflow.settings.scale)
    yield from map(layout.cube, (*workflow.titles, *workflow.unavailable))
    yield from map(layout.dataset, workflow.datasets)
    for study, declared in workflow.studies.items():
        yield from (layout.figure(study, name, kind) for name in declared.figures for kind in FIGURE_FORMATS)
        yield from (layout.table(study, name, kind) for name in declared.tables for kind in TABLE_FORMATS)
        yield layout.claims(study)
    yield from (layout.ledger, layout.explorer, layout.kernels, PAGE)


class Ancestry:
    """What the files of a workflow at its scale are made from.

    Parameters
    ----------
    workflow
        The checked config.
    """

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._layout = Layout(workflow.settings.scale)
        self._sweeps: dict[str, str] = {}

    def dataset(self, name: str) -> str:
        """Identity of a data set: its spec, the code that builds it, and where its raw files are looked for."""
        spec = self._workflow.datasets[name]
        code = code_version(f"initatlas.datasets.{spec.kind}")
        return digest([spec.model_dump_json(), code, self._workflow.settings.raw_data])

    def sweep(self, title: str) -> str:
        """Identity of a cube: the spec and the code of its sweep, and its data sets."""
        if title not in self._sweeps:
            self._sweeps[title] = self._sweep(title)
        return self._sweeps[title]

    def _sweep(self, title: str) -> str:
        """The identity, computed; that of a sweep which cannot run is the reason."""
        if reason := self._workflow.unavailable.get(title):
            return digest([reason])
        sweep = self._workflow.sweep(title)
        datasets = [self.dataset(name) for name in sweep.datasets]
        return digest([sweep.model_dump_json(), sweep_code(sweep), code_version("initatlas.sweeps.cube"), *datasets])

    def figure(self, study: str, name: str) -> str:
        """Identity of a figure: its cubes, and the code that draws it."""
        code = [self._code(study, "figures"), code_version("initatlas.report.style")]
        return self._product(study, self._workflow.studies[study].figures[name], code)

    def table(self, study: str, name: str) -> str:
        """Identity of a table: its cubes, and the code that makes and writes it."""
        code = [self._code(study, "tables"), code_version("initatlas.report.tables")]
        return self._product(study, self._workflow.studies[study].tables[name], code)

    def claims(self, study: str) -> str:
        """Identity of the claims of a study: their cubes, and the code that measures and writes them."""
        ours = (code_version(f"initatlas.{room}") for room in ("studies.judge", "report.ledger"))
        code = [self._code(study, "claims"), *ours]
        return self._product(study, self._workflow.studies[study].claims, code)

    def _code(self, study: str, module: str) -> str:
        """Version of the code of a module of a study."""
        return code_version(f"{self._workflow.studies[study].package}.{module}")

    def _product(self, study: str, names: Iterable[str], code: Sequence[str]) -> str:
        """Identity of what is read from the cubes of some sweeps."""
        return digest([*code, *(self.sweep(title) for title in cube_titles(study, names))])

    def ledger(self) -> str:
        """Identity of the ledger."""
        return digest([code_version("initatlas.report.ledger"), *map(self.claims, self._workflow.studies)])

    def explorer(self) -> str:
        """Identity of what the explorer shows: cubes, the outputs of each, and the code that packs them."""
        shown = [f"{title} {','.join(names)} {self.sweep(title)}" for title, names in self._workflow.explored.items()]
        return digest([code_version("initatlas.report.explorer"), *shown])

    def kernels(self) -> str:
        """Identity of the kernels that the explorer shows: the activations, their code, and that of their tables."""
        labels = explored_activations()
        code = [
            code_version("initatlas.report.explorer_kernels"),
            *map(code_version, map(ACTIVATIONS.module_of, labels)),
        ]
        return digest([*labels, *code])

    def page(self) -> str:
        """Identity of the page: every product, the declarations of the studies, its code and its templates."""
        code = [code_version("initatlas.report.collect"), text_version(PAGE_TEMPLATES), self._workflow.settings.scale]
        parts = [self.ledger(), self.explorer(), self.kernels()]
        return digest([*code, *parts, *map(self._study, self._workflow.studies)])

    def _study(self, study: str) -> str:
        """Identity of all that the page shows of a study."""
        declared = self._workflow.studies[study]
        figures = [self.figure(study, name) for name in declared.figures]
        tables = [self.table(study, name) for name in declared.tables]
        cubes = [self.sweep(title) for title in self.titles(study)]
        return digest([code_version(declared.package), *figures, *tables, *cubes])

    def titles(self, study: str) -> list[str]:
        """The sweeps that a study has or reads."""
        declared = self._workflow.studies[study]
        read = [name for names in (*declared.figures.values(), *declared.tables.values()) for name in names]
        return _once(cube_titles(study, (*self._workflow.sweeps.get(study, {}), *read, *declared.claims)))

    def above_sweep(self, title: str) -> list[Path]:
        """The files above a cube: its data sets, and the raw files that they are read from."""
        if title in self._workflow.unavailable:
            return []
        datasets = self._workflow.sweep(title).datasets
        raw = [path for name in datasets for path in self._workflow.raw_files[name]]
        return [*(self._layout.dataset(name) for name in datasets), *raw]

    def above_product(self, study: str, names: Iterable[str]) -> list[Path]:
        """The files above what is read from the cubes of some sweeps, the cubes themselves aside."""
        return _once(path for title in cube_titles(study, names) for path in self.above_sweep(title))

    def above_explorer(self) -> list[Path]:
        """The files above what the explorer shows, the cubes themselves aside."""
        return _once(path for title in self._workflow.explored for path in self.above_sweep(title))

    def above_studies(self) -> list[Path]:
        """Every file above the products of all studies: data sets, raw files, cubes, and what was printed."""
        titles = [title for study in self._workflow.studies for title in self.titles(study)]
        above = [path for title in titles for path in (*self.above_sweep(title), self._layout.cube(title))]
        return _once([*above, *map(published, self._workflow.studies)])


def _once(ancestors: Iterable[Found]) -> list[Found]:
    """Things in their order, each once."""
    return list(dict.fromkeys(ancestors))
