"""What the claims of tsuchida2018 on kernels measure, on cubes whose numbers are known."""

import numpy as np
import pytest
import spoilt_tsuchida2018_kernels as sound
import xarray as xr
from claim_cubes import changed, claims_of, sound_evidence

from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import log_slope
from initatlas.studies.tsuchida2018.layer_claims import (
    against_slope,
    distances,
    farthest_layer,
    squared_ratios,
    typical_distance,
)
from initatlas.studies.tsuchida2018.printed import normalised_kernel
from initatlas.studies.tsuchida2018.universality_claims import coordinate_slope, exponents, has_moment

CLAIMS = claims_of("tsuchida2018")


@pytest.fixture(scope="module")
def evidence():
    return sound_evidence(sound)


def test_the_scatter_of_figure_2_is_compared_with_a_variance_that_is_twelve_percent_larger(evidence):
    finding = CLAIMS["fig2_scatter"](evidence)
    value = finding.parts[""].value
    assert value == pytest.approx(1.0, abs=0.01)
    assert finding.controls["twelve_percent"][""].value == pytest.approx(value / 1.12)


def test_the_neighbour_of_a_right_angle_is_87_degrees(evidence):
    finding = CLAIMS["fig2_right_angle"](evidence)
    angle = np.radians(87.0)
    expected = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    assert finding.controls["neighbour"][""].value == pytest.approx(expected, abs=1e-9)
    assert finding.parts[""].value == pytest.approx(1.0 / np.pi, abs=1e-9)


def test_another_slope_moves_a_mean_by_the_difference_of_the_kernels(evidence):
    parts = CLAIMS["fig4b_one_layer"](evidence).parts
    assert len(parts) == 2 * 6
    moved = against_slope(parts, 0.2, 0.25)
    name = next(part for part in parts if part.startswith("180"))
    assert moved[name].value - parts[name].value == pytest.approx(0.5 / 1.0625 - 0.4 / 1.04)
    assert CLAIMS["fig4b_one_layer"](evidence).controls["slope"] == moved


def test_controls_of_deep_networks_are_the_next_layer_and_the_printed_composition(evidence):
    finding = CLAIMS["fig4b_deep"](evidence)
    theory = evidence.cubes["theory"]["cosine"].sel(activation=sound.LEAKY, layer=1)[1:]
    gap = theory - normalised_kernel(theory, 0.2)
    assert finding.parts[sound.SPARSE].value == pytest.approx(0.02, rel=0.2)
    assert finding.controls["next_layer"][sound.SPARSE].value == pytest.approx(float((gap**2).mean() ** 0.5), rel=0.05)
    assert finding.controls["printed"][sound.SPARSE].value > 0.5
    assert "printed" not in CLAIMS["fig4a_deep"](evidence).controls


def test_the_printed_composition_agrees_in_the_first_layer_alone(evidence):
    first = evidence.cubes["fig4"].sel(layer=[1])
    first.attrs = evidence.cubes["fig4"].attrs
    finding = CLAIMS["fig4b_deep"](Evidence({**evidence.cubes, "fig4": first}, evidence.published))
    assert finding.controls["printed"][sound.SPARSE].value == pytest.approx(finding.parts[sound.SPARSE].value)


def test_networks_without_a_fourth_moment_are_named_and_not_counted(evidence):
    spoilt = changed("fig4", "cosine", lambda c: c + 0.5, weights="multivariate_t(nu=2.5)", layer=8)(evidence)
    finding = CLAIMS["fig4c_deep"](spoilt)
    assert finding.parts == CLAIMS["fig4c_deep"](evidence).parts
    assert not any("nu=2.5" in part for part in finding.parts)
    assert "multivariate_t(nu=2.5) 0.50." in finding.reason
    assert "Not counted" not in CLAIMS["fig4a_deep"](evidence).reason


def test_a_distance_is_that_of_the_farthest_layer_of_each_network():
    deviations = xr.DataArray(
        [[[0.3, np.nan], [0.1, 0.1]], [[0.1, 0.1], [0.5, 0.5]]],
        {"seed": [0, 1], "layer": [1, 2], "angle": [60.0, 90.0]},
        ("seed", "layer", "angle"),
    )
    np.testing.assert_allclose(farthest_layer(deviations), [0.3, 0.5])
    found = distances(deviations.expand_dims(weights=["laplace"]).isel(seed=[0, 1] * 4), ["laplace"])
    assert found["laplace"].value == pytest.approx(0.4)


def test_the_ode_from_another_initial_value_is_off_by_half_a_cosine(evidence):
    finding = CLAIMS["prop1"](evidence)
    assert {estimate.value for estimate in finding.parts.values()} == {0.0}
    assert abs(finding.controls["initial_value"]["gaussian, first input turned by 0 degrees"].value) == 0.5
    largest = finding.controls["other_plane"]["laplace, first input turned by 30 degrees"].value
    assert largest == pytest.approx(0.02 * 1.7)


