"""Cheap points that leave a line in a log whenever they are computed: an account of what was computed twice.

The log is named by an environment variable, so that it is no part of a point's identity.
"""

import os
import time
from pathlib import Path

from pydantic import Field

from initatlas.sweeps.batches import SECONDS_PER_BATCH
from initatlas.sweeps.experiment import Coordinate, Experiment, Output, Parameters

LOG_VARIABLE = "DRILL_LOG"
"""Beside the log a file may say how long every point naps: that changes no result, so that naps need not be repeated where
nothing is killed."""

SECONDS_HELD = 5.0
"""For how long a point holds its memory: whoever watches it looks every second or so."""

POINTS_PER_BATCH = 4
"""At most; where few points are left to run, the engine makes smaller batches."""


class DrillParameters(Parameters):
    number: int = Field(default=0, description="which point")
    length: int = Field(default=8, ge=1, description="length of the curve")


def _run(points, rngs, data):
    return [
        _result(point, rng, 0.0 if data is None else float(data.sum())) for point, rng in zip(points, rngs, strict=True)
    ]


def _result(point, rng, total):
    """Say that the point is begun, take its time, and draw its numbers."""
    _note(point.number)
    held = _held(point.number)
    time.sleep(SECONDS_HELD if held else _nap())
    return {"value": point.number + total, "drawn": rng.standard_normal(), "curve": rng.standard_normal(point.length)}


def _note(number):
    """Append the point and this process to the log; an append of a few bytes is never torn."""
    descriptor = os.open(os.environ[LOG_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{number} {os.getpid()}\n".encode())
    finally:
        os.close(descriptor)


def nap_file(log):
    """Where the length of a nap is written, as text in seconds."""
    return Path(f"{log}.nap")


def held_file(log):
    """Where a point that holds memory, while it takes its time, and so many megabytes are written, as text."""
    return Path(f"{log}.held")


def _held(number):
    """What a point holds."""
    try:
        holder, megabytes = map(int, held_file(os.environ[LOG_VARIABLE]).read_text().split())
    except FileNotFoundError:
        return b""
    return bytearray(b"x") * (megabytes * 10**6) if number == holder else b""


def _nap():
    """Seconds that a point sleeps."""
    try:
        return float(nap_file(os.environ[LOG_VARIABLE]).read_text())
    except FileNotFoundError:
        return 0.0


EXPERIMENT = Experiment(
    summary="Random numbers, with a log of the points that ran.",
    parameters=DrillParameters,
    outputs=(
        Output("value", "number of the point and sum of its data set"),
        Output("drawn", "a random number"),
        Output("curve", "random numbers along a line", dims=("place",)),
    ),
    run=_run,
    static=("length",),
    coordinates=lambda parameters: {"place": Coordinate(range(parameters.length), "place on the line")},
    seconds=lambda parameters: SECONDS_PER_BATCH / POINTS_PER_BATCH,
)
