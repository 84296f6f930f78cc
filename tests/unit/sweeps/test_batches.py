"""Batches: every task once, one shape per batch, within the limits."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from initatlas.sweeps.batches import MEGABYTES_PER_BATCH, SECONDS_PER_BATCH, halves
from initatlas.sweeps.cutting import batches_of
from initatlas.sweeps.experiment import Experiment, Output, Parameters
from initatlas.sweeps.keys import GridKeys
from initatlas.sweeps.places import GridPlaces, PlaceSet
from initatlas.sweeps.spec import Axis, Sweep


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


def made(parameters, experiment=EXPERIMENT, left_out=(), suspects=()):
    """The batches of some points, which move together along one axis."""
    columns = {name: [getattr(point, name) for point in parameters] for name in experiment.parameters.model_fields}
    axes = [Axis(name="point", values=columns)]
    sweep = Sweep(study="toy", name="batches", scale="quick", experiment="toy", axes=axes, fixed={}, root_seed=0)
    grid = GridPlaces(sweep, experiment)
    settled = PlaceSet(grid.size)
    settled.add(np.array(sorted(left_out), dtype=np.int64))
    return batches_of(grid, GridKeys(grid, {}), settled, {*suspects})


@given(st.lists(points, min_size=1, max_size=40))
def test_every_task_is_in_one_batch(parameters):
    batches = made(parameters)
    tasks = [task for batch in batches for task in batch.tasks]
    assert sorted(task.place for task in tasks) == [*range(len(parameters))]
    assert all(task.parameters == parameters[task.place] for task in tasks)
    assert all(len(batch.tasks) for batch in batches)


@given(st.lists(points, min_size=1, max_size=40))
def test_a_batch_has_one_shape_and_one_data_set(parameters):
    for batch in made(parameters):
        assert {(task.parameters.dataset, task.parameters.width) for task in batch.tasks} == {
            (batch.dataset, batch.tasks[0].parameters.width)
        }


@given(st.lists(points, min_size=1, max_size=40))
def test_a_batch_keeps_the_limits_or_holds_one_point(parameters):
    for batch in made(parameters):
        assert abs(batch.seconds - sum(task.parameters.cost for task in batch.tasks)) < 1e-9
        assert abs(batch.megabytes - sum(task.parameters.memory for task in batch.tasks)) < 1e-6
        within = batch.seconds <= SECONDS_PER_BATCH and batch.megabytes <= MEGABYTES_PER_BATCH
        assert within or len(batch.tasks) == 1


@given(st.lists(points, min_size=1, max_size=40))
def test_the_longest_batches_come_first(parameters):
    costs = [batch.seconds for batch in made(parameters)]
    assert costs == sorted(costs, reverse=True)


def test_points_that_fit_share_a_batch():
    cheap = [BatchParameters(seed=seed, cost=SECONDS_PER_BATCH / 8, memory=1.0) for seed in range(160)]
    assert [len(batch.tasks) for batch in made(cheap)] == 20 * [8]
    large = [BatchParameters(seed=seed, memory=MEGABYTES_PER_BATCH / 4) for seed in range(8)]
    assert [len(batch.tasks) for batch in made(large)] == [4, 4]


def test_a_short_sweep_spreads_and_a_tiny_one_does_not():
    short = [BatchParameters(seed=seed, cost=1.0) for seed in range(16)]
    assert [len(batch.tasks) for batch in made(short)] == 16 * [1]
    tiny = [BatchParameters(seed=seed, cost=0.001) for seed in range(100)]
    assert [len(batch.tasks) for batch in made(tiny)] == [100]


@given(st.lists(points, min_size=2, max_size=40))
def test_the_halves_of_a_batch_are_the_batch(parameters):
    for batch in made(parameters):
        if len(batch.tasks) > 1:
            first, second = halves(batch)
            assert [*first.tasks, *second.tasks] == [*batch.tasks]
            assert abs(len(first.tasks) - len(second.tasks)) <= 1
            assert abs(first.seconds + second.seconds - batch.seconds) < 1e-9


def test_an_experiment_without_a_data_set():
    class Bare(Parameters):
        pass

    experiment = Experiment(summary="", parameters=Bare, outputs=(), run=lambda points, rngs, data: [])
    (batch,) = made([Bare(), Bare(seed=1)], experiment)
    assert batch.dataset is None
    assert [task.parameters.seed for task in batch.tasks] == [0, 1]


def test_suspect_points_come_first_in_batches_of_their_own():
    cheap = [BatchParameters(seed=seed, width=8 + seed % 2) for seed in range(10)]
    batches = made(cheap, left_out=[0], suspects=[3, 4, 8])
    assert [batch.suspect for batch in batches] == [True, True, False, False]
    assert [{task.place for task in batch.tasks} for batch in batches] == [{3}, {4, 8}, {1, 5, 7, 9}, {2, 6}]


def test_tasks_travel_as_plain_ones_and_are_the_same_wherever_they_are_made():
    (batch,) = made([BatchParameters(seed=seed) for seed in range(5)])
    arrived = pickle.loads(pickle.dumps(batch))
    assert arrived.tasks == tuple(batch.tasks) == batch.made().tasks
    assert [batch.tasks[-1], batch.tasks[0]] == [batch.tasks.__getitem__(4), next(iter(batch.tasks))]
    assert [*batch.tasks[1:4]] == [*arrived.tasks[1:4]]
    with pytest.raises(IndexError):
        batch.tasks[5]


@pytest.mark.parametrize("at_a_time", [1, 3, 4096])
def test_a_batch_ends_where_the_next_point_would_go_beyond(at_a_time, monkeypatch):
    monkeypatch.setattr("initatlas.sweeps.cutting.POINTS_AT_A_TIME", at_a_time)
    costs = [1.0, 3.0, 0.5, 9.0, 2.0, 2.0, 0.0, 4.5, 0.1] + 12 * [4.0]
    batches = made([BatchParameters(seed=seed, cost=cost) for seed, cost in enumerate(costs)])
    found = sorted([task.place for task in batch.tasks] for batch in batches)
    assert found == [[0, 1], [2], [3], [4, 5, 6], [7], [8], *([place] for place in range(9, 21))]
