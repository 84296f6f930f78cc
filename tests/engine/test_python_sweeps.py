"""`initatlas.sweep`: a plain function over a grid, from Python; killed, interrupted, changed, and on Ray."""

import logging
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr

from initatlas import open_cube, sweep
from initatlas.errors import UserError
from initatlas.runs import OWNER_VARIABLE

GAIN = 2.0


def signal_norm(width, depth=1, *, rng):
    """Norm of a signal behind some random layers."""
    x = rng.standard_normal(width)
    for _ in range(depth):
        x = GAIN / np.sqrt(width) * np.maximum(rng.standard_normal((width, width)) @ x, 0.0)
    return np.linalg.norm(x)


@pytest.fixture
def run(tmp_path):
    """Sweep with a store of this test's own."""

    def run(*what, **rest):
        return sweep(*what, store=tmp_path / "points", **{"backend": "serial", **rest})

    return run


@pytest.fixture
def computed(caplog):
    """How many points the last sweep had to compute, those that told the cost included."""
    caplog.set_level(logging.INFO, "initatlas")

    def computed():
        (last,) = re.findall(r"(\d+) of (\d+) points to run in \d+ batches \((\d+) stored\)", caplog.text)[-1:]
        caplog.clear()
        return int(last[0])

    return computed


def test_a_function_becomes_a_cube(run):
    cube = run(signal_norm, width=[16, 32], depth=range(1, 4), seeds=5)
    assert cube.signal_norm.dims == ("width", "depth", "seed")
    assert cube.sizes == {"width": 2, "depth": 3, "seed": 5}
    assert len(np.unique(cube.signal_norm)) == 30
    assert (cube.status == 0).all()
    assert cube.attrs["title"] == "python/signal_norm"
    assert cube.attrs["summary"] == "Norm of a signal behind some random layers."


def test_a_point_does_not_depend_on_its_companions(run, tmp_path):
    large = run(signal_norm, width=[4, 16, 8], depth=[2, 1], seeds=5)
    small = sweep(signal_norm, width=[16], depth=2, seeds=[3], store=tmp_path / "other", backend="serial")
    assert float(small.signal_norm[0, 0]) == float(large.signal_norm.sel(width=16, depth=2, seed=3))


def test_what_is_stored_is_not_computed_again(run, computed):
    run(signal_norm, width=[4, 16], seeds=5)
    again = run(signal_norm, width=[4, 16], seeds=5)
    assert computed() == 0
    longer = run(signal_norm, width=[4, 16, 64], seeds=5)
    assert computed() == 5
    assert longer.sel(width=[4, 16]).signal_norm.equals(again.signal_norm)
    run(signal_norm, width=np.array([4, 16]), seeds=range(5), root_seed=7)
    assert computed() > 5


def scaled(factor):
    """A function that closes over a number."""

    def scaled(x):
        return factor * x

    return scaled


def test_a_function_whose_code_changed_is_computed_anew(run, computed):
    assert run(scaled(2.0), x=[1.0, 2.0, 3.0, 4.0]).scaled.values.tolist() == [2.0, 4.0, 6.0, 8.0]
    computed()
    assert run(scaled(3.0), x=[1.0, 2.0, 3.0, 4.0]).scaled.values.tolist() == [3.0, 6.0, 9.0, 12.0]
    assert computed() > 0
    assert run(scaled(2.0), x=[1.0, 2.0, 3.0, 4.0]).scaled.values.tolist() == [2.0, 4.0, 6.0, 8.0]
    assert computed() == 0


