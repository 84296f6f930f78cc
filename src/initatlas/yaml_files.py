"""Read YAML so that nothing is read otherwise than it is written.

YAML 1.1, which PyYAML reads, takes `010` for 8, `1:30` for 90 and `on` for true, keeps the last of two equal keys, and takes
`1e-3` for a text. Here 1e-3 is a number, and the others are refused.
"""

import re
from collections.abc import Callable
from math import isinf
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from initatlas.errors import UserError
from initatlas.texts import read_text
from initatlas.validation import first_fault

Model = TypeVar("Model", bound=BaseModel)

DEEPEST = 40
"""Levels of nesting."""

MOST_VALUES = 2_000_000
"""Values of one file, with those that aliases repeat."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader of PyYAML, the one in C where it was built; 1e-3 is a number."""


_Loader.add_implicit_resolver(
    f"{_TAG}float", re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    UserError
        If the file is missing, is not YAML, is no mapping, holds a key twice, or a value that YAML would read otherwise than
        it is written; the line and the key are named.
    """
    text = read_text(path)
    try:
        content = _content(text)
    except yaml.reader.ReaderError as error:
        raise UserError(f"{path}: not YAML ({error.reason})") from None
    except yaml.MarkedYAMLError as error:
        raise UserError(f"{path}{_explained(error, text)}") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply; at most {DEEPEST} levels are allowed") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping of keys to values")
    return content


def load_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model.

    Raises
    ------
    UserError
        Naming the file, the key, the value and what is allowed.
    """
    try:
        return model.model_validate(read_yaml(path))
    except ValidationError as error:
        raise UserError(f"{path}: {first_fault(error, model.model_json_schema())}") from None


def _explained(error: yaml.MarkedYAMLError, text: str) -> str:
    """The line of a fault, what the parser says of it, and the mend that it does not say."""
    mark, opened, problem = error.problem_mark, error.context_mark, str(error.problem)
    if mark is None:
        return f": {problem}"
    # A missing colon is noticed on the next line.
    place = opened if opened and "expected ':'" in problem else mark
    begun = f" that begins on line {opened.line + 1}" if opened else ""
    read = [*text.splitlines(), ""][mark.line][: mark.column + 1]
    mend = next((f"; {mend}" for words, mend in _MENDS if re.search(words, f"{problem}\n{read}")), "")
    return f":{place.line + 1}: {problem}{mend.replace('@', begun)}"


_MENDS = (
    ("expected ':'", "put a colon and a blank behind the key"),
    (r"(token|indentation)\n.*\t", "indent with blanks, not with tabs"),
    ("cannot start any token", "quote a text that begins with such a character"),
    (r"mapping values are not allowed.*\n.*:\s.*:", "quote a text that holds a colon"),
    (
        "mapping values are not allowed",
        "put a colon and a blank behind the key of the line before, or indent this line as its neighbours",
    ),
    (r"',' or '\]'", "put commas between the values, and close the list@"),
    (r"',' or '\}'", "put commas between the keys, and close the mapping@"),
    ("end of stream", "close the quotes of the text@"),
    ("expected key|expected <", "indent this line as its neighbours, or quote the whole text"),
    ("undefined alias", "quote a text that begins with *"),
    ("another document", "leave out what stands behind ---"),
)
"""A pattern for what the parser says, and for the line up to the fault; the mend. @ is where a bracket or a quote begins."""


def _content(text: str) -> Any:
    """What a YAML document says; its nodes are checked before anything is made of them."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _Check().size(root, (), 0)
        return loader.construct_document(root)
    finally:
        loader.dispose()


class _Check:
    """Walks through the nodes of a document, each once."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}

    def size(self, node: Node, place: tuple[str, ...], depth: int) -> int:
        """Number of values at and below a node, all of them admitted."""
        if id(node) not in self._sizes:
            self._sizes[id(node)] = self._size(node, place, depth)
        return self._sizes[id(node)]

    def _size(self, node: Node, place: tuple[str, ...], depth: int) -> int:
        """The same, counted."""
        if depth > DEEPEST:
            raise _refusal(node, f"nested too deeply; at most {DEEPEST} levels are allowed")
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            _check_keys(node)
            below = [self.size(value, (*place, f".{key.value}"), depth + 1) for key, value in node.value]
        elif isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            below = [self.size(value, (*place, f"[{i}]"), depth + 1) for i, value in enumerate(node.value)]
        else:
            _check_scalar(node, place)
            below = []
        if 1 + sum(below) > MOST_VALUES:
            raise _refusal(node, f"too many values; at most {MOST_VALUES} are allowed")
        return 1 + sum(below)


def _refusal(node: Node, text: str) -> yaml.constructor.ConstructorError:
    """An error that knows its line."""
    return yaml.constructor.ConstructorError(None, None, text, node.start_mark)


def _check_keys(node: MappingNode) -> None:
    """Keys are texts, none of them twice; `<<` merges another mapping."""
    seen = set()
    for key, _ in node.value:
        if key.tag == f"{_TAG}merge":
            continue
        if not isinstance(key, ScalarNode) or key.tag != f"{_TAG}str":
            written = f"key {_short(key.value)}" if isinstance(key, ScalarNode) else "a key"
            raise _refusal(key, f"{written} is no name; if it is one, quote it")
        if not key.value.isprintable():
            raise _refusal(
                key, f"key {_short(key.value)!r} has characters that cannot be printed on one line; rename it"
            )
        if key.value in seen:
            raise _refusal(key, f"key {_short(key.value)!r} is there twice")
        seen.add(key.value)


def _check_scalar(node: Node, place: tuple[str, ...]) -> None:
    """Refuse what YAML reads otherwise than it is written."""
    check = _SCALARS.get(node.tag.removeprefix(_TAG)) if isinstance(node, ScalarNode) else None
    fault = f"the tag {node.tag} is not used here; leave it out" if check is None else check(node.value)
    if fault:
        written = f" = {_short(node.value)}" if isinstance(node, ScalarNode) else ""
        raise _refusal(node, f"{''.join(place).strip('.')}{written}: {fault}")


def _short(text: str) -> str:
    """A text for an error line."""
    plain = text.encode("unicode_escape").decode()
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def _text_fault(text: str) -> str:
    """Texts go into files, attributes and captions."""
    return "the text holds a control character; leave it out" if _CONTROL.search(text) else ""


def _int_fault(text: str) -> str:
    """Octal, hexadecimal, binary and base 60, and underscores."""
    if not _INT.fullmatch(text):
        return "a whole number in another notation than the decimal; write its digits, or quote a text"
    return "" if len(text) <= 400 else "too many digits"


def _float_fault(text: str) -> str:
    """Base 60, underscores, and what doubles cannot hold; the models refuse infinities by the name of their key."""
    if _NOT_FINITE.fullmatch(text):
        return ""
    if not _FLOAT.fullmatch(text):
        return "a number in another notation than the decimal; write its digits, or quote a text"
    mantissa = re.split("[eE]", text)[0]
    if isinf(float(text)) or (float(text) == 0.0 and mantissa.strip("+-0.")):
        return "beyond the range of numbers, about 1e-308 to 1e308"
    return ""


def _bool_fault(text: str) -> str:
    """Words for true and false."""
    return (
        ""
        if text.lower() in ("true", "false")
        else "YAML reads this as true or false; write true or false, or quote a text"
    )


def _null_fault(text: str) -> str:
    """A sign for nothing."""
    return "YAML reads this as nothing; write null, or quote a text" if text == "~" else ""


_SCALARS: dict[str, Callable[[str], str]] = {
    "str": _text_fault,
    "int": _int_fault,
    "float": _float_fault,
    "bool": _bool_fault,
    "null": _null_fault,
    "timestamp": lambda text: "YAML reads this as a date; quote it",
    "value": lambda text: "YAML reads this as a sign of its own; quote it",
    "merge": lambda text: "YAML reads this as a sign of its own; quote it",
}
