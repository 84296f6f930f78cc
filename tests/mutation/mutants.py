"""Small changes of a module, one at a time, by its syntax tree."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
"""What takes the place of an operator."""

NOT_COMMUTATIVE = (ast.Sub, ast.Div, ast.Pow, ast.MatMult, ast.Mod)

RENAMED = {
    "min": "max",
    "max": "min",
    "sorted": "list",
    "all": "any",
    "any": "all",
    "minimum": "maximum",
    "argmax": "argmin",
}
"""What takes the place of a function or a method."""

SPOKEN = {"Field", "Output", "Coordinate", "Table", "Column", "Study", "Literal", "TypeVar", "lru_cache", "cache"}
"""Calls that hold descriptions, units and sizes of caches rather than results."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    line, kind, before, after
        Where and what the change is, in words for the list.
    source
        The whole module.
    """

    line: int
    kind: str
    before: str
    after: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """All small changes of a module, in the order of its lines."""
    tree = ast.parse(source)
    found = []
    for path, node in _changeable(tree, ()):
        for kind, changed in _changes(node):
            before, after = (ast.unparse(part) for part in (node, changed))
            if before == after:
                continue
            other = deepcopy(tree)
            _put(other, path, changed)
            found.append(Mutant(getattr(node, "lineno", 0), kind, before, after, ast.unparse(other)))
    return found


def _changeable(node: ast.AST, path: tuple[tuple[str, int | None], ...]) -> Iterator[tuple[tuple[Any, ...], ast.AST]]:
    """Nodes with the way to them, without annotations, texts, errors and imports for the type checker."""
    yield path, node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        children = value if isinstance(value, list) else [value]
        for place, child in enumerate(children):
            if isinstance(child, ast.AST) and not _is_spoken(child):
                yield from _changeable(child, (*path, (name, place if isinstance(value, list) else None)))


def _is_spoken(node: ast.AST) -> bool:
    """Whether a node is a text, an error, a description or for the type checker alone."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
        return True
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] in SPOKEN
    return False


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The small changes of one node."""
    if isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield "sign" if isinstance(node.op, ast.USub) else "negation", node.operand
    elif isinstance(node, ast.BinOp):
        yield from _operations(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPPED:
        yield "bound", ast.Compare(node.left, [SWAPPED[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield "logic", ast.BoolOp(SWAPPED[type(node.op)](), node.values)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Slice):
        yield from _slices(node)


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    """A number by 1 %, or by one; a flag turned."""
    if isinstance(node.value, bool):
        yield "flag", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield "constant", ast.Constant(node.value * 1.01 if node.value else 0.01)


def _operations(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    """Another operator, or its operands in the other order."""
    if type(node.op) in SWAPPED and not _is_type(node):
        yield "operator", ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right)
    if isinstance(node.op, NOT_COMMUTATIVE):
        yield "operands", ast.BinOp(node.right, node.op, node.left)


def _is_type(node: ast.BinOp) -> bool:
    """Whether an operation joins texts or types."""
    return any(
        isinstance(side, ast.Constant | ast.JoinedStr) and isinstance(getattr(side, "value", ""), str)
        for side in (node.left, node.right)
    )


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """Another function of the same form, arguments in another order, a range that is one longer."""
    name = (
        node.func.id
        if isinstance(node.func, ast.Name)
        else node.func.attr
        if isinstance(node.func, ast.Attribute)
        else ""
    )
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    if name in RENAMED:
        function = deepcopy(node.func)
        setattr(function, "id" if isinstance(function, ast.Name) else "attr", RENAMED[name])
        keywords = [] if name == "sorted" else node.keywords
        yield "order" if name == "sorted" else "function", ast.Call(function, node.args, keywords)
    elif name == "range" and plain:
        yield "range", ast.Call(node.func, [*plain[:-1], _plus_one(plain[-1])], [])
    elif len(plain) == len(node.args) == 2 and name not in {
        "isinstance",
        "issubclass",
        "getattr",
        "hasattr",
        "zip",
        "cast",
    }:
        yield "arguments", ast.Call(node.func, plain[::-1], node.keywords)


def _slices(node: ast.Slice) -> Iterator[tuple[str, ast.AST]]:
    """A slice that begins, or ends, one later."""
    if node.lower is not None:
        yield "slice", ast.Slice(_plus_one(node.lower), node.upper, node.step)
    if node.upper is not None:
        yield "slice", ast.Slice(node.lower, _plus_one(node.upper), node.step)


def _plus_one(node: ast.expr) -> ast.expr:
    """One more."""
    return ast.BinOp(node, ast.Add(), ast.Constant(1))


def _put(tree: ast.AST, path: tuple[tuple[str, int | None], ...], changed: ast.AST) -> None:
    """Replace the node at a path."""
    for name, place in path[:-1]:
        tree = getattr(tree, name) if place is None else getattr(tree, name)[place]
    name, place = path[-1]
    if place is None:
        setattr(tree, name, changed)
    else:
        getattr(tree, name)[place] = changed
