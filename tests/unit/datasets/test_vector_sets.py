"""Regression data sets: the functions, the samples, the noise, the file; and a network trained on them."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from toy.sweeps import make_sweep, run

from initatlas.datasets import sphere, univariate
from initatlas.datasets.build import build_dataset
from initatlas.datasets.dataset import read_dataset, write_dataset
from initatlas.datasets.sphere import Harmonic, Linear, SphereSpec, SquareOfSum, zonal_harmonic
from initatlas.datasets.univariate import (
    Arches,
    Chirp,
    CubicSpline,
    Elementary,
    PiecewiseLinear,
    Polynomial,
    Sawtooth,
    Sine,
    Spikes,
    Step,
    Triangle,
    UnivariateSpec,
)
from initatlas.datasets.vector_set import Vectors
from initatlas.sweeps.plan import DataSource

NOWHERE = Path("nowhere")


@pytest.mark.parametrize(
    ("target", "at", "values"),
    [
        (Sine(amplitude=2.0, frequency=0.5, phase=0.1), [0.0, 1.0], [2 * np.sin(0.1), 2 * np.sin(np.pi / 2 + 0.1)]),
        (Step(at=0.5, left=-2.0, right=3.0), [0.49, 0.5, 0.9], [-2.0, 3.0, 3.0]),
        (Sawtooth(period=3.0, amplitude=2.0, shift=-1.0), [-1.0, 0.5, 2.0, 2.75], [-2.0, 0.0, -2.0, -1.0]),
        (Triangle(peaks=2, amplitude=3.0), [-1.0, -0.75, -0.5, 0.0, 0.25, 1.0], [-3.0, 0.0, 3.0, -3.0, 0.0, -3.0]),
        (Arches(pieces=4, amplitude=2.0), [-1.0, -0.75, -0.625, -0.25, 0.125, 1.0], [0.0, 2.0, 1.5, -2.0, 1.5, 0.0]),
        (Elementary(name="sin", scale=0.5), [np.pi], [1.0]),
        (Polynomial(coefficients=(1.0, 0.0, -3.0)), [0.0, 2.0], [1.0, -11.0]),
        (Polynomial(), [3.0], [4.5]),
        (Elementary(name="exp", scale=2.0), [0.5], [np.e]),
        (Elementary(name="abs", scale=-3.0), [-0.5], [1.5]),
        (Chirp(scale=2.0), [-0.5, 0.0], [np.sin(0.5), 0.0]),
        (PiecewiseLinear(points=((-1.0, 0.0), (0.0, 2.0), (1.0, 1.0))), [-2.0, -0.5, 0.25, 5.0], [0.0, 1.0, 1.75, 1.0]),
    ],
)
def test_functions_of_one_variable(target, at, values):
    np.testing.assert_allclose(target.values(np.array(at), -1.0, 1.0), values, rtol=1e-14, atol=1e-14)


def test_a_cubic_spline_goes_through_its_knots_smoothly_with_straight_ends():
    spline, spikes = CubicSpline(knots=5, height=2.0, seed=1), Spikes(knots=5, height=2.0, seed=1)
    knots = np.linspace(-3.0, 1.0, 5)
    np.testing.assert_allclose(spline.values(knots, -3.0, 1.0), spikes.values(knots, -3.0, 1.0), rtol=1e-12)
    step = 1e-4
    second = [spline.values(x + step * np.array([-1, 0, 1]), -3.0, 1.0) @ [1, -2, 1] / step**2 for x in knots]
    assert abs(np.array(second)[[0, -1]]).max() < 1e-2 < abs(np.array(second)[1:-1]).max()


def test_spikes_are_straight_between_their_knots():
    spikes = Spikes(knots=5, height=2.0, seed=1)
    knots = np.linspace(-3.0, 1.0, 5)
    heights = spikes.values(knots, -3.0, 1.0)
    assert np.abs(heights).max() <= 2.0 < np.ptp(heights) + 1.0
    middles = spikes.values((knots[1:] + knots[:-1]) / 2, -3.0, 1.0)
    np.testing.assert_allclose(middles, (heights[1:] + heights[:-1]) / 2, rtol=1e-14)
    assert (heights != Spikes(knots=5, height=2.0, seed=2).values(knots, -3.0, 1.0)).all()


@pytest.mark.parametrize("sampling", ["uniform", "grid"])
def test_training_inputs_fill_the_interval_but_for_its_gaps(sampling):
    spec = UnivariateSpec(low=-2.0, high=3.0, gaps=((-1.0, 0.0), (1.0, 1.5)), sampling=sampling, train=3501, test=11)
    data = build_dataset("x", spec, NOWHERE)
    inputs = data.features("train")[:, 0]
    for low, high, share in ((-2.0, -1.0, 1 / 3.5), (0.0, 1.0, 1 / 3.5), (1.5, 3.0, 1.5 / 3.5)):
        inside = inputs[(inputs >= low) & (inputs <= high)]
        assert len(inside) / 3501 == pytest.approx(share, abs=0.03 if sampling == "uniform" else 0.001)
        assert np.max(np.diff(np.sort(inside))) < 0.02
    assert ((inputs > -1.0) & (inputs < 0.0)).sum() == ((inputs > 1.0) & (inputs < 1.5)).sum() == 0
    assert (inputs.min(), inputs.max()) == (pytest.approx(-2.0, abs=0.01), pytest.approx(3.0, abs=0.01))
    np.testing.assert_allclose(data.features("test")[:, 0], np.linspace(-2.0, 3.0, 11))


def test_noise_is_in_the_training_targets_alone():
    spec = UnivariateSpec(target=Step(), noise=0.25, train=4000, test=50, seed=3)
    noisy, clean = (
        build_dataset("x", spec, NOWHERE),
        build_dataset("x", spec.model_copy(update={"noise": 0.0}), NOWHERE),
    )
    np.testing.assert_array_equal(noisy.inputs, clean.inputs)
    np.testing.assert_array_equal(noisy.targets("test"), clean.targets("test"))
    noise = noisy.targets("train") - clean.targets("train")
    assert noise.std() == pytest.approx(0.25, rel=0.05)
    assert abs(noise.mean()) < 4 * 0.25 / 4000**0.5
    other = build_dataset("x", spec.model_copy(update={"seed": 4}), NOWHERE)
    assert other.content_sha256 != noisy.content_sha256 == build_dataset("y", spec, NOWHERE).content_sha256


def test_points_on_the_sphere_are_uniform():
    data = build_dataset("x", SphereSpec(dimension=4, train=20000, test=10, radius=2.0), NOWHERE)
    x = data.features("train")
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 2.0, rtol=1e-13)
    assert np.abs(x.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(4), atol=0.05)
    np.testing.assert_allclose(data.targets("train")[:, 0], (x.sum(axis=1) / 2.0) ** 2, rtol=1e-12)


def test_test_samples_do_not_depend_on_the_number_of_training_samples():
    few, many = (build_dataset("x", SphereSpec(train=n, test=20, noise=0.5), NOWHERE) for n in (5, 50))
    np.testing.assert_array_equal(few.features("test"), many.features("test"))
    np.testing.assert_array_equal(few.targets("test"), many.targets("test"))
    np.testing.assert_array_equal(few.targets("train"), many.targets("train")[:5])


def test_functions_on_the_sphere():
    x = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    np.testing.assert_allclose(SquareOfSum().values(x), [1.96, 1.0])
    np.testing.assert_allclose(Linear().values(x), np.array([1.4, -1.0]) / np.sqrt(3))
    # in three dimensions sqrt(2 k + 1) times the Legendre polynomial
    np.testing.assert_allclose(Harmonic(degree=2).values(x), np.sqrt(5) * np.array([0.04, -0.5]), rtol=1e-13)


@pytest.mark.parametrize("dimension", [2, 3, 5, 40])
def test_zonal_harmonics_are_orthonormal(dimension):
    # t = cos(theta) has the density sin(theta)^(d - 2) in theta
    theta = (np.arange(20000) + 0.5) * np.pi / 20000
    density = np.sin(theta) ** (dimension - 2)
    density /= density.sum()
    harmonics = np.array([zonal_harmonic(degree, dimension, np.cos(theta)) for degree in range(6)])
    np.testing.assert_allclose((harmonics * density) @ harmonics.T, np.eye(6), atol=1e-6)
    assert (zonal_harmonic(5, dimension, np.ones(1)) > 0).all()


@pytest.mark.parametrize("spec", [UnivariateSpec(noise=0.1), SphereSpec(test=3)])
def test_the_file_keeps_everything(tmp_path, spec):
    data = build_dataset("mine", spec, NOWHERE)
    write_dataset(data, tmp_path / "mine.nc")
    read = read_dataset(tmp_path / "mine.nc")
    assert isinstance(read, Vectors)
    for name in ("inputs", "outputs", "split"):
        np.testing.assert_array_equal(getattr(read, name), getattr(data, name))
    assert (read.name, read.source, read.content_sha256) == ("mine", data.source, data.content_sha256)
    assert read.summary() == data.summary()


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": np.zeros((3, 1))},
        {"inputs": np.zeros(4)},
        {"inputs": np.zeros((4, 0))},
        {"inputs": np.zeros((4, 1), np.float32)},
        {"outputs": np.array([[0.0], [np.nan], [0.0], [0.0]])},
        {"split": np.array([0, 0, 0, 2], np.int8)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(change):
    fields = {"inputs": np.zeros((4, 1)), "outputs": np.zeros((4, 2)), "split": np.zeros(4, np.int8)}
    assert Vectors(name="x", source="", **fields).content_sha256
    with pytest.raises(ValueError, match=r"inputs|shapes|finite|split"):
        Vectors(name="x", source="", **(fields | change))


def test_the_hash_sees_every_array():
    fields = {"inputs": np.zeros((4, 1)), "outputs": np.zeros((4, 1)), "split": np.zeros(4, np.int8)}
    hashes = {Vectors(name="x", source="", **fields).content_sha256}
    for name in fields:
        changed = fields[name].copy()
        changed[3] = 1
        hashes.add(Vectors(name="x", source="", **(fields | {name: changed})).content_sha256)
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("spec", "change", "line"),
    [
        (UnivariateSpec, {"train": 0, "test": 0}, "ask for at least one sample"),
        (SphereSpec, {"train": 0, "test": 0}, "ask for at least one sample"),
        (UnivariateSpec, {"low": 1.0}, "give low < high"),
        (UnivariateSpec, {"gaps": [(-0.5, -0.7)]}, "give intervals inside"),
        (UnivariateSpec, {"gaps": [(0.5, 1.5)]}, "give intervals inside"),
        (UnivariateSpec, {"gaps": [(0.0, 0.5), (-0.5, -0.1)]}, "give intervals inside"),
        (UnivariateSpec, {"gaps": [(-1.0, 1.0)]}, "leave no room"),
        (UnivariateSpec, {"target": {"name": "piecewise_linear", "points": [(1.0, 0.0), (0.0, 1.0)]}}, "increasing"),
        (UnivariateSpec, {"target": {"name": "sine", "period": 2.0}}, "Extra inputs"),
        (UnivariateSpec, {"target": {"name": "cosine"}}, "does not match any of the expected tags"),
        (SphereSpec, {"dimension": 1}, "greater than or equal to 2"),
        (SphereSpec, {"radius": 0.0}, "greater than 0"),
    ],
)
def test_specs_that_make_no_sense_are_refused(spec, change, line):
    with pytest.raises(ValidationError, match=line):
        spec.model_validate(change)


def test_every_key_of_a_function_is_described():
    for target in (*univariate.TARGETS, *sphere.TARGETS):
        assert all(field.description for field in target.model_fields.values())


def trained(tmp_path, spec, **fixed):
    """The cube of one network, trained on a data set."""
    data = build_dataset("mine", spec, NOWHERE)
    settings = {"dataset": "mine", "width": 32, "depth": 1, "evaluations": 2, "loss": "squared_mean", **fixed}
    report, path = run(
        make_sweep("train_mlp", {"weights": ["gaussian"]}, fixed=settings),
        tmp_path,
        data={"mine": DataSource(data, data.content_sha256)},
    )
    assert not report.failures
    import xarray as xr

    with xr.open_dataset(path) as cube:
        return cube.load().isel(weights=0)


@pytest.mark.parametrize(
    ("spec", "loss", "rate"),
    [
        (UnivariateSpec(target=Step(), train=64, test=101), "squared_mean", 0.02),
        (UnivariateSpec(target=Polynomial(), train=64, test=101), "squared_half_sum", 0.02 / 64),
        (SphereSpec(target=Linear(), train=200, test=50), "squared_sum", 0.02 / 64),
    ],
)
def test_a_network_learns_real_targets(tmp_path, spec, loss, rate):
    """From the loss of the best constant to a tenth of it at most; real targets have no accuracy."""
    cube = trained(tmp_path, spec, loss=loss, learning_rate=rate, momentum=0.9, steps=2000)
    data = build_dataset("mine", spec, NOWHERE)
    for split in ("train", "test"):
        targets = data.targets(split)
        spread = {"squared_mean": 1.0, "squared_sum": len(targets), "squared_half_sum": 0.5 * len(targets)}[loss]
        assert 0.0 < float(cube[f"{split}_loss"]) < 0.2 * spread * targets.var()
        assert np.isnan(float(cube[f"{split}_accuracy"]))
    assert int(cube.diverged) == 0
