"""A competitor in another environment: a process that is told what to prepare, and then called in turns with the others."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Peer:
    """The process, if its environment is there.

    It reads one JSON object a line: one with content prepares a call, an empty one makes it; it answers with a number.
    """

    def __init__(self, process: "subprocess.Popen[str] | None") -> None:
        self._process = process

    @classmethod
    @contextmanager
    def start(cls, python: Path, script: str) -> Iterator[Self]:
        """Start a script with another Python; without its environment it is not available."""
        if not python.exists():
            yield cls(None)
            return
        command = [str(python), "-P", script]  # -P: files beside it must not pass for packages
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                yield cls(process)
            finally:
                process.terminate()

    @property
    def available(self) -> bool:
        """Whether it can be asked."""
        return self._process is not None

    def prepared(self, arrays: Mapping[str, NDArray[Any]], **settings: Any) -> Callable[[], float]:
        """Hand over what a case needs, and give the call that does its work."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "arrays.npz"
            np.savez(path, **arrays)
            self._ask({"arrays": str(path), **settings})
        return lambda: self._ask({})

    def _ask(self, request: Mapping[str, Any]) -> float:
        """Send one line and wait for the answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(map(str, self._process.args))} has ended; try it by hand")
        return float(answer)
