"""The kernel explorer: what a browser computes from the embedded coefficients is what this package's kernels say."""

import json
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pytest
from toy.javascript import run_javascript

from initatlas.activations.base import ACTIVATIONS, activation_of
from initatlas.duals.equal_variances import equal_variance_means
from initatlas.duals.quadrature import pair_mean
from initatlas.kernels import meanfield
from initatlas.kernels.angles import kernels_at_angle
from initatlas.kernels.architecture import Architecture
from initatlas.report import explorer_kernels
from initatlas.report.explored import explored_activations
from initatlas.report.explorer_kernels import KernelTable, kernel_table, kernels_json
from initatlas.report.page import Page, render_page

SCRIPTS = ["explorer_data.js", "explorer_kernels.js"]
TOLERANCE = 1e-6
ANGLES = np.concatenate([[0.0, 1e-7, 1e-4], np.linspace(0.05, np.pi - 0.05, 15), [np.pi - 1e-4, np.pi]])
NETWORKS = [
    (1, 1.0, 0.0),
    (3, 0.09, 0.05),
    (3, 1.5, 0.3),
    (12, 1.2, 0.0),
    (40, 0.8, 0.1),
    (64, 3.0, 0.0),
    (64, 6.0, 0.4),
]
"""Depth, weight variance, bias variance; the last two are chaotic, where errors of the angle grow from layer to layer."""


@cache
def table(label: str) -> KernelTable:
    """The table of an activation, made once."""
    made = kernel_table(label)
    assert made is not None
    return made


def in_the_browser(label: str, body: str) -> Any:
    """What JavaScript says of the `kernel` of an activation."""
    return run_javascript(SCRIPTS, f"const kernel = await readKernel({json.dumps(asdict(table(label)))});\n{body}")


def numbers(values: Any) -> np.ndarray:
    """Numbers from JSON, texts for those that are not finite."""
    return np.array([float(value) for value in values])