def test_outputs_of_every_kind(run):
    def many(depth):
        return {
            "number": depth,
            "flag": depth > 1,
            "pair": ("side", np.array([0.5, depth])),
            "layers": xr.DataArray(
                np.arange(depth) * 1.0,
                dims=["layer"],
                coords={"layer": np.arange(1, depth + 1)},
                attrs={"units": "s", "long_name": "time of a layer"},
            ),
            "matrix": xr.DataArray(
                np.ones((2, depth), np.float32), dims=["side", "layer"], coords={"layer": np.arange(1, depth + 1)}
            ),
        }

    cube = run(many, depth=[1, 3])
    assert cube.number.values.tolist() == [1, 3]
    assert cube.number.dtype.kind == "i"
    assert cube.flag.values.tolist() == [0, 1]
    assert cube.pair.dims == ("depth", "side")
    assert cube.layers.sel(depth=3).values.tolist() == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(cube.layers.sel(depth=1), [0.0, np.nan, np.nan])
    assert cube.layer.values.tolist() == [1, 2, 3]
    assert (cube.layers.attrs["units"], cube.layers.attrs["long_name"]) == ("s", "time of a layer")
    assert (cube.matrix.dims, cube.matrix.dtype) == (("depth", "side", "layer"), np.float32)
    assert [*cube.data_vars] == ["number", "flag", "pair", "layers", "matrix", "status", "error"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (np.ones(3), "output f: got an array of shape (3,) with 0 names of dimensions; return xarray.DataArray"),
        ("text", "output f: got str of <U4, expected real numbers or flags"),
        (None, "output f: got NoneType of object, expected real numbers or flags"),
        ({}, "the function returned an empty mapping"),
        ({"a b": 1.0}, "an output is called 'a b'; give a name of letters, digits and _"),
        ((("x", "y"), np.ones(3)), "output f: got an array of shape (3,) with 2 names of dimensions"),
        (
            {"a": ("x", [1.0]), "b": ("x", [1.0, 2.0])},
            "output b: its values along x are not those of the other outputs",
        ),
    ],
)
def test_results_that_are_no_numbers_are_told(run, value, line):
    def f(x):
        return value

    with pytest.raises(UserError, match=re.escape(f"f: every point failed, the first one with: {line}")):
        run(f, x=[1, 2])


@pytest.mark.parametrize(
    ("f", "line"),
    [
        (lambda x: {"a": 1.0} if x == 1 else {"b": 1.0}, "it returns a at one point and b at another"),
        (lambda x: ("one", [x]) if x == 1 else ("two", [x]), "has the dimensions"),
        (
            lambda x: xr.DataArray([0.0, 1.0], dims="t", coords={"t": [x, 2 * x]}),
            "its points differ in the values along t",
        ),
        (lambda x: {"x": 1.0}, "'x' is an axis of the sweep or a variable of every cube; rename it in the results"),
        (lambda x: {"status": 1.0}, "'status' is an axis of the sweep or a variable of every cube"),
    ],
)
def test_results_that_do_not_go_together_are_told(run, f, line):
    with pytest.raises(UserError, match=re.escape(line)):
        run(f, x=[1, 2])


@pytest.mark.parametrize("first", [1, 2, 3])
def test_outputs_are_told_in_the_order_of_the_grid_whatever_was_stored_first(run, first):
    def f(x):
        return {1: {"b": 1.0}, 2: {"a": 1.0}, 3: {"c": 1.0}}[x]

    run(f, x=[first])
    with pytest.raises(UserError, match="it returns b at one point and a at another"):
        run(f, x=[1, 2, 3])


def test_a_failing_point_is_recorded_and_told_and_tried_again(run, computed, caplog):
    def inverse(x, y=1):
        return y / x if x else 1 / 0

    cube = run(inverse, x=[1, 0, 2], y=[1, 3])
    assert cube.inverse.sel(y=3).values.tolist()[::2] == [3.0, 1.5]
    assert cube.status.sel(x=0).values.tolist() == [1, 1]
    assert np.isnan(cube.inverse.sel(x=0)).all()
    assert (cube.error.sel(x=0) == "ZeroDivisionError: division by zero").all()
    assert "2 x ZeroDivisionError: division by zero (first at x = 0, y = 1)" in caplog.text
    assert (
        "python/inverse: 2 of 6 points failed; the others are stored, and the next run tries these alone" in caplog.text
    )
    run(inverse, x=[1, 0, 2], y=[1, 3])
    assert computed() == 2


