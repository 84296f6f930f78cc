"""What a sweep asks a cluster for."""

from math import inf, prod

import pytest

from initatlas.errors import UserError
from initatlas.experiments.train_mlp import TrainMlpParameters
from initatlas.experiments.train_mlp import seconds as mlp_seconds
from initatlas.machine import Node
from initatlas.sweeps import costs
from initatlas.sweeps.allocation import Allocation, ClusterLimits, allocation, slices_needed, within_node
from initatlas.sweeps.costs import SECONDS_TO_SPREAD, beyond_a_share, expected_cost, sample
from initatlas.sweeps.experiment import Experiment, Output, Parameters
from initatlas.sweeps.grid import grid
from initatlas.sweeps.resolving import resolve
from initatlas.sweeps.spec import SweepConfig


class Costly(Parameters):
    """A point that says what it costs."""

    each: float = 1.0
    memory: float = 10.0


EXPERIMENT = Experiment(
    summary="Costs.",
    parameters=Costly,
    outputs=(Output("value", "a value"),),
    run=lambda points, rngs, data: [{"value": 0.0} for _ in points],
    seconds=lambda point: point.each,
    megabytes=lambda point: point.memory,
)
WIDE = ClusterLimits(cpus=64, megabytes=1e6, hours=100.0)


def sweep_of(**config):
    """A sweep of such points."""
    written = SweepConfig(experiment="toy.costly", **config)
    return resolve(
        written, study="toy", name="trial", scale="quick", root_seed=1, experiment=EXPERIMENT, where="sweeps.trial"
    )


def asked(limits=WIDE, *, parallel=True, attempt=1, seeds=100, **fixed):
    """What the job of such a sweep asks for, its points being alike."""
    return allocation(sweep_of(fixed=fixed, seeds=seeds), EXPERIMENT, limits, parallel=parallel, attempt=attempt)


@pytest.mark.parametrize(
    ("seeds", "each", "cpus"),
    [(100, 0.1, 1), (100, 0.61, 2), (100, 6.0, 10), (100, 1e4, 64), (7, 1e4, 7), (1, 1e4, 1)],
    ids=["ten seconds", "a minute", "ten minutes", "the most", "few points", "one point"],
)
def test_a_sweep_asks_for_the_cpus_that_it_has_work_for(seeds, each, cpus):
    assert asked(seeds=seeds, each=each).cpus == cpus


def test_a_serial_sweep_asks_for_one_cpu():
    assert asked(each=60.0, parallel=False).cpus == 1


def test_memory_is_that_of_the_driver_ray_and_a_batch_on_every_worker():
    # batches of 4 seconds hold one point of 60 s, or 40 of a tenth
    assert asked(each=60.0, memory=700.0, seeds=3) == Allocation(3, 1000 + 1000 + 3 * (500 + 700), 10 + 3)
    assert asked(each=0.1, memory=10.0, seeds=100).megabytes == 1000 + 400
    assert asked(each=0.1, memory=100.0, seeds=100).megabytes == 1000 + 1500


def test_a_sweep_takes_fewer_cpus_where_their_memory_is_too_much():
    limits = ClusterLimits(cpus=64, megabytes=10_000.0, hours=100.0)
    assert asked(limits, each=600.0, memory=1500.0) == Allocation(4, 10_000, 10 + 3 * 250)


def test_a_second_attempt_has_more_memory_and_time_within_the_limits():
    first, second = asked(each=60.0, memory=700.0), asked(each=60.0, memory=700.0, attempt=2)
    assert (second.cpus, second.megabytes, second.minutes) == (first.cpus, 2 * first.megabytes, 2 * first.minutes)
    bound = ClusterLimits(cpus=64, megabytes=100_000.0, hours=0.25)
    assert asked(bound, each=60.0, memory=700.0, attempt=2) == Allocation(64, 100_000, 15)


def test_a_batch_that_no_job_can_hold_is_refused_in_one_line():
    limits = ClusterLimits(cpus=4, megabytes=8000.0)
    assert asked(limits, each=600.0, memory=7000.0).cpus == 1
    with pytest.raises(
        UserError, match=r"sweep toy/trial: a batch needs about 7001 MB.*at most 8000 MB; raise cluster\.mega"
    ):
        asked(limits, each=600.0, memory=7001.0)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (None, ClusterLimits(cpus=32, megabytes=64000.0, hours=24.0)),
        (Node(2, 8000, inf), ClusterLimits(cpus=2, megabytes=8000.0, hours=24.0)),
        (Node(64, 256000, 2.0), ClusterLimits(cpus=32, megabytes=64000.0, hours=2.0)),
    ],
)
def test_no_job_asks_for_more_than_the_largest_node_has(node, expected):
    assert within_node(ClusterLimits(), node) == expected


