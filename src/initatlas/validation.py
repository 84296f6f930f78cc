"""Say in one line what a validation found: the key, the value and what is allowed."""

import re
from collections.abc import Sequence
from reprlib import Repr
from typing import Any

from pydantic import ValidationError

from initatlas.names import did_you_mean

Schema = dict[str, Any]

_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxtuple, _SHORT.maxdict = 3, 6, 6, 6
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80

LONGEST_VALUE = 200
"""Characters of a value that an error line shows."""


def shown(value: Any) -> str:
    """A value in an error line: on one line and short, however large or deep it is."""
    text = _SHORT.repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


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
    fault = _plainest(error)
    tags = _tags(schema)
    location = [inside, *(part for part in fault["loc"] if part not in tags and part != "[key]")]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).strip(".")
    if fault["type"] == "missing":
        return f"{place} is missing"
    if fault["type"] == "extra_forbidden":
        allowed = _keys_at(schema, fault["loc"][:-1])
        return f"unknown key {place}{did_you_mean(location[-1], allowed)}; allowed: {', '.join(allowed)}"
    if fault["type"] == "union_tag_not_found":
        return f"{place}.{fault['ctx']['discriminator'].strip(QUOTE)} is missing"
    if fault["type"] == "union_tag_invalid":
        key, tag = fault["ctx"]["discriminator"].strip(QUOTE), fault["ctx"]["tag"]
        return f"{place}.{key} = {shown(tag)}{_nearest(tag, fault)}; allowed: {fault['ctx']['expected_tags']}"
    text = fault_text(error)
    if "[key]" in fault["loc"]:
        return f"unknown key {place}: {text}"
    return f"{place} = {shown(fault['input'])}: {text}" if place else text


QUOTE = "'"


def _plainest(error: ValidationError) -> Any:
    """The first fault; where a key is missing beside one that is unknown, it is misspelt.

    Of the faults of one value that may be of several types, the one which takes it for what it is.
    """
    first, *others = faults = error.errors()
    if first["type"] == "missing":
        return next((fault for fault in faults if fault["type"] == "extra_forbidden"), first)
    same = [first, *(fault for fault in others if fault["input"] is first["input"])]
    return next((fault for fault in same if not fault["type"].endswith("_type")), first)


def fault_text(error: ValidationError) -> str:
    """What pydantic says of the first fault, on one line and without its prefix."""
    fault = _plainest(error)
    if fault["type"] in _TEXTS:
        return _TEXTS[fault["type"]]
    text = " ".join(str(fault["msg"]).removeprefix("Value error, ").split())
    near = _nearest(fault["input"], fault) if fault["type"] == "literal_error" else ""
    short = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    return short[:1].lower() + short[1:] + near


LONGEST_TEXT = 400

_TEXTS = {
    "dict_type": "give a mapping of keys to values",
    "model_type": "give a mapping of keys to values",
    "list_type": "give a list",
    "tuple_type": "give a list",
}


def _nearest(word: object, fault: Any) -> str:
    """The nearest of the words that were expected."""
    expected = fault["ctx"].get("expected", fault["ctx"].get("expected_tags", ""))
    return did_you_mean(word, re.findall(r"'([^']*)'", expected))


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
        inner = schema["properties"][part]
    elif part in schema.get("discriminator", {}).get("mapping", {}):
        inner = {"$ref": schema["discriminator"]["mapping"][part]}
    elif isinstance(part, int):
        inner = schema.get("items", {})
    else:
        inner = schema.get("additionalProperties", {})
    return inner if isinstance(inner, dict) else {}


def _followed(schema: Schema, root: Schema) -> Schema:
    """A schema behind its reference."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema
