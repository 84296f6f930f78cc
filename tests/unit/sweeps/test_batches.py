"""Batches: every task once, one shape per batch, within the limits."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from initatlas.sweeps.batches import MEGABYTES_PER_BATCH, SECONDS_PER_BATCH, Task, halves, make_batches
from initatlas.sweeps.experiment import Experiment, Output, Parameters


class BatchParameters(Parameters):
    dataset: str = Field(default="digits")
    width: int = Field(default=1)
    cost: float = Field(default=0.0)
    memory: float = Field(default=0.0)


EXPERIMENT = Experiment(
    summary="Nothing.",
    parameters=BatchParameters,
    outputs=(Output("nothing", "nothing"),),
    run=lambda points, rngs, data: [],
    static=("width",),
    seconds=lambda point: point.cost,
    megabytes=lambda point: point.memory,
)

points = st.builds(
    BatchParameters,
    dataset=st.sampled_from(["digits", "glyphs"]),
    width=st.sampled_from([8, 16]),
    cost=st.floats(0.0, 2 * SECONDS_PER_BATCH),
    memory=st.floats(0.0, 2 * MEGABYTES_PER_BATCH),
)


def tasks_of(parameters):
    return [Task(str(number), point) for number, point in enumerate(parameters)]


@given(st.lists(points, max_size=40))
def test_every_task_is_in_one_batch(parameters):
    tasks = tasks_of(parameters)
    batches = make_batches(tasks, EXPERIMENT)
    assert sorted(task.key for batch in batches for task in batch.tasks) == sorted(task.key for task in tasks)
    assert all(batch.tasks for batch in batches)


@given(st.lists(points, max_size=40))
def test_a_batch_has_one_shape_and_one_data_set(parameters):
    for batch in make_batches(tasks_of(parameters), EXPERIMENT):
        assert {(task.parameters.dataset, task.parameters.width) for task in batch.tasks} == {
            (batch.dataset, batch.tasks[0].parameters.width)
        }


@given(st.lists(points, max_size=40))
def test_a_batch_keeps_the_limits_or_holds_one_point(parameters):
    for batch in make_batches(tasks_of(parameters), EXPERIMENT):
        assert abs(batch.seconds - sum(task.parameters.cost for task in batch.tasks)) < 1e-9
        assert abs(batch.megabytes - sum(task.parameters.memory for task in batch.tasks)) < 1e-6
        within = batch.seconds <= SECONDS_PER_BATCH and batch.megabytes <= MEGABYTES_PER_BATCH
        assert within or len(batch.tasks) == 1


@given(st.lists(points, max_size=40))
def test_the_longest_batches_come_first(parameters):
    costs = [batch.seconds for batch in make_batches(tasks_of(parameters), EXPERIMENT)]
    assert costs == sorted(costs, reverse=True)


def test_points_that_fit_share_a_batch():
    cheap = [BatchParameters(seed=seed, cost=SECONDS_PER_BATCH / 8, memory=1.0) for seed in range(160)]
    assert [len(batch.tasks) for batch in make_batches(tasks_of(cheap), EXPERIMENT)] == 20 * [8]
    large = [BatchParameters(seed=seed, memory=MEGABYTES_PER_BATCH / 4) for seed in range(8)]
    assert [len(batch.tasks) for batch in make_batches(tasks_of(large), EXPERIMENT)] == [4, 4]


def test_a_short_sweep_spreads_and_a_tiny_one_does_not():
    short = [BatchParameters(seed=seed, cost=1.0) for seed in range(16)]
    assert [len(batch.tasks) for batch in make_batches(tasks_of(short), EXPERIMENT)] == 16 * [1]
    tiny = [BatchParameters(seed=seed, cost=0.001) for seed in range(100)]
    assert [len(batch.tasks) for batch in make_batches(tasks_of(tiny), EXPERIMENT)] == [100]


@given(st.lists(points, min_size=2, max_size=40))
def test_the_halves_of_a_batch_are_the_batch(parameters):
    for batch in make_batches(tasks_of(parameters), EXPERIMENT):
        if len(batch.tasks) > 1:
            first, second = halves(batch)
            assert first.tasks + second.tasks == batch.tasks
            assert abs(len(first.tasks) - len(second.tasks)) <= 1
            assert abs(first.seconds + second.seconds - batch.seconds) < 1e-9


def test_an_experiment_without_a_data_set():
    class Bare(Parameters):
        pass

    experiment = Experiment(summary="", parameters=Bare, outputs=(), run=lambda points, rngs, data: [])
    (batch,) = make_batches([Task("a", Bare()), Task("b", Bare(seed=1))], experiment)
    assert batch.dataset is None
    assert [task.key for task in batch.tasks] == ["a", "b"]
