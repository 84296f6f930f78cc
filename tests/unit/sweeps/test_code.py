"""The code behind a point: shared by the experiment, or of the components that the point names."""

import os
import shutil
import subprocess
import sys
from typing import Annotated

import pytest
from pydantic import Field

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.components import NamedIn, recorded_lookups
from initatlas.experiments.activation_labels import ActivationLabel
from initatlas.provenance import import_closure
from initatlas.sweeps.code import batch_code, check_named, named_code, named_modules, sweep_code
from initatlas.sweeps.experiment import Parameters
from initatlas.sweeps.registry import experiment_code, experiment_module, load_experiment
from initatlas.sweeps.spec import Axis, Sweep

PROGRAM = """
from initatlas.sweeps.code import named_code, sweep_code
from initatlas.sweeps.registry import experiment_code
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.spec import Axis, Sweep
for name in ("forward_kernel", "sphere_spectrum", "train_mlp"):
    model = load_experiment(name).parameters
    print(name, experiment_code(name))
    for label in ("relu", "erf"):
        print(name, label, *sorted(named_code(model(activation=label, weight_variance=1.0)).items()))
sweep = Sweep(study="s", name="n", experiment="depth_scale", axes=[Axis(name="activation", values={"activation": ["relu"]})],
              fixed={}, root_seed=1, scale="quick")
print("sweep", sweep_code(sweep))
"""


@pytest.fixture
def codes(root, tmp_path):
    """The code versions of a copy of the package in which files were changed."""
    copy = tmp_path / "src"
    shutil.copytree(root / "src", copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))

    def of(changes):
        for path, change in changes.items():
            file = copy / "initatlas" / path
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            file.write_text(change(text), encoding="utf-8")
        answer = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return set(answer.stdout.splitlines())

    return of


def test_a_change_concerns_what_names_it_and_nothing_else(codes):
    before = codes({})
    # A release, a new activation, a new family of weights: nothing is computed again.
    release = {"__init__.py": lambda text: text.replace("unknown", "another")}
    assert codes(release) != before  # code of the package's own module counts ...
    back = codes({"__init__.py": lambda text: text.replace("another", "unknown")})
    assert back == before
    new = {
        "activations/mish.py": lambda text: '"""New."""\n',
        "weights/logistic.py": lambda text: '"""New."""\n',
    }
    assert codes(new) == before
    # A change in one activation: the points that name it.
    changed = before ^ codes({"activations/erf.py": lambda text: text.replace("2.0 / sqrt(pi)", "2.1 / sqrt(pi)")})
    assert len(changed) == 6
    assert all(" erf " in line for line in changed)
    # A change in a dual: the points of its activations.
    before = codes({})
    changed = before ^ codes({"duals/rectifier.py": lambda text: text.replace("degree = 0", "degree = 3")})
    assert {line.split()[1] for line in changed if line.split()[0] == "forward_kernel"} == {"relu"}
    # A family of weights: the experiments that draw weights, where a point names it; the theory does not know of it.
    before = codes({})
    changed = before ^ codes({"weights/gaussian.py": lambda text: text.replace("8.0", "8.5")})
    assert not any(line.startswith(("sphere_spectrum", "sweep")) for line in changed)
    before = codes({})
    changed = before ^ codes({"weights/base.py": lambda text: text.replace("20.0", "21.0")})
    assert not any(line.startswith(("sphere_spectrum", "sweep")) for line in changed)
    assert any(line.startswith("train_mlp") for line in changed)


def test_the_release_is_no_code(root):
    assert "0." not in (root / "src/initatlas/__init__.py").read_text(encoding="utf-8")


def test_modules_that_a_point_names():
    model = load_experiment("forward_kernel").parameters
    point = model(activation="leaky_relu(slope=0.2)", weights="multivariate_t(nu=5)")
    assert named_modules(point) == ("initatlas.activations.leaky_relu", "initatlas.weights.multivariate_t")
    assert set(named_code(point)) == set(named_modules(point))


def test_labels_inside_other_types_are_found():
    class Odd(Parameters):
        maybe: ActivationLabel | None = Field(default=None)
        plain: str = Field(default="relu")
        own: Annotated[str, NamedIn(ACTIVATIONS)] = Field(default="tanh")

    assert named_modules(Odd()) == ("initatlas.activations.tanh",)
    assert named_modules(Odd(maybe="gelu")) == ("initatlas.activations.gelu", "initatlas.activations.tanh")


def _sweep(**values):
    axes = [Axis(name="activation", values={"activation": values.pop("axis")})] if "axis" in values else []
    return Sweep(study="s", name="n", experiment="depth_scale", axes=axes, fixed=values, root_seed=1, scale="quick")


def test_a_sweep_has_the_code_of_all_its_values():
    only_default = sweep_code(_sweep())
    assert only_default == sweep_code(_sweep(activation="relu")) == sweep_code(_sweep(axis=["relu"]))
    assert only_default != sweep_code(_sweep(activation="erf"))
    assert sweep_code(_sweep(axis=["relu", "erf"])) == sweep_code(_sweep(axis=["erf", "relu"]))
    assert sweep_code(_sweep(axis=["relu", "erf"])) not in (only_default, sweep_code(_sweep(activation="erf")))


def test_a_batch_has_the_code_of_its_points():
    model = load_experiment("depth_scale").parameters
    relu, erf = model(activation="relu"), model(activation="erf")
    assert batch_code("depth_scale", [relu]) == batch_code("depth_scale", [relu, relu])
    assert len({batch_code("depth_scale", points) for points in ([relu], [erf], [relu, erf])}) == 3
    assert batch_code("depth_scale", [relu]) != experiment_code("depth_scale")


def test_lookups_are_recorded():
    with recorded_lookups() as used:
        activation_of("gelu")
        with recorded_lookups() as inner:
            activation_of("hermite(degree=2)")
        activation_of("gelu")
    activation_of("tanh")
    assert used == {"initatlas.activations.gelu"}
    assert inner == {"initatlas.activations.hermite"}


def test_a_component_that_nothing_names_is_refused():
    point = load_experiment("depth_scale").parameters(activation="erf")
    check_named("depth_scale", [point], ["initatlas.activations.erf"])
    with pytest.raises(ValueError, match=r"depth_scale uses initatlas\.activations\.tanh, which no parameter names"):
        check_named("depth_scale", [point], ["initatlas.activations.erf", "initatlas.activations.tanh"])


def test_a_component_that_an_import_leads_to_is_named():
    model = load_experiment("smoothness").parameters
    assert "initatlas.activations.relu" in import_closure(experiment_module("smoothness"))
    check_named("smoothness", [model()], ["initatlas.activations.relu"])
