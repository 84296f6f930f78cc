"""Grids in bulk: the same points, keys, costs and finds as one by one, in memory that does not grow with the points."""

import errno
import hashlib
import random
import tracemalloc
from itertools import islice
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, field_serializer, model_validator
from toy.sweeps import index_of, make_sweep, run

from initatlas.errors import UserError
from initatlas.sweeps.combinations import ByCombination
from initatlas.sweeps.engine import open_store
from initatlas.sweeps.experiment import Experiment, Output, Parameters
from initatlas.sweeps.finding import Found, _match, find
from initatlas.sweeps.grid import grid
from initatlas.sweeps.keys import GridKeys, packed_keys, written_keys
from initatlas.sweeps.packing import packed, unpacked
from initatlas.sweeps.places import GridPlaces, PlaceSet
from initatlas.sweeps.plan import plan_sweep
from initatlas.sweeps.points import point_key
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.slabs import CHUNK_BYTES, _Text, _Variable
from initatlas.sweeps.spec import Axis, Sweep
from initatlas.sweeps.spool import Spool


def experiment_of(model, **rest):
    return Experiment(
        summary="Nothing.", parameters=model, outputs=(Output("x", "x"),), run=lambda points, rngs, data: [], **rest
    )


def grid_of(model, axes, **rest):
    """The places of a sweep whose axes are given by their values."""
    written = [Axis(name=name, values={name: values}) for name, values in axes.items()]
    sweep = Sweep(
        study="toy", name="bulk", scale="quick", experiment="toy", axes=written, root_seed=7, **{"fixed": {}, **rest}
    )
    return GridPlaces(sweep, experiment_of(model))


def in_bulk(places, contents=None):
    """All keys, and whether they were made of pieces."""
    keys = GridKeys(places, contents or {})
    return [key for block in places.blocks() for key in written_keys(keys.at(block))], keys.in_pieces


