"""A toy experiment whose points cost what one asks for; it must be importable on every worker."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters

SECONDS_PER_REPEAT = 8e-6
"""What a repeat of `work` costs, roughly; the engine sizes its batches by it."""


class ToyParameters(Parameters):
    """One point."""

    index: int = Field(default=0, description="number of the point")
    repeats: int = Field(default=0, description="how much work it is")


def work(repeats: int, index: int) -> float:
    """Sum sines of a thousand numbers, some times over."""
    angles = np.linspace(0.0, 1.0, 1000) + index
    return sum(float(np.sin(angles + repeat).sum()) for repeat in range(repeats))


def _run(points: Sequence[ToyParameters], rngs: Sequence[np.random.Generator], data: object) -> list[dict[str, Any]]:
    """Work through the points one by one."""
    return [{"total": work(point.repeats, point.index)} for point in points]


EXPERIMENT = Experiment(
    summary="Sums of sines.",
    parameters=ToyParameters,
    outputs=(Output("total", "sum of sines"),),
    run=_run,
    seconds=lambda point: SECONDS_PER_REPEAT * point.repeats,
    megabytes=lambda point: 0.1,
)