def test_a_failing_point_can_end_the_sweep(run):
    def f(x):
        if x > 5:
            raise ValueError("too large")
        return x

    cube = run(f, x=range(200), fail_fast=True)
    assert (cube.error == "not run: an earlier point failed").sum() > 0


def test_seeds_and_replicates(run):
    def f(x, seed):
        return 10 * x + seed

    assert run(f, x=[1, 2], seeds=[0, 7]).f.values.tolist() == [[10, 17], [20, 27]]
    assert run(f, x=[1, 2]).f.values.tolist() == [10, 20]


def test_values_keep_their_types(run):
    def f(a, b: float = 1, c=None):
        return {
            "kind": ["int", "float", "bool", "str", "NoneType"].index(type(a).__name__),
            "real": isinstance(b, float),
        }

    cube = run(f, a=[2, 1.5, True, "1", None], b=[2])
    assert cube.kind.values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert cube.real.all()


def test_axes_as_in_yaml(run):
    def f(a, b):
        return a * b

    assert run(f, {"a": {"linspace": [1, 3, 3]}}, b=2).f.values.tolist() == [2, 4, 6]
    assert run(f, {"pair": {"zip": {"a": [1, 2], "b": [3, 4]}}}).f.values.tolist() == [3, 8]
    cube = run(f, a=[1, 2], b=[3, 4], exclude=[{"a": 2, "b": [4]}])
    assert cube.status.values.tolist() == [[0, 0], [0, 2]]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda run: run(lambda x: x), "sweep(function): x has no default; give a value, or values to sweep over"),
        (
            lambda run: run(lambda x: x, x=[1], seeds=3),
            "sweep(function): it takes neither rng nor seed, so its replicates would",
        ),
        (lambda run: run(lambda x, rng: x, x=[1], rng=[2]), "sweep(function): rng is given by the sweep"),
        (lambda run: run(lambda *x: x, x=[1]), "x cannot be given by name"),
        (
            lambda run: run(lambda x=[]: x, x=[1]),
            "the default of x is of type list; give a number, a text, True, False or None",
        ),
        (lambda run: run(lambda width: 1, widht=[1], width=1), "unknown parameter 'widht' (did you mean 'width'?)"),
        (lambda run: run(lambda x: x, x=[]), "sweep(function).axes.x is empty; give at least one value"),
        (lambda run: run(lambda x: x, x=[1, 1]), "sweep(function).axes.x[1] = 1 is there twice; remove one"),
        (lambda run: run(lambda x: x, x=[[1, 2], [3, 4]]), "x has values of more than one dimension"),
        (lambda run: run(lambda x: x, x=[np.nan]), "sweep(function).axes.x[0] = nan: input should be a finite number"),
        (
            lambda run: run(lambda x=1: x, x=[np.inf]),
            "sweep(function).axes.x[0] = inf: input should be a finite number",
        ),
        (
            lambda run: run(lambda x: x, x=[1], backend="dask"),
            "sweep(function): backend = 'dask': input should be 'serial', 'ray' or 'auto'",
        ),
        (
            lambda run: run(lambda x: x, x=[1], workers=0),
            "sweep(function): workers = 0: give a whole number of at least 1",
        ),
        (lambda run: run(lambda x: x, x=[1], workers=1.5), "sweep(function): workers = 1.5: give a whole number"),
        (lambda run: run(lambda x: x, x=[1], cpus=0), "sweep(function): cpus = 0: give a whole number of at least 1"),
        (lambda run: run(lambda x, rng: x, x=1, seeds="a"), "sweep(function)"),
        (lambda run: run(3), "sweep(3): give a function, or the name of an experiment"),
        (lambda run: run("no_such"), "experiment 'no_such' does not exist"),
        (
            lambda run: run("train_mlp", depth=[1]),
            "sweep(train_mlp): the experiment needs the data set 'glyphs'; give datasets={'glyphs': FILE}, where",
        ),
        (lambda run: run(lambda x: x, x=[1], name="a b"), "the name 'a b' cannot be used"),
        (lambda run: run(lambda copy: copy, copy=[1]), "no argument can be called copy; rename it"),
        (lambda run: run(lambda x: x, x=[1], limits={"second": 1}), "second"),
    ],
)
def test_a_mistake_is_one_line(run, call, line):
    with pytest.raises(UserError) as caught:
        call(run)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_experiment_by_its_name(run, tmp_path):
    cube = run("depth_scale", weight_variance=[1.5, 2.5], activation="tanh", bias_variance=0.05)
    assert cube.sizes["weight_variance"] == 2
    assert cube.attrs["experiment"] == "depth_scale"
    assert open_cube(str(tmp_path / "cubes/python/depth_scale.nc")).equals(cube)


