"""Claims about the kernel as an integral over the density of the weights: propositions 1 and 2, corollaries 3 and 4."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import Measure
from initatlas.studies.statistics import exact
from initatlas.studies.tsuchida2018.printed import normalised_kernel
from initatlas.vocabulary import parse_label

INDEPENDENT_T = "student_t(nu=5)"
LAPLACE = "laplace"
SLOPE = 0.2
WRONG_SLOPE = 0.25


def rotation_invariant(cube: xr.Dataset) -> list[str]:
    """The rotation-invariant distributions of a cube."""
    return [w for w in map(str, cube.weights.values) if parse_label(w)[0] in ("gaussian", "multivariate_t")]


def _largest(differences: xr.DataArray, errors: xr.DataArray) -> Estimate:
    """The difference that is farthest from zero over the angles, with the error of the quadrature."""
    values = differences.values
    return exact(values[np.argmax(np.abs(values))], float(errors.max()))


def _by_case(differences: xr.DataArray, errors: xr.DataArray, weights: list[str]) -> dict[str, Estimate]:
    """The largest difference for every distribution and position of the inputs."""
    return {
        f"{label}, first input turned by {float(turn):.0f} degrees": _largest(
            differences.sel(weights=label, turn=turn), errors.sel(weights=label, turn=turn)
        )
        for label in weights
        for turn in differences.turn.values
    }


def _initial_value_problem(evidence: Evidence) -> Finding:
    """Kernel by its definition minus solution of the ODE."""
    cube = evidence.cubes["weight_integral"]
    labels = list(map(str, cube.weights.values))
    gap, errors = cube["kernel"] - cube["solution"], cube["quadrature_error"]
    # From k(pi) = 1/2 the solution has -cos(theta) / 2 more
    shifted_gap = gap + 0.5 * np.cos(np.radians(cube.angle))
    other_plane = cube["kernel"] - cube["solution"].roll(turn=1)
    return measured(
        _by_case(gap, errors, labels),
        f"Kernel minus solution at {cube.sizes['angle']} angles for {len(labels)} densities, the largest difference for each.",
        controls={
            "initial_value": _by_case(shifted_gap, errors, labels),
            "other_plane": _by_case(other_plane, errors, [LAPLACE]),
        },
    )


def _forcing_term(evidence: Evidence) -> Finding:
    """Forcing term over K sin theta, minus 1."""
    cube = evidence.cubes["weight_integral"]
    inside = cube.sel(angle=slice(1e-6, 179.0))
    ratio = inside["forcing"] * np.pi / np.sin(np.radians(inside.angle)) - 1.0
    errors = inside["quadrature_error"]
    labels = rotation_invariant(cube)
    return measured(
        _by_case(ratio, errors, labels),
        f"Largest F / (K sin theta) - 1 over {inside.sizes['angle']} angles, for {len(labels)} rotation-invariant densities.",
        controls={
            "independent_t": _by_case(ratio, errors, [INDEPENDENT_T]),
            "laplace": _by_case(ratio, errors, [LAPLACE]),
        },
    )


def _printed(cube: xr.Dataset, slope: float) -> xr.DataArray:
    """Equation 7 or 8 for unit inputs and weights of variance one."""
    curve = normalised_kernel(np.cos(np.radians(cube.angle.values)), slope)
    return xr.DataArray(0.5 * (1.0 + slope**2) * curve, {"angle": cube.angle}, ("angle",))


def _same_form(variable: str, slope: float) -> Measure:
    """Kernel minus the printed one, for rotation-invariant weights."""

    def measure(evidence: Evidence) -> Finding:
        cube = evidence.cubes["weight_integral"]
        errors, labels = cube["quadrature_error"], rotation_invariant(cube)
        gap = cube[variable] - _printed(cube, slope)
        independent = _by_case(gap, errors, [INDEPENDENT_T])
        controls = {"independent_t": independent}
        if slope:
            controls["slope"] = _by_case(cube[variable] - _printed(cube, WRONG_SLOPE), errors, labels)
        right_angle = float(gap.sel(weights=INDEPENDENT_T, turn=0.0, angle=90.0)) / (0.5 * (1.0 + slope**2))
        return measured(
            _by_case(gap, errors, labels),
            f"Largest difference over {cube.sizes['angle']} angles for {len(labels)} rotation-invariant densities. Independent t "
            f"weights with 5 degrees of freedom have a cosine that is off by {right_angle:.3f} at a right angle on the axes.",
            controls=controls,
        )

    return measure


CLAIMS: Mapping[str, Measure] = {
    "prop1": _initial_value_problem,
    "prop2": _forcing_term,
    "cor3": _same_form("kernel", 0.0),
    "cor4": _same_form("leaky_kernel", SLOPE),
}
