"""Cubes: what a sweep leaves for whoever draws, tabulates or claims."""

import json
import platform

import numpy as np
import pytest
import xarray as xr
from toy.sweeps import make_sweep, run

from initatlas import __version__
from initatlas.cli import main
from initatlas.cubes import environments, mixtures, open_cube, open_placed_cube, summarise_placed_cube
from initatlas.errors import UserError
from initatlas.provenance import commit
from initatlas.sweeps.engine import partial_path
from initatlas.sweeps.environment import cpu_kind, environment
from initatlas.sweeps.plan import DataSource
from initatlas.sweeps.registry import load_experiment
from initatlas.sweeps.slabs import kind_with, marks_of, slabs

AXES = {
    "offset": [2.5, -1, 0],
    "weights": ["gaussian", "multivariate_t(nu=5)", "generalized_normal(beta=0.5)"],
}


def cube_of(sweep, folder, **rest):
    """Run a sweep and read its cube in the plainest way."""
    report, path = run(sweep, folder, **rest)
    with xr.open_dataset(partial_path(path) if report.failures else path) as cube:
        return cube.load()


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    return cube_of(make_sweep("toy.draws", AXES, seeds=2), tmp_path_factory.mktemp("cube"))


def test_dimensions_are_in_the_order_of_the_axes(cube):
    assert cube["number"].dims == ("offset", "weights", "seed")
    assert cube["curve"].dims == ("offset", "weights", "seed", "place")
    assert cube["curve"].shape == (3, 3, 2, 3)
    assert cube["status"].dims == cube["error"].dims == cube["number"].dims


def test_an_inner_dimension_may_have_labels(tmp_path):
    sweep = make_sweep("toy.labelled", {"offset": [1.0, 2.0]})
    _, path = run(sweep, tmp_path)
    with xr.open_dataset(path) as cube:
        assert cube["kind"].values.tolist() == ["small", "large"]
        assert "units" not in cube["kind"].attrs
        assert cube["number"].sel(kind="large").values.tolist() == [11.0, 12.0]


def test_points_lie_where_their_coordinates_say(cube, tmp_path):
    for offset, weights, seed in ((2.5, "gaussian", 1), (0, "multivariate_t(nu=5)", 0)):
        alone = make_sweep("toy.draws", {}, fixed={"offset": offset, "weights": weights, "seed": seed}, name="alone")
        point = cube_of(alone, tmp_path)
        chosen = cube.sel(offset=offset, weights=weights, seed=seed)
        assert point["number"].dims == ()
        assert chosen["number"].item() == point["number"].item()
        np.testing.assert_array_equal(chosen["curve"], point["curve"])


def test_coordinates_keep_their_types_and_their_order(cube):
    assert cube["offset"].values.tolist() == [2.5, -1.0, 0.0]
    assert cube["offset"].dtype == np.float64
    assert cube["seed"].values.tolist() == [0, 1]
    assert cube["seed"].dtype.kind == "i"
    assert cube["weights"].values.tolist() == AXES["weights"]
    assert cube["place"].values.tolist() == [0, 1, 2]


def test_coordinates_and_outputs_carry_names_and_units(cube):
    assert cube["offset"].attrs == {"long_name": "shift of the number", "units": "m"}
    assert cube["place"].attrs == {"long_name": "place on the line", "units": "mm"}
    assert cube["number"].attrs == {"long_name": "a random number", "units": "m"}
    assert cube["count"].attrs["units"] == "1"
    assert cube["count"].encoding["dtype"] == np.int32


def test_parameters_of_labels_are_coordinates(cube):
    assert cube["weights_family"].values.tolist() == ["gaussian", "multivariate_t", "generalized_normal"]
    np.testing.assert_array_equal(cube["weights_nu"], [np.nan, 5.0, np.nan])
    np.testing.assert_array_equal(cube["weights_beta"], [np.nan, np.nan, 0.5])
    assert cube["weights_nu"].dims == ("weights",)
    assert cube["weights_nu"].attrs["long_name"] == "nu of weights"


