"""Claims on what depth does to the space of a kernel: containment, decay, missing harmonics, separation, universality."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.daniely2016.measures import (
    RESOLVED,
    exponent,
    reach,
    resolved,
    separation_factor,
    shallow_over_deep,
    title,
    upper_half,
)
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import exact

FIRST_COEFFICIENT: Mapping[str, float] = {"relu": 0.5, "erf": 2.0 / 3.0 / np.arcsin(2.0 / 3.0)}
"""Squared first Hermite coefficient a_1 of the normalised activation: the dual's slope at correlation 0."""


# ---- containment


def contains(evidence: Evidence) -> Finding:
    """Largest a_1 times the ratio of an eigenvalue to that of one more layer."""
    cube = evidence.cubes["depth_spectrum"]
    names, dimensions = list(FIRST_COEFFICIENT), cube.dimension.values.tolist()
    parts = {
        f"{title(name)}, d = {dimension}": _largest_ratio(
            cube.sel(activation=name, dimension=dimension), deeper=True, name=name
        )
        for name in names
        for dimension in dimensions
    }
    erf = cube.sel(activation="erf", dimension=dimensions[0])
    listed = ", ".join(f"{FIRST_COEFFICIENT[name]:.3f} ({title(name)})" for name in names)
    return measured(
        parts,
        f"a_1 lambda_L / lambda_(L + 1), largest over the degrees that double precision resolves and L up to "
        f"{int(cube.depth.max()) - 1}; a_1 is {listed}. The dual's term a_1 rho gives the bound 1 at all degrees.",
        controls={"reversed": _largest_ratio(erf, deeper=False, name="erf")},
    )


def _largest_ratio(cube: xr.Dataset, *, deeper: bool, name: str) -> Estimate:
    """Largest a_1 lambda_L / lambda_(L + 1), or the reverse, over the degrees where the numerator is resolved."""
    error, values = cube["eigenvalue_error"], cube["eigenvalue"]
    known = resolved(cube).notnull()
    shallow, deep = slice(None, -1), slice(1, None)
    above, below = (shallow, deep) if deeper else (deep, shallow)
    depths = cube.depth.values[:-1]
    top, top_error, there = (v.isel(depth=above).assign_coords(depth=depths) for v in (values, error, known))
    low, low_error = (v.isel(depth=below).assign_coords(depth=depths) for v in (values, error))
    scale = FIRST_COEFFICIENT[name]
    least = (scale * (top - top_error) / (low + low_error)).where(there)
    most = scale * (top + top_error) / (low - low_error).clip(min=1e-300)
    place = int(np.nanargmax(least.values))
    lowest, value, highest = (
        float(ratios.values.ravel()[place]) for ratios in (least, scale * top / low.clip(min=1e-300), most)
    )
    return Estimate(value, lowest, max(value, highest))


def contains_inputs(evidence: Evidence) -> Finding:
    """Share of the first harmonics behind one layer: they are the whole space of the inputs' kernel."""
    cube = evidence.cubes["depth_spectrum"].sel(depth=1)
    parts = {
        f"{title(name)}, d = {dimension}": _share(cube.sel(activation=name, dimension=dimension), degree=1)
        for name in cube.activation.values.tolist()
        for dimension in cube.dimension.values.tolist()
    }
    third = cube.sel(activation="relu", dimension=int(cube.dimension[0]))
    return measured(
        parts,
        "Share of the kernel's trace that the harmonics of degree 1 hold behind one layer: "
        f"{', '.join(f'{estimate.value:.2g} ({part})' for part, estimate in parts.items())}. On the sphere the kernel of the "
        "inputs, x^T x', has these harmonics alone.",
        controls={"third": _share(third, degree=3)},
    )


def _share(cube: xr.Dataset, *, degree: int) -> Estimate:
    """Share of the trace of a degree, with the bound of its error."""
    point = cube.sel(degree=degree)
    return exact(float(point["share"]), float(point["share_error"]))


# ---- strictness and decay


def strict_relu(evidence: Evidence) -> Finding:
    """Growth with the degree of what one more layer does to the eigenvalues of ReLU kernels, from two layers on."""
    cube = evidence.cubes["depth_spectrum"]
    relu, erf = (cube.sel(activation=name) for name in ("relu", "erf"))
    deep, first = relu.sel(depth=slice(2, None)), relu.sel(depth=slice(1, 2))
    even = {part: exponent for part, exponent in _growth_exponents(first).items() if "even" in part}
    return measured(
        _growth_exponents(deep),
        _growth_reason(deep),
        controls={"first": even},
        references={"erf": _growth_exponents(erf)},
    )


def strict_erf(evidence: Evidence) -> Finding:
    """Growth with the degree of what one more layer does to the eigenvalues of erf kernels."""
    cube = evidence.cubes["depth_spectrum"]
    erf, relu = cube.sel(activation="erf"), cube.sel(activation="relu", depth=slice(2, None))
    return measured(_growth_exponents(erf), _growth_reason(erf), controls={"relu": _growth_exponents(relu)})


