"""Univariate regression: noisy values of a function on an interval.

The workflow reads `UnivariateSpec` at every parse, so what needs numpy imports it inside.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from initatlas.datasets.specs import Count, Number, Seed, Spec, Strength

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from initatlas.datasets.vector_set import Vectors

    Doubles = NDArray[np.float64]

Positive = Annotated[float, Field(gt=0.0, strict=True)]
Several = Annotated[int, Field(ge=1, le=10_000, strict=True)]


class Sine(Spec):
    """Amplitude times sin(pi frequency x + phase)."""

    name: Literal["sine"] = Field(default="sine", description="amplitude sin(pi frequency x + phase)")
    amplitude: Number = Field(default=1.0, description="Largest value.")
    frequency: Number = Field(default=1.0, description="Half-periods per unit of x.")
    phase: Number = Field(default=0.0, description="Phase, in radians.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        values: Doubles = self.amplitude * np.sin(np.pi * self.frequency * x + self.phase)
        return values


class Step(Spec):
    """One value left of a point, another one from it on."""

    name: Literal["step"] = Field(default="step", description="a jump")
    at: Number = Field(default=0.0, description="Where it jumps.")
    left: Number = Field(default=-1.0, description="Value left of the jump.")
    right: Number = Field(default=1.0, description="Value from the jump on.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        return np.where(x < self.at, self.left, self.right)


class Sawtooth(Spec):
    """Straight up from -amplitude to amplitude in every period, then a jump down."""

    name: Literal["sawtooth"] = Field(default="sawtooth", description="rises from -amplitude to amplitude, then jumps")
    period: Positive = Field(default=3.0, description="Length of a period.")
    amplitude: Number = Field(default=1.0, description="Largest value.")
    shift: Number = Field(default=0.0, description="Where a period begins.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        values: Doubles = self.amplitude * (2.0 * np.mod((x - self.shift) / self.period, 1.0) - 1.0)
        return values


class Triangle(Spec):
    """Straight up and down between -amplitude and amplitude, which begins and ends below."""

    name: Literal["triangle"] = Field(default="triangle", description="up and down, from -amplitude at both ends")
    peaks: Several = Field(default=4, description="Number of peaks in the interval.")
    amplitude: Number = Field(default=1.0, description="Largest value.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        phase = self.peaks * (x - low) / (high - low)
        values: Doubles = self.amplitude * (1.0 - 4.0 * np.abs(phase - np.floor(phase) - 0.5))
        return values


class Arches(Spec):
    """Parabolas of one width, above and below zero by turns: a piecewise polynomial whose slope does not jump."""

    name: Literal["arches"] = Field(default="arches", description="parabolas above and below zero by turns")
    pieces: Several = Field(default=5, description="Number of parabolas in the interval; the first one is above zero.")
    amplitude: Number = Field(default=2.0, description="Largest value.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        along = self.pieces * (x - low) / (high - low)
        piece = np.floor(along)
        share = along - piece
        values: Doubles = self.amplitude * 4.0 * share * (1.0 - share) * np.where(piece % 2 == 0, 1.0, -1.0)
        return values


class Polynomial(Spec):
    """A polynomial in x."""

    name: Literal["polynomial"] = Field(default="polynomial", description="a polynomial")
    coefficients: tuple[Number, ...] = Field(
        default=(0.0, 0.0, 0.5), min_length=1, description="Coefficients of 1, x, x^2, ...; by default x^2 / 2."
    )

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np
        from numpy.polynomial.polynomial import polyval

        return np.asarray(polyval(x, [*self.coefficients]), dtype=np.float64)


class Elementary(Spec):
    """The exponential, the arcus tangens, or another elementary function, of x times a scale."""

    name: Literal["exp", "arctan", "sin", "abs", "tanh"] = Field(description="that function of scale x")
    scale: Number = Field(default=1.0, description="Factor of x.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        values: Doubles = getattr(np, self.name)(self.scale * x)
        return values


class Chirp(Spec):
    """A sine whose frequency grows with the distance from 0."""

    name: Literal["chirp"] = Field(default="chirp", description="sin(scale x^2)")
    scale: Number = Field(default=1.0, description="Factor of x^2.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        values: Doubles = np.sin(self.scale * x**2)
        return values


class PiecewiseLinear(Spec):
    """Straight lines between given points, and constant beyond them."""

    name: Literal["piecewise_linear"] = Field(default="piecewise_linear", description="straight between `points`")
    points: tuple[tuple[Number, Number], ...] = Field(
        min_length=2, description="Points [x, y] that it goes through, by increasing x."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        """Refuse points that are not in order."""
        at = [x for x, _ in self.points]
        if sorted(set(at)) != at:
            raise ValueError(f"'points' have x = {at}: give each x once, in increasing order")
        return self

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        at, heights = np.array(self.points).T
        values: Doubles = np.interp(x, at, heights)
        return values


class Spikes(Spec):
    """Straight lines between evenly spaced knots with random values, both ends of the interval included."""

    name: Literal["spikes"] = Field(
        default="spikes", description="straight between evenly spaced knots of random value"
    )
    knots: Annotated[int, Field(ge=2, le=10_000, strict=True)] = Field(default=22, description="Number of knots.")
    height: Positive = Field(default=2.0, description="Values at the knots are uniform between -height and height.")
    seed: Seed = Field(default=0, description="Seed of the values at the knots.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function."""
        import numpy as np

        heights = np.random.default_rng([self.seed, self.knots]).uniform(-self.height, self.height, self.knots)
        values: Doubles = np.interp(x, np.linspace(low, high, self.knots), heights)
        return values


