"""`ro-crate-metadata.json`: an archive as a Workflow Run RO-Crate.

The profiles are Process Run Crate and Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun) and Workflow RO-Crate 1.0, over RO-Crate
1.1. The workflow is the Snakefile; its run is one action, and so is every sweep.
"""

import json
from collections.abc import Iterable, Mapping
from mimetypes import MimeTypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initatlas.archive.catalogue import CATALOGUE, Catalogue, CubeRecord
from initatlas.archive.contents import WORKFLOW_FILE
from initatlas.layout import CONFIG, SETTINGS

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

METADATA = "ro-crate-metadata.json"

README = "README.md"

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
"""What an archive conforms to: address to name and version."""

_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_COMPLETED = "http://schema.org/CompletedActionStatus"

_KINDS = {
    ".nc": "application/netcdf",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".md": "text/markdown",
    ".lock": "text/plain",
    ".smk": "text/x-snakemake",
    ".rst": "text/x-rst",
    ".toml": "application/toml",
    ".cff": "application/yaml",
    ".tex": "text/x-tex",
}
"""Kinds of files that the library of Python does not know everywhere."""

_RUN = "#run"

Properties = Mapping[str, Any]


def crate_metadata(folder: Path, catalogue: Catalogue, *, license_name: str) -> str:
    """The text of the file.

    Parameters
    ----------
    folder
        The archive, all its files but this one in place.
    catalogue
        What it holds.
    license_name
        Terms of the archive, as an SPDX identifier.

    Returns
    -------
    str
        JSON-LD. The same archive gives the same text.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms = {"sha256": "http://schema.org/sha256"}  # which the context of RO-Crate 1.1 lacks
    _describe(crate, catalogue, license_name)
    _add_files(crate, folder, catalogue)
    _add_workflow(crate, folder, catalogue)
    _add_parameters(crate, catalogue)
    _add_run(crate, catalogue)
    for title, cube in catalogue.cubes.items():
        _add_sweep(crate, title, cube)
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _describe(crate: "ROCrate", catalogue: Catalogue, license_name: str) -> None:
    """The root of the crate, and its profiles."""
    terms = f"https://spdx.org/licenses/{license_name}"
    _add(crate, terms, "CreativeWork", {"name": license_name, "identifier": license_name})
    for address, (name, version) in PROFILES.items():
        _add(crate, address, "CreativeWork", {"name": name, "version": version})
    crate.name = f"{catalogue.name}: an atlas of random initialisation"
    crate.description = (
        f"Cubes, claims, figures and tables of {', '.join(catalogue.studies)} at scale {catalogue.scale}, with the config, "
        f"the specs and the versions that they were made from. {CATALOGUE} lists the cubes."
    )
    crate.license = _to(terms)
    crate.datePublished = _newest(catalogue)
    crate.root_dataset["conformsTo"] = [*map(_to, PROFILES)]
    crate.root_dataset["mentions"] = [_to(_RUN), *(_to(_sweep_action(title)) for title in catalogue.cubes)]


def _add_files(crate: "ROCrate", folder: Path, catalogue: Catalogue) -> None:
    """Every file with its kind, its size and its hash."""
    titles = {cube.path: (title, cube) for title, cube in catalogue.cubes.items()}
    for name in (*catalogue.files, CATALOGUE):
        if name == str(WORKFLOW_FILE):
            continue
        path = folder / name
        properties: dict[str, Any] = {
            "name": path.name,
            "encodingFormat": _kind(path),
            "contentSize": str(path.stat().st_size),
        }
        properties |= {"sha256": catalogue.files[name]} if name in catalogue.files else {}
        if name in titles:
            title, cube = titles[name]
            properties |= {"name": f"cube of {title}", "description": cube.summary}
        if name == README:
            properties |= {"about": _to("./")}
        crate.add_file(path, name, properties=properties)


def _kind(path: Path) -> str:
    """The kind of a file by its name; what this machine has been told about kinds does not count."""
    return _KINDS.get(path.suffix) or MimeTypes().guess_type(path.name)[0] or "application/octet-stream"


def _add_workflow(crate: "ROCrate", folder: Path, catalogue: Catalogue) -> None:
    """The Snakefile as the main workflow, and what runs it."""
    import snakemake

    crate.add_workflow(
        folder / WORKFLOW_FILE,
        str(WORKFLOW_FILE),
        main=True,
        lang="snakemake",
        lang_version=snakemake.__version__,
        properties={
            "name": "initatlas",
            "version": catalogue.package_version,
            "conformsTo": _to(_WORKFLOW),
            "encodingFormat": "text/x-snakemake",
            "sha256": catalogue.files[str(WORKFLOW_FILE)],
        },
    )


def _add_parameters(crate: "ROCrate", catalogue: Catalogue) -> None:
    """What the workflow takes and gives, and what it was given here."""
    scale = "#scale"
    _add(crate, scale, "PropertyValue", {"name": "scale", "value": catalogue.scale})
    inputs = {"scale": ("Text", [scale]), "config": ("File", [str(SETTINGS)])}
    outputs = {
        "cubes": ("File", [cube.path for cube in catalogue.cubes.values()]),
        "ledger": ("File", [catalogue.ledger]),
        "page": ("File", [catalogue.page]),
    }
    workflow = crate.mainEntity
    workflow["input"] = [_to(f"#parameter-{name}") for name in inputs]
    workflow["output"] = [_to(f"#parameter-{name}") for name in outputs]
    for name, (kind, examples) in {**inputs, **outputs}.items():
        parameter = f"#parameter-{name}"
        for example in examples:
            crate.get(example)["exampleOfWork"] = _to(parameter)
        notes = {"name": name, "additionalType": kind, "conformsTo": _to(_PARAMETER)}
        _add(crate, parameter, "FormalParameter", {**notes, "workExample": _to_all(examples)})


def _add_run(crate: "ROCrate", catalogue: Catalogue) -> None:
    """The run of the workflow: from the config to all that was made."""
    config = [name for name in catalogue.files if name.startswith(f"{CONFIG}/")]
    results = [name for name in catalogue.files if name.startswith(("data/", "reports/"))]
    _add_action(
        crate,
        _RUN,
        name=f"initatlas run --scale {catalogue.scale}",
        description=f"Run of the workflow, from the config to the report, at scale {catalogue.scale}.",
        instrument=str(WORKFLOW_FILE),
        object_=["#scale", *config],
        result=results,
        end=_newest(catalogue),
    )


def _add_sweep(crate: "ROCrate", title: str, cube: CubeRecord) -> None:
    """The computation of a cube: what computed it, from which spec and data."""
    tool = f"#code/{title}"
    properties = {
        "name": f"experiment {cube.experiment}",
        "description": f"Code version {cube.code_version}: a hash of all code that could change the cube.",
        "softwareVersion": cube.commit or cube.code_version,
        "softwareRequirements": [f"{name} {version}" for name, version in cube.packages.items()],
    }
    _add(crate, tool, "SoftwareApplication", properties)
    inputs = []
    for name, content in cube.datasets.items():
        inputs.append(f"#data/{title}/{name}")
        _add(crate, inputs[-1], "PropertyValue", {"name": f"data set {name}", "value": f"sha256 {content}"})
    _add_action(
        crate,
        _sweep_action(title),
        name=f"sweep {title}",
        description=cube.summary,
        instrument=tool,
        object_=[cube.spec, *inputs],
        result=[cube.path],
        end=cube.created,
    )


def _add_action(
    crate: "ROCrate",
    identifier: str,
    *,
    name: str,
    description: str,
    instrument: str,
    object_: Iterable[str],
    result: Iterable[str],
    end: str,
) -> None:
    """Something that was run, with success."""
    properties = {
        "name": name,
        "description": description,
        "instrument": _to(instrument),
        "object": _to_all(object_),
        "result": _to_all(result),
        "endTime": end,
        "actionStatus": _COMPLETED,
    }
    _add(crate, identifier, "CreateAction", properties)


def _add(crate: "ROCrate", identifier: str, kind: str, properties: Properties) -> None:
    """An entity that is no file."""
    from rocrate.model.contextentity import ContextEntity

    crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _to(identifier: str) -> dict[str, str]:
    """A reference to an entity."""
    return {"@id": identifier}


def _to_all(identifiers: Iterable[str]) -> Any:
    """References to entities; a single one stands by itself, as RO-Crate wants it."""
    references = [*map(_to, identifiers)]
    return references[0] if len(references) == 1 else references


def _sweep_action(title: str) -> str:
    """Identifier of the computation of a cube."""
    return f"#sweep/{title}"


def _newest(catalogue: Catalogue) -> str:
    """When the last cube was written."""
    return max((cube.created for cube in catalogue.cubes.values()), default="1980-01-01T00:00:00+00:00")
