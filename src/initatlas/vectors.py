"""Code for vectors as wide as the widest registers, inside compiled loops.

A loop that numba vectorises by itself gets half the width of the registers on most machines that have the widest ones, and sums
that should stay in registers go through memory. Loops whose every cycle counts say here what they want instead, as functions that
write LLVM's code; on machines with shorter registers LLVM splits the vectors.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic


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


class Vectors:
    """Vectors of 64 bytes.

    Parameters
    ----------
    number
        LLVM's type of a number.
    bytes_of_a_number
        Its size.
    name
        LLVM's short name of it.

    Attributes
    ----------
    lanes
        Numbers in a vector.
    kind
        LLVM's type of a vector.
    zero
        A vector of zeros.
    """

    def __init__(self, number: Any, bytes_of_a_number: int, name: str) -> None:
        self.lanes = 64 // bytes_of_a_number
        self.kind = ir.VectorType(number, self.lanes)
        self.zero = ir.Constant(self.kind, [0.0] * self.lanes)
        self._bytes_of_a_number, self._name = bytes_of_a_number, f"v{self.lanes}{name}"

    def load(self, builder: Any, start: Any, at: Any) -> Any:
        """The vector that begins at a number of an array."""
        vector = builder.load(self._place(builder, start, at))
        vector.align = self._bytes_of_a_number
        return vector

    def store(self, builder: Any, vector: Any, start: Any, at: Any) -> None:
        """Put a vector to where `load` finds it."""
        builder.store(vector, self._place(builder, start, at)).align = self._bytes_of_a_number

    def _place(self, builder: Any, start: Any, at: Any) -> Any:
        """Pointer to a vector."""
        return builder.bitcast(builder.gep(start, [at]), self.kind.as_pointer())

    def spread(self, builder: Any, start: Any, at: Any) -> Any:
        """One number of an array in all lanes."""
        return self.filled(builder, builder.load(builder.gep(start, [at])))

    def filled(self, builder: Any, number: Any) -> Any:
        """A number in all lanes."""
        nothing = ir.Constant(self.kind, ir.Undefined)
        index = ir.IntType(32)
        first = builder.insert_element(nothing, number, index(0))
        return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(index, self.lanes), [0] * self.lanes))

    def variable(self, builder: Any) -> Any:
        """Pointer to a vector of zeros; LLVM keeps it in a register where it can."""
        return cgutils.alloca_once_value(builder, self.zero)  # type: ignore[no-untyped-call]

    def times_plus(self, builder: Any, factor: Any, other: Any, summand: Any) -> Any:
        """Product plus summand, rounded once where the machine can."""
        return self._called(builder, "fmuladd", factor, other, summand)

    def _called(self, builder: Any, name: str, *vectors: Any) -> Any:
        """A function of LLVM's."""
        kind = ir.FunctionType(self.kind, [self.kind] * len(vectors))
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, f"llvm.{name}.{self._name}"
        )
        return builder.call(function, vectors)

    def total(self, builder: Any, vector: Any) -> Any:
        """Sum over the lanes, by halves: always in the same order."""
        return self._folded(builder, vector, builder.fadd)

    def largest(self, builder: Any, vector: Any) -> Any:
        """Largest number of the lanes, if none is NaN."""
        return self._folded(
            builder, vector, lambda one, other: builder.select(builder.fcmp_ordered(">", one, other), one, other)
        )

    def _folded(self, builder: Any, vector: Any, put_together: Callable[[Any, Any], Any]) -> Any:
        """One number from all lanes, by halves."""
        index, lanes = ir.IntType(32), self.lanes
        nothing = ir.Constant(self.kind, ir.Undefined)
        while lanes > 1:
            lanes //= 2
            order = [(lane + lanes) % self.lanes for lane in range(self.lanes)]
            moved = builder.shuffle_vector(vector, nothing, ir.Constant(ir.VectorType(index, self.lanes), order))
            vector = put_together(vector, moved)
        return builder.extract_element(vector, index(0))

    def constant(self, value: float) -> Any:
        """A constant in all lanes."""
        return ir.Constant(self.kind, [value] * self.lanes)

    def root(self, builder: Any, vector: Any) -> Any:
        """Square roots."""
        return self._called(builder, "sqrt", vector)

    def nearest_whole(self, builder: Any, vector: Any) -> Any:
        """Nearest whole numbers, halves to even."""
        return self._called(builder, "rint", vector)

    def size(self, builder: Any, vector: Any) -> Any:
        """Absolute values."""
        return self._called(builder, "fabs", vector)

    def with_sign(self, builder: Any, vector: Any, signs: Any) -> Any:
        """The numbers with the signs of others."""
        return self._called(builder, "copysign", vector, signs)

    def is_positive(self, builder: Any, vector: Any) -> Any:
        """A flag for every lane; NaN counts as positive, so that it stays."""
        return builder.fcmp_unordered(">", vector, self.zero)

    def bits(self, builder: Any, flags: Any) -> Any:
        """Flags as one number, the first lane's being its lowest bit."""
        return builder.bitcast(flags, ir.IntType(self.lanes))

    def store_flags(self, builder: Any, flags: Any, start: Any, at: Any) -> None:
        """Put flags into one number, of as many bits, of an array."""
        builder.store(self.bits(builder, flags), builder.gep(start, [at]))

    def load_flags(self, builder: Any, start: Any, at: Any) -> Any:
        """The flags of `store_flags`."""
        return builder.bitcast(builder.load(builder.gep(start, [at])), ir.VectorType(ir.IntType(1), self.lanes))


SINGLE = Vectors(ir.FloatType(), 4, "f32")
"""Of 16 numbers in single precision."""

DOUBLE = Vectors(ir.DoubleType(), 8, "f64")
"""Of 8 numbers in double precision."""