def test_an_experiment_with_data(run):
    from pathlib import Path

    from initatlas.datasets.build import build_dataset
    from initatlas.datasets.univariate import UnivariateSpec

    line = build_dataset("line", UnivariateSpec(train=20, test=20), Path())
    settings = {"width": 4, "steps": 3, "evaluations": 2, "batch_size": 5, "datasets": {"line": line}}
    cube = run("train_mlp", {"depth": [1, 2]}, dataset="line", loss="squared_mean", seeds=2, **settings)
    assert (cube.train_loss > 0).all()
    with pytest.raises(UserError, match="train_mlp with loss = 'cross_entropy' cannot use it"):
        run("train_mlp", {"depth": [1, 2]}, dataset="line", **settings)


def test_the_process_is_left_as_it_was(run, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    handlers = [*logging.getLogger("initatlas").handlers]
    try:
        run(lambda x: torch.get_num_threads(), x=[1])
        assert (os.environ["OMP_NUM_THREADS"], os.environ.get("MKL_NUM_THREADS")) == ("7", None)
        assert torch.get_num_threads() == 2
        assert logging.getLogger("initatlas").handlers == handlers
    finally:
        torch.set_num_threads(before)


def test_names_of_the_package_are_imported_when_they_are_asked_for():
    code = "import sys, initatlas; print(sorted(m for m in sys.modules if m.startswith('initatlas')), 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['initatlas'] False"
    import initatlas

    assert {"nngp", "ntk", "open_cube", "sweep", "__version__"} <= set(dir(initatlas))
    with pytest.raises(AttributeError, match="module 'initatlas' has no attribute 'swep'"):
        _ = initatlas.swep


def test_the_stub_names_what_there_is(root):
    from initatlas.exports import EXPORTS

    stub = (root / "src/initatlas/__init__.pyi").read_text(encoding="utf-8")
    assert {name: module for module, name in re.findall(r"from (\S+) import (\S+) as \2", stub)} == EXPORTS


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from initatlas import sweep
import own_module

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored

FACTOR = 3

class Model:
    def __init__(self, slope):
        self.slope = slope

MODEL = Model(2.0)

def measured(x, y=1.0, *, rng):
    with Path(os.environ["LOG"]).open("a") as file:
        file.write(f"{x}\\n")
    time.sleep(float(os.environ["PAUSE"]))
    return {"value": FACTOR * x + own_module.half(MODEL.slope) * rng.standard_normal(), "many": ("k", rng.random(3))}

cube = sweep(measured, x=range(24), seeds=2, backend=sys.argv[1], workers=2, store="points")
cube.drop_vars("error").to_netcdf("result.nc")
"""


def start(folder, log, pause=0.0, backend="serial"):
    """A script with a function of its own, as a process; the pause is no part of the function's code."""
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    folder.mkdir(exist_ok=True)
    (folder / "script.py").write_text(SCRIPT)
    (folder / "own_module.py").write_text("def half(x):\n    return x / 2\n")
    return subprocess.Popen(
        [sys.executable, "script.py", backend],
        env=environment | {"LOG": str(log), "PAUSE": str(pause)},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process):
    """What a process said, once it is done."""
    said = process.communicate(timeout=240)[1]
    assert process.returncode == 0, said
    return said


def begun(log):
    """The points that the function was called for, one line each."""
    return log.read_text().splitlines() if log.exists() else []


def result(folder):
    """The numbers of a finished script."""
    with xr.open_dataset(folder / "result.nc") as cube:
        return cube.load()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The result of a run that nothing disturbed, in one process."""
    folder = tmp_path_factory.mktemp("calm")
    said = finished(start(folder, folder / "log"))
    assert "python/measured: 46 of 48 points computed, 0 failed" in said  # two told the cost
    assert len(begun(folder / "log")) == 48
    return result(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_script_goes_on(tmp_path, calm, number):
    log, second = tmp_path / "log", tmp_path / "second"
    process = start(tmp_path, log, pause=0.1)
    while len(begun(log)) < 20:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in said
        assert re.search(r"python/measured: stopped; \d+ of 48 points are stored", said)
    finished(start(tmp_path, second))
    assert 48 - len(begun(log)) <= len(begun(second)) <= 48 - len(begun(log)) + 10
    assert result(tmp_path).identical(calm.assign_attrs(result(tmp_path).attrs))


def test_ray_gives_the_same_bits_with_code_that_only_the_script_has(tmp_path, calm):
    log = tmp_path / "log"
    said = finished(start(tmp_path, log, backend="ray"))
    assert "backend ray" in said
    assert len(begun(log)) == 48
    found = result(tmp_path)
    for name in ("value", "many", "status"):
        assert found[name].values.tobytes() == calm[name].values.tobytes()


TWICE = """
import os, signal, threading, time
import numpy as np
from initatlas import sweep

signal.signal(signal.SIGINT, signal.default_int_handler)

def slow(x):
    time.sleep(0.5)
    return x

def interrupt():
    while len(list(__import__("pathlib").Path("points").rglob("*.npz"))) < 2:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
try:
    sweep(slow, x=range(40), backend="ray", workers=2, store="points")
except KeyboardInterrupt:
    print("interrupted")
print(sweep(lambda x: 2 * x, x=range(4), backend="ray", workers=2, store="points", name="other").other.values.tolist())
"""


def test_after_ctrl_c_a_notebook_goes_on_with_the_same_ray(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    (tmp_path / "script.py").write_text(TWICE)
    done = subprocess.run(
        [sys.executable, "script.py"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["interrupted", "[0, 2, 4, 6]"]


GONE = """
from contextlib import suppress
import psutil
from initatlas import sweep

def f(x):
    return x

for number in (4, 8):
    print(sweep(f, x=range(number), backend="ray", workers=1, store="points").f.values.tolist())
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # one that has just ended
            if "ray-keeper" in child.cmdline():
                child.terminate()
                child.wait(120)
"""


def test_a_notebook_outlives_its_ray_and_gets_another_one(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", OWNER_VARIABLE)}
    (tmp_path / "script.py").write_text(GONE)
    done = subprocess.run(
        [sys.executable, "script.py"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[0, 1, 2, 3]", "[0, 1, 2, 3, 4, 5, 6, 7]"]


def test_the_page_runs_as_written(root, tmp_path):
    page = (root / "docs/python.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(# sweep.py\n.*?)```", page, flags=re.DOTALL)
    (tmp_path / "sweep.py").write_text(script)
    done = subprocess.run([sys.executable, "sweep.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[\d\.\d+ \d\.\d+ \d\.\d+\]\n", done.stdout)
    cube = open_cube(tmp_path / "data/cubes/python/norm_ratio.nc")
    assert cube.norm_ratio.dims == ("width", "depth", "gain", "seed")
    assert "480 points computed" in done.stderr or "478 of 480 points computed" in done.stderr
    ratio = cube.norm_ratio.sel(gain=0.9) / cube.norm_ratio.sel(gain=1.0)
    assert (ratio > 0).all()
