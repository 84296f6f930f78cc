"""Code for vectors of 16 numbers in single precision, inside compiled loops.

A loop that numba vectorises by itself gets half the width of the registers on most machines that have the widest ones, and sums
that should stay in registers go through memory. Loops whose every cycle counts say here what they want instead, as functions that
write LLVM's code; on machines with shorter registers LLVM splits the vectors.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Numbers in a vector."""

_NUMBER = ir.FloatType()
_VECTOR = ir.VectorType(_NUMBER, LANES)
_FLAGS = ir.VectorType(ir.IntType(1), LANES)
_BITS = ir.IntType(LANES)
_BYTES_OF_A_NUMBER = 4

ZERO = ir.Constant(_VECTOR, [0.0] * LANES)


def written(writer: Callable[..., Any]) -> Any:
    """Decorator: a function for compiled loops, from one that gives its signature and writes its code.

    Parameters
    ----------
    writer
        Takes numba's typing context and the types of the arguments.
    """
    return intrinsic(writer)


def data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Pointer to the first number of an array, which lies in memory in one piece."""
    return context.make_array(kind)(context, builder, array).data


def load(builder: Any, start: Any, at: Any) -> Any:
    """The vector that begins at a number of an array."""
    vector = builder.load(_place(builder, start, at))
    vector.align = _BYTES_OF_A_NUMBER
    return vector


def store(builder: Any, vector: Any, start: Any, at: Any) -> None:
    """Put a vector to where `load` finds it."""
    builder.store(vector, _place(builder, start, at)).align = _BYTES_OF_A_NUMBER


def _place(builder: Any, start: Any, at: Any) -> Any:
    """Pointer to a vector."""
    return builder.bitcast(builder.gep(start, [at]), _VECTOR.as_pointer())


def spread(builder: Any, start: Any, at: Any) -> Any:
    """One number of an array in all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    index = ir.IntType(32)
    first = builder.insert_element(nothing, builder.load(builder.gep(start, [at])), index(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(index, LANES), [0] * LANES))


def variable(builder: Any) -> Any:
    """Pointer to a vector of zeros; LLVM keeps it in a register where it can."""
    return cgutils.alloca_once_value(builder, ZERO)  # type: ignore[no-untyped-call]


def times_plus(builder: Any, factor: Any, other: Any, summand: Any) -> Any:
    """Product plus summand, rounded once where the machine can."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, kind, f"llvm.fmuladd.v{LANES}f32"
    )
    return builder.call(function, [factor, other, summand])


def is_positive(builder: Any, vector: Any) -> Any:
    """A flag for every lane; NaN counts as positive, so that it stays."""
    return builder.fcmp_unordered(">", vector, ZERO)


def store_flags(builder: Any, flags: Any, start: Any, at: Any) -> None:
    """Put flags into one number of an array of 16 bits."""
    builder.store(builder.bitcast(flags, _BITS), builder.gep(start, [at]))


def load_flags(builder: Any, start: Any, at: Any) -> Any:
    """The flags of `store_flags`."""
    return builder.bitcast(builder.load(builder.gep(start, [at])), _FLAGS)
