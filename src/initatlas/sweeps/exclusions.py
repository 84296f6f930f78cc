"""The exclusions of a sweep: which points of its grid are left out, without a walk through the grid."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

from initatlas.sweeps.spec import Axis, Sweep

Rule = Mapping[str, frozenset[Any]]
"""An exclusion: parameter to the values that it matches."""

Signature = tuple[bool, ...]
"""Of a position along an axis: whether it agrees with each exclusion in the parameters of the axis."""


class Exclusions:
    """The exclusions of a sweep.

    Parameters
    ----------
    sweep
        The resolved spec.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._rules: list[Rule] = [
            {parameter: frozenset(allowed) for parameter, allowed in rule.items()} for rule in sweep.exclude
        ]

    @cached_property
    def by_fixed(self) -> Signature:
        """Whether what all points share agrees with each exclusion; a parameter that nobody gives counts as null."""
        along = {parameter for axis in self._sweep.axes for parameter in axis.values}
        return tuple(
            all(
                self._sweep.fixed.get(parameter) in allowed
                for parameter, allowed in rule.items()
                if parameter not in along
            )
            for rule in self._rules
        )

    @cached_property
    def by_position(self) -> list[list[Signature]]:
        """The signature of every position, for each axis."""
        return [
            [tuple(_agrees(axis, position, rule) for rule in self._rules) for position in range(axis.size)]
            for axis in self._sweep.axes
        ]

    def excludes(self, index: Sequence[int]) -> bool:
        """Whether the point at a position of the grid, one number per axis, is left out."""
        if not self._rules:
            return False
        signatures = (along[position] for along, position in zip(self.by_position, index, strict=True))
        return any(map(all, zip(self.by_fixed, *signatures, strict=True)))

    def completed(self, options: Mapping[int, Sequence[int]]) -> tuple[int, ...] | None:
        """The first position of the grid that is not left out, among some; None if all of them are.

        Positions of an axis that agree with the same exclusions are looked at once, so the grid is never walked through.

        Parameters
        ----------
        options
            Number of an axis to its admitted positions; along the other axes all are.
        """
        allowed = [options.get(number, range(axis.size)) for number, axis in enumerate(self._sweep.axes)]
        if self._rules:
            allowed = [_unlike(along, admitted) for along, admitted in zip(self.by_position, allowed, strict=True)]
        elif all(allowed):
            return tuple(admitted[0] for admitted in allowed)
        return next((index for index in product(*allowed) if not self.excludes(index)), None)

    def idle(self) -> list[int]:
        """Numbers of the exclusions that match no point."""
        return [
            number
            for number in range(len(self._rules))
            if not self.by_fixed[number]
            or not all(any(signature[number] for signature in along) for along in self.by_position)
        ]


def _agrees(axis: Axis, position: int, rule: Rule) -> bool:
    """Whether a position of an axis agrees with what an exclusion says of its parameters."""
    return all(column[position] in rule[parameter] for parameter, column in axis.values.items() if parameter in rule)


def _unlike(along: Sequence[Signature], positions: Sequence[int]) -> list[int]:
    """The first position of each signature."""
    first: dict[Signature, int] = {}
    for position in positions:
        first.setdefault(along[position], position)
    return list(first.values())
