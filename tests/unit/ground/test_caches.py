"""Caches of numba and matplotlib where the usual folders cannot be written. A file in place of a folder stops root too."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from initatlas.caches import private_folder, use_writable_caches

KERNEL = """
import initatlas.kernels.api
import numpy as np
from initatlas.kernels.inputs import prepare_inputs
print(*prepare_inputs(np.array([[3.0, 4.0]]), normalise=False, bias=False).norms)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of this test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def nowhere(tmp_path):
    """What no folder can be made in."""
    path = tmp_path / "a_file"
    path.touch()
    return path


def test_private_folder(temporary):
    folder = private_folder("numba")
    assert folder == temporary / f"initatlas-{os.geteuid()}" / "numba"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
    assert private_folder("numba") == folder


@pytest.mark.parametrize("fault", ["open to its group", "open to others", "a link", "a file", "of somebody else"])
def test_a_folder_that_is_not_private_is_not_used(temporary, monkeypatch, fault):
    own = temporary / f"initatlas-{os.geteuid()}"
    if fault.startswith("open"):
        own.mkdir()
        own.chmod(0o710 if fault == "open to its group" else 0o701)
    elif fault == "a link":
        (temporary / "elsewhere").mkdir(mode=0o700)
        own.symlink_to(temporary / "elsewhere")
    elif fault == "a file":
        own.touch()
    else:
        own.mkdir(mode=0o700)
        somebody = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: somebody)
        own.rename(temporary / f"initatlas-{somebody}")
    assert private_folder("numba") is None


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "XDG_CACHE_HOME"])
def test_matplotlib_gets_a_folder_where_one_of_its_own_cannot_be_made(temporary, nowhere, monkeypatch, variable):
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    use_writable_caches()
    assert "MPLCONFIGDIR" not in os.environ
    monkeypatch.setenv(variable, str(nowhere))
    use_writable_caches()
    assert os.environ.pop("MPLCONFIGDIR") == str(private_folder("matplotlib"))


def test_a_folder_that_the_user_names_stays(temporary, nowhere, monkeypatch):
    monkeypatch.setenv("HOME", str(nowhere))
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    use_writable_caches()
    assert os.environ["MPLCONFIGDIR"] == "mine"


@pytest.fixture(scope="module")
def sealed_package(root, tmp_path_factory):
    """A copy of the package that has no room for compiled code."""
    source = tmp_path_factory.mktemp("sealed") / "src"
    shutil.copytree(root / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in {path.parent for path in source.rglob("*.py")}:
        (folder / "__pycache__").touch()
    return source


@pytest.mark.parametrize("room", [True, False])
def test_kernels_where_neither_package_nor_home_can_be_written(sealed_package, nowhere, tmp_path, room):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "NUMBA_"))}
    folder = tmp_path / "temporary"
    folder.mkdir()
    if not room:
        (folder / f"initatlas-{os.geteuid()}").touch()
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env={**kept, "HOME": str(nowhere), "TMPDIR": str(folder), "PYTHONPATH": str(sealed_package)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5.0\n", "")
    assert bool(list(folder.glob("initatlas-*/numba/**/*.nbi"))) == room
    assert not list(Path(sealed_package).rglob("*.nbi"))


LOWER = """
from initatlas.caches import compiled
FACTOR = 2.0

@compiled()
def lower(x):
    return x + 1.0
"""
MIDDLE = """
from initatlas.caches import compiled
from lower import lower

@compiled()
def middle(x):
    return 10.0 * lower(x)
"""
UPPER = """
from initatlas.caches import compiled
from lower import FACTOR
from middle import middle

@compiled()
def upper(x):
    return FACTOR * middle(x)

print(upper(0.0), sum(upper._cache_hits.values()))
"""


def test_machine_code_follows_what_it_takes_from_other_modules(tmp_path):
    """Functions two modules away, and constants; what has not changed comes from the cache."""

    def answer(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        command = [sys.executable, "upper.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()

    assert answer(lower=LOWER, middle=MIDDLE, upper=UPPER) == ["20.0", "0"]
    assert answer() == ["20.0", "1"]
    assert answer(lower=LOWER.replace("x + 1.0", "x + 3.00")) == ["60.0", "0"]
    assert answer(lower=LOWER.replace("FACTOR = 2.0", "FACTOR = 5.0")) == ["50.0", "0"]
    assert answer() == ["50.0", "1"]


INTRINSIC = """
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from initatlas.caches import compiled
from writer import constant

@intrinsic
def two(typing):
    return types.float64(), lambda context, builder, signature, values: constant(ir.DoubleType())

@compiled()
def doubled(x):
    return two() * x

print(doubled(3.0), sum(doubled._cache_hits.values()))
"""


def test_machine_code_follows_what_functions_of_other_modules_write(tmp_path):
    """Numbers of the written code, in a module that an intrinsic calls."""

    def answer(factor=None):
        if factor:
            (tmp_path / "writer.py").write_text(f"def constant(kind):\n    return kind({factor})\n")
        command = [sys.executable, "intrinsics.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()

    (tmp_path / "intrinsics.py").write_text(INTRINSIC)
    assert answer(2.0) == ["6.0", "0"]
    assert answer() == ["6.0", "1"]
    assert answer(5.0) == ["15.0", "0"]
    assert answer() == ["15.0", "1"]
