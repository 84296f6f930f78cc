"""The engine as a whole: resume, failures, and the same bits wherever and in whatever order points run."""

import random
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import psutil
import pytest
import xarray as xr
from toy import faults as faulty
from toy.sweeps import make_sweep, run

from initatlas.errors import UserError
from initatlas.runs import OWNER_VARIABLE
from initatlas.sweeps.backends.base import MAX_ATTEMPTS
from initatlas.sweeps.backends.ray import RayBackend
from initatlas.sweeps.engine import open_store, partial_path
from initatlas.sweeps.former import keep_former, older_path
from initatlas.sweeps.plan import DataSource, _begins_with, plan_sweep
from initatlas.sweeps.ray.client import RayOfTheSweep


@pytest.fixture(scope="module")
def ray_backend(tmp_path_factory):
    """One Ray with two workers for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("RAY_ADDRESS", OWNER_VARIABLE):
            patch.delenv(variable, raising=False)
        for variable in ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "OMP_NUM_THREADS"):
            patch.setenv(variable, "")
        cpus = RayOfTheSweep(workers=2, session_folder=tmp_path_factory.mktemp("session")).join()
        (keeper,) = [child for child in psutil.Process().children() if "ray-keeper" in child.cmdline()]
        assert cpus == 2
        yield RayBackend(lambda: cpus)
        import ray

        ray.shutdown()
        keeper.terminate()
        keeper.wait(30)


@pytest.fixture(scope="module")
def digits():
    """A data set of real images, small."""
    from initatlas.datasets.build import build_dataset
    from initatlas.datasets.specs import DigitsSpec

    dataset = build_dataset("digits", DigitsSpec(), None)
    return {"digits": DataSource(dataset, dataset.content_sha256)}


def read(path):
    with xr.open_dataset(path) as cube:
        return cube.load()


def computed(sweep, folder, **rest):
    """Run a sweep; give the number of points that had to be computed, and the cube."""
    report, path = run(sweep, folder, **rest)
    assert not report.failures
    return report.computed, read(path)


def assert_same_bits(one, other):
    """All data variables agree byte for byte, wherever their points lie on the axes."""
    other = other.sel({name: one[name] for name in one.dims if name in other.indexes})
    assert set(one.data_vars) == set(other.data_vars)
    for name in one.data_vars:
        assert one[name].dims == other[name].dims
        if name != "error":
            assert one[name].values.tobytes() == other[name].values.tobytes(), name


# Resume


def test_a_second_run_computes_nothing(tmp_path):
    sweep = make_sweep("toy.draws", {"offset": [0, 1, 2]}, seeds=2)
    first, cube = computed(sweep, tmp_path)
    second, again = computed(sweep, tmp_path)
    assert (first, second) == (6, 0)
    assert_same_bits(cube, again)


def test_a_longer_axis_computes_the_new_points_alone(tmp_path):
    _, cube = computed(make_sweep("toy.draws", {"offset": [0, 1]}, seeds=2), tmp_path)
    count, longer = computed(make_sweep("toy.draws", {"offset": [0, 1, 2]}, seeds=3), tmp_path)
    assert count == 9 - 4
    assert_same_bits(cube, longer)


def test_a_new_axis_over_a_default_computes_the_new_points_alone(tmp_path):
    computed(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    assert computed(make_sweep("toy.draws", {"length": [3, 4], "offset": [0, 1]}), tmp_path)[0] == 2


@pytest.mark.parametrize(
    "again",
    [
        {"axes": {"offset": [2, 0, 1], "length": [2, 3]}},
        {"axes": {"length": [3, 2], "offset": [0, 1, 2]}},
        {"axes": {"offset": [0, 1, 2], "length": [3, 2]}, "name": "renamed", "description": "Another name."},
        {"axes": {"offset": [0, 1, 2], "length": [3, 2]}, "fixed": {"weights": "gaussian"}},
        {"axes": {"offset": {"linspace": [0, 2, 3]}, "length": [3]}},
    ],
    ids=["values reordered", "axes reordered", "renamed", "default given", "part"],
)
def test_the_same_points_are_found_again(tmp_path, again):
    _, cube = computed(make_sweep("toy.draws", {"offset": [0, 1, 2], "length": [3, 2]}), tmp_path)
    count, other = computed(make_sweep("toy.draws", **again), tmp_path)
    assert count == 0
    for length in other["length"].values:
        for offset in other["offset"].values:
            place = {"offset": offset, "length": length}
            assert other["number"].sel(place).item() == cube["number"].sel(place).item()


def test_two_sweeps_share_their_points(tmp_path):
    assert computed(make_sweep("toy.draws", {"offset": [0, 1, 2]}, name="one"), tmp_path)[0] == 3
    assert computed(make_sweep("toy.draws", {"offset": [2, 3]}, name="two"), tmp_path)[0] == 1


@pytest.mark.parametrize("change", [{"root_seed": 7}, {"fixed": {"length": 4}}])
def test_other_points_are_computed(tmp_path, change):
    computed(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    assert computed(make_sweep("toy.draws", {"offset": [0, 1]}, **change), tmp_path)[0] == 2


def test_the_data_set_is_told_by_its_content(tmp_path):
    sweep = make_sweep("toy.shifted", {"offset": [0, 1]}, fixed={"dataset": "digits"})
    for content, sha256, expected in ((5.0, "aa", 2), (5.0, "aa", 0), (6.0, "bb", 2), (5.0, "aa", 0)):
        count, cube = computed(sweep, tmp_path, data={"digits": DataSource(content, sha256)})
        assert count == expected
        assert cube["number"].values.tolist() == [content, content + 1]


def test_a_damaged_file_costs_its_own_points_alone(tmp_path):
    sweep = make_sweep("toy.draws", {"length": [2, 3, 4]}, seeds=2)
    _, cube = computed(sweep, tmp_path)
    path = max((tmp_path / "points").rglob("*.npz"))
    path.write_bytes(path.read_bytes()[:-20])
    count, again = computed(sweep, tmp_path)
    assert count == 2
    assert_same_bits(cube, again)


def test_every_batch_says_which_code_computed_it(tmp_path):
    sweep = make_sweep("toy.draws", {"length": [2, 3]})
    _, path = run(sweep, tmp_path)
    store = open_store(sweep, tmp_path / "points")
    assert [file.execution.code for _, file in store.files()] == 2 * [read(path).attrs["code_version"]]


def test_a_plan_says_what_a_run_does(tmp_path):
    computed(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    sweep = make_sweep("toy.draws", {"offset": [0, 1, 2], "length": [2, 3]}, exclude=[{"offset": 2, "length": 2}])
    plan = plan_sweep(sweep, open_store(sweep, tmp_path / "points"), {})
    assert (plan.points, plan.to_run, plan.excluded) == (5, 3, 1)
    assert computed(sweep, tmp_path)[0] == 3


# Failures


def faults(folder, **fixed):
    """Eight points, the fifth of which has a fault."""
    return make_sweep("toy.faults", {"number": [*range(8)]}, fixed={"at": 4, "folder": str(folder), **fixed})


def runs(folder):
    """How often each point ran."""
    return {int(path.stem): len(path.read_text().splitlines()) for path in folder.glob("*.ran")}


REASONS = {
    "raise": "ValueError: number 4 is bad",
    "wordless": "KeyError without a message",
    "nan": "output value: got NaN, expected numbers; NaN needs nan_means",
    "nothing": "output value: got nothing, expected one float64",
    "shape": "output value: got shape (2), expected one float64",
}


@pytest.mark.parametrize("fault", REASONS)
@pytest.mark.parametrize("cost", [0.0, 5.0], ids=["one batch", "a batch each"])
def test_a_failing_point_leaves_the_others_alone(tmp_path, fault, cost):
    report, path = run(faults(tmp_path, fault=fault, cost=cost), tmp_path)
    assert [failure.reason for failure in report.failures] == [REASONS[fault]]
    assert '"number":4' in report.failures[0].point
    assert (report.points, report.computed) == (8, 7)
    assert not path.exists()
    cube = read(partial_path(path))
    assert cube["status"].values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]
    assert cube["error"].values.tolist() == ["", "", "", "", REASONS[fault], "", "", ""]
    np.testing.assert_array_equal(cube["value"], [0, 1, 2, 3, np.nan, 5, 6, 7])
    assert np.isnan(cube["drawn"].values).tolist() == [place == 4 for place in range(8)]


def test_the_companions_of_a_failing_point_have_the_same_bits_as_without_it(tmp_path):
    bad, good = tmp_path / "bad", tmp_path / "good"
    for folder in (bad, good):
        folder.mkdir()
    _, path = run(make_sweep("toy.faults", {"number": [*range(8)]}, fixed={"fault": "raise", "at": 4}), bad)
    cube = read(partial_path(path))
    for number in (0, 3, 5, 7):
        alone = make_sweep("toy.faults", {"number": [number]}, fixed={"fault": "raise", "at": 4})
        assert_same_bits(read(run(alone, good)[1]), cube.sel(number=[number]))


def test_the_next_run_tries_the_failed_points_alone(tmp_path):
    sweep = faults(tmp_path, fault="raise", cost=5.0)
    _, path = run(sweep, tmp_path)
    before = runs(tmp_path)
    run(sweep, tmp_path)
    assert runs(tmp_path) == {**before, 4: before[4] + 1}
    (tmp_path / "cured").touch()
    report, path = run(sweep, tmp_path)
    assert (report.computed, report.failures) == (1, ())
    assert runs(tmp_path) == {**before, 4: before[4] + 2}
    assert read(path)["value"].values.tolist() == [*range(8)]
    assert not partial_path(path).exists()


def test_a_failing_point_does_not_cost_the_former_cube(tmp_path):
    """It goes to a name from which nothing is read, until there is a new one."""
    _, path = run(faults(tmp_path, fault=""), tmp_path)
    grown = make_sweep(
        "toy.faults", {"number": [*range(9)]}, fixed={"at": 8, "folder": str(tmp_path), "fault": "raise"}
    )
    for _ in range(2):
        report, path = run(grown, tmp_path)
        assert len(report.failures) == 1
        assert not path.exists()
        assert read(older_path(path))["number"].size == 8
        assert read(partial_path(path))["number"].size == 9
    (tmp_path / "cured").touch()
    run(grown, tmp_path)
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert read(path)["number"].size == 9


def test_a_former_cube_has_a_second_name_before_whoever_runs_the_sweep_removes_it(tmp_path, monkeypatch):
    """With links and without."""
    path = tmp_path / "trial.nc"
    keep_former(path)
    assert [*tmp_path.iterdir()] == []
    for content, links in ((b"first", True), (b"second", True), (b"third", False)):
        if not links:
            monkeypatch.setattr("os.link", Mock(side_effect=OSError("no links here")))
        path.write_bytes(content)
        keep_former(path)
        path.unlink()
        keep_former(path)
        assert older_path(path).read_bytes() == content


@pytest.mark.parametrize("place", [lambda path: path, partial_path, older_path], ids=["cube", "partial", "older"])
def test_a_folder_in_the_place_of_a_cube_is_told_before_anything_runs(tmp_path, place):
    sweep = faults(tmp_path, fault="")
    taken = place(tmp_path / "cubes/trial.nc")
    taken.mkdir(parents=True)
    with pytest.raises(UserError, match=rf"^{taken}: a folder where a file should be; move it away and run again$"):
        run(sweep, tmp_path)
    assert runs(tmp_path) == {}


def test_a_file_in_the_place_of_the_folder_of_cubes_is_told_before_anything_runs(tmp_path):
    (tmp_path / "cubes").write_text("")
    with pytest.raises(UserError, match=r"cubes: a file where a folder should be; move it away and run again$"):
        run(faults(tmp_path, fault=""), tmp_path)
    assert runs(tmp_path) == {}


def test_an_interrupted_run_keeps_what_is_finished(tmp_path, monkeypatch):
    """A stop between two batches: the finished ones are stored, the others are left for the next run."""
    from initatlas.sweeps.backends import serial

    real = serial.execute_batch
    finished = []

    def stop_after_three(*arguments, **named):
        if len(finished) == 3:
            raise KeyboardInterrupt
        finished.append(1)
        return real(*arguments, **named)

    sweep = faults(tmp_path, fault="", cost=5.0)
    monkeypatch.setattr(serial, "execute_batch", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        run(sweep, tmp_path)
    assert not list((tmp_path / "cubes").glob("*"))
    monkeypatch.undo()
    count, cube = computed(sweep, tmp_path)
    assert count == 5
    assert set(runs(tmp_path).values()) == {1}
    assert (cube["status"] == 0).all()


# The same bits everywhere

FORWARD = {"weights": ["gaussian", "multivariate_t(nu=3)", "laplace"], "depth": [1, 3]}
FORWARD_FIXED = {"width": 24, "input_dimension": 16, "angles": 5}
TRAINING = {"weights": ["gaussian", "uniform"], "weight_variance": [0.5, 2, 8], "depth": [1, 3]}
TRAINING_FIXED = {"dataset": "digits", "width": 8, "steps": 12, "batch_size": 16, "evaluations": 3, "device": "cpu"}


def draws_sweep(axes=None, **rest):
    return make_sweep("toy.draws", axes or {"offset": [0, 1, 2], "length": [2, 5]}, **{"seeds": 2, **rest})


def forward_sweep(axes=None, **rest):
    return make_sweep("forward_kernel", axes or FORWARD, **{"fixed": FORWARD_FIXED, "seeds": 2, **rest})


def training_sweep(axes=None, **rest):
    return make_sweep("train_mlp", axes or TRAINING, **{"fixed": TRAINING_FIXED, "seeds": 2, **rest})


SWEEPS = {"toy": draws_sweep, "forward_kernel": forward_sweep, "train_mlp": training_sweep}


@pytest.fixture(scope="module")
def serial_cubes(tmp_path_factory, digits):
    """Every sweep, run in this process."""
    folder = tmp_path_factory.mktemp("serial")
    return {name: computed(make(name=name), folder, data=digits)[1] for name, make in SWEEPS.items()}


@pytest.mark.parametrize("name", SWEEPS)
def test_shuffled_axes_give_the_same_bits(tmp_path, serial_cubes, digits, name):
    axes = {axis.name: axis.values[axis.name] for axis in SWEEPS[name]().axes if axis.name != "seed"}
    for values in axes.values():
        random.Random(3).shuffle(values)
    count, cube = computed(SWEEPS[name](axes, seeds=[1, 0]), tmp_path, data=digits)
    assert count == serial_cubes[name]["status"].size
    assert_same_bits(serial_cubes[name], cube)


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_grown_in_two_steps_gives_the_same_bits(tmp_path, serial_cubes, digits, name):
    axes = {axis.name: axis.values[axis.name] for axis in SWEEPS[name]().axes if axis.name != "seed"}
    first = {parameter: values[-1:] for parameter, values in axes.items()}
    assert computed(SWEEPS[name](first), tmp_path, data=digits)[0] == 2
    count, cube = computed(SWEEPS[name](axes), tmp_path, data=digits)
    assert count == serial_cubes[name]["status"].size - 2
    assert_same_bits(serial_cubes[name], cube)


@pytest.mark.parametrize("name", SWEEPS)
def test_ray_gives_the_same_bits(tmp_path, serial_cubes, digits, ray_backend, name):
    count, cube = computed(SWEEPS[name](), tmp_path, data=digits, backend=ray_backend)
    assert count == serial_cubes[name]["status"].size
    assert cube.attrs["backend"] == "ray"
    assert cube.attrs["environments"] == serial_cubes[name].attrs["environments"]
    assert_same_bits(serial_cubes[name], cube)


@pytest.mark.parametrize("name", SWEEPS)
def test_the_same_bits_where_the_driver_computes_until_ray_is_ready(tmp_path, serial_cubes, digits, ray_backend, name):
    """The bookkeeping is that of the other batches."""
    answers = iter([False, True])
    both = RayBackend(lambda: 2, lambda: next(answers))
    count, cube = computed(SWEEPS[name](), tmp_path, data=digits, backend=both)
    assert count == serial_cubes[name]["status"].size
    assert_same_bits(serial_cubes[name], cube)
    (path,) = (tmp_path / "cubes").iterdir()
    with xr.open_dataset(path, group="execution") as found:
        assert (found["attempt"] == 1).all()
        assert set(found["host"].values.ravel()) == {socket.gethostname()}
        assert (found["seconds"] > 0).all()


def test_a_failing_point_on_ray_is_recorded(tmp_path, ray_backend):
    report, path = run(faults(tmp_path, fault="raise", cost=5.0), tmp_path, backend=ray_backend)
    assert [failure.reason for failure in report.failures] == [REASONS["raise"]]
    assert read(partial_path(path))["status"].values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.fault
def test_a_batch_whose_worker_dies_starts_again(tmp_path, ray_backend):
    report, path = run(faults(tmp_path, fault="kill once", cost=5.0), tmp_path, backend=ray_backend)
    assert not report.failures
    assert runs(tmp_path)[4] == 2
    assert read(path)["value"].values.tolist() == [*range(8)]
    with xr.open_dataset(path, group="execution") as execution:
        assert execution["attempt"].values.tolist() == [1, 1, 1, 1, 2, 1, 1, 1]


@pytest.mark.fault
def test_a_point_that_always_kills_its_worker_fails_in_the_end(tmp_path, ray_backend):
    report, path = run(faults(tmp_path, fault="kill", cost=5.0), tmp_path, backend=ray_backend)
    (failure,) = report.failures
    assert '"number":4' in failure.point
    assert failure.reason == f"WorkerCrashedError: the worker died in {MAX_ATTEMPTS} attempts"
    assert runs(tmp_path)[4] == MAX_ATTEMPTS
    assert read(partial_path(path))["status"].values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.fault
def test_a_point_that_kills_its_worker_does_not_take_its_companions_along(tmp_path, ray_backend):
    report, path = run(faults(tmp_path, fault="kill"), tmp_path, backend=ray_backend)
    assert len(report.failures) == 1
    assert read(partial_path(path))["status"].values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


# Large sweeps


def seconds_to_plan(folder, points):
    """CPU time of the plan of a sweep of one axis."""
    sweep = make_sweep("toy.draws", {"offset": {"linspace": [1, points, points]}})
    begin = time.process_time()
    assert plan_sweep(sweep, open_store(sweep, folder), {}).to_run == points
    return time.process_time() - begin


def test_the_time_of_a_plan_grows_with_its_points_and_no_faster(tmp_path):
    seconds_to_plan(tmp_path, 100)
    few, many = (min(seconds_to_plan(tmp_path, points) for _ in range(2)) for points in (1000, 16_000))
    assert many < 3 * 16 * few


def test_points_of_different_lengths_are_compared_without_a_look_at_each_value():
    """Ten thousand million values are as quickly compared as ten."""
    assert _begins_with(range(10**10), range(10**10 - 1))
    assert not _begins_with(range(10**10), range(1, 10**10 - 1))
    assert _begins_with([0.0, 0.5, 1.0], [0.0, 0.5])
    assert not _begins_with([0.0, 0.5, 1.0], [0.0, 1.0])
    assert _begins_with(range(3), [0.0, 1.0])


def slowness_after(folder):
    """By how much the next plan corrects the estimates of a sweep, two points of which claimed 0.1 s and waited 0.3 s."""
    fixed = {"nap": 0.3, "cost": 0.1}
    run(make_sweep("toy.faults", {"number": [0, 1]}, fixed=fixed), folder)
    sweep = make_sweep("toy.faults", {"number": [0, 1, 2]}, fixed=fixed)
    return plan_sweep(sweep, open_store(sweep, folder / "points"), {}).slowness


def test_waiting_for_the_processor_does_not_make_the_next_plan_longer(tmp_path):
    assert slowness_after(tmp_path) < 0.9


def test_work_makes_the_next_plan_longer_also_that_of_a_process_that_a_point_starts(tmp_path, monkeypatch):
    def work(seconds):
        end = time.process_time() + seconds / 2
        while time.process_time() < end:
            pass
        loop = f"import time\nwhile time.process_time() < {seconds / 2}: pass"
        subprocess.run([sys.executable, "-I", "-c", loop], check=True)

    monkeypatch.setattr(faulty, "time", SimpleNamespace(sleep=work))
    assert slowness_after(tmp_path) > 2.7