def _growth_exponents(cube: xr.Dataset) -> dict[str, Estimate]:
    """Exponent of the degree in the ratio of eigenvalues of one more layer to those of a depth, per dimension and parity.

    Each parity by itself: they have ratios of their own, and are resolved to different degrees. The smallest over the depths.
    """
    growth = 1.0 / shallow_over_deep(cube)
    parts = {}
    for dimension in cube.dimension.values.tolist():
        for parity, first in (("even", 2), ("odd", 1)):
            ratios = upper_half(growth.sel(dimension=dimension, degree=slice(first, None, 2))).dropna(
                "degree", how="all"
            )
            if ratios.sizes["degree"] > 1:
                parts[f"d = {dimension}, {parity} degrees"] = _slowest(exponent(ratios, "degree"))
    return parts


def _slowest(exponents: xr.DataArray) -> Estimate:
    """The smallest exponent; each end of an octave of degrees is known to twice the resolution of an eigenvalue."""
    return exact(float(exponents.min()), 4.0 * RESOLVED / np.log(2.0))


def _growth_reason(cube: xr.Dataset) -> str:
    """What was fitted."""
    last = int(resolved(cube).dropna("degree", how="all").degree.max())
    return (
        f"Exponent of the degree in the ratio of eigenvalues of L + 1 layers to those of L, smallest over L from "
        f"{int(cube.depth.min())} to {int(cube.depth.max()) - 1}, upper half of the degrees resolved in double precision (up to "
        f"{last}). Our reading: with an exponent of 0 to all degrees the spaces are equal, with a positive one they are not."
    )


def decay(evidence: Evidence) -> Finding:
    """Distance of the fitted exponents of decay from d + 2, from depth 2 on."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu", depth=slice(2, None))
    parts = _decays(cube)
    return measured(
        parts,
        f"Fitted exponents less d + 2: dimensions {', '.join(str(d) for d in cube.dimension.values)}, depths 2 to "
        f"{int(cube.depth.max())}, degrees up to {int(cube.degree.max())}; the distances are "
        f"{min(abs(e.value) for e in parts.values()):.4f} to {max(abs(e.value) for e in parts.values()):.4f}.",
        controls={"tangent": _decays(evidence.cubes["tangent_spectrum"])},
    )


def _decays(cube: xr.Dataset) -> dict[str, Estimate]:
    """Fitted exponents less d + 2, per dimension, depth and parity.

    A fit runs over two octaves of degrees, whose eigenvalues are resolved.
    """
    error = 2.0 * RESOLVED / np.log(4.0)
    return {
        f"d = {dimension}, depth {depth}, {parity}": exact(
            float(cube[f"decay_{parity}"].sel(dimension=dimension, depth=depth)) - (dimension + 2.0), error
        )
        for dimension in cube.dimension.values.tolist()
        for depth in cube.depth.values.tolist()
        for parity in ("even", "odd")
    }


# ---- which harmonics there are


def odd(evidence: Evidence) -> Finding:
    """Largest share of an odd degree from 3 on, with one layer; with two as control."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu")
    first, second = (_odd_shares(cube.sel(depth=depth)) for depth in (1, 2))
    largest, deeper = (max(abs(e.value) for e in parts.values()) for parts in (first, second))
    return measured(
        first,
        f"Largest share of the kernel's trace that an odd degree from 3 to {int(cube.degree[3::2].max())} holds: {largest:.1e} "
        f"with one layer, {deeper:.1e} with two.",
        controls={"two_layers": second},
    )


def _odd_shares(cube: xr.Dataset) -> dict[str, Estimate]:
    """The largest share of an odd degree from 3 on, per dimension."""
    odd_degrees = cube.isel(degree=slice(3, None, 2))
    parts = {}
    for dimension in cube.dimension.values.tolist():
        chosen = odd_degrees.sel(dimension=dimension)
        place = int(np.argmax(np.abs(chosen["share"].values)))
        parts[f"d = {dimension}"] = exact(*(float(chosen[name][place]) for name in ("share", "share_error")))
    return parts


def fixed(evidence: Evidence) -> Finding:
    """Eigenvalue of a degree over those of its neighbours, smallest over the degrees that double precision resolves."""
    cube = evidence.cubes["depth_spectrum"].sel(activation="relu")
    parts, shallow = (_weakest_degrees(cube.sel(depth=depth), cube.sel(depth=2)) for depth in (2, 1))
    last = reach(cube.sel(depth=2))
    reaches = ", ".join(f"{int(last.sel(dimension=d))} (d = {int(d)})" for d in cube.dimension.values)
    return measured(
        parts,
        "Eigenvalue over the geometric mean of those of the degrees before and after, smallest over the degrees up to "
        f"{reaches}. By theory (our reading, not measured) no later degree vanishes, and a kernel on the sphere in whose space "
        "all degrees are is dense in the continuous functions.",
        controls={"one_layer": shallow},
    )