def one_by_one(places):
    points = (point for _, point in grid(places.sweep, places.experiment) if point is not None)
    return [point_key(point.identity(), root_seed=7, data_sha256="") for point in points]


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks and buckets of a few points, all of them in files."""
    monkeypatch.setattr("initatlas.sweeps.places.BLOCK", 7)
    monkeypatch.setattr("initatlas.sweeps.finding.KEYS_AT_A_TIME", 5)
    monkeypatch.setattr("initatlas.sweeps.finding.RECORDS_OF_A_BUCKET", 4)
    monkeypatch.setattr("initatlas.sweeps.located.PLACES_OF_A_BUCKET", 6)
    monkeypatch.setattr("initatlas.sweeps.spool.BYTES_IN_MEMORY", 100)
    monkeypatch.setattr("initatlas.sweeps.cutting.POINTS_AT_A_TIME", 3)


# Places


class Plain(Parameters):
    width: int = Field(default=2, description="w")
    gain: float | None = Field(default=None, description="g")
    note: str = Field(default="", description="n")


AXES = {"width": [1, 2, 3], "note": ["", "a"], "gain": [None, 0.5, 1.0, 2.0]}
EXCLUDE = [{"width": [1, 3], "note": ["a"]}, {"gain": [0.5]}, {"seed": [0], "width": [2], "gain": [2.0]}, {"seed": [5]}]


@pytest.mark.parametrize("exclude", [[], EXCLUDE[:1], EXCLUDE], ids=len)
def test_the_places_that_are_left_out_are_those_of_the_walk(exclude, small_blocks):
    places = grid_of(Plain, {**AXES, "seed": [0, 1]}, exclude=exclude, fixed={})
    walked = [*grid(places.sweep, places.experiment)]
    assert places.excluded(np.arange(places.size)).tolist() == [point is None for _, point in walked]
    assert [places.index(place) for place in range(places.size)] == [index for index, _ in walked]
    kept = [place for block in places.blocks() for place in block.tolist()]
    assert kept == [place for place, (_, point) in enumerate(walked) if point is not None]
    made = [point for block in places.blocks() for point in places.points(block)]
    assert made == [point for _, point in walked if point is not None]
    left_out = PlaceSet(places.size)
    left_out.add(np.array(kept[1:9]))
    assert [place for block in places.blocks(left_out) for place in block.tolist()] == [*kept[:1], *kept[9:]]


@given(st.lists(st.sets(st.integers(0, 40)), max_size=4))
def test_a_set_of_places_has_what_was_added(parts):
    found = PlaceSet(41)
    for part in parts:
        found.add(np.array(sorted(part), dtype=np.int64))
    assert np.flatnonzero(found.has(np.arange(41))).tolist() == sorted(set().union(*parts))


def test_a_sweep_without_axes_has_one_place():
    places = grid_of(Plain, {}, fixed={"width": 7})
    assert [block.tolist() for block in places.blocks()] == [[0]]
    assert places.points(np.array([0])) == [Plain(width=7)]
    assert in_bulk(places) == (one_by_one(places), True)


# Keys


def test_keys_in_blocks_are_those_of_the_points(small_blocks):
    places = grid_of(Plain, {**AXES, "seed": [3, 0, 1]}, exclude=EXCLUDE)
    assert in_bulk(places) == (one_by_one(places), True)


class Reads(Parameters):
    """Validators that only look."""

    width: int = Field(default=2, description="w")

    @model_validator(mode="after")
    def look(self):
        assert self.width >= 0
        return self


class Changes(Plain):
    """A validator that changes the point."""

    @model_validator(mode="after")
    def change(self):
        object.__setattr__(self, "width", 10 * self.width)
        return self


class Named(Plain):
    """A name of its own."""

    def identity(self):
        return {"width": self.width % 2}


class Before(Plain):
    """Parameters that hang together."""

    @model_validator(mode="before")
    @classmethod
    def complete(cls, values):
        return {"gain": float(values.get("width", 0)), **values}


class Dumped(Plain):
    """Another way to write a value down."""

    @field_serializer("width")
    def write(self, value):
        return -value


class Hidden(Parameters):
    """A parameter that is no part of the name."""

    width: int = Field(default=2, description="w", exclude=True)


@pytest.mark.parametrize(
    ("model", "in_pieces"),
    [(Reads, True), (Changes, False), (Named, False), (Before, False), (Dumped, False), (Hidden, False)],
)
def test_keys_are_made_point_by_point_where_pieces_do_not_tell(model, in_pieces):
    places = grid_of(model, {"width": [1, 2, 3, 4], "seed": [0, 1]})
    assert in_bulk(places) == (one_by_one(places), in_pieces)


def test_values_that_are_one_to_a_point_are_no_pieces():
    """A spec that nobody resolved may have the same value twice."""
    places = grid_of(Plain, {"width": [1, 3, 1]})
    assert in_bulk(places) == (one_by_one(places), False)


def test_keys_are_packed_and_written():
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
    assert packed_keys(keys).shape == (5, 32)
    assert written_keys(packed_keys(keys)) == keys
    assert written_keys(packed_keys([])) == []


@given(st.lists(st.integers(0, 2**50), max_size=30))
def test_numbers_are_packed_and_unpacked(numbers):
    assert unpacked(packed(np.array(numbers, dtype=np.int64))).tolist() == numbers


def test_numbers_that_rise_evenly_take_few_bytes():
    assert len(packed(np.arange(10**5, 10**5 + 10**4))) < 1000


# Functions of points


class Counted:
    """A function of a point that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, point):
        self.calls += 1
        return self.function(point)