def many(seeds):
    """A sweep of many points whose costs differ, the dear ones last."""
    return sweep_of(axes={"each": [1.0, 2.0, 6.0], "memory": [1.0, 5.0, 300.0]}, seeds=seeds)


@pytest.mark.parametrize("seeds", [20, 1000])
def test_estimates_of_a_sample_are_those_of_all_points(seeds):
    sweep = many(seeds)
    points = [point for _, point in grid(sweep, EXPERIMENT)]
    drawn = sample(sweep, EXPERIMENT)
    assert len(drawn) == min(len(points), costs.POINTS_OF_A_SAMPLE)
    assert drawn == sample(sweep, EXPERIMENT)
    assert expected_cost(sweep, EXPERIMENT) == (pytest.approx(sum(point.each for point in points), rel=0.1), 300.0)


@pytest.mark.parametrize("ask", [allocation, slices_needed])
def test_the_points_of_a_sample_are_drawn_once(ask, monkeypatch):
    drawn = []
    monkeypatch.setattr(costs, "sample", lambda *what: drawn.append(what) or sample(*what))
    ask(many(20), EXPERIMENT, WIDE)
    assert len(drawn) == 1


def test_a_sample_knows_what_is_excluded():
    sweep = sweep_of(axes={"each": [1.0, 3.0]}, seeds=4, exclude=[{"each": 3.0}])
    assert expected_cost(sweep, EXPERIMENT) == (4.0, 10.0)


SPREAD = SECONDS_TO_SPREAD


@pytest.mark.parametrize(
    ("seconds", "workers", "beyond"),
    [
        ({"a": 100.0}, 2, {"a"}),
        ({"a": 100.0}, 1, set()),
        ({"a": 100.0, "b": 100.0}, 2, set()),
        ({"a": 100.0, "b": 90.0}, 3, {"a", "b"}),
        ({"a": 100.0, "b": 90.0, "c": 80.0}, 2, set()),
        ({"a": 100.0, **{f"short {number}": 1.0 for number in range(50)}}, 2, {"a"}),
        ({"a": 100.0, **{f"short {number}": 1.0 for number in range(90)}}, 2, set()),
        ({"a": 4.0 * SPREAD, "b": 2.0 * SPREAD}, 2, set()),
        ({"a": 4.0 * SPREAD + 1.0, "b": 2.0 * SPREAD}, 2, {"a"}),
        ({}, 2, set()),
    ],
)
def test_a_sweep_is_spread_where_it_would_be_alone_at_the_end(seconds, workers, beyond):
    assert beyond_a_share(seconds, workers) == beyond


def test_an_estimate_does_not_wait_for_the_device():
    estimates = {device: mlp_seconds(TrainMlpParameters(device=device)) for device in ("auto", "cpu", "cuda")}
    assert estimates["auto"] == estimates["cpu"] != estimates["cuda"]


@pytest.mark.parametrize("shape", [(2, 3, 4), (5,), (1, 7)])
def test_positions_by_number_are_those_of_the_grid(shape):
    from itertools import product

    assert [costs._position(number, shape) for number in range(prod(shape))] == [*product(*map(range, shape))]


@pytest.mark.parametrize(
    ("seeds", "each", "hours", "slices"),
    [
        (100, 0.1, 1.0, 1),
        (100, 600.0, 1.0, 1),
        (3, 1200.0, 1.0, 2),
        (3, 12000.0, 1.0, 3),
        (64, 6000.0, 1.0, 6),
        (9, 1e9, 1e-3, 9),
    ],
    ids=["short", "many at once", "two jobs", "no more than points", "as many as it takes", "hardly any time"],
)
def test_a_sweep_that_is_too_long_for_one_job_is_done_in_slices(seeds, each, hours, slices):
    limits = ClusterLimits(cpus=64, megabytes=1e6, hours=hours)
    assert slices_needed(sweep_of(fixed={"each": each}, seeds=seeds), EXPERIMENT, limits) == slices


def test_a_slice_asks_for_its_share():
    sweep = sweep_of(fixed={"each": 60.0, "memory": 700.0}, seeds=30)
    assert allocation(sweep, EXPERIMENT, WIDE, slices=10) == Allocation(3, 1000 + 1000 + 3 * (500 + 700), 10 + 3)
    assert allocation(sweep, EXPERIMENT, WIDE, slices=30).cpus == 1