def test_all_is_well_where_nothing_failed(cube):
    assert (cube["status"] == 0).all()
    assert (cube["error"] == "").all()
    assert cube["status"].attrs["flag_meanings"] == "ok failed excluded"
    assert cube["status"].attrs["flag_values"].tolist() == [0, 1, 2]


def test_provenance(cube):
    attributes = cube.attrs
    assert attributes["title"] == "toy/trial"
    assert attributes["experiment"] == "toy.draws"
    assert attributes["root_seed"] == "2018"
    assert attributes["backend"] == "serial"
    assert len(attributes["code_version"]) == 64
    assert json.loads(attributes["spec"])["axes"][0] == {"name": "offset", "values": {"offset": [2.5, -1.0, 0.0]}}
    assert json.loads(attributes["packages"])["numpy"] == np.__version__
    assert attributes["package_version"] == __version__
    assert attributes["scale"] == "quick"
    assert attributes["commit"] == commit()
    assert float(attributes["wall_seconds"]) >= 0
    assert np.datetime64(attributes["created"].removesuffix("+00:00")) > np.datetime64("2024-01-01")


def test_a_cube_says_what_computed_it(cube):
    (share,) = environments(cube)
    assert share.points == 18
    assert share.environment["numpy"] == np.__version__
    assert share.environment["python"] == platform.python_version()
    assert share.environment["cpu"] == cpu_kind()
    assert cube.attrs["mixture"] == ""
    assert mixtures({"cube": cube}) == {}


def test_a_cube_that_is_a_mixture_says_what_differs(tmp_path, monkeypatch):
    """Three points by one numpy, one by another, and a file of an engine that recorded nothing."""
    recorded = environment(gpu=False)
    steps = [([0], {**recorded, "numpy": "1.26.0"}), ([0, 1, 2], {**recorded, "cpu": "another"}), ([0, 1, 2, 3], {})]
    for offsets, told in steps:
        monkeypatch.setattr("initatlas.sweeps.execute.environment", lambda told=told, *, gpu: told)
        cube = cube_of(make_sweep("toy.draws", {"offset": offsets}), tmp_path)
    assert sorted(share.points for share in environments(cube)) == [1, 1, 2]
    sentence = mixtures({"cube": cube})["cube"]
    assert sentence == cube.attrs["mixture"]
    assert f"numpy {np.__version__} (2 points) and 1.26.0 (1 point)" in sentence
    assert f"cpu another (2 points) and {recorded['cpu']} (1 point)" in sentence
    assert "1 point without a record" in sentence
    assert "python" not in sentence
    with xr.open_dataset(tmp_path / "cubes/trial.nc", group="execution") as execution:
        told = [environments(cube)[number].environment.get("numpy") for number in execution["environment"].values]
    assert told == ["1.26.0", np.__version__, np.__version__, None]