def test_the_forcing_term_is_compared_with_the_sine_over_pi(evidence):
    finding = CLAIMS["prop2"](evidence)
    assert max(abs(estimate.value) for estimate in finding.parts.values()) < 1e-12
    # 0.2 sin^2 * 0.7 over sin / pi at a right angle
    expected = 0.2 * 0.7 * np.pi
    assert finding.controls["laplace"]["laplace, first input turned by 30 degrees"].value == pytest.approx(expected)


def test_the_printed_kernel_has_its_factor_and_its_slope(evidence):
    finding = CLAIMS["cor4"](evidence)
    assert max(abs(estimate.value) for estimate in finding.parts.values()) < 1e-12
    moved = finding.controls["slope"]["gaussian, first input turned by 0 degrees"].value
    assert moved == pytest.approx(0.25 - 0.2)  # at 180 degrees the kernel is -a
    assert "off by -0.040 at a right angle" in CLAIMS["cor3"](evidence).reason


def test_squared_ratios_use_the_middle_angles_and_the_larger_widths(evidence):
    assert squared_ratios(evidence, "generalized_normal(beta=2)", "relu").mean() == pytest.approx(1.0, abs=0.02)
    assert squared_ratios(evidence, "multivariate_t(nu=6)", "relu").mean() == pytest.approx(2.0, abs=0.05)
    outside = changed("cor3_4", "cosine", lambda c: c + 1.0, width=100)(evidence)
    outside = changed("cor3_4", "cosine", lambda c: c + 1.0, angle=180.0)(outside)
    assert squared_ratios(outside, "generalized_normal(beta=2)", "relu").mean() == pytest.approx(1.0, abs=0.02)


def test_typical_distances_are_geometric_means(evidence):
    cube, theory = evidence.cubes["cor3_4"], evidence.cubes["theory"]
    found = typical_distance(cube.assign(cosine=theory["cosine"] + 0.01 + 0.0 * cube["cosine"]), theory, "relu")
    np.testing.assert_allclose(found, 0.01)
    finding = CLAIMS["cor3_4_heavy"](evidence)
    assert len(finding.parts) == 4
    difference = finding.controls["square_root"]["multivariate_t(nu=2.5), relu"].value
    assert difference - finding.parts["multivariate_t(nu=2.5), relu"].value == pytest.approx(0.5 - 0.2)


def test_moments_exist_below_the_degrees_of_freedom():
    assert has_moment("student_t(nu=3.5)", 3)
    assert not has_moment("student_t(nu=3.5)", 4)
    assert not has_moment("multivariate_t(nu=4)", 4)
    assert has_moment("laplace", 40)


@pytest.mark.parametrize(("claim", "sweep", "variable", "first"), [
    ("thm6_rate", "thm6_law", "distance", 16), ("thm6_kernel_rate", "thm6", "departure", 256),
])  # fmt: skip
def test_powers_are_fitted_from_some_number_of_inputs_on(evidence, claim, sweep, variable, first):
    below = [int(m) for m in evidence.cubes[sweep].m.values if m < first]
    assert CLAIMS[claim](changed(sweep, variable, lambda v: 9.0 * v, m=below)(evidence)) == CLAIMS[claim](evidence)
    assert CLAIMS[claim](changed(sweep, variable, lambda v: 9.0 * v, m=first)(evidence)) != CLAIMS[claim](evidence)


def test_exponents_are_those_of_every_sample():
    m = np.array([4.0, 16.0, 64.0])
    sizes = xr.DataArray([m**-1.0, m**-0.5], {"seed": [0, 1], "m": m}, ("seed", "m"))
    np.testing.assert_allclose(exponents(sizes, 4), [-1.0, -0.5])


def test_a_corollary_looks_at_the_share_of_the_error_that_is_left(evidence):
    finding = CLAIMS["cor11"](evidence)
    assert finding.parts["symlog, laplace"].value == pytest.approx(4.0 / 1024.0, rel=0.02)
    assert finding.controls["sixteen_inputs"]["symlog, laplace"].value == pytest.approx(0.25, rel=0.02)


def test_pieces_of_one_image_count_as_one_sample(evidence):
    cube = evidence.cubes["fig6"].sel(dataset="speech").isel(centred=0)
    found = coordinate_slope(cube)
    assert found.samples == 4
    assert found.value == pytest.approx(-1.0, abs=0.02)
    pieces = cube["largest"].values[:, 5:10].mean(axis=1)
    one = coordinate_slope(cube.isel(piece=[5, 6, 7, 8, 9, 10]))
    assert one.samples == 2
    assert one.low <= log_slope(cube["dimension"], pieces) <= one.high
    zeros = coordinate_slope(cube, zeros=True)
    np.testing.assert_allclose(zeros.numbers, 1.0)


def test_data_that_are_not_there_are_not_measured(evidence):
    cube = evidence.cubes["fig6"]
    for chosen, reason in (
        (cube.sel(dataset=["photographs"]), "The files of speech are not there"),
        (cube.isel(piece=slice(0, 5)), "All pieces are of one"),
    ):
        finding = CLAIMS["fig6_speech"](Evidence({"fig6": chosen}, evidence.published))
        assert finding.parts is None
        assert reason in finding.reason
