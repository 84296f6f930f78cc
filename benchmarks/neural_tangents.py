"""neural-tangents as a competitor: what runs in an environment of its own, with a jax that it works with.

`make bench-oracle` makes that environment. The process is held to one core.
"""

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

PYTHON = Path(__file__).parents[1] / ".venv-oracle" / "bin" / "python"


def without_tensorflow() -> None:
    """Let neural-tangents be imported without its experimental part, which alone wants TensorFlow."""
    sys.modules["neural_tangents.experimental"] = ModuleType("neural_tangents.experimental")


def serve() -> None:
    """Answer requests, in the other environment: inputs and a depth prepare a function, an empty request calls it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    without_tensorflow()
    import jax
    from neural_tangents import stax

    jax.config.update("jax_enable_x64", True)
    call, inputs = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            inputs = jax.device_put(np.load(request["arrays"])["features"])
            layers = [layer for _ in range(request["depth"]) for layer in (stax.Dense(1, 2**0.5), stax.Relu())]
            _, _, kernel = stax.serial(*layers, stax.Dense(1, 1.0))
            call = jax.jit(lambda x, kernel=kernel: tuple(kernel(x, None, ("nngp", "ntk"))))
            print(0.0, flush=True)
        else:
            nngp, ntk = jax.block_until_ready(call(inputs))
            print(float(nngp[0, 0] + ntk[0, 0]), flush=True)


if __name__ == "__main__":
    serve()