def test_bookkeeping_has_its_own_group(tmp_path):
    _, path = run(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    with xr.open_dataset(path, group="execution") as execution:
        assert set(execution.data_vars) == {"seconds", "peak_memory", "host", "attempt", "environment"}
        assert execution["seconds"].dims == ("offset",)
        assert (execution["seconds"] > 0).all()
        assert (execution["peak_memory"] > 10).all()
        assert execution["attempt"].values.tolist() == [1, 1]
        assert all(variable.attrs["long_name"] for variable in execution.values())


def test_a_shorter_point_is_filled_up_with_nan(tmp_path):
    cube = cube_of(make_sweep("toy.draws", {"length": [2, 5, 1]}), tmp_path)
    assert cube["curve"].shape == (3, 5)
    assert cube["place"].values.tolist() == [0, 1, 2, 3, 4]
    assert np.isfinite(cube["curve"]).sum("place").values.tolist() == [2, 5, 1]
    assert np.isnan(cube["curve"].values[0, 2:]).all()


@pytest.mark.parametrize(("experiment", "axis"), [("normalised_kernel", "angles"), ("forward_kernel", "angles")])
def test_points_are_never_laid_under_coordinates_that_are_not_theirs(tmp_path, experiment, axis):
    """37 angles in steps of 5 degrees cannot share a dimension with 3 angles in steps of 90."""
    fixed = {"width": 4, "input_dimension": 4} if experiment == "forward_kernel" else {}
    sweep = make_sweep(experiment, {axis: [3, 5]}, fixed=fixed)
    with pytest.raises(UserError, match="angle"):
        cube_of(sweep, tmp_path)


def test_excluded_points_are_marked(tmp_path):
    sweep = make_sweep("toy.draws", {"offset": [0, 1], "length": [1, 2]}, exclude=[{"offset": 1, "length": 2}])
    cube = cube_of(sweep, tmp_path)
    assert cube["status"].values.tolist() == [[0, 0], [0, 2]]
    assert np.isnan(cube["number"].values[1, 1])
    assert np.isnan(cube["curve"].values[1, 1]).all()
    with xr.open_dataset(tmp_path / "cubes/trial.nc", mask_and_scale=False) as raw:
        assert raw["count"].values.tolist() == [[7, 7], [7, -1]]


KINDS = {"flag": "bool", "byte": "int8", "large": "int64", "unsigned": "uint16", "single": "float32"}


def test_numbers_keep_their_type_where_nothing_is_missing(tmp_path):
    """Whole numbers stay whole: no mark for what is missing turns them into real ones."""
    cube = cube_of(make_sweep("toy.kinds", {"number": [0, 1, 2]}), tmp_path)
    assert {name: str(cube[name].dtype) for name in KINDS} == KINDS
    assert cube["flag"].values.tolist() == [True, False, True]
    assert cube["large"].values.tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    assert "_FillValue" not in cube["byte"].encoding


def test_a_missing_whole_number_or_flag_is_nan_and_takes_no_value_from_the_others(tmp_path):
    """A byte takes all its values but one here, -1 and the largest among them."""
    numbers = [*range(-127, 129)]
    cube = cube_of(make_sweep("toy.kinds", {"number": numbers}, fixed={"at": 5}), tmp_path)
    assert np.flatnonzero(cube["status"].values).tolist() == [numbers.index(5)]
    expected = {"flag": lambda number: float(number % 2 == 0), "byte": lambda number: number - 1.0}
    for name, value in expected.items():
        np.testing.assert_array_equal(cube[name], [np.nan if number == 5 else value(number) for number in numbers])
    np.testing.assert_array_equal(np.isnan(cube["unsigned"]), np.isnan(cube["byte"]))


def test_a_type_whose_values_all_occur_is_widened_for_the_mark(tmp_path):
    numbers = [*range(-127, 130)]
    sweep = make_sweep("toy.kinds", {"number": numbers}, fixed={"at": 129})
    cube = cube_of(sweep, tmp_path)
    np.testing.assert_array_equal(cube["byte"], [*range(-128, 128), np.nan])
    with xr.open_dataset(tmp_path / "cubes/trial.partial.nc", mask_and_scale=False) as raw:
        assert (raw["byte"].dtype, raw["byte"].values[256]) == (np.int32, np.iinfo(np.int32).max)
        assert (raw["flag"].dtype, raw["flag"].values[256]) == (np.int8, -1)
        assert (raw["unsigned"].dtype, raw["unsigned"].values[256]) == (np.uint16, np.iinfo(np.uint16).max)


def test_marks_are_tried_best_first():
    assert marks_of(np.dtype(np.int8))[:4].tolist() == [-1, 127, -128, -127]
    assert set(marks_of(np.dtype(np.int8)).tolist()) == set(range(-128, 128))
    assert marks_of(np.dtype(np.uint16))[:3].tolist() == [2**16 - 1, 0, 1]
    assert kind_with(np.array([], dtype=np.int64), np.dtype(np.int64)).dtype == np.float64


def test_slabs_are_boxes_that_cover_the_grid_in_order():
    for shape in ((), (7,), (2, 3, 4), (5, 1, 6), (4, 9)):
        numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        for most in (1, 2, 3, 5, 12, 13, 100):
            found = [*slabs(shape, most)]
            assert all(slab.size <= most for slab in found)
            for slab in found:
                assert numbers[(*slab.box, ...)].reshape(slab.shape).ravel().tolist() == [*range(slab.start, slab.stop)]
            assert [place for slab in found for place in range(slab.start, slab.stop)] == numbers.ravel().tolist()
    assert len([*slabs((6, 50), 100)]) == 3


@pytest.mark.parametrize("experiment", ["toy.draws", "toy.kinds"])
def test_a_cube_does_not_depend_on_its_slabs(tmp_path, monkeypatch, experiment):
    """With failures, exclusions and points of different lengths; slabs of one place, and one slab for all."""
    axes, exclude = {"length": [2, 5, 1], "offset": [0, 1], "seed": [0, 1, 2]}, [{"length": 5, "seed": [0, 1]}]
    if experiment == "toy.kinds":
        axes, exclude = {"number": [1, 2, 3, 4], "seed": [0, 1]}, [{"number": 1, "seed": 1}]
    sweep = make_sweep(experiment, axes, fixed={"at": 3} if experiment == "toy.kinds" else {}, exclude=exclude)
    whole = cube_of(sweep, tmp_path)
    for bytes_of_a_slab in (1, 100, 400):
        monkeypatch.setattr("initatlas.sweeps.slabs.BYTES_OF_A_SLAB", bytes_of_a_slab)
        xr.testing.assert_identical(cube_of(sweep, tmp_path).drop_attrs(deep=False), whole.drop_attrs(deep=False))


def test_failed_points_are_marked_with_their_reason(tmp_path):
    sweep = make_sweep("toy.faults", {"number": [1, 2, 3]}, fixed={"fault": "raise", "at": 2})
    cube = cube_of(sweep, tmp_path)
    assert cube["status"].values.tolist() == [0, 1, 0]
    assert cube["error"].values.tolist() == ["", "ValueError: number 2 is bad", ""]
    np.testing.assert_array_equal(cube["value"], [1, np.nan, 3])
    with xr.open_dataset(tmp_path / "cubes/trial.partial.nc", group="execution") as execution:
        assert execution["attempt"].values.tolist() == [1, 0, 1]
        assert np.isnan(execution["seconds"].values).tolist() == [False, True, False]


def test_zipped_parameters_share_a_dimension(tmp_path):
    sweep = make_sweep("toy.draws", {"shape": {"zip": {"offset": [1.5, 2.5], "length": [3, 1]}}})
    cube = cube_of(sweep, tmp_path)
    assert cube["number"].dims == ("shape",)
    assert cube["offset"].dims == cube["length"].dims == ("shape",)
    assert cube["offset"].values.tolist() == [1.5, 2.5]
    assert cube["shape"].values.tolist() == [0, 1]


def test_a_sweep_without_axes_is_a_cube_of_one_point(tmp_path):
    """Length 3 is the default: named by an axis or not, it is the same point."""
    one = cube_of(make_sweep("toy.draws", {}, name="one"), tmp_path)
    many = cube_of(make_sweep("toy.draws", {"length": [3, 2]}), tmp_path)
    assert one["number"].shape == one["status"].shape == ()
    assert one["number"].item() == many["number"].values[0]


def test_a_missing_value_on_an_axis_is_nan(tmp_path):
    sweep = make_sweep(
        "forward_kernel",
        {"weight_variance": [None, 1.0]},
        fixed={"width": 4, "input_dimension": 4, "angles": 3},
    )
    np.testing.assert_array_equal(cube_of(sweep, tmp_path)["weight_variance"], [np.nan, 1.0])


def test_large_cubes_are_compressed_in_moderate_chunks(tmp_path):
    sweep = make_sweep("toy.draws", {"seed": {"linspace": [0, 39, 40]}}, fixed={"length": 5000})
    _, path = run(sweep, tmp_path)
    with xr.open_dataset(path) as cube:
        encoding = cube["curve"].encoding
        assert encoding["zlib"]
        assert encoding["chunksizes"][1] == 5000
        assert np.prod(encoding["chunksizes"]) * 8 <= 2**20


def test_a_file_that_is_no_cube_is_one_clear_line(tmp_path):
    path = tmp_path / "cube.nc"
    path.write_bytes(b"nothing of the sort")
    with pytest.raises(UserError, match=r"cube.nc: not a readable cube .*; remove it") as caught:
        open_cube(path)
    assert "\n" not in str(caught.value)


def test_a_cube_that_is_not_there_is_one_line_with_what_makes_it():
    with pytest.raises(
        UserError, match=r"mine/depth: there is no such file; initatlas run STUDY/SWEEP makes data/cubes"
    ):
        open_cube("mine/depth")


def test_a_folder_in_the_place_of_a_cube_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="a folder where a cube should be; move it away"):
        open_placed_cube(tmp_path, "toy/trial")


