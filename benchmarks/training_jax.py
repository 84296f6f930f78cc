"""Training of many multilayer perceptrons in JAX as a competitor, compiled, in an environment of its own.

`make bench-jax` makes that environment, with the newest JAX. The process is held to one core.
"""

import json
import os
import sys

import numpy as np


def serve() -> None:
    """Answer requests: arrays and settings prepare the compiled training of a stack, an empty request runs it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    from jax import numpy as jnp

    run = None
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            arrays = dict(np.load(request["arrays"]))
            x, y, chosen = jnp.asarray(arrays["x"]), jnp.asarray(arrays["y"]), jnp.asarray(arrays["chosen"])
            layers, rate = request["layers"], request["rate"]
            start = [(jnp.asarray(arrays[f"w{i}"]), jnp.asarray(arrays[f"b{i}"])) for i in range(layers)]

            def loss(network, x, y):
                for place, (weights, biases) in enumerate(network):
                    x = x @ weights.T + biases
                    x = jax.nn.relu(x) if place < len(network) - 1 else x
                return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1))

            def train(network, batches, x=x, y=y, rate=rate, loss=loss):
                def step(network, batch):
                    slopes = jax.grad(loss)(network, x[batch], y[batch])
                    return jax.tree.map(lambda value, slope: value - rate * slope, network, slopes), None

                network, _ = jax.lax.scan(step, network, batches)
                return loss(network, x, y)

            together = jax.jit(jax.vmap(train))

            def run(together=together, start=start, chosen=chosen):
                return float(together(start, chosen).sum())

            print(0.0, flush=True)
        else:
            print(run(), flush=True)


if __name__ == "__main__":
    serve()