@pytest.mark.parametrize("label", explored_activations())
def test_nngp_and_ntk_are_those_of_the_package(label: str) -> None:
    """At the cosines 1 and -1 and close to them too, relative to the largest value."""
    body = f"""return {json.dumps(NETWORKS)}.map(([depth, weights, biases]) =>
        kernelsAt(kernel, {{ depth, weights, biases }}, {ANGLES.tolist()}))"""
    compared = 0
    for (depth, weights, biases), result in zip(NETWORKS, in_the_browser(label, body), strict=True):
        if result["ended"]:
            reach = table(label).reach
            assert reach is not None
            assert result["variances"][-1] > reach**2
            continue
        nngp, ntk = kernels_at_angle(Architecture(label, depth, weights, biases), ANGLES)
        assert ntk is not None
        for got, expected in ((result["nngp"], nngp), (result["ntk"], ntk)):
            np.testing.assert_allclose(numbers(got), expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("label", explored_activations())
def test_duals_are_those_of_the_package(label: str) -> None:
    """Over the whole range of variances: the dual, its gap at small angles relative to itself, and that of the derivative."""
    most = (table(label).reach or 8.0) ** 2
    variances = [1e-6 * most, 0.1 * most, 0.9 * most]
    body = f"""return {variances}.map((variance) => {{
        const made = dualAt(kernel, variance);
        return {ANGLES.tolist()}.map((theta) => made.dual(theta));
    }})"""
    for variance, results in zip(variances, in_the_browser(label, body), strict=True):
        dual, q = activation_of(label).dual, np.asarray(variance)
        for key, expected in (("product", dual.product(q, q, ANGLES)), ("slope", dual.derivative(q, q, ANGLES))):
            got = numbers(result[key] for result in results)
            np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
        small = slice(1, 6)
        gap = numbers(result["gap"] for result in results)[small]
        np.testing.assert_allclose(gap, dual.gap(q, q, ANGLES[small]), rtol=2 * TOLERANCE)


PLANE = [(0.5, 0.0), (0.9, 0.05), (1.7, 0.1), (2.5, 0.3), (4.0, 0.02)]


@pytest.mark.parametrize("label", ["relu", "abs", "identity", "tanh", "erf", "sin", "gelu", "cos"])
def test_mean_field_theory_is_that_of_the_package(label: str) -> None:
    body = f"return {json.dumps(PLANE)}.map(([weights, biases]) => meanField(kernel, weights, biases))"
    compared = 0
    for (weights, biases), got in zip(PLANE, in_the_browser(label, body), strict=True):
        given = {"weight_variance": weights, "bias_variance": biases}
        variance = meanfield.variance_fixed_point(label, **given)
        if table(label).reach is not None and not variance <= (table(label).reach or 0) ** 2:
            assert got["variance"] == "Infinity"
            continue
        at = variance if table(label).reach is not None else 1.0
        expected = {
            "variance": variance,
            "chi": meanfield.chi(label, at, weight_variance=weights),
            "correlation": meanfield.correlation_fixed_point(label, **given),
            "depth": meanfield.depth_scale(label, **given),
            "correlationDepth": meanfield.correlation_depth(label, **given),
        }
        for key, value in expected.items():
            np.testing.assert_allclose(float(got[key]), value, rtol=TOLERANCE, atol=1e-12, err_msg=f"{key} {given}")
        compared += 1
    assert compared >= 1


@pytest.mark.parametrize(
    ("label", "biases"), [("relu", 0.0), ("tanh", 0.0), ("tanh", 0.1), ("erf", 0.3), ("gelu", 0.0)]
)
def test_the_edge_of_chaos_is_that_of_the_package(label: str, biases: float) -> None:
    got = in_the_browser(label, f"return criticalWeights(kernel, {biases})")
    expected = meanfield.critical_weight_variance(label, bias_variance=biases)
    assert got == pytest.approx(expected, rel=TOLERANCE)


def test_the_edge_is_drawn_where_chi_is_one() -> None:
    variances = [0.1, 0.5, 2.0]
    edge = in_the_browser("tanh", f"return edgeOfChaos(kernel, {variances})")
    np.testing.assert_allclose(edge, [meanfield.critical_variances("tanh", q) for q in variances], rtol=TOLERANCE)
    ((point,), biased) = in_the_browser("relu", "return [edgeOfChaos(kernel, [3]), criticalWeights(kernel, 0.5)]")
    assert point == pytest.approx([2.0, 0.0])
    assert biased == "NaN", "a rectifier with biases is nowhere critical"


def test_a_network_beyond_the_table_says_in_which_layer() -> None:
    result = in_the_browser("gelu", "return kernelsAt(kernel, {depth: 60, weights: 8, biases: 0}, [0, 1])")
    assert 1 < result["ended"] < 60
    assert result["variances"][-2] <= 64 < result["variances"][-1]
    assert "nngp" not in result


def test_equal_variance_means_are_those_of_the_adaptive_rule() -> None:
    elu = activation_of("elu")
    deviations, angles = np.array([0.3, 1.0, 5.0]), np.array([0.0, 0.4, 2.0, 3.1])
    got = equal_variance_means(elu.phi, deviations, angles, nodes=48)
    for place, value in np.ndenumerate(got):
        q = float(deviations[place[0]] ** 2)
        expected = pair_mean(lambda u, v: elu.phi(u) * elu.phi(v), q, q, float(angles[place[1]]))
        assert value == pytest.approx(expected, rel=1e-9)
    odd = equal_variance_means(np.tanh, deviations, angles)
    np.testing.assert_allclose(equal_variance_means(np.tanh, deviations, angles, symmetric=True), odd, rtol=1e-13)


def test_all_activations_with_an_ntk_are_explored() -> None:
    labels = explored_activations()
    assert labels[0] == "relu"
    assert "step" not in labels
    names = {label.partition("(")[0] for label in labels}
    assert names == {name for name in ACTIVATIONS if not ACTIVATIONS[name].undefined_derivative}


def test_a_table_that_does_not_converge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explorer_kernels, "explored_activations", lambda: ("relu", "erf"))
    monkeypatch.setattr(explorer_kernels, "_SIDES", (6,))
    made = json.loads(kernels_json())
    assert [kernel["label"] for kernel in made["kernels"]] == []
    assert made["left_out"] == [f"No table of {label} converges, so it is left out." for label in ("relu", "erf")]


def test_the_page_holds_the_kernels() -> None:
    text = json.dumps({"kernels": [asdict(table("relu"))], "left_out": ["No table of x."]})
    html = render_page(Page("title", "1", "smoke", (), kernels=text))
    assert 'id="explorer-kernels-data"' in html
    assert 'id="explorer-sweeps-data"' not in html
    assert "No table of x." in html
