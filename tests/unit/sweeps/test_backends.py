"""Which backend a sweep gets, what starts again after a death, and what runs here while Ray starts."""

from types import SimpleNamespace

import pytest
from toy.sweeps import make_sweep, run

from initatlas.sweeps.backends.base import MAX_ATTEMPTS, MAX_STARTS, Start, after_death, after_node_death
from initatlas.sweeps.backends.choice import choose_backend
from initatlas.sweeps.backends.ray import RayBackend, _memory
from initatlas.sweeps.backends.serial import SerialBackend
from initatlas.sweeps.batches import Batch, Task
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.execute import BatchOutcome
from initatlas.sweeps.experiment import Parameters
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.ray.client import SECONDS_WORTH_RAY

LONG, SHORT = 2 * SECONDS_WORTH_RAY, SECONDS_WORTH_RAY / 2


def never():
    raise AssertionError("nothing is to be started")


@pytest.mark.parametrize(
    ("name", "seconds", "workers", "joined", "chosen"),
    [
        ("serial", LONG, 8, True, "serial"),
        ("ray", SHORT, 1, False, "ray"),
        ("auto", SHORT, 8, False, "serial"),
        ("auto", SHORT, 8, True, "serial"),
        ("auto", LONG, 8, False, "ray"),
        ("auto", LONG, 1, False, "serial"),
        ("auto", LONG, 1, True, "ray"),
    ],
)
def test_auto_takes_ray_where_it_pays(monkeypatch, name, seconds, workers, joined, chosen):
    monkeypatch.setenv("RAY_ADDRESS", "somewhere:1" if joined else "")
    ray = SimpleNamespace(join=never, ready=never)
    assert choose_backend(name, seconds=seconds, workers=workers, ray=ray).name == chosen


# What runs here while Ray starts


class CalledError(Exception):
    """Ray was joined."""


def join():
    raise CalledError


def eight_points(folder):
    """Eight points of a batch each, which get longer."""
    axes = {"case": {"zip": {"number": [*range(8)], "cost": [5.0 + number for number in range(8)]}}}
    return make_sweep("toy.faults", axes, fixed={"folder": str(folder)})


def ran(folder):
    return {int(path.stem) for path in folder.glob("*.ran")}


def test_short_batches_run_here_until_ray_is_ready(tmp_path):
    answers = iter([False, False, False, True])
    with pytest.raises(CalledError):
        run(eight_points(tmp_path), tmp_path, backend=RayBackend(join, lambda: next(answers)))
    assert ran(tmp_path) == {0, 1, 2}


def test_a_sweep_that_is_done_before_ray_is_ready_does_not_wait_for_it(tmp_path):
    report, _ = run(eight_points(tmp_path), tmp_path, backend=RayBackend(never, lambda: False))
    assert (report.computed, report.failures) == (8, ())


def test_nothing_runs_here_where_every_point_is_to_run_on_ray(tmp_path):
    with pytest.raises(CalledError):
        run(eight_points(tmp_path), tmp_path, backend=RayBackend(join))
    assert ran(tmp_path) == set()


def test_points_that_may_have_killed_a_driver_do_not_run_here(tmp_path):
    """On Ray they kill a worker at most, so they wait for it; the others do not."""
    sweep = eight_points(tmp_path)
    store = open_store(sweep, tmp_path / "points")
    short = min(plan_sweep(sweep, store, {}).batches, key=lambda batch: batch.seconds)
    store.journal.begin((task.key for task in short.tasks), ())
    with pytest.raises(CalledError):
        run(sweep, tmp_path, backend=RayBackend(join, lambda: False))
    assert ran(tmp_path) == {*range(1, 8)}
    assert store.journal.suspects() == {task.key for task in short.tasks}


def test_nothing_is_started_where_nothing_is_to_run(tmp_path):
    sweep = eight_points(tmp_path)
    run(sweep, tmp_path)
    report, _ = run(sweep, tmp_path, backend=RayBackend(never, never))
    assert report.computed == 0


# Deaths


def batch(size):
    return Batch(tuple(Task(str(number), Parameters(seed=number)) for number in range(size)), None, 1.0, 1.0)


def deaths_of(culprit, size, after=after_death):
    """Let every batch with the culprit die; give its last outcome, and how often each point was started."""
    waiting, starts, given_up = [Start(batch(size))], [0] * size, []
    while waiting:
        start = waiting.pop()
        seeds = [task.parameters.seed for task in start.batch.tasks]
        for seed in seeds:
            starts[seed] += 1
        if culprit in seeds:
            outcome = after("WorkerCrashedError", start)
            if isinstance(outcome, BatchOutcome):
                given_up.append(outcome)
            else:
                waiting += outcome
    return given_up, starts


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_the_point_whose_worker_dies_is_found_and_given_up_alone(size):
    (outcome,), starts = deaths_of(size - 1, size)
    assert [failure.key for failure in outcome.failures] == [str(size - 1)]
    assert "WorkerCrashedError: the worker died in" in outcome.failures[0].reason
    assert starts[-1] >= MAX_ATTEMPTS + (size > 1) * 2
    assert outcome.execution.attempt == starts[-1]


def test_a_point_that_was_unlucky_with_its_companions_is_not_given_up():
    """Two deaths as four, one as two, and two alone: the third start alone may succeed."""
    start = Start(batch(4))
    for _ in range(5):
        start = after_death("WorkerCrashedError", start)[0]
    assert (len(start.batch.tasks), start.attempt) == (1, 6)
    assert isinstance(after_death("WorkerCrashedError", start), BatchOutcome)


def test_a_node_that_leaves_is_not_the_fault_of_the_batch():
    start = Start(batch(4), attempt=1, deaths=1)
    for attempt in range(2, MAX_STARTS + 1):
        (start,) = after_node_death("NodeDiedError", start)
        assert (len(start.batch.tasks), start.attempt, start.deaths) == (4, attempt, 1)
    outcome = after_node_death("NodeDiedError", start)
    assert len(outcome.failures) == 4


class Backwards(SerialBackend):
    """Batches end in the opposite order, as they may on Ray."""

    def run(self, *arguments, **keywords):
        yield from reversed(list(super().run(*arguments, **keywords)))


def test_failures_are_reported_in_the_order_of_the_points(tmp_path):
    axes = {"case": {"zip": {"number": [4, 1, 3, 0], "at": [4, 1, -1, 0], "cost": [30.0] * 4}}}
    sweep = make_sweep("toy.faults", axes, fixed={"fault": "raise"})
    report, _ = run(sweep, tmp_path, backend=Backwards())
    assert (report.points, report.computed) == (4, 1)
    said = [failed.reason for failed in report.failures]
    assert [reason.split("number ")[1][0] for reason in said] == ["4", "1", "0"]


@pytest.mark.parametrize(("megabytes", "largest", "asked"), [(2.5, 10**9, 2_500_000), (5000.0, 10**9, 10**9)])
def test_a_batch_asks_for_its_memory_but_for_no_more_than_a_node_has(megabytes, largest, asked):
    assert _memory(megabytes, largest) == asked
