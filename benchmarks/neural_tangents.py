"""neural-tangents as a competitor: a process of another environment, with a jax that it works with.

`make bench-oracle` makes that environment. The process gets its inputs once per case and computes on demand, so that it can be
called in turns with the others; it is held to one core.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

PYTHON = Path(__file__).parents[1] / ".venv-oracle" / "bin" / "python"


class NeuralTangents:
    """The process, if its environment is there."""

    def __init__(self, process: "subprocess.Popen[str] | None") -> None:
        self._process = process

    @classmethod
    def start(cls, python: Path = PYTHON) -> Self:
        """Start the process; without its environment it is not available."""
        if not python.exists():
            return cls(None)
        command = [str(python), "-P", __file__]  # -P: this file must not pass for the package
        return cls(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        )

    @property
    def available(self) -> bool:
        """Whether it can be asked."""
        return self._process is not None

    def prepared(self, features: NDArray[Any], depth: int) -> Callable[[], float]:
        """Hand over the inputs of a case, and give the call that computes both kernels (and their sum, as a check)."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "features.npy"
            np.save(path, features)
            self._ask({"features": str(path), "depth": depth})
        return lambda: self._ask({})

    def _ask(self, request: dict[str, Any]) -> float:
        """Send one line and wait for the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process of neural-tangents has ended; try it by hand")
        return float(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def serve() -> None:
    """Answer requests, in the other environment: inputs and a depth prepare a function, an empty request calls it."""
    import os

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax
    from neural_tangents import stax

    jax.config.update("jax_enable_x64", True)
    call, inputs = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            inputs = jax.device_put(np.load(request["features"]))
            layers = [layer for _ in range(request["depth"]) for layer in (stax.Dense(1, 2**0.5), stax.Relu())]
            _, _, kernel = stax.serial(*layers, stax.Dense(1, 1.0))
            call = jax.jit(lambda x, kernel=kernel: tuple(kernel(x, None, ("nngp", "ntk"))))
            print(0.0, flush=True)
        else:
            nngp, ntk = jax.block_until_ready(call(inputs))
            print(float(nngp[0, 0] + ntk[0, 0]), flush=True)


if __name__ == "__main__":
    serve()
