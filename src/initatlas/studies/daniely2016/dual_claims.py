"""Claims on dual activations: what is printed, and the integral that it stands for."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.daniely2016.measures import title
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import exact, scaled

QUADRATURE = 1e-12
"""Bound of the error of a quadrature over Gaussian pairs, whose rules agree to 1e-13."""

ROUNDING = 1e-13


def _relu(rho: xr.DataArray, bent: float = 1.0) -> xr.DataArray:
    """The printed dual of the ReLU, with a factor at its bent part."""
    dual: xr.DataArray = (bent * (1.0 - rho**2) ** 0.5 + (np.pi - xr.apply_ufunc(np.arccos, rho)) * rho) / np.pi
    return dual


def _erf(rho: xr.DataArray, doubled: float = 2.0) -> xr.DataArray:
    """The dual of erf units; the factor 2 belongs to the covariance and to both variances."""
    reach = doubled / (1.0 + doubled)
    dual: xr.DataArray = xr.apply_ufunc(np.arcsin, reach * rho) / np.arcsin(reach)
    return dual


PRINTED: Mapping[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "identity": lambda rho: rho,
    "hermite(degree=2)": lambda rho: rho**2,
    "relu": _relu,
    "step": lambda rho: 1.0 - xr.apply_ufunc(np.arccos, rho) / np.pi,
    "exp": lambda rho: xr.apply_ufunc(np.exp, rho - 1.0),
}
"""Table 1, as recalled; the exponential with the normalisation that it needs."""


def printed(evidence: Evidence) -> Finding:
    """The printed duals less the integrals."""
    cube = evidence.cubes["duals"]
    parts = {title(name): _distance(dual(cube.correlation), cube, name) for name, dual in PRINTED.items()}
    return measured(
        parts,
        f"Largest distance of a printed dual from the integral over Gaussian pairs, at {cube.sizes['correlation']} correlations: "
        f"{_listed(parts)}.",
        controls={"bent": _distance(_relu(cube.correlation, bent=1.02), cube, "relu")},
    )


def _distance(dual: xr.DataArray, cube: xr.Dataset, activation: str) -> Estimate:
    """Largest distance of a dual from the integral."""
    return exact(float(abs(dual - cube["dual_integral"].sel(activation=activation)).max()), QUADRATURE)


def _listed(parts: Mapping[str, Estimate]) -> str:
    """Values of the parts in a sentence."""
    return ", ".join(f"{estimate.value:.0e} ({part})" for part, estimate in parts.items())


def further(evidence: Evidence) -> Finding:
    """Our closed forms of activations that the table lacks, less the integrals."""
    cube = evidence.cubes["duals"]
    names = [name for name in cube.activation.values.tolist() if name not in PRINTED]
    parts = {title(name): _distance(cube["dual"].sel(activation=name), cube, name) for name in names}
    return measured(
        parts,
        f"Largest distance of a closed form from the integral over Gaussian pairs: {_listed(parts)}.",
        controls={"doubled": _distance(_erf(cube.correlation, doubled=1.0), cube, "erf")},
    )


def derivative(evidence: Evidence) -> Finding:
    """The slope of the dual less the integral of the product of the derivatives."""
    cube = evidence.cubes["duals"]
    names = [str(name) for name in cube.activation.values if name != "step"]
    slope, integral = cube["dual_slope"], cube["derivative_integral"]
    parts = {title(name): _slope_distance(slope, integral, cube, name) for name in names}
    rho = cube.correlation
    inside = rho.where(abs(rho) < 1.0)
    bend = -0.02 / np.pi * inside / (1.0 - inside**2) ** 0.5
    raw = integral * cube["second_moment_integral"]
    return measured(
        parts,
        "Largest distance between the slope of the dual, by differences of its closed form, and the integral of the product of "
        f"the derivatives: {_listed(parts)}. The step's derivative is no function.",
        controls={
            "bent": _slope_distance(slope + bend, integral, cube, "relu"),
            "unnormalised": _slope_distance(slope, raw, cube, "relu"),
        },
    )


def _slope_distance(slope: xr.DataArray, integral: xr.DataArray, cube: xr.Dataset, activation: str) -> Estimate:
    """Largest distance of a slope from an integral, with the bound of its error."""
    error = float(cube["dual_slope_error"].sel(activation=activation).max()) + QUADRATURE
    return exact(float(abs(slope - integral).sel(activation=activation).max()), error)


def shape(evidence: Evidence) -> Finding:
    """Smallest first and second difference on [0, 1], and the room between the largest absolute value and 1."""
    dual = evidence.cubes["duals"]["dual"]
    right = dual.sel(correlation=slice(-1e-9, None))
    left = dual.sel(correlation=slice(None, 1e-9))
    parts = {
        "first difference": _least(right.diff("correlation")),
        "second difference": _least(right.diff("correlation", n=2)),
        "1 less the largest absolute value": _least(1.0 - abs(dual)),
    }
    raw = dual * evidence.cubes["duals"]["second_moment"]
    return measured(
        parts,
        f"Smallest over {dual.sizes['activation']} activations and {dual.sizes['correlation']} correlations: "
        f"{', '.join(f'{part} {estimate.value:.1e}' for part, estimate in parts.items())}.",
        controls={
            "falling": _least(left.diff("correlation")),
            "concave": _least(left.diff("correlation", n=2)),
            "unnormalised": _least(1.0 - abs(raw)),
        },
    )


def _least(values: xr.DataArray) -> Estimate:
    """The smallest, up to rounding."""
    return exact(float(values.min()), ROUNDING)


def exponential(evidence: Evidence) -> Finding:
    """Mean square of exp(x - 2): exp(-4) times that of exp(x)."""
    moment = evidence.cubes["duals"].sel(activation="exp")["second_moment_integral"]
    square = exact(float(moment), QUADRATURE)
    constant = scaled(square, float(np.exp(-4.0)))
    return measured(
        constant,
        f"By quadrature the mean square is {constant.value:.4f}, and that of exp(x - 1) {square.value * np.exp(-2.0):.4f}.",
        controls={"shift": scaled(square, float(np.exp(-2.02)))},
    )
