"""The exponential function and the hyperbolic tangent of 16 numbers in single precision, inside compiled loops.

Both are within 1.5 units in the last place; a test compares them with double precision.
"""

from math import e, factorial, log, log2
from typing import Any

from llvmlite import ir

from initatlas.vectors import SINGLE

_LOG_2_HIGH = 0.693359375
"""The logarithm of 2 to 12 bits, so that products with small whole numbers are exact."""

_LARGEST, _SMALLEST = 88.3, -87.3
"""Beyond them the exponential counts as infinite or zero."""

_BIAS, _PLACES = 127, 23
"""Of the exponent of a number in single precision."""

_NEAR = 0.6
"""Where a polynomial takes over: for small arguments, the exponential loses digits."""

_TANH = (-0.333333332, 0.133333129, -0.0539615518, 0.021788322, -0.0084100708, 0.00237076564)
"""(tanh(x) / x - 1) / x^2 as a polynomial of x^2 on [0, 0.36], by interpolation at Chebyshev points."""


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """A polynomial, constant term first."""
    value = SINGLE.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = SINGLE.times_plus(builder, value, x, SINGLE.constant(coefficient))
    return value


def exponential(builder: Any, x: Any) -> Any:
    """Write the code for exp(x): 2^n exp(r) with a whole n and |r| <= log(2) / 2."""
    inside = builder.and_(
        builder.fcmp_ordered("<", x, SINGLE.constant(_LARGEST)),
        builder.fcmp_ordered(">", x, SINGLE.constant(_SMALLEST)),
    )
    calm = builder.select(inside, x, SINGLE.zero)
    n = SINGLE.nearest_whole(builder, builder.fmul(calm, SINGLE.constant(log2(e))))
    minus = builder.fneg(n)
    r = SINGLE.times_plus(builder, minus, SINGLE.constant(_LOG_2_HIGH), calm)
    r = SINGLE.times_plus(builder, minus, SINGLE.constant(log(2.0) - _LOG_2_HIGH), r)
    whole = ir.VectorType(ir.IntType(32), SINGLE.lanes)
    exponent = builder.add(builder.fptosi(n, whole), ir.Constant(whole, [_BIAS] * SINGLE.lanes))
    scale = builder.bitcast(builder.shl(exponent, ir.Constant(whole, [_PLACES] * SINGLE.lanes)), SINGLE.kind)
    value = builder.fmul(_polynomial(builder, r, tuple(1.0 / factorial(k) for k in range(8))), scale)
    outside = builder.select(
        builder.fcmp_ordered("<", x, SINGLE.zero), SINGLE.zero, builder.fmul(x, SINGLE.constant(float("inf")))
    )
    return builder.select(inside, value, outside)


def hyperbolic_tangent(builder: Any, x: Any) -> Any:
    """Write the code for tanh(x): 1 - 2 / (exp(2 |x|) + 1) with the sign of x, or a polynomial where x is small."""
    size = SINGLE.size(builder, x)
    one, two = SINGLE.constant(1.0), SINGLE.constant(2.0)
    power = exponential(builder, builder.fmul(size, two))
    far = builder.fsub(one, builder.fdiv(two, builder.fadd(power, one)))
    square = builder.fmul(x, x)
    cube = builder.fmul(builder.fmul(square, x), _polynomial(builder, square, _TANH))
    near = builder.fcmp_ordered("<", size, SINGLE.constant(_NEAR))
    return builder.select(near, builder.fadd(x, cube), SINGLE.with_sign(builder, far, x))
