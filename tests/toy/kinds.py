"""Outputs of every kind of number; one point can fail."""

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class KindsParameters(Parameters):
    number: int = Field(default=0, description="which point")
    at: int = Field(default=-1, description="number of the point that fails")


def _run(points, rngs, data):
    return [_result(point.number, point.at) for point in points]


def _result(number, at):
    if number == at:
        raise ValueError("fails")
    return {
        "flag": number % 2 == 0,
        "byte": number - 1,
        "large": 2**53 + number,
        "unsigned": 30000 - number,
        "single": 0.1 * number,
    }


EXPERIMENT = Experiment(
    summary="Numbers of every kind.",
    parameters=KindsParameters,
    outputs=(
        Output("flag", "whether the number is even", dtype="bool"),
        Output("byte", "the number minus one", dtype="int8"),
        Output("large", "the number and 2^53", dtype="int64"),
        Output("unsigned", "30000 minus the number", dtype="uint16"),
        Output("single", "a tenth of the number", dtype="float32"),
    ),
    run=_run,
)