def _weakest_degrees(cube: xr.Dataset, deep: xr.Dataset) -> dict[str, Estimate]:
    """Smallest eigenvalue relative to its neighbours, per dimension, within what is resolved for a deeper kernel."""
    parts = {}
    for dimension in cube.dimension.values.tolist():
        last = int(reach(deep.sel(dimension=dimension)))
        chosen = cube.sel(dimension=dimension, degree=slice(0, last))
        middle = slice(1, -1)
        values, errors = chosen["eigenvalue"].values, chosen["eigenvalue_error"].values
        around = np.sqrt(np.abs(values[:-2] * values[2:])) + errors[:-2] + errors[2:]
        ratios, error = values[middle] / around, errors[middle] / around
        place = int(np.argmin(ratios))
        parts[f"d = {dimension}"] = exact(float(ratios[place]), float(error[place]))
    return parts


# ---- separation


def separation(evidence: Evidence) -> Finding:
    """Exponent of the dimension in the largest ratio of norms over the even harmonics, at depth 4."""
    cube = evidence.cubes["separation"]
    factors = separation_factor(cube)
    norms = exponent(resolved(cube).sel(degree=2) ** -0.5, "dimension")
    return measured(
        _dimension_exponent(factors.sel(depth=4)),
        f"Computed for d from {int(cube.dimension.min())} to {int(cube.dimension.max())}: the norm at depth 1 is at most "
        f"{float(factors.sel(depth=4).max()):.2f} times that at depth 4, over all d and even degrees up to "
        f"{int(cube.degree.max())}. The norm of the second harmonic itself grows with d by exponents from "
        f"{float(norms.min()):.2f} to {float(norms.max()):.2f} over the depths.",
        controls={"two_layers": _dimension_exponent(factors.sel(depth=2))},
    )


def _dimension_exponent(factors: xr.DataArray) -> Estimate:
    """Exponent of the dimension; the ends of its range are known to the resolution of an eigenvalue."""
    span = float(np.log(factors.dimension.max() / factors.dimension.min()))
    return exact(float(exponent(factors, "dimension")), 2.0 * RESOLVED / span)


def separation_exists(evidence: Evidence) -> Finding:
    """Norm of the ReLU's third harmonic at depth 1 over that at depth L, over d^(L / 2)."""
    cube = evidence.cubes["separation"]
    parts = _excesses(cube.sel(degree=[3]))
    erf = _excesses(evidence.cubes["depth_spectrum"].sel(activation="erf"))
    return measured(
        parts,
        "Lower bound of the norm at depth 1 over that at depth L, over d^(L / 2), for the third harmonic of the ReLU, whose norm "
        f"at depth 1 double precision cannot tell from infinite: at least {min(e.value for e in parts.values()):.2g}. For the "
        f"erf the best of the degrees that are resolved has at least {min(e.value for e in erf.values()):.2g}; by the claim "
        "depth_strict_erf it grows with the degree. One harmonic is enough for the statement.",
        controls={"second_harmonic": _excesses(cube.sel(degree=[2]))},
    )


def _excesses(cube: xr.Dataset) -> dict[str, Estimate]:
    """Lower bounds of the largest ratio of norms over d^(L / 2), per dimension and depth."""
    eigenvalues, errors = cube["eigenvalue"], cube["eigenvalue_error"]
    first = (abs(eigenvalues) + errors).sel(depth=1)
    bound = (((eigenvalues - errors).clip(min=0.0) / first) ** 0.5).where(resolved(cube).notnull()).max("degree")
    over = bound / cube.dimension ** (0.5 * cube.depth)
    return {
        f"d = {d}, L = {depth}": exact(float(over.sel(dimension=d, depth=depth)))
        for d in cube.dimension.values.tolist()
        for depth in cube.depth.values[1:].tolist()
    }


# ---- universality


def limit(evidence: Evidence) -> Finding:
    """Smallest largest error on two points, at the greatest depth, for a function that a space may be unable to follow."""
    cube = evidence.cubes["two_points"]
    last = cube["distance"].isel(depth=-1)
    parts = {
        "ReLU, two points of the sphere": _distance(last, "relu", "sphere"),
        "ReLU, two points of one ray": _distance(last, "relu", "ray"),
        "erf, two points of the sphere": _distance(last, "erf", "sphere"),
    }
    over = cube["distance"].sel(bias_variance=0.0)
    spread = float(abs(over - over.isel(depth=-1)).max())
    return measured(
        parts,
        f"Smallest largest error over the space, at depth {int(cube.depth.max())}, on x and -x for the constant 1, and on x and "
        f"2 x for a function that is 1 and 0: {', '.join(f'{e.value:.3f} ({part})' for part, e in parts.items())}. Over depths "
        f"from {int(cube.depth.min())} on it changes by at most {spread:.1e}.",
        controls={"linear": _distance(last, "identity", "ray")},
        references={"bias": _distance(last, "relu", "ray", bias=float(cube.bias_variance.max()))},
    )


def _distance(distances: xr.DataArray, activation: str, domain: str, *, bias: float = 0.0) -> Estimate:
    """A computed distance."""
    return exact(float(distances.sel(activation=activation, domain=domain, bias_variance=bias)), 1e-9)
