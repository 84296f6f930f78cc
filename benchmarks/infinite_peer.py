"""Prediction by neural-tangents as a competitor: what runs in an environment of its own, with a jax that it works with.

`make bench-oracle` makes that environment. The process is held to one core.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.neural_tangents import without_tensorflow


def serve() -> None:
    """Answer requests: arrays and settings prepare a prediction, an empty request makes it and writes it to a file."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    without_tensorflow()
    import jax
    from neural_tangents import predict, stax

    jax.config.update("jax_enable_x64", True)
    call, output = None, ""
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            arrays = {name: jax.device_put(values) for name, values in np.load(request["arrays"]).items()}
            layers = [layer for _ in range(request["depth"]) for layer in (stax.Dense(1, 2**0.5), stax.Relu())]
            _, _, kernel = stax.serial(*layers, stax.Dense(1, 1.0))
            compiled, output = jax.jit(kernel, static_argnames="get"), request["output"]

            def call(kernel=compiled, arrays=arrays, settings=request):
                trained = predict.gradient_descent_mse_ensemble(
                    kernel,
                    arrays["x"],
                    arrays["y"],
                    diag_reg=settings["ridge"],
                    diag_reg_absolute_scale=True,
                )
                return trained(t=settings["time"], x_test=arrays["other"], get="ntk")

            print(0.0, flush=True)
        else:
            values = np.asarray(jax.block_until_ready(call()))
            np.save(output, values)
            print(float(values.sum()), flush=True)


if __name__ == "__main__":
    serve()
