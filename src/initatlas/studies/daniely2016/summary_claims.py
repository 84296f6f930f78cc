"""Claims on what a summary of the paper prints: its formulas, its two listings and its table on depth."""

import numpy as np
import xarray as xr

from initatlas.experiments.printed_kernel import CHAINS
from initatlas.studies.claim import Estimate, Finding, measured
from initatlas.studies.daniely2016.measures import title
from initatlas.studies.evidence import Evidence
from initatlas.studies.statistics import by_part, confidence, exact, mean_interval, scaled, student_quantile

TEXT_DEPTHS = (1, 2, 3, 5, 10)
"""Depths at which the text's recursion is compared; deeper simulations scatter more than the margin allows."""


def erf(evidence: Evidence) -> Finding:
    """The printed covariance behind erf units over the simulated one, less 1."""
    point = _point(evidence, "erf", depth=1, angle=60)
    bare = float(point["printed"]) * np.pi / 2.0
    return _erratum(evidence, "erf", depth=1, angle=60, control=("without_factor", bare))


def first_listing(evidence: Evidence) -> Finding:
    """The first listing at depth 3."""
    return _listing(evidence, "first_listing", depth=3, angle=60)


def second_listing(evidence: Evidence) -> Finding:
    """The second listing at depth 40."""
    return _listing(evidence, "second_listing", depth=40, angle=0)


def _listing(evidence: Evidence, formula: str, *, depth: int, angle: int) -> Finding:
    """A listing of the ReLU's kernel; its control has weights that are 5 % too large in every layer."""
    right = float(_point(evidence, formula, depth=depth, angle=angle)["right"])
    control = ("heavy", right * 1.05 ** (2 * depth))
    return _erratum(evidence, formula, depth=depth, angle=angle, control=control)


def _erratum(evidence: Evidence, formula: str, *, depth: int, angle: int, control: tuple[str, float]) -> Finding:
    """A printed formula and the right one against the simulation."""
    point = _point(evidence, formula, depth=depth, angle=angle)
    printed, right = (float(point[name]) for name in ("printed", "right"))
    cube = evidence.cubes["errata"].sel(formula=formula, angle=angle)
    ratios = cube["printed"] / cube["right"]
    listed = ", ".join(f"{int(d)}: {float(ratios.sel(depth=d)):.3g}" for d in ratios.depth.values)
    return measured(
        _relative(printed, point),
        f"Printed kernel over a simulation, less 1, for unit inputs at {angle} degrees and depth {depth}. Printed over right by "
        f"depth: {listed}.",
        controls={control[0]: _relative(control[1], point)},
        references={"right": _relative(right, point)},
    )


def _point(evidence: Evidence, formula: str, *, depth: int, angle: int) -> xr.Dataset:
    """One point of the cube."""
    return evidence.cubes["errata"].sel(formula=formula, depth=depth, angle=angle)


def _relative(formula: float, point: xr.Dataset, *, parts: int = 1) -> Estimate:
    """A formula over the simulated kernel, less 1, with Student's interval over the chains."""
    mean = float(point["simulated"])
    reach = student_quantile(CHAINS, confidence(parts)) * float(point["standard_error"])
    low, high = sorted((formula / (mean + reach), formula / (mean - reach))) if mean > reach else (-np.inf, np.inf)
    return Estimate(formula / mean - 1.0, low - 1.0, high - 1.0, CHAINS)


def text(evidence: Evidence) -> Finding:
    """The text's recursion over a simulation, less 1, at several depths and angles."""
    cube = evidence.cubes["errata"]
    depths = [depth for depth in TEXT_DEPTHS if depth in cube.depth]
    places = [(depth, int(angle)) for depth in depths for angle in cube.angle.values]
    points = {place: _point(evidence, "text", depth=place[0], angle=place[1]) for place in places}
    parts = {
        f"depth {depth}, {angle} degrees": _relative(float(point["printed"]), point, parts=len(places))
        for (depth, angle), point in points.items()
    }
    first = points[depths[0], places[0][1]]
    exactly = cube.sel(formula="text")
    rounding = float(abs(exactly["printed"] / exactly["right"] - 1.0).max())
    return measured(
        parts,
        f"Printed recursion over a simulation, less 1. It differs from our own recursion by at most {rounding:.0e}, up to depth "
        f"{int(cube.depth.max())}.",
        controls={"without_half": _relative(2.0 * float(first["printed"]), first)},
    )


