"""The sweep engine beside other ways to run the same points: a loop, joblib, Ray Core and Ray Tune."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from benchmarks.ray_tune import run_trials, start_ray, tune_is_there, tune_setting
from benchmarks.result import Case, FigureTable, Outcome, TimingTable, make_case
from benchmarks.timing import Competitors, elapsed, time_competitors
from benchmarks.toy_experiment import work
from benchmarks.toy_sweep import run_toy, toy_sweep
from initatlas.sweeps.backends.base import Backend
from initatlas.sweeps.backends.ray import RayBackend
from initatlas.sweeps.backends.serial import SerialBackend

WORKERS = 2
MILLISECONDS = (1, 5, 20)
POINTS = 400
ROUNDS = 2
TUNE_POINTS, TUNE_ROUNDS = 40, 2

WORKERS_OF = {"loop": 1, "joblib": WORKERS, "initatlas, serial": 1}
"""Workers of each competitor where they are not those of Ray."""


def run() -> Outcome:
    """Time all competitors at each length of a point; Ray is started once, before."""
    rng = np.random.default_rng(0)
    start_seconds = elapsed(partial(start_ray, WORKERS))
    repeats = {milliseconds: _repeats(milliseconds / 1e3) for milliseconds in MILLISECONDS}
    cases = [_timed(POINTS, repeats[milliseconds], f"{milliseconds} ms a point", rng=rng) for milliseconds in repeats]
    tables = [TimingTable(title=f"{POINTS} points", measure="ms", cases=cases)]
    tune = tune_is_there()
    if tune:
        tables.append(_with_tune(repeats[max(repeats)], rng=rng))
    return Outcome(
        settings=_settings(tune),
        timings=tables,
        figures=[
            FigureTable(title="Start-up, not in the times above (s)", columns=["", "s"], rows=[["Ray", start_seconds]]),
            *(_overheads(table) for table in tables),
        ],
    )


def _settings(tune: bool) -> dict[str, Any]:
    """What the numbers depend on."""
    settings = {"points": POINTS, "rounds": ROUNDS, "workers": WORKERS, "threads": 1, "ray_tune": tune_setting()}
    return settings | ({"tune_points": TUNE_POINTS, "tune_rounds": TUNE_ROUNDS} if tune else {})


def _repeats(seconds: float) -> int:
    """How often a point repeats the toy work to take some time in a loop."""
    trial = 200
    fastest = min(elapsed(partial(work, trial, 0)) for _ in range(10))
    return max(1, round(trial * seconds / fastest))


def _timed(points: int, repeats: int, name: str, *, rng: np.random.Generator) -> Case:
    """Time every competitor at one length of a point."""
    return make_case(name, time_competitors(_competitors(points, repeats), rounds=ROUNDS, rng=rng), work=points)


def _competitors(points: int, repeats: int) -> Competitors:
    """Ways to work through the same points."""
    return {
        "loop": partial(_loop, points, repeats),
        "joblib": partial(_joblib, points, repeats),
        "initatlas, serial": partial(_engine, points, repeats, SerialBackend),
        "initatlas, Ray": partial(_engine, points, repeats, lambda: RayBackend(lambda: WORKERS)),
        "Ray Core, a task per point": partial(_ray_core, points, repeats),
    }


def _loop(points: int, repeats: int) -> None:
    """One after the other."""
    for index in range(points):
        work(repeats, index)


def _joblib(points: int, repeats: int) -> None:
    """Processes that joblib keeps from call to call; it chooses the batches."""
    Parallel(n_jobs=WORKERS)(delayed(work)(repeats, index) for index in range(points))


def _engine(points: int, repeats: int, backend: Callable[[], Backend]) -> None:
    """Our engine with everything that it does: an empty store, every batch on disk, the cube written."""
    with TemporaryDirectory() as folder:
        run_toy(toy_sweep(points, repeats), Path(folder), lambda seconds: backend())


def _ray_core(points: int, repeats: int) -> None:
    """One task per point, all submitted at once."""
    import ray

    task: Any = ray.remote(work)
    ray.get([task.remote(repeats, index) for index in range(points)])


def _with_tune(repeats: int, *, rng: np.random.Generator) -> TimingTable:
    """Time Ray Tune on fewer points, since it takes longer, and away from others on Ray: it leaves them no workers."""
    competitors = {
        "loop": partial(_loop, TUNE_POINTS, repeats),
        "initatlas, serial": partial(_engine, TUNE_POINTS, repeats, SerialBackend),
        "Ray Tune": partial(run_trials, partial(_trial, repeats), TUNE_POINTS, workers=WORKERS),
    }
    timings = time_competitors(competitors, rounds=TUNE_ROUNDS, rng=rng)
    case = make_case(f"{max(MILLISECONDS)} ms a point", timings, work=TUNE_POINTS)
    return TimingTable(title=f"{TUNE_POINTS} points, with Ray Tune", measure="ms", cases=[case])


def _trial(repeats: int, config: Mapping[str, int]) -> dict[str, float]:
    """One trial of Ray Tune."""
    return {"total": work(repeats, config["index"])}


def _overheads(table: TimingTable) -> FigureTable:
    """What each competitor's cores spend beyond the loop."""
    names = [name for name in table.cases[0].median if name != "loop"]
    rows: list[list[float | str]] = [[case.name, *(_overhead(case, name) for name in names)] for case in table.cases]
    return FigureTable(title=f"{table.title}: overhead (ms of a core per point)", columns=["", *names], rows=rows)


def _overhead(case: Case, name: str) -> float:
    """Workers times wall time, less the time of the loop, per point; in milliseconds."""
    cores = WORKERS_OF.get(name, WORKERS)
    return 1e3 * (cores * case.median[name] - case.median["loop"]) / case.work
