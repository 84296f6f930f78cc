"""An experiment that can fail in every way. A file `cured` in the folder of a sweep heals its points."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from pydantic import Field

from initatlas.sweeps.experiment import Experiment, Output, Parameters


class FaultsParameters(Parameters):
    number: int = Field(default=0, description="what the point returns")
    fault: str = Field(default="", description="what goes wrong; see _value")
    at: int = Field(default=-1, description="number of the point with the fault")
    folder: str = Field(default="", description="where the points leave a note that they ran")
    nap: float = Field(default=0.0, ge=0, description="seconds that the point sleeps")
    cost: float = Field(default=0.0, ge=0, description="seconds that the point claims to need")


def _run(points, rngs, data):
    return [{"drawn": rng.standard_normal(), **_value(point)} for point, rng in zip(points, rngs, strict=True)]


def _value(point):
    time.sleep(point.nap)
    attempts = _note(point)
    if point.number != point.at or (point.folder and Path(point.folder, "cured").exists()):
        return {"value": float(point.number)}
    if point.fault == "nothing":
        return {}
    if point.fault == "shape":
        return {"value": [1.0, 2.0]}
    if point.fault == "kill" or (point.fault == "kill once" and attempts == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if point.fault == "leave":
        os._exit(3)
    if point.fault == "segfault":
        ctypes.string_at(0)
    if point.fault == "exit":
        sys.exit("no more")
    if point.fault == "raise":
        raise ValueError(f"number {point.number} is bad\nand this is a second line")
    if point.fault == "wordless":
        raise KeyError
    return {"value": float("nan") if point.fault == "nan" else float(point.number)}


def _note(point):
    """Leave one line per run of the point, and return how many there are."""
    if not point.folder:
        return 0
    path = Path(point.folder, f"{point.number}.ran")
    with path.open("a") as handle:
        handle.write("ran\n")
    return len(path.read_text().splitlines())


EXPERIMENT = Experiment(
    summary="Points that fail on demand.",
    parameters=FaultsParameters,
    outputs=(Output("value", "the number of the point"), Output("drawn", "a random number")),
    run=_run,
    seconds=lambda parameters: parameters.cost,
)
