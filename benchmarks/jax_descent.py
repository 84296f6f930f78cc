"""Gradient descent in JAX as a competitor: networks under vmap, epochs under scan, compiled, in an environment of its own.

`make bench-jax` makes that environment, with the newest JAX. The process is held to one core.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

PYTHON = Path(__file__).parents[1] / ".venv-jax" / "bin" / "python"


def serve() -> None:
    """Answer requests: arrays and settings prepare a compiled descent, an empty request runs it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    run, parameters = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            arrays = {name: jnp.asarray(values) for name, values in np.load(request["arrays"]).items()}
            x, y = arrays.pop("x"), arrays.pop("y")
            layers, rate, epochs = len(arrays) // 2, request["learning_rate"], request["epochs"]
            parameters = [(arrays[f"w{place}"], arrays[f"b{place}"]) for place in range(layers)]

            def loss(network, x=x, y=y):
                signal = x[:, None]
                for weights, biases in network[:-1]:
                    signal = jax.nn.relu(signal @ weights.T + biases)
                weights, biases = network[-1]
                return 0.5 * jnp.sum(((signal @ weights.T + biases)[:, 0] - y) ** 2)

            def descend(network, loss=loss, rate=rate, epochs=epochs):
                def step(network, _):
                    gradient = jax.grad(loss)(network)
                    return jax.tree.map(lambda value, slope: value - rate * slope, network, gradient), None

                return loss(jax.lax.scan(step, network, None, length=epochs)[0])

            run = jax.jit(jax.vmap(descend))
            print(0.0, flush=True)
        else:
            print(float(jnp.sum(run(parameters))), flush=True)


if __name__ == "__main__":
    serve()
