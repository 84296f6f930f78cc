"""`initatlas archive`: a scale, with all that it was made from, in one folder or zip file."""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from initatlas import __version__
from initatlas.archive.catalogue import CATALOGUE, Catalogue, catalogue_to_json, make_catalogue
from initatlas.archive.contents import Contents
from initatlas.archive.crate import METADATA, README, crate_metadata
from initatlas.archive.folders import draft_folder, publish_folder, publish_zip
from initatlas.commands.run import find_snakefile, wait_for_turn
from initatlas.commands.stages import join_ledgers, write_page
from initatlas.commands.status import due_jobs
from initatlas.config import Workflow, load_workflow
from initatlas.errors import UserError
from initatlas.files import make_folder, must_be_folder, write_text
from initatlas.identity import made_files
from initatlas.layout import DATA, PAGE, Layout
from initatlas.names import did_you_mean
from initatlas.runs import call_unfinished

log = logging.getLogger(__name__)

ARCHIVES = DATA / "archives"
"""Where archives go for which no place is named."""


def archive(
    output: Path | None,
    studies: Sequence[str],
    overrides: Mapping[str, str],
    *,
    license_name: str,
    snakefile: Path | None = None,
) -> Path:
    """Write the archive of a scale; nothing is computed.

    Parameters
    ----------
    output
        A folder, or a zip file if it ends in ``.zip``; ``data/archives/<name>.zip`` where none is named. It must not be there.
    studies
        What to narrow it to; none: all.
    overrides
        What the command line says in the place of the config.
    license_name
        Terms of the archive, as an SPDX identifier.
    snakefile
        As `run_workflow`.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    UserError
        If something of it is older than the config or the code, the place is taken, or a study is not of the config.
    """
    workflow = load_workflow(Path(), overrides)
    if unknown := [study for study in studies if study not in workflow.studies]:
        near = did_you_mean(unknown[0], workflow.studies)
        raise UserError(f"--study {unknown[0]}: no study of the config{near}; it has: {', '.join(workflow.studies)}")
    home = find_snakefile(snakefile).parent
    contents = Contents(workflow, studies, home)
    name = "-".join(("initatlas", workflow.settings.scale, *studies))
    target = output or ARCHIVES / f"{name}.zip"
    must_be_folder(target.parent)
    if os.path.lexists(target):
        raise UserError(f"{target} is there already; move it away, or name another place")
    lock = wait_for_turn()
    try:
        # as a run would; the dry run that follows cannot, for the lock is held here
        call_unfinished(made_files(workflow))
        _refuse_stale(contents, workflow, overrides, snakefile)
        with draft_folder(target) as draft:
            catalogue = _fill(draft, contents, workflow, name, license_name)
            (publish_zip if target.suffix == ".zip" else publish_folder)(draft, target)
    except OSError as error:
        raise UserError(
            f"{target}: the archive cannot be written ({error.strerror or error}); make room or give access"
        ) from None
    finally:
        lock.release()
    count = f"{len(catalogue.cubes)} cube{'s' * (len(catalogue.cubes) != 1)}"
    log.info("%s of %s at scale %s", count, ", ".join(catalogue.studies), catalogue.scale)
    return target


def _refuse_stale(contents: Contents, workflow: Workflow, overrides: Mapping[str, str], snakefile: Path | None) -> None:
    """Refuse what was not all made from the present config and code: an archive is of one state."""
    scale = workflow.settings.scale
    targets = [*(contents.studies if contents.narrowed else ["all"]), *contents.extra_titles()]
    if due := due_jobs(targets, overrides, snakefile=snakefile):
        more = f" and {len(due) - 1} more" if len(due) > 1 else ""
        wanted = " ".join(["", *contents.studies]) if contents.narrowed else ""
        raise UserError(
            f"scale {scale} is not what the config and the code would make now ({due[0]}{more}); "
            f"run it first: initatlas run{wanted} --scale {scale}"
        )


def _fill(draft: Path, contents: Contents, workflow: Workflow, name: str, license_name: str) -> Catalogue:
    """Put everything into the folder of the archive."""
    for place, path in contents.files():
        make_folder((draft / place).parent)
        shutil.copyfile(path, draft / place)
    for place, text in contents.specs().items():
        write_text(draft / place, text)
    if contents.narrowed:
        _add_summaries(draft, contents, workflow)
    write_text(draft / README, _readme(name, contents.studies, workflow.settings.scale))
    catalogue = make_catalogue(draft, contents, workflow, name=name, version=__version__)
    write_text(draft / CATALOGUE, catalogue_to_json(catalogue))
    write_text(draft / METADATA, crate_metadata(draft, catalogue, license_name=license_name))
    return catalogue


def _add_summaries(draft: Path, contents: Contents, workflow: Workflow) -> None:
    """The ledger and the page of some studies, from what the archive holds."""
    scale = workflow.settings.scale
    layout = Layout(scale)
    join_ledgers([draft / layout.claims(study) for study in contents.studies], draft / layout.ledger)
    write_page(
        [workflow.studies[study].package for study in contents.studies],
        products=draft / layout.products,
        cubes={title: draft / path for title, path in contents.cubes().items()},
        scale=scale,
        absent=workflow.absent,
        output=draft / PAGE,
    )


def _readme(name: str, studies: Sequence[str], scale: str) -> str:
    """What whoever finds an archive has to know."""
    claim = f"{studies[0]}/<claim>" if studies else "<study>/<claim>"
    return (
        f"# {name}\n\nResults of initatlas, an atlas of random initialisation, at scale {scale}: {', '.join(studies)}.\n\n"
        f"- `{PAGE}`: the report; open it in a browser.\n"
        f"- `{Layout(scale).ledger}`: the ledger of claims.\n"
        f"- `{CATALOGUE}`: every cube with its file, its dimensions and where it comes from.\n"
        f"- `{METADATA}`: the same for machines, as a Workflow Run RO-Crate.\n"
        "- `config/`, `specs/`, `requirements.lock`: what it was made from.\n\n"
        "```python\nfrom initatlas import open_archive\n"
        'archive = open_archive(".")\nlist(archive), archive[list(archive)[0]]        # every cube is an xarray.Dataset\n```\n\n'
        f"To compute a claim again, in a clone of initatlas: `initatlas reproduce --from <this folder> {claim}`.\n"
    )
