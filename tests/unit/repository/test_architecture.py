"""The picture of docs/architecture.md: it names every room, imports point downwards, and there are no circles."""

import ast
import re
import tomllib
from graphlib import TopologicalSorter

import pytest


@pytest.fixture(scope="module")
def modules(root):
    """Every module of the package: its dotted name, and its syntax tree."""
    source = root / "src"
    trees = {}
    for path in (source / "initatlas").rglob("*.py"):
        name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


@pytest.fixture(scope="module")
def imports(modules):
    """Module to the modules of ours that it imports, inside functions too, but not for the type checker alone."""
    return {name: {*_imported(tree, modules)} - {name} for name, tree in modules.items()}


@pytest.fixture(scope="module")
def floors(root):
    """Room to its row in the table of the page; the topmost is 0."""
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`[^|]*`) \|", page[page.index("## Rooms") : page.index("Whatever the Snakefile")], re.MULTILINE
    )
    named = [[room.removesuffix(".py").removesuffix("/") for room in re.findall(r"`([^`]*)`", row)] for row in rows]
    return {room: floor for floor, row in enumerate(named) for room in row}


def _imported(tree, known):
    """Names of our modules in the imports of a syntax tree."""
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("initatlas"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def _nodes(tree):
    """All nodes but those under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def _room(module):
    """The room of a module: the first part of its name within the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_the_page_names_every_room_once(modules, floors):
    assert set(map(_room, modules)) == set(floors)


def test_imports_point_downwards(imports, floors):
    upwards = [
        f"{module} imports {other}"
        for module, others in imports.items()
        for other in others
        if _room(other) != _room(module) and floors[_room(other)] < floors[_room(module)]
    ]
    assert upwards == []


def test_there_are_no_circles(imports):
    # A package's own __init__ gathers its modules, which may import each other through it: their names are what counts.
    graph = {
        module: {other for other in others if not module.startswith(f"{other}.")} for module, others in imports.items()
    }
    assert len([*TopologicalSorter(graph).static_order()]) >= len(imports)


def test_rooms_side_by_side_do_not_know_each_other(imports, floors):
    ground = floors["errors"]
    beside = [
        f"{module} imports {other}"
        for module, others in imports.items()
        for other in others
        if _room(other) != _room(module) and floors[_room(other)] == floors[_room(module)] != ground
    ]
    assert [line for line in beside if not line.startswith("initatlas.__main__")] == []


def test_what_the_snakefile_reads_is_light(modules):
    """Declarations import their mathematics inside functions: every job of a cluster parses the workflow again."""
    heavy = {"numpy", "scipy", "torch", "numba", "xarray", "matplotlib", "sklearn", "ray", "netCDF4", "pandas"}
    read = [
        name
        for name in modules
        if _room(name) in ("experiments", "config", "activations", "weights", "identity", "components")
    ]
    found = [
        f"{name} imports {library}"
        for name in read
        for node in modules[name].body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for library in [(node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name]
        if library.partition(".")[0] in heavy
    ]
    assert len(read) > 30
    assert [line for line in found if "sphere_inputs" not in line] == []


def test_the_tests_lie_in_rooms_like_the_code(root):
    source, tests = root / "src/initatlas", root / "tests/unit"
    rooms = {path.name for path in source.iterdir() if path.is_dir()} | {"config", "ground", "repository"}
    folders = {path.name for path in tests.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= rooms
    assert [path.name for path in tests.glob("*.py")] == []


def test_the_page_names_every_folder_of_tests(root):
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `tests/(\w+)/` \|", page, re.MULTILINE)
    folders = [path.name for path in (root / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(named) == sorted(folders)


def test_every_test_is_run_by_one_command(root):
    """`make test` runs what pyproject.toml names, `make test-cluster` what needs a Slurm; a new folder is not forgotten."""
    named = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "testpaths"
    ]
    folders = {path.relative_to(root).parts[1] for path in (root / "tests").rglob("test_*.py")}
    assert {f"tests/{folder}" for folder in folders} == {path for path in named if path.startswith("tests/")} | {
        "tests/cluster"
    }
