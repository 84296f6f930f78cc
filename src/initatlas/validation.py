"""Say in one line what a validation found: the key, the value and what is allowed."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from initatlas.errors import UserError

Schema = dict[str, Any]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")

_RESERVED = ("all", "sweep", "dataset", "ledger", "page", "unavailable")
"""Rules of the workflow: a study of such a name would hide one."""


def check_names(names: Iterable[Any], where: str) -> None:
    """Refuse names that cannot stand in a path, in a command and as a target of the workflow.

    Parameters
    ----------
    names
        Names of one kind: studies, sweeps, data sets.
    where
        Start of the line: the file, and the key under which they stand.

    Raises
    ------
    UserError
        If a name has other characters than letters, digits and underscores, is too long or reserved, or if two differ in case
        alone: some file systems take them for one.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserError(
                f"{where}: {name!r} is no name; allowed: a letter, then letters, digits and underscores, at most 60 characters"
            )
        if name in _RESERVED or name.startswith("download_"):
            raise UserError(f"{where}: the name {name!r} is reserved; choose another one")
        if name.lower() in seen:
            raise UserError(f"{where}: {seen[name.lower()]!r} and {name!r} differ in case alone; rename one of them")
        seen[name.lower()] = name


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of some known words, as the end of a line; empty if none is near.

    A title without its study, ``trainability``, is near to ``atlas/trainability``.
    """
    words = list(known)
    near = [found for found in words if found.rpartition("/")[2] == word] or get_close_matches(word, words, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def first_fault(error: ValidationError, schema: Schema, *, inside: str = "") -> str:
    """The first fault as ``key.path = value: what is allowed``.

    Parameters
    ----------
    error
        What pydantic raised.
    schema
        The JSON schema of what was validated; it tells which keys there are.
    inside
        The key under which it stands in the file.
    """
    fault = error.errors()[0]
    tags = _tags(schema)
    location = [inside, *(part for part in fault["loc"] if part not in tags)]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).strip(".")
    if fault["type"] == "missing":
        return f"{place} is missing"
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place}; allowed: {', '.join(_keys_at(schema, fault['loc'][:-1]))}"
    return f"{place} = {fault['input']!r}: {fault_text(error)}" if place else fault_text(error)


def fault_text(error: ValidationError) -> str:
    """What pydantic says of the first fault, without its prefix."""
    text = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:]


def _tags(schema: Schema) -> set[str]:
    """The tags of a discriminated union at the root: pydantic puts them into the path, where the user wrote no key."""
    return set(schema.get("discriminator", {}).get("mapping", {}))


def _keys_at(schema: Schema, location: Sequence[int | str]) -> list[str]:
    """The keys that a mapping at a place may have."""
    here = schema
    for part in location:
        here = _step(_followed(here, schema), part)
    return list(_followed(here, schema).get("properties", {}))


def _step(schema: Schema, part: int | str) -> Schema:
    """The schema of one key, of one item, or of one branch of a union."""
    if part in schema.get("properties", {}):
        found = schema["properties"][part]
    elif part in schema.get("discriminator", {}).get("mapping", {}):
        found = {"$ref": schema["discriminator"]["mapping"][part]}
    elif isinstance(part, int):
        found = schema.get("items", {})
    else:
        found = schema.get("additionalProperties", {})
    return found if isinstance(found, dict) else {}


def _followed(schema: Schema, root: Schema) -> Schema:
    """A schema behind its reference."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema
