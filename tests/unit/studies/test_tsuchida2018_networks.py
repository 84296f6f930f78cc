"""What the claims of tsuchida2018 on depth, norms, extensions and misprints measure, on cubes with known answers."""

import numpy as np
import pytest
import spoilt_tsuchida2018_networks as spoilt
import xarray as xr
from claim_cubes import judged, sound_evidence

from initatlas.activations.base import activation_of
from initatlas.kernels.angles import layerwise_signals
from initatlas.kernels.preserving import signal_preserving_variance
from initatlas.studies.tsuchida2018 import tables
from initatlas.studies.tsuchida2018.depth_claims import angles_in_degrees, exponent, share_left, turned_kernel
from initatlas.studies.tsuchida2018.erratum_claims import rate_ratio
from initatlas.studies.tsuchida2018.extension_claims import departures, fixed_shape, limit_angle, width_exponent
from initatlas.studies.tsuchida2018.norm_claims import growth_interval, relative_variance


@pytest.fixture(scope="module")
def evidence():
    return sound_evidence(spoilt)


def falling(power, angles=(30.0, 60.0, 90.0, 120.0, 150.0, 180.0)):
    """Gaps of angles that fall as a power of the layer."""
    layer, angle = spoilt.along("layer", np.array([1.0, 2.0, 4.0, 8.0])), spoilt.along("angle", np.array(angles))
    return 1.0 - np.cos(np.radians(angle * layer**power))


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2])
def test_the_relative_variance_of_a_squared_signal(slope):
    z = np.random.default_rng(1).standard_normal(4_000_000)
    squares = np.where(z > 0, z, slope * z) ** 2
    assert relative_variance(slope) == pytest.approx(squares.var() / squares.mean() ** 2, rel=0.01)


def test_the_growth_of_norms_is_that_of_infinite_width():
    """What a layer of few units takes from the mean logarithm is added again."""
    rng, width, depth = np.random.default_rng(2), 100, 64
    z = rng.standard_normal((400, depth, width))
    squares = (np.where(z > 0, z, 0.2 * z) ** 2).mean(axis=2) * 2.0
    ratios = np.sqrt(squares.prod(axis=1))[None, :, None, None]
    cube = xr.Dataset(
        {"norm_ratio": (("network", "seed", "layer", "input"), ratios)},
        {"layer": [depth], "activation": ("network", [spoilt.LEAKY]), "weight_variance": ("network", [2.0])},
    )
    found = growth_interval(spoilt.with_spec(cube, width=width), spoilt.LEAKY, 2.0)
    assert found.low < 1.04 < found.high
    assert found.high - found.low < 0.006
    with pytest.raises(KeyError, match="variance 3"):
        growth_interval(spoilt.with_spec(cube, width=width), spoilt.LEAKY, 3.0)


def test_what_is_left_of_an_angle():
    assert share_left(falling(-1.0), 4) == pytest.approx(0.5)
    assert share_left(falling(-0.5), 2) == pytest.approx(0.5**0.5)
    mixed = xr.concat([falling(-1.0, (30.0,)), falling(0.0, (60.0,))], "angle")
    assert share_left(mixed, 4) == pytest.approx(1.0)
    assert float(angles_in_degrees(xr.DataArray(0.5e-18))) == pytest.approx(
        np.degrees(1e-9)
    )  # all digits of a small angle


def test_an_exponent_is_as_uncertain_as_it_still_changes():
    layer = xr.DataArray([1, 2, 4, 8], {"layer": [1, 2, 4, 8]}, ("layer",))
    pure = exponent(3.0 / layer**2)
    assert pure.numbers == pytest.approx((-2.0, -2.0, -2.0))
    bent = exponent(1.0 / layer**2 * (1.0 + 1.0 / layer))
    last = np.log2((1.0 + 1.0 / 8) / (1.0 + 1.0 / 4)) - 2.0
    assert max(abs(bent.low - last), abs(bent.high - last)) == pytest.approx(2.0 * abs(bent.value - last))


def test_a_fixed_point_is_as_uncertain_as_the_angle_still_moves():
    found = limit_angle(falling(0.0))
    assert found.value == pytest.approx(105.0)
    assert found.high - found.value == pytest.approx(75.0)
    moving = limit_angle(falling(-1.0, spoilt.ANGLES[2:13:2]))
    assert moving.value == pytest.approx(105.0 / 8.0)
    assert moving.high - moving.value == pytest.approx(180.0 / 4.0 - 105.0 / 8.0)


@pytest.mark.parametrize(("activation", "degrees"), [("elu", 49.93), ("gelu", 31.44)])
def test_the_recursion_tends_to_the_fixed_point_of_the_dual(activation, degrees):
    """The angle that a layer keeps, by the dual activation alone."""
    variance = signal_preserving_variance(activation, rms=1.0)
    gaps, _ = layerwise_signals(
        np.radians([30.0, 150.0]), 256, activation, weight_variance=variance, squared_norm=variance
    )
    angles = np.degrees(np.arccos(1.0 - gaps[-1]))
    assert angles == pytest.approx(degrees, abs=0.02)
    cosine = np.cos(np.radians(degrees))
    assert float(activation_of(activation).dual.at_correlation(variance, np.array([cosine]))[0]) == pytest.approx(
        cosine, abs=1e-4
    )


def test_departures_are_of_the_mean_cosine_and_of_the_norm_per_layer(evidence):
    cube, limit = (evidence.cubes[name].isel(variant=5) for name in ("extensions", "extensions_limit"))
    assert fixed_shape(cube) == 2.0
    sound = departures(cube, limit, 2.0)
    off = departures(
        cube.assign(cosine=cube["cosine"] + 0.03, norm_ratio=cube["norm_ratio"] * np.exp(0.32)), limit, 2.0
    )
    assert (off["the cosine"] - sound["the cosine"]) == pytest.approx(0.03)
    assert (off["the norm per layer"] - sound["the norm per layer"]) == pytest.approx(0.01)
    assert sound["the cosine"].shape == (spoilt.NETWORKS,)


def test_the_exponent_of_a_deviation_is_that_of_its_root_mean_square():
    width = xr.DataArray([100, 200, 400], {"width": [100, 200, 400]}, ("width",))
    noise = xr.DataArray(np.random.default_rng(3).standard_normal((300, 1, 7)), dims=("seed", "width", "angle"))
    samples = (0.3 + noise.isel(width=0) * width**-0.4).assign_coords(angle=[0, 30, 60, 90, 120, 150, 180])
    found = width_exponent(samples, xr.full_like(samples.isel(seed=0, width=0), 0.3))
    assert found.value == pytest.approx(-0.4)
    assert found.samples == 300


def test_the_rate_of_a_power_falls_and_that_of_a_geometric_decay_does_not():
    layer = xr.DataArray([1, 2, 4, 8], {"layer": [1, 2, 4, 8]}, ("layer",))
    assert rate_ratio(5.0 / layer**2, 1, 4) == pytest.approx(0.25)
    assert rate_ratio(5.0 * 0.9**layer, 2, 4) == pytest.approx(1.0)


def test_the_turned_kernel():
    angle = xr.DataArray([0.0, 180.0], {"angle": [0.0, 180.0]}, ("angle",))
    linear = np.cos(np.radians(angle))
    np.testing.assert_allclose(turned_kernel(0.4 * linear, 0.5), [0.4 - 1.6, 1.6 - 0.4])


def test_the_table_of_misprints(evidence):
    rows = {row[0]: row[2:] for row in tables.errata(evidence).rows}
    assert rows["erratum_initial_value"][:3] == pytest.approx([0.5, 0.0, 0.0], abs=1e-9)
    assert rows["erratum_integral"][:2] == pytest.approx([-1.0, -0.4 / 1.04])
    for _, right, measured, low, high in rows.values():
        assert measured == pytest.approx(right, abs=0.001)
        assert low < measured < high


def test_a_residual_branch_five_percent_off_is_seen(evidence):
    """Its recursion is a control: were it the right one, nothing would be decided."""
    controls = {
        control.name: control.verdict for control in judged("tsuchida2018", "extension_residual", evidence).controls
    }
    assert controls == {"without": "fails", "five_percent": "fails"}
