"""Gradient descent of one wide network in JAX as a competitor, compiled, in an environment of its own.

`make bench-jax` makes that environment, with the newest JAX. The process is held to one core.
"""

import json
import os
import sys

import numpy as np


def serve() -> None:
    """Answer requests: arrays and settings prepare a compiled descent, an empty request runs it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    from jax import numpy as jnp

    run, start = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            arrays = {name: jnp.asarray(values, jnp.float32) for name, values in np.load(request["arrays"]).items()}
            x, y, start = arrays["x"], arrays["y"], (arrays["w"], arrays["v"])
            scale, rate, epochs = request["scale"], request["rate"], request["epochs"]

            def loss(network, x=x, y=y, scale=scale):
                weights, outputs = network
                return 0.5 * jnp.mean((scale * jax.nn.relu(x @ weights.T) @ outputs - y) ** 2)

            def descend(network, loss=loss, rate=rate, epochs=epochs):
                def step(network, _):
                    gradient = jax.grad(loss)(network)
                    return jax.tree.map(lambda value, slope: value - rate * slope, network, gradient), None

                return loss(jax.lax.scan(step, network, None, length=epochs)[0])

            run = jax.jit(descend)
            print(0.0, flush=True)
        else:
            print(float(run(start)), flush=True)


if __name__ == "__main__":
    serve()