FUNCTIONS = {
    "nothing": (lambda point: 3.0, 1),
    "one": (lambda point: 2.0 * point.width, 4),
    "another one in a branch": (lambda point: point.seed if point.width == 3 else -point.width, 20),
    "all": (lambda point: len(point.model_dump_json()), 48),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_asked_once_for_what_it_reads(name, small_blocks):
    function, calls = FUNCTIONS[name]
    places = grid_of(
        Plain, {"width": [1, 2, 3], "note": ["", "a"], "seed": [*range(8)]}, exclude=[{"width": [2], "seed": [0]}]
    )
    counted = Counted(function)
    costs = ByCombination(places, counted)
    found = np.concatenate([costs.reals_at(block) for block in places.blocks()])
    points = [point for _, point in grid(places.sweep, places.experiment) if point is not None]
    assert found.tolist() == [function(point) for point in points]
    assert counted.calls <= calls


def test_a_function_is_asked_at_every_point_where_parameters_hang_together():
    places = grid_of(Before, {"width": [1, 2], "seed": [0, 1, 2]})
    counted = Counted(lambda point: point.gain)
    assert ByCombination(places, counted).reals_at(np.arange(6)).tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    assert counted.calls == 6


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("initatlas.sweeps.combinations.MOST_KEPT", 4)
    places = grid_of(Plain, {"width": [*range(20)], "seed": [0, 1]})
    costs = ByCombination(places, lambda point: point.width)
    for start in (0, 8, 0, 24):
        block = np.arange(start, start + 8)
        assert costs.reals_at(block).tolist() == (block // 2).tolist()
        assert len(costs._known) <= 4


# Finding


@pytest.mark.parametrize("room", [0, 64, 10**6], ids=["all in the file", "some in the file", "all in memory"])
def test_records_come_back_in_order_by_bucket(tmp_path, monkeypatch, room):
    monkeypatch.setattr("initatlas.sweeps.spool.BYTES_IN_MEMORY", room)
    numbers = np.arange(1000)
    spool = Spool(np.dtype(np.int64), 4, tmp_path)
    for part in np.split(numbers, [3, 200, 201, 600, 990]):
        spool.add(part, part % 3)
        for bucket in range(3):
            held = numbers[: part[-1] + 1]
            assert spool.read(bucket).tolist() == held[held % 3 == bucket].tolist()
        assert spool.read(3).tolist() == []
    assert [*tmp_path.iterdir()] == []


def files_open():
    """Number of files that this process has open."""
    return len([*Path("/proc/self/fd").iterdir()])


def test_a_spool_leaves_no_open_file(tmp_path, monkeypatch):
    monkeypatch.setattr("initatlas.sweeps.spool.BYTES_IN_MEMORY", 0)
    before = files_open()
    spool = Spool(np.dtype(np.int64), 1, tmp_path)
    spool.add(np.arange(9), np.zeros(9, dtype=np.int64))
    assert files_open() == before + 1
    del spool
    assert files_open() == before


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("initatlas.sweeps.spool.BYTES_IN_MEMORY", 0)
    spool = Spool(np.dtype(np.int64), 1, tmp_path)
    with monkeypatch.context() as full:
        full.setattr("os.pwrite", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(UserError, match=r"cannot be noted \(No space left on device\); make room, then run again"):
            spool.add(np.arange(9), np.zeros(9, dtype=np.int64))


def test_keys_that_agree_in_their_first_word_are_told_apart():
    known = np.array([[1, 0, 0, 1], [1, 0, 0, 2], [1, 0, 0, 3], [4, 0, 0, 0]], dtype=np.uint64)
    wanted = np.array(
        [[1, 0, 0, 3], [1, 0, 0, 1], [4, 0, 0, 0], [4, 0, 0, 1], [1, 0, 0, 9], [0, 0, 0, 0], [9, 0, 0, 0]]
    )
    assert _match(known, wanted.astype(np.uint64)).tolist() == [2, 0, 3, -1, -1, -1, -1]


def test_a_store_filled_in_another_order_is_found(tmp_path, small_blocks):
    """By sweeps with other axes, in several files; a part of it twice, and some of it foreign to the sweep."""
    axes = {"offset": [*range(6)], "length": [2, 3, 5], "seed": [*range(4)]}
    run(make_sweep("toy.draws", {"seed": [3, 1], "length": [3, 7], "offset": [9, 5, 0, 2]}), tmp_path)
    shuffled = {name: random.Random(1).sample(axes[name], len(axes[name])) for name in ("seed", "offset")}
    run(make_sweep("toy.draws", {**shuffled, "length": [5, 2]}, exclude=[{"seed": 2, "offset": [4, 5]}]), tmp_path)
    sweep = make_sweep("toy.draws", axes)
    plan = plan_sweep(sweep, open_store(sweep, tmp_path / "points"), {})
    places = GridPlaces(sweep, load_experiment("toy.draws"))
    to_run = {task.place for batch in plan.batches for task in batch.tasks}
    points = {place: point for place, (_, point) in enumerate(grid(sweep, places.experiment))}
    expected = {
        place
        for place, point in points.items()
        if (point.length == 3 and not (point.seed in (1, 3) and point.offset in (5, 0, 2)))
        or (point.length != 3 and point.seed == 2 and point.offset in (4, 5))
    }
    assert to_run == expected
    located = {}
    index = index_of(open_store(sweep, tmp_path / "points"))
    keys = in_bulk_of(sweep)
    for file, rows, at in plan.located.within(0, places.size):
        located |= {place: (file.path, row) for row, place in zip(rows.tolist(), at.tolist(), strict=True)}
    assert located == {place: tuple(index[keys[place]]) for place in points.keys() - expected}


def in_bulk_of(sweep):
    """The keys of all points of a sweep."""
    places = GridPlaces(sweep, load_experiment(sweep.experiment))
    return in_bulk(places)[0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=40), st.sets(st.integers(0, 30)), st.sets(st.integers(0, 40)))
def test_places_with_the_same_key_are_one_point(tmp_path_factory, asked, stored, suspects):
    from initatlas.sweeps.execute import Execution
    from initatlas.sweeps.store import StoredFile

    def key(number):
        return hashlib.sha256(bytes([number])).hexdigest()

    folder = tmp_path_factory.mktemp("spool")
    file = StoredFile(folder, "file", len(stored), Execution(1.0, 1.0, "here"))
    rows = sorted(stored)
    found = Found.nothing(max(len(asked), 1), folder)
    find(
        found,
        [(np.arange(len(asked)), packed_keys(map(key, asked)))] if asked else [],
        [(tuple(map(key, rows)), file)],
        [*map(key, suspects)],
        repeated=True,
    )
    first = {number: place for place, number in reversed([*enumerate(asked)])}
    assert {place: sorted(others) for place, others in found.repeats.items()} == {
        place: [other for other, again in enumerate(asked) if again == number and other != place]
        for number, place in first.items()
        if asked.count(number) > 1
    }
    assert found.suspects == {first[number] for number in suspects & {*asked}}
    assert found.acquitted == {first[number] for number in suspects & {*asked} & stored}
    settled = [place for place, number in enumerate(asked) if number in stored or first[number] < place]
    assert np.flatnonzero(found.settled.has(np.arange(len(asked)))).tolist() == settled
    at = [
        pair
        for _, rows_of_file, places in found.located.within(0, len(asked))
        for pair in zip(rows_of_file.tolist(), places.tolist(), strict=True)
    ]
    assert [count for _, count in found.located.used()] == [len(stored & {*asked})] * bool(stored & {*asked})
    assert sorted(at, key=lambda pair: pair[1]) == [
        (rows.index(number), place) for place, number in enumerate(asked) if number in stored
    ]


# Whole sweeps


def test_a_sweep_in_small_blocks_leaves_the_same_cube(tmp_path, monkeypatch, request):
    sweep = make_sweep(
        "toy.draws", {"offset": [*range(5)], "length": [2, 5], "seed": [0, 1, 2]}, exclude=[{"length": 5, "seed": 1}]
    )
    _, whole = run(sweep, tmp_path / "whole")
    request.getfixturevalue("small_blocks")
    monkeypatch.setattr("initatlas.sweeps.slabs.BYTES_OF_A_SLAB", 300)
    _, parts = run(sweep, tmp_path / "parts")
    report, again = run(sweep, tmp_path / "parts")
    assert report.computed == 0
    import xarray as xr

    with xr.open_dataset(whole) as one, xr.open_dataset(parts) as two, xr.open_dataset(again) as three:
        assert one.drop_attrs(deep=False).identical(two.drop_attrs(deep=False))
        assert one.drop_attrs(deep=False).identical(three.drop_attrs(deep=False))


def test_points_that_stand_in_several_places_are_computed_once(tmp_path):
    """Two positions of an axis with the same value: nobody resolved this spec."""
    axes = [Axis(name="spot", values={"offset": [1.0, 0.0, 1.0, 1.0]})]
    sweep = Sweep(study="toy", name="twice", scale="quick", experiment="toy.draws", axes=axes, fixed={}, root_seed=7)
    for computed in (2, 0):
        report, path = run(sweep, tmp_path)
        assert (report.points, report.computed) == (2, computed)
        import xarray as xr

        with xr.open_dataset(path) as cube:
            first, _, third, fourth = cube["number"].values.tolist()
            assert first == third == fourth
            assert (cube["status"] == 0).all()
            assert sum(share["points"] for share in __import__("json").loads(cube.attrs["environments"])) == 2


def peak_of(function):
    """Most memory that Python and numpy held meanwhile, in MB."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_points(tmp_path, monkeypatch):
    """Ten times as many points take hardly more: a bit each for what is settled, and some hundred bytes for each batch."""
    monkeypatch.setattr("initatlas.sweeps.places.BLOCK", 2048)
    monkeypatch.setattr("initatlas.sweeps.finding.KEYS_AT_A_TIME", 2048)
    monkeypatch.setattr("initatlas.sweeps.located.PLACES_OF_A_BUCKET", 2048)
    monkeypatch.setattr("initatlas.sweeps.finding.RECORDS_OF_A_BUCKET", 2048)
    monkeypatch.setattr("initatlas.sweeps.spool.BYTES_IN_MEMORY", 1 << 16)
    monkeypatch.setattr("initatlas.sweeps.slabs.BYTES_OF_A_SLAB", 1 << 17)
    peaks = {}
    for seeds in (10, 100):
        sweep = make_sweep("toy.counted", {"number": [*range(200)], "seed": [*range(seeds)]}, name=f"of{seeds}")
        first = peak_of(lambda sweep=sweep: run(sweep, tmp_path))
        again = peak_of(lambda sweep=sweep: run(sweep, tmp_path))
        peaks[seeds] = (first, again)
    assert max(peaks[100]) < 1.5 * max(peaks[10]) + 0.1, peaks


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "texts"])
def test_a_variable_keeps_two_chunks_in_memory(tmp_path, text):
    """By itself netCDF4 would keep 64 MB of each of the variables of a large cube."""
    import netCDF4

    with netCDF4.Dataset(tmp_path / "cube.nc", "w") as file:
        file.createDimension("place", 10**7)
        if text:
            _Text(file, "made", ["place"], {}, ["a reason"])
        else:
            _Variable(file, "made", ["place"], np.dtype(float), {})
        variable = file["made"]
        chunk = np.prod(variable.chunking()) * variable.dtype.itemsize
        assert CHUNK_BYTES / 4 < chunk <= CHUNK_BYTES
        assert variable.get_var_chunk_cache()[0] == 2 * chunk
        assert variable.chunking()[1:] == [8] * text, "in the order of the slabs"


def test_a_plan_makes_no_point_for_each_of_millions(tmp_path):
    """Two million points take a second, and some bytes each."""
    sweep = make_sweep("toy.counted", {"number": [*range(1000)], "seed": [*range(2000)]})
    plan = plan_sweep(sweep, open_store(sweep, tmp_path), {})
    assert (plan.points, plan.to_run) == (2 * 10**6, 2 * 10**6)
    (task,) = islice(plan.batches[-1].tasks[-1:], 1)
    assert task.parameters.seed < 2000