def test_a_truncated_cube_is_one_clear_line(tmp_path):
    _, path = run(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        torn = tmp_path / f"torn{length}.nc"  # HDF5 remembers a file by its name
        torn.write_bytes(whole[:length])
        for read in (open_placed_cube, summarise_placed_cube):
            with pytest.raises(UserError, match=rf"torn{length}\.nc: not a readable cube") as caught:
                read(torn, "toy/trial")
            assert "\n" not in str(caught.value)


def test_the_cube_of_another_sweep_is_refused(tmp_path):
    _, path = run(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    assert open_placed_cube(path, "toy/trial")["offset"].size == 2
    with pytest.raises(UserError, match="the cube of toy/trial, not that of toy/other; remove it"):
        open_placed_cube(path, "toy/other")
    with pytest.raises(UserError, match="the cube of toy/trial, not that of toy/other; remove it"):
        summarise_placed_cube(path, "toy/other")


@pytest.mark.parametrize("axes", [{"offset": [0, 1]}, {"offset": [1, 2], "weights": AXES["weights"]}])
def test_a_summary_says_what_the_whole_cube_says(tmp_path, axes):
    """Weights bring coordinates along the axis, which are no outputs."""
    _, path = run(make_sweep("toy.draws", axes, exclude=[{"offset": 1}]), tmp_path)
    summary, cube = summarise_placed_cube(path, "toy/trial"), open_placed_cube(path, "toy/trial")
    assert {name: str(value) for name, value in summary.attributes.items()} == {
        name: str(value) for name, value in cube.attrs.items()
    }
    assert list(summary.outputs) == [name for name in cube.data_vars if name not in ("status", "error")]
    size = cube["status"].size
    assert summary.points == {"ok": size // 2, "failed": 0, "excluded": size // 2}


TINY = {
    "depth_scale": {"activation": "tanh"},
    "dual_activation": {"activation": "erf", "correlations": 5, "draws": 100},
    "extreme_learning": {"width": 8, "samples": 10, "tests": 5},
    "forward_kernel": {"width": 8, "input_dimension": 8, "angles": 3, "depth": 2},
    "gram_spectrum": {"samples": 250, "pairs": 100, "draws": 100, "dataset": "digits"},
    "kernel_interpolation": {"samples": 10, "tests": 5, "max_depth": 3},
    "largest_coordinate": {"dataset": "digits", "pieces": 3, "levels": 2, "rows": 8, "columns": 8},
    "many_inputs": {"inputs": 8, "samples": 2000},
    "normalised_kernel": {"depth": 2, "angles": 5},
    "printed_kernel": {"depth": 2, "draws": 1000},
    "product_law": {"inputs": 4, "samples": 1000},
    "random_features": {"width": 4, "points": 20},
    "replication": {"width": 8, "depth": 2, "inputs": 4},
    "critical_points": {"width": 4},
    "segment_function": {"samples": 20, "pieces": 5},
    "signal_norms": {"width": 8, "input_dimension": 6, "depth": 2, "signals": 3},
    "smoothness": {"samples": 40, "draws": 100, "dataset": "digits"},
    "sphere_spectrum": {"dimension": 3, "degrees": 30, "depth": 2},
    "train_mlp": {"width": 4, "depth": 2, "steps": 3, "batch_size": 8, "evaluations": 2, "dataset": "digits"},
    "training_records": {
        "width": 4,
        "depth": 2,
        "steps": 3,
        "batch_size": 8,
        "evaluations": 2,
        "probes": 4,
        "line_points": 5,
        "dataset": "digits",
    },
    "breakpoint_changes": {"width": 3, "depth": 2, "epochs": 20, "every": 5},
    "breakpoint_travel": {"width": 3, "networks": 2, "epochs": 20},
    "breakpoint_density": {"width": 3, "depth": 2, "epochs": 20, "samples": 21, "places": 9},
    "unit_laws": {"units": 100, "bins": 4},
    "initial_roughness": {"networks": 5},
    "lonely_partition": {"points": 3, "draws": 5},
    "partition_count": {"points": 4, "breakpoints": 3},
    "known_smoothness": {"samples": 40, "functions": 2, "indices": 100},
    "kernel_flow": {"samples": 6, "tests": 5},
    "wide_regression": {"samples": 4, "tests": 5},
    "ntk_regression": {"samples": 4, "tests": 5, "epochs": 3, "width": 8},
    "training_boundary": {"steps": 20, "width": 3, "inputs": 2, "samples": 4},
    "flow_laws": {"width": 4, "samples": 5},
    "train_univariate": {"width": 4, "depth": 2, "epochs": 3},
    "trained_weights": {"width": 8, "depth": 2, "epochs": 3, "orders": 3, "samples": 9},
    "two_point_fit": {"depth": 2},
    "weight_integral": {"angles": 3, "nodes": 8},
}


@pytest.fixture(scope="module")
def digits():
    from initatlas.datasets.build import build_dataset
    from initatlas.datasets.specs import DigitsSpec

    dataset = build_dataset("digits", DigitsSpec(), None)
    return {"digits": DataSource(dataset, dataset.content_sha256)}


def test_every_experiment_is_tried(root):
    modules = {path.stem for path in (root / "src/initatlas/experiments").glob("*.py")}
    with_experiment = {
        name
        for name in modules
        if "EXPERIMENT = " in (root / f"src/initatlas/experiments/{name}.py").read_text(encoding="utf-8")
    }
    assert with_experiment == set(TINY)


@pytest.mark.parametrize("name", TINY)
def test_every_experiment_fills_its_declared_outputs(name, tmp_path, digits):
    experiment = load_experiment(name)
    data = digits if "dataset" in TINY[name] else {}
    cube = cube_of(make_sweep(name, {"seed": [0, 1]}, fixed=TINY[name]), tmp_path, data=data)
    assert set(cube.data_vars) == {output.name for output in experiment.outputs} | {"status", "error"}
    assert (cube["status"] == 0).all(), cube["error"].values
    for output in experiment.outputs:
        variable = cube[output.name]
        assert variable.dims == ("seed", *output.dims)
        assert variable.attrs["long_name"] == output.long_name
        assert variable.attrs["units"] == output.units
        assert variable.dtype == np.dtype(output.dtype)
        assert output.nan_means or not np.isnan(variable).any()
        assert output.inf_means or not np.isinf(variable).any()
    for dimension in {dimension for output in experiment.outputs for dimension in output.dims}:
        of_labels = cube[dimension].dtype.kind in "OU"
        assert {"long_name"} | (set() if of_labels else {"units"}) <= set(cube[dimension].attrs)
        assert cube.sizes[dimension] == len(set(cube[dimension].values.tolist()))
    for parameter, field in experiment.parameters.model_fields.items():
        assert field.description, f"{name}: {parameter} has no description"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (lambda path: path, "the cube of toy/trial, not that of chen2024/table1; remove it and run the workflow again"),
        (lambda path: path.parent, "a folder where a cube should be; move it away and run the workflow again"),
        (
            lambda path: path.with_name("absent.nc"),
            "there is no such file; initatlas run STUDY/SWEEP makes",
        ),
    ],
    ids=["another sweep", "folder", "missing"],
)
def test_a_stage_that_reads_a_wrong_cube_ends_in_one_line(root, tmp_path, capsys, place, reason):
    _, path = run(make_sweep("toy.draws", {"offset": [0, 1]}), tmp_path)
    capsys.readouterr()
    found = place(path)
    published = root / "config/published/chen2024.yaml"
    stage = [
        "stage",
        "claims",
        "--study",
        "chen2024",
        "--published",
        str(published),
        "--output",
        str(tmp_path / "x.json"),
    ]
    assert main([*stage, "--cubes", f"chen2024/table1={found}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"initatlas: {found}: {reason}")
    assert not (tmp_path / "x.json").exists()