class CubicSpline(Spec):
    """The natural cubic spline through evenly spaced knots with random values, both ends of the interval included."""

    name: Literal["cubic_spline"] = Field(
        default="cubic_spline", description="natural cubic spline through evenly spaced knots of random value"
    )
    knots: Annotated[int, Field(ge=3, le=1000, strict=True)] = Field(default=6, description="Number of knots.")
    height: Positive = Field(default=2.0, description="Values at the knots are uniform between -height and height.")
    seed: Seed = Field(default=0, description="Seed of the values at the knots.")

    def values(self, x: "Doubles", low: float, high: float) -> "Doubles":
        """The function; beyond the ends its last cubic."""
        import numpy as np
        from scipy import interpolate

        heights = np.random.default_rng([self.seed, self.knots]).uniform(-self.height, self.height, self.knots)
        spline = interpolate.CubicSpline(np.linspace(low, high, self.knots), heights, bc_type="natural")
        values: Doubles = spline(x)
        return values


Target = Annotated[
    Sine
    | Step
    | Sawtooth
    | Triangle
    | Arches
    | Polynomial
    | Elementary
    | Chirp
    | PiecewiseLinear
    | Spikes
    | CubicSpline,
    Field(discriminator="name"),
]
TARGETS = (Sine, Step, Sawtooth, Triangle, Arches, Polynomial, Elementary, Chirp, PiecewiseLinear, Spikes, CubicSpline)
"""The functions, in the order of the reference."""


class UnivariateSpec(Spec):
    """Noisy values of a function on an interval."""

    kind: Literal["univariate"] = Field(
        default="univariate", description="Regression on an interval: noisy values of a function."
    )
    target: Target = Field(
        default=Sine(), description="The function: its `name`, and the keys of that name, see below."
    )
    low: Number = Field(default=-1.0, description="Left end of the interval.")
    high: Number = Field(default=1.0, description="Right end of the interval.")
    gaps: tuple[tuple[Number, Number], ...] = Field(
        default=(), description="Open intervals [from, to] without training samples; test samples lie there too."
    )
    sampling: Literal["uniform", "grid"] = Field(
        default="uniform", description="Training inputs: drawn uniformly, or evenly spaced with both ends."
    )
    train: Count = Field(default=100, description="Number of training samples.")
    test: Count = Field(
        default=1000, description="Number of test samples, evenly spaced with both ends, without noise."
    )
    noise: Strength = Field(default=0.0, description="Standard deviation of Gaussian noise in the training targets.")
    seed: Seed = Field(default=0, description="Seed of the training inputs and of the noise.")

    @model_validator(mode="after")
    def _check_intervals(self) -> Self:
        """Refuse an empty data set, an empty interval, and gaps that leave nothing or lie outside."""
        if self.train + self.test == 0:
            raise ValueError("'train' and 'test' are both 0: ask for at least one sample")
        if not self.low < self.high:
            raise ValueError(f"'low' is {self.low} and 'high' {self.high}: give low < high")
        ends = [self.low, *(end for gap in self.gaps for end in gap), self.high]
        if sorted(ends) != ends or any(left >= right for left, right in self.gaps):
            raise ValueError(f"'gaps' are {[[*gap] for gap in self.gaps]}: give intervals inside [low, high], in order")
        if self.gaps and not any(left < right for left, right in self.pieces()):
            raise ValueError("'gaps' leave no room for a training sample")
        return self

    def pieces(self) -> list[tuple[float, float]]:
        """The interval without the gaps, from left to right."""
        ends = [self.low, *(end for gap in self.gaps for end in gap), self.high]
        return [*zip(ends[::2], ends[1::2], strict=True)]


def load(name: str, spec: UnivariateSpec) -> "Vectors":
    """Draw a data set.

    Parameters
    ----------
    name
        The data set's name.
    spec
        The function, the interval, the numbers of samples, the noise and the seed.

    Returns
    -------
    Vectors
        One feature and one output.
    """
    import numpy as np

    from initatlas.datasets.vector_set import joined

    rng = np.random.default_rng(spec.seed)
    places = np.linspace(0.0, 1.0, spec.train) if spec.sampling == "grid" else rng.random(spec.train)
    train, test = _outside_gaps(places, spec), np.linspace(spec.low, spec.high, spec.test)
    splits = [(x[:, None], spec.target.values(x, spec.low, spec.high)[:, None]) for x in (train, test)]
    noise = spec.noise * rng.standard_normal((spec.train, 1))
    return joined(name, *splits, noise=noise, source=f"{spec.target.name} on [{spec.low:g}, {spec.high:g}]")


def _outside_gaps(places: "Doubles", spec: UnivariateSpec) -> "Doubles":
    """Points of the interval without its gaps, from places in [0, 1] along what is left of it."""
    import numpy as np

    pieces = np.array(spec.pieces())
    lengths = pieces[:, 1] - pieces[:, 0]
    begins = np.concatenate([[0.0], np.cumsum(lengths)])
    along = places * begins[-1]
    piece = np.clip(np.searchsorted(begins, along, side="right") - 1, 0, len(pieces) - 1)
    points: Doubles = np.minimum(pieces[piece, 0] + along - begins[piece], pieces[piece, 1])
    return points
