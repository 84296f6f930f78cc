"""`initatlas study new`: a working study in the user's folder, from the one that comes with this package."""

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from initatlas.config import load_settings
from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.layout import SETTINGS, STUDY_TEMPLATE, is_atlas
from initatlas.names import check_names

log = logging.getLogger(__name__)

STAND_IN = "paper2020"
"""What the study of the template is called."""

PACKAGE = "my_studies"
"""Where new studies go."""

_NEW_SETTINGS = "scale: quick # smoke | quick | paper\nseed: 2018 # root of all random streams\nstudies: [{study}]\n"


def new_study(name: str, folder: Path) -> list[Path]:
    """Write a study that can be run at once, and name it in the config.

    Parameters
    ----------
    name
        What it is to be called.
    folder
        That of an atlas, or an empty one, which becomes one.

    Returns
    -------
    list of Path
        The files that were written, within the folder.

    Raises
    ------
    UserError
        If the name cannot be used, something of that name is there, or the config cannot be extended.
    """
    check_names([name], "initatlas study new")
    files = dict(_files(name))
    _check_new(name, folder, files)
    settings = _extended_settings(folder, f"{PACKAGE}.{name}")
    for path, text in {**files, SETTINGS: settings}.items():
        write_text(folder / path, text)
    return [*files, SETTINGS]


def _files(name: str) -> Iterator[tuple[Path, str]]:
    """The files of the template under a name: where they go, and what they hold."""
    for path in sorted(
        path for path in STUDY_TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ):
        place = path.relative_to(STUDY_TEMPLATE).as_posix().replace(STAND_IN, name)
        yield Path(place), path.read_text(encoding="utf-8").replace(STAND_IN, name)


def _check_new(name: str, folder: Path, files: Mapping[Path, str]) -> None:
    """Refuse to overwrite."""
    for path in (Path(PACKAGE) / name, *files):
        if (folder / path).exists():
            raise UserError(f"{folder / path} is there already; choose another name, or remove it first")
    if is_atlas(folder):
        for study in load_settings(folder / SETTINGS, {}).studies:
            if study.rpartition(".")[2].lower() == name.lower():
                raise UserError(f"{folder / SETTINGS}: studies names {study} already; choose another name")


def _extended_settings(folder: Path, study: str) -> str:
    """The text of the settings with one more study, all else as it was."""
    path = folder / SETTINGS
    if not path.exists():
        return _NEW_SETTINGS.format(study=study)
    text, before = path.read_text(encoding="utf-8"), load_settings(path, {})
    if not before.studies and not re.search(r"^studies:", text, re.MULTILINE):
        return f"{text.rstrip()}\nstudies: [{study}]\n" if text.strip() else f"studies: [{study}]\n"
    extended, replacements = re.subn(
        r"^(studies: *\[)([^\]#\n]*?),? *\]",
        lambda match: f"{match[1]}{match[2]}{', ' if match[2].strip() else ''}{study}]",
        text,
        flags=re.MULTILINE,
    )
    if not replacements:
        raise UserError(f"{path}: studies: write it as one line, [a, b]; then {study} can be added")
    return extended
