"""Nodes of a cluster that are not like the driver: other code is refused, other libraries are told."""

import os
import secrets
import shutil
import subprocess
import sys

import numpy as np
import pytest
from toy.cluster import add_node, end_cluster, kill_node, start_cluster
from toy.drivers import lasting_driver
from toy.sweeps import index_of, make_sweep

from initatlas.datasets.dataset import write_dataset
from initatlas.datasets.image_set import Images
from initatlas.sweeps.code import sweep_code
from initatlas.sweeps.engine import open_store

pytestmark = pytest.mark.fault

BLOCKED = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "initatlas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
"""


@pytest.fixture(scope="module")
def cluster():
    """A cluster of a head without CPUs: how to call its keeper, and what a driver has to know to join it."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with lasting_driver({"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", **token}) as keeper:
        try:
            yield keeper.submit, {**token, "RAY_ADDRESS": keeper.submit(start_cluster, 0).result(120)}
        finally:
            keeper.submit(end_cluster).result(60)


@pytest.fixture
def with_node(cluster):
    """Let a node join whose workers look for modules in some folder first; it is killed at the end."""
    keeper, _ = cluster

    def join(folder):
        path = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
        keeper(add_node, {"PYTHONPATH": path}).result(120)

    yield join
    keeper(kill_node, 0).result(60)


def other_code(root, folder):
    """A copy of the package whose Laplace weights have another scale, and whose erf is another one."""
    shutil.copytree(root / "src/initatlas", folder / "initatlas")
    for name, old, new in (
        ("weights/laplace.py", "return sqrt(2.0)", "return sqrt(3.0)"),
        ("activations/erf.py", '"""', '_UNUSED = 1\n"""'),
    ):
        text = (folder / "initatlas" / name).read_text()
        assert old in text
        text = f"{text}\n_UNUSED = 1\n" if old == '"""' else text.replace(old, new)
        (folder / "initatlas" / name).write_text(text)
    return folder


def sweep_of(weights):
    """Four points of the finite network."""
    fixed = {"width": 64, "input_dimension": 8, "angles": 3, "depth": 1}
    return make_sweep("forward_kernel", {"weights": weights}, fixed=fixed)


def run_command(cluster, *command):
    """A command on the cluster: its exit code, and its lines."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "INITATLAS_"))}
    done = subprocess.run(
        [sys.executable, "-m", "initatlas", *command],
        env=kept | cluster[1],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


def run_sweep(cluster, sweep, folder):
    """A sweep on the cluster: its exit code, its lines, and how many points are stored."""
    store = folder / "points"
    command = ["stage", "sweep", "--spec", sweep.model_dump_json(), "--store", str(store), "--backend", "ray"]
    code, lines = run_command(cluster, *command, "--workers", "2", "--output", str(folder / "cube.nc"))
    return code, lines, len(index_of(open_store(sweep, store)))


def test_a_node_with_other_code_is_refused_and_nothing_of_it_is_stored(cluster, with_node, root, tmp_path):
    with_node(other_code(root, tmp_path / "other"))
    sweep = sweep_of(["laplace"])
    code, lines, stored = run_sweep(cluster, sweep, tmp_path)
    assert (code, stored) == (2, 0), lines
    assert len(lines) == 2
    assert lines[1].startswith("initatlas: node ")
    assert f"here it is {sweep_code(sweep)[:12]}" in lines[1]
    # What that node has in common with the driver it may compute.
    code, lines, stored = run_sweep(cluster, sweep_of(["gaussian", "uniform"]), tmp_path)
    assert (code, stored) == (0, 2), lines
    images = Images(
        "images",
        np.arange(480, dtype=np.uint8).reshape(30, 4, 4),
        np.arange(30) % 3,
        np.zeros(30, np.int8),
        255,
        "a test",
    )
    write_dataset(images, tmp_path / "images.nc")
    command = ["kernel", "gram", "--dataset", str(tmp_path / "images.nc"), "--output", str(tmp_path / "gram.h5")]
    code, lines = run_command(cluster, *command, "--activation", "erf", "--workers", "2", "--tile", "10")
    assert code == 2, lines
    assert len([line for line in lines if "initatlas: node " in line]) == 1, lines


def test_a_node_without_the_package_is_named(cluster, with_node, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/sitecustomize.py").write_text(BLOCKED)
    with_node(tmp_path / "bare")
    code, lines, stored = run_sweep(cluster, sweep_of(["laplace"]), tmp_path)
    assert (code, stored) == (2, 0), lines
    assert len(lines) == 2
    assert "initatlas: node 127.0.0." in lines[1]
    assert "No module named 'initatlas" in lines[1]


def test_a_node_with_other_libraries_computes_and_is_told(cluster, with_node, tmp_path):
    (tmp_path / "old/numpy-1.2.3.dist-info").mkdir(parents=True)
    (tmp_path / "old/numpy-1.2.3.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.2.3\n")
    with_node(tmp_path / "old")
    code, lines, stored = run_sweep(cluster, sweep_of(["laplace", "gaussian"]), tmp_path)
    assert (code, stored) == (0, 2), lines
    told = [line for line in lines if line.startswith("node ")]
    assert len(told) == 1, lines
    assert f"numpy 1.2.3 (here {np.__version__})" in told[0]