def returns(evidence: Evidence) -> Finding:
    """Share of the calls of the first listing that return."""
    returned = evidence.cubes["errata"]["returns"]
    first, second = (returned.sel(formula=name) for name in ("first_listing", "second_listing"))
    calls = first.where(first.angle > 0, drop=True)
    return measured(
        exact(float(calls.mean())),
        f"Share of {calls.size} calls with two different inputs that return. As we read it, the function calls itself with "
        "depth 1 for the variances at every layer, and that call does the same.",
        controls={"equal_inputs": exact(float(first.sel(angle=0).mean()))},
        references={"second_listing": exact(float(second.mean()))},
    )


def normalised(evidence: Evidence) -> Finding:
    """What one layer of the second listing keeps of the mean square."""
    kept, again = (_simulated(_point(evidence, name, depth=1, angle=0)) for name in ("second_listing", "text"))
    return measured(
        kept,
        f"Share of the mean square that a layer keeps at a weight variance of 1 / fan-in, which the listing's factor 1 / (2 pi) "
        f"stands for: {kept.value:.4f}. At 2 / fan-in it is {2.0 * again.value:.4f}, with draws of its own.",
        controls={"two_percent": scaled(kept, 2.04)},
        references={"he": scaled(again, 2.0)},
    )


def _simulated(point: xr.Dataset) -> Estimate:
    """A simulated kernel with Student's interval over the chains."""
    mean, reach = float(point["simulated"]), student_quantile(CHAINS) * float(point["standard_error"])
    return Estimate(mean, mean - reach, mean + reach, CHAINS)


def conditioning(evidence: Evidence) -> Finding:
    """Decimal logarithm of the condition number of a kernel's matrix, less that of twice the depth."""
    cube = evidence.cubes["universality"]
    parts, reverse = (_condition_gains(cube, sign=sign) for sign in (1.0, -1.0))
    listed = ", ".join(f"{estimate.value:.2f} ({part})" for part, estimate in parts.items())
    return measured(
        parts,
        f"How many decimal digits better conditioned a kernel of twice the depth is, {cube.sizes['seed']} samples of inputs: "
        f"{listed}.",
        controls={"reverse": reverse},
    )


def _condition_gains(cube: xr.Dataset, *, sign: float) -> dict[str, Estimate]:
    """Gains by activation and depth; with the sign -1 those of half the depth."""
    digits: xr.DataArray = xr.apply_ufunc(np.log10, cube["condition"])
    doubled = [int(depth) for depth in cube.layers.values if 2 * int(depth) in cube.layers.values]
    gains = {
        f"{title(name)}, depth {depth} to {2 * depth}": sign
        * (digits.sel(activation=name, layers=depth) - digits.sel(activation=name, layers=2 * depth))
        for name in cube.activation.values.tolist()
        for depth in doubled
    }
    return by_part(gains, mean_interval)


def depth_rate(evidence: Evidence) -> Finding:
    """Slope of the logarithm of the error against the depth."""
    cube = evidence.cubes["universality"]
    curves = {
        "ReLU, sum of four harmonics": cube["mixture_error"].sel(activation="relu"),
        "erf, third harmonic": cube["degree_error"].sel(activation="erf", degree=3),
    }
    best = ", ".join(f"{int(errors.mean('seed').idxmin())} ({part})" for part, errors in curves.items())
    return measured(
        by_part({part: _slope(errors) for part, errors in curves.items()}, mean_interval),
        f"Change per layer of the logarithm of the test error of ridgeless regression, depths {int(cube.layers.min())} to "
        f"{int(cube.layers.max())}, {cube.sizes['seed']} samples. The depth with the smallest error is {best}.",
        controls={"nothing": exact(float(_slope(0.0 * curves["ReLU, sum of four harmonics"] + 1.0).max()), 1e-12)},
    )


def _slope(errors: xr.DataArray) -> xr.DataArray:
    """Least-squares slope of the logarithm against the depth, per sample."""
    logs: xr.DataArray = xr.apply_ufunc(np.log, errors)
    centred = errors.layers - errors.layers.mean()
    slope: xr.DataArray = (centred * logs).sum("layers") / (centred**2).sum("layers")
    return slope
