"""The stages of the workflow: each reads its declared inputs and writes its declared outputs."""

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError

from initatlas.errors import UserError
from initatlas.studies.registry import load_study, study_package
from initatlas.validation import first_fault

if TYPE_CHECKING:
    from initatlas.studies.evidence import Evidence

Spec = TypeVar("Spec")

log = logging.getLogger(__name__)


def build_dataset(name: str, spec: str, raw_data: Path, output: Path, *, made_from: str) -> None:
    """Build a data set from its spec (JSON) and write its netCDF file, with its identity."""
    from initatlas.datasets.build import build_dataset as build
    from initatlas.datasets.dataset import write_dataset
    from initatlas.datasets.kinds import DatasetSpec

    dataset = build(name, read_spec(spec, TypeAdapter(DatasetSpec)), raw_data)
    write_dataset(dataset, output, made_from=made_from)
    log.info("%s: %s in %s", name, dataset.summary(), output)


def read_spec(text: str, kind: TypeAdapter[Spec]) -> Spec:
    """What a stage is asked to compute.

    Parameters
    ----------
    text
        JSON.
    kind
        What it has to be.

    Raises
    ------
    UserError
        If it is something else.
    """
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        raise UserError(f"--spec: {first_fault(error, kind.json_schema())}") from None


def read_evidence(published: Path, cubes: Mapping[str, Path]) -> "Evidence":
    """Read what a product is made from: what was published, and the cubes, given by the title of their sweep."""
    from initatlas.cubes import open_placed_cube
    from initatlas.studies.claim import PublishedStudy
    from initatlas.studies.evidence import Evidence
    from initatlas.yaml_files import load_model

    statements = load_model(published, PublishedStudy)
    opened = {title.rpartition("/")[2]: open_placed_cube(path, title) for title, path in cubes.items()}
    return Evidence(opened, statements.claims)


def _module_of(study: str, part: str) -> ModuleType:
    """A module of a study, whose declaration says in one line why it cannot be found."""
    load_study(study)
    return import_module(f"{study_package(study)}.{part}")


def draw_figure(study: str, name: str, evidence: "Evidence", output: Path) -> None:
    """Draw a figure of a study and save it as SVG, PDF and PNG; `output` is one of the three."""
    from initatlas.report.style import figure_style, save_figure

    draw = getattr(_module_of(study, "figures"), name)
    with figure_style():
        save_figure(draw(evidence), output.with_suffix(""))


def make_table(study: str, name: str, evidence: "Evidence", caption: Path, output: Path) -> None:
    """Make a table of a study and write it as CSV, Markdown, TeX and HTML; `output` is one of the four."""
    from initatlas.report.captions import read_caption
    from initatlas.report.tables import write_table
    from initatlas.texts import read_text

    tabulate = getattr(_module_of(study, "tables"), name)
    write_table(tabulate(evidence), output.with_suffix(""), read_caption(read_text(caption)).body)


def check_claims(study: str, evidence: "Evidence", output: Path) -> None:
    """Measure and judge the claims of a study."""
    from initatlas.files import write_text
    from initatlas.report.ledger import claims_to_json
    from initatlas.studies.judge import judge_study

    key = load_study(study).key
    claims = judge_study(key, _module_of(study, "claims").CLAIMS, evidence)
    write_text(output, claims_to_json(claims))
    for claim in claims:
        log.info("%s: %s: %s", key, claim.name, claim.judged.verdict)


def join_ledgers(inputs: Sequence[Path], output: Path) -> None:
    """Join the claims of all studies into one ledger."""
    from initatlas.files import write_text
    from initatlas.report.ledger import claims_from_json, claims_to_json

    claims = [claim for path in inputs for claim in claims_from_json(path.read_bytes(), str(path))]
    write_text(output, claims_to_json(claims))


def embed_sweeps(cubes: Mapping[str, Path], outputs: Mapping[str, Sequence[str]], output: Path) -> None:
    """Write the cubes that the report's explorer shows, with some outputs of each, given by the title of its sweep."""
    from initatlas.cubes import open_placed_cube
    from initatlas.files import write_text
    from initatlas.report.explorer import explorer_json

    write_text(output, explorer_json({title: open_placed_cube(cubes[title], title) for title in outputs}, outputs))


def tabulate_kernels(output: Path) -> None:
    """Write the dual activations from which the report's explorer draws kernels."""
    from initatlas.files import write_text
    from initatlas.report.explorer_kernels import kernels_json

    write_text(output, kernels_json())


def write_page(
    studies: Sequence[str],
    *,
    products: Path,
    cubes: Mapping[str, Path],
    scale: str,
    absent: Mapping[str, str],
    output: Path,
) -> None:
    """Write the report page from the products of one scale, and the captions and cubes of the studies."""
    from initatlas import __version__
    from initatlas.files import write_text
    from initatlas.report.collect import collect_page
    from initatlas.report.page import render_page

    declared = [load_study(study) for study in studies]
    page = collect_page(
        declared,
        products=products,
        folder=output.parent,
        captions={study.key: study.captions for study in declared},
        cubes=cubes,
        title="An atlas of random initialisation",
        version=__version__,
        scale=scale,
        absent=absent,
    )
    write_text(output, render_page(page))


def named_paths(pairs: Sequence[str]) -> dict[str, Path]:
    """Read ``name=path`` arguments.

    Raises
    ------
    UserError
        If an argument has another form.
    """
    paths = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals:
            raise UserError(f"{pair}: expected name=path")
        paths[name] = Path(path)
    return paths
