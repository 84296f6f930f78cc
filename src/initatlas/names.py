"""Names that the user chooses: of studies, sweeps, data sets and products. They become files, rules and arguments of commands."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from keyword import iskeyword

from initatlas.errors import UserError

LONGEST_NAME = 60
"""Characters; a name is part of file names, which end at 255 bytes with all that is put around it."""

_NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}")

RESERVED = frozenset(
    {
        "all",
        "caption",
        "claims",
        "dataset",
        "explorer",
        "index",
        "kernels",
        "ledger",
        "page",
        "published",
        "sweep",
        "unavailable",
    }
) | frozenset(name for name in (*dir(list), "get", "items", "keys", "size", "update") if not name.startswith("_"))
"""Names of the workflow's own rules and inputs, and of what its lists of inputs can do."""


PLACE_FOR_MODULES = "put it into the folder of the atlas, or the folder that holds it on PYTHONPATH"
"""What to do where a module of the user's is not found."""


def check_names(names: Iterable[object], where: str) -> None:
    """Check names that stand beside each other.

    Parameters
    ----------
    names
        What the user wrote.
    where
        Start of an error line: the file, or the file and the key.

    Raises
    ------
    UserError
        If one is no name, is reserved, or differs from another in case alone.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserError(
                f"{where}: the name {name!r} cannot be used; allowed: letters (a-z), digits and _, a letter first, "
                f"at most {LONGEST_NAME} characters"
            )
        if name.lower() in RESERVED or iskeyword(name) or name.startswith("download_"):
            raise UserError(f"{where}: the name {name!r} is reserved; choose another one")
        if name in seen.values():
            raise UserError(f"{where}: the name {name!r} is there twice; remove or rename one of the two")
        if name.lower() in seen:
            raise UserError(
                f"{where}: the names {seen[name.lower()]!r} and {name!r} differ in case alone; rename one of them"
            )
        seen[name.lower()] = name


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`` (did you mean 'relu'?)`` for the nearest known name, or nothing where none is near.

    A name of the form ``study/sweep`` is also found by its second part alone.
    """
    names = list(known)
    by_part = {name.rpartition("/")[2]: name for name in reversed(names)}
    text = str(word)[: 2 * LONGEST_NAME]
    folded = {name.lower(): name for name in (*by_part, *names)}
    near = get_close_matches(text.lower(), list(folded), n=1, cutoff=0.7)
    if not near:
        return ""
    nearest = folded[near[0]]
    return f" (did you mean {by_part.get(nearest, nearest)!r}?)"
