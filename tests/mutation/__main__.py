"""Change the code in small ways, one at a time, and ask whether a unit test notices.

The sample of a room is the same for the same seed and code. Everything happens in a copy of the tree below the folder for
temporary files; the results are JSON lines.
"""

import argparse
import ast
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numba
import pytest
from mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("smoothness", "sweeps", "studies", "kernels", "piecewise", "weights", "networks", "activations", "duals")
DRAWN = ("figures.py", "_figures.py", "drawing.py")
"""Modules that draw: a colour or the size of a panel has no right value."""

LIBRARIES = (
    "hypothesis",
    "matplotlib.pyplot",
    "netCDF4",
    "pydantic",
    "ray",
    "scipy.integrate",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "sklearn",
    "threadpoolctl",
    "torch",
    "xarray",
    "yaml",
)
"""What tests import anyway: once, before the forks."""

WAITS = 5
"""How many times the limit on the processor the tests may take by the clock."""


def main() -> None:
    """Read the command line, try the mutants of the rooms."""
    parser = argparse.ArgumentParser(prog="python tests/mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="room", help=f"{', '.join(ROOMS)}; all if none is given")
    parser.add_argument("--count", type=int, default=25, help="mutants per room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=3, help="test files per mutant, the nearest ones")
    parser.add_argument("--limit", type=float, default=60.0, help="processor seconds for the tests of one mutant")
    parser.add_argument("--output", type=Path, default=Path("mutation.jsonl"), help="file that gets a line per mutant")
    parser.add_argument(
        "--again", action="store_true", help="try the survivors that the output file lists, nothing else"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rooms) - set(ROOMS))
    if unknown:
        sys.exit(f"mutation: there is no room {unknown[0]}; choose from {', '.join(ROOMS)}")
    for name in LIBRARIES:
        import_module(name)
    output = arguments.output.resolve()
    survivors = _survivors(output) if arguments.again else None
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder) / "tree"
        for name in ("src", "tests", "config", "benchmarks", "workflow", "docs"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
        for path in ROOT.glob("[!.]*"):
            if path.is_file() and path != output:
                shutil.copy(path, tree / path.name)
        imported = {path: _imports(path) for path in sorted((tree / "tests" / "unit").rglob("test_*.py"))}
        inside = {_dotted(str(path.relative_to(ROOT))): _imports(path) for path in (ROOT / "src").rglob("*.py")}
        for room in arguments.rooms or ROOMS:
            for module, mutant in sample(room, count=arguments.count, seed=arguments.seed):
                if survivors is not None and (module, mutant.line, mutant.before, mutant.after) not in survivors:
                    continue
                tests = _tests(module, imported, inside)[: arguments.files]
                verdict = _try(tree, module, mutant, tests, limit=arguments.limit)
                record = {
                    "room": room,
                    "module": module,
                    "line": mutant.line,
                    "kind": mutant.kind,
                    "before": mutant.before,
                    "after": mutant.after,
                    "tests": [test.name for test in tests],
                    **verdict,
                }
                with output.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
                print(f"{verdict['verdict']:9} {module}:{mutant.line}  {mutant.before}  ->  {mutant.after}", flush=True)


def sample(room: str, *, count: int, seed: int) -> list[tuple[str, Mutant]]:
    """Draw mutants of a room, with the paths of their modules below the root."""
    package = ROOT / "src" / "initatlas" / room
    paths = [path for path in sorted(package.rglob("*.py")) if not path.name.endswith(DRAWN)]
    everything = [
        (str(path.relative_to(ROOT)), mutant) for path in paths for mutant in mutants(path.read_text(encoding="utf-8"))
    ]
    return random.Random(f"{seed}:{room}").sample(everything, min(count, len(everything)))


def _survivors(output: Path) -> set[tuple[str, int, str, str]]:
    """The mutants whose last line in a file of results says that no test noticed them."""
    last = {}
    for line in output.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        last[record["module"], record["line"], record["before"], record["after"]] = record["verdict"]
    return {mutant for mutant, verdict in last.items() if verdict == "survived"}


def _imports(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever it does, and the names that it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.startswith("initatlas")}


def _tests(module: str, imported: dict[Path, set[str]], inside: dict[str, set[str]]) -> list[Path]:
    """The test files that import a module, or one of its room that does; else those that import its package.

    Parameters
    ----------
    module
        Path of the module below the root.
    imported
        Test files with what they import.
    inside
        Modules of the package, by their dotted names, with what they import.
    """
    dotted = _dotted(module)
    package = dotted.rpartition(".")[0]
    users = {name for name, names in inside.items() if dotted in names and name.startswith(f"{package}.")}
    direct = [path for path, names in imported.items() if dotted in names]
    through = [path for path, names in imported.items() if users & names and path not in direct]
    near = [path for path, names in imported.items() if any(name.startswith(package) for name in names)]
    parts = dotted.split(".")[1:]

    def distance(path: Path) -> tuple[bool, bool, int]:
        """Files that are named after the module or its room come first, then those with the fewest imports."""
        return not any(part.rstrip("s") in path.name for part in parts), path in through, len(imported[path])

    return sorted(direct + through or near, key=distance)


def _dotted(module: str) -> str:
    """Name of a module from its path below the root."""
    return module.removeprefix("src/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _try(tree: Path, module: str, mutant: Mutant, tests: list[Path], *, limit: float) -> dict[str, str | float]:
    """Run the tests on the changed module; the module is as before afterwards."""
    path = tree / module
    whole = path.read_text(encoding="utf-8")
    began = time.monotonic()
    # a compiled function may hold functions of other modules: what was compiled before the change says nothing
    cache = tree.parent / (f"numba-{began}" if "compiled" in whole else "numba")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        status, text = _run_tests(tree, tests, cache=cache, limit=limit)
    finally:
        path.write_text(whole, encoding="utf-8")
    by = next((line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    verdict = "timeout" if status is None else "survived" if status == 0 else "caught"
    return {"verdict": verdict, "by": by, "seconds": round(time.monotonic() - began, 1)}


def _run_tests(tree: Path, tests: list[Path], *, cache: Path, limit: float) -> tuple[int | None, str]:
    """Exit status of pytest, None past the limit, and what it printed; in a fork, which has the libraries already."""
    log = tree.parent / "log"
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(tree)
        os.environ |= {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree / 'tests'}", "NUMBA_CACHE_DIR": str(cache)}
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        numba.config.reload_config()
        sys.dont_write_bytecode = True
        sys.path[:0] = [str(tree / "src"), str(tree / "tests")]
        status = 1
        try:
            status = pytest.main(["-x", "-q", "--tb=no", "--no-header", "-p", "no:cacheprovider", *map(str, tests)])
        finally:
            sys.stdout.flush()
            os._exit(int(status))
    ends = time.monotonic() + WAITS * limit  # tests that wait use no processor
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return None if code < 0 else code, log.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None, ""


if __name__ == "__main__":
    main()
