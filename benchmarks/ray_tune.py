"""A Ray for competitors, and Ray Tune with one trial per item as one of them."""

import atexit
import logging
import os
import secrets
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from initatlas.sweeps.ray.keeper import remove_ray_folder, start_private_ray


def start_ray(workers: int) -> None:
    """Start Ray with workers that can import what lies in this folder; it ends with this process."""
    root = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # Ray Tune then keeps its panels to itself
    logging.getLogger("ray.tune.utils.callback").setLevel(logging.ERROR)  # it warns that there is no TensorBoard
    atexit.register(remove_ray_folder, os.getpid())
    start_private_ray(workers, token=secrets.token_hex(32))


def tune_is_there() -> bool:
    """Whether Ray Tune can be imported: it needs a package that Ray Core does not. Ray itself is not imported yet."""
    return find_spec("pyarrow") is not None


def tune_setting() -> str:
    """What the numbers of Ray Tune depend on."""
    return f"with pyarrow {version('pyarrow')}" if tune_is_there() else "left out: it needs pyarrow, which is missing"


def run_trials(trial: Callable[[dict[str, Any]], dict[str, float]], count: int, *, workers: int) -> None:
    """One trial per number below `count`, as ``index``, in actors that it uses again, and without its progress reports.

    Raises
    ------
    RuntimeError
        If a trial failed.
    """
    from ray import tune

    with TemporaryDirectory() as folder:
        results = tune.Tuner(
            trial,
            param_space={"index": tune.grid_search(list(range(count)))},
            tune_config=tune.TuneConfig(max_concurrent_trials=workers, reuse_actors=True),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
    if results.num_errors:
        raise RuntimeError(f"Ray Tune failed: {results.errors[0]}")
