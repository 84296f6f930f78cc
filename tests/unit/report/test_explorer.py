"""The sweep explorer: what is packed is what the cube holds, and the browser's slices are those of numpy."""

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from toy.javascript import run_javascript

from initatlas.layout import PAGE_TEMPLATES
from initatlas.report.explorer import explored_sweep, explorer_json, is_geometric
from initatlas.report.packing import pack, shortened
from initatlas.report.page import Page, render_page

DATA = ["explorer_data.js"]
SPEC = {
    "axes": [
        {"name": "dataset", "values": {"dataset": ["digits"]}},
        {"name": "width", "values": {"width": [64, 16, 256]}},
        {"name": "run", "values": {"loss": ["a", "b"], "rate": [0.5, 0.25], "kind": ["x", "x"]}},
    ]
}


def unpacked(text: str, dtype: str) -> np.ndarray:
    """The reverse of `pack`."""
    size = np.dtype(dtype).itemsize
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(size, -1)
    return planes.T.copy().view(dtype).ravel()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers of a fixed seed."""
    return np.random.default_rng(5)


@pytest.fixture
def cube() -> xr.Dataset:
    """Widths out of order, one failed and one excluded point."""
    error = np.arange(18, dtype=float).reshape(1, 3, 2, 3)
    error[0, 0, 1] = np.nan
    status = np.array([[[0, 1], [0, 0], [2, 0]]], dtype=np.int8)
    return xr.Dataset(
        {
            "error": (("dataset", "width", "run"), np.full((1, 3, 2), "", dtype=object)),
            "status": (("dataset", "width", "run"), status),
            "distance": (
                ("dataset", "width", "run", "layer"),
                error,
                {"long_name": "the distance", "units": "m", "nan_means": "it diverged", "inf_means": "far"},
            ),
            "huge": (("dataset", "width", "run"), np.full((1, 3, 2), 1e60), {"long_name": "beyond", "units": "1"}),
        },
        {
            "dataset": ("dataset", np.array(["digits"], dtype=object), {"long_name": "data"}),
            "width": ("width", [64, 16, 256], {"long_name": "neurons", "units": "1"}),
            "run": ("run", [0, 1], {"long_name": "position along run"}),
            "layer": ("layer", [1, 2, 3], {"long_name": "layer", "units": "1"}),
        },
        {"spec": json.dumps(SPEC), "summary": "A sweep.", "title": "own/trial"},
    )


def test_packed_numbers_keep_their_order_and_bits() -> None:
    values = np.array([[1.5, -2.25], [np.inf, np.nan], [0.0, 3e-40]], dtype=np.float32)
    assert unpacked(pack(values), "<f4").tobytes() == values.tobytes()


def test_shortened_numbers_are_near_and_end_in_zeros(rng: np.random.Generator) -> None:
    values = rng.standard_normal(2000) * 10.0 ** rng.integers(-30, 30, 2000)
    short = shortened(values)
    assert np.max(np.abs(short / values - 1.0)) <= 2.0**-16
    assert not np.any(short.view(np.uint32) & 0xFF)
    ends = shortened(np.array([np.inf, -np.inf, np.nan, 0.0, np.finfo(np.float32).max]))
    assert list(ends[:2]) == [np.inf, -np.inf]
    assert np.isnan(ends[2])
    assert ends[3] == 0.0
    assert np.isfinite(ends[4])
    with pytest.raises(OverflowError):
        shortened(np.array([1e39]))


def test_a_cube_is_squeezed_sorted_and_named(cube: xr.Dataset) -> None:
    sentences: list[str] = []
    sweep = explored_sweep("own/trial", cube, ["distance", "huge"], sentences)
    assert sweep.held == {"dataset": "digits"}
    width, run, layer = sweep.axes
    assert (width.values, width.labels, width.logarithmic) == ((16.0, 64.0, 256.0), ("16", "64", "256"), True)
    assert (run.values, run.labels) == (None, ("a, rate 0.5", "b, rate 0.25"))
    assert layer.logarithmic is False
    (distance,) = sweep.outputs
    assert (distance.axes, distance.units, distance.missing, distance.infinite) == (
        ("width", "run", "layer"), "m", "it diverged", "far",
    )  # fmt: skip
    expected = cube["distance"].values[0][[1, 0, 2]]
    np.testing.assert_array_equal(unpacked(distance.data, "<f4").reshape(3, 2, 3), expected)
    assert sweep.status_axes == ("width", "run")
    assert unpacked(sweep.status, "u1").tolist() == [0, 0, 0, 1, 2, 0]
    assert sentences == ["huge of own/trial is left out: values are beyond single precision."]


def test_computed_points_need_no_status(cube: xr.Dataset) -> None:
    cube["status"][:] = 0
    sweep = explored_sweep("own/trial", cube, ["distance"], [])
    assert (sweep.status, sweep.status_axes) == ("", ())


def test_what_has_no_room_is_said(cube: xr.Dataset, rng: np.random.Generator) -> None:
    large = cube.assign(distance=cube["distance"].copy(data=rng.random((1, 3, 2, 3))))
    cubes, outputs = {"own/large": large, "own/trial": cube}, {"own/large": ["distance"], "own/trial": ["distance"]}
    sizes = [explored_sweep(title, cubes[title], ["distance"], []).size for title in cubes]
    assert sizes[0] > sizes[1]
    both, one = (json.loads(explorer_json(cubes, outputs, most_bytes=room)) for room in (sum(sizes), sum(sizes) - 1))
    assert [sweep["title"] for sweep in both["sweeps"]] == ["own/large", "own/trial"]
    assert both["left_out"] == []
    assert [sweep["title"] for sweep in one["sweeps"]] == ["own/trial"]
    assert one["left_out"] == ["own/large has no room on this page (0.0 MB): name fewer outputs under its key explore."]


@pytest.mark.parametrize(
    ("values", "geometric"),
    [
        ([1, 2, 4, 8], True),
        ([16, 64, 256], True),
        ([1, 2, 4], False),
        ([1, 100], False),
        ([0, 1, 10, 100], False),
        (list(range(1, 40)), False),
    ],
)
def test_axes_of_even_ratios_are_logarithmic(values: list[float], geometric: bool) -> None:
    assert is_geometric(values) is geometric


# ---- in the browser


def test_javascript_unpacks_what_python_packed(rng: np.random.Generator) -> None:
    values = rng.standard_normal(1000).astype(np.float32)
    values[:2] = np.nan, np.inf
    read = run_javascript(DATA, f"return unpack({pack(values)!r}, Float32Array)")
    np.testing.assert_array_equal(np.array(read, dtype=float), values)


@pytest.mark.parametrize("statistic", ["median", "mean", "least", "largest"])
def test_slices_are_those_of_numpy(rng: np.random.Generator, statistic: str) -> None:
    values = rng.standard_normal((3, 4, 5, 6))
    values[rng.random(values.shape) < 0.2] = np.nan
    values[0, :, 2, :] = np.nan
    order = "{x: 2, y: 0, positions: [2, 0, 0, 0], over: [1, 3], statistic: '" + statistic + "'}"
    given = json.dumps([None if np.isnan(value) else value for value in values.ravel()])
    body = f"return slice(Float64Array.from({given}, (v) => v ?? NaN), [3, 4, 5, 6], {order})"
    result = run_javascript(DATA, body)
    reduce = {"median": np.nanmedian, "mean": np.nanmean, "least": np.nanmin, "largest": np.nanmax}[statistic]
    whole = np.moveaxis(values, (0, 2), (0, 1)).reshape(3, 5, 24)
    for row, column in np.ndindex(3, 5):
        numbers = whole[row, column][~np.isnan(whole[row, column])]
        cell = row * 5 + column
        assert result["count"][cell] == len(numbers)
        expected = [reduce(numbers), *np.quantile(numbers, [0.25, 0.75])] if len(numbers) else [np.nan] * 3
        got = [float(result[key][cell]) for key in ("centre", "low", "high")]
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert (result["columns"], result["rows"], result["of"]) == (5, 3, 24)


def test_a_slice_takes_the_positions_of_the_other_axes() -> None:
    values = np.arange(3 * 4 * 5)
    body = f"""const values = Float64Array.from({values.tolist()});
        const made = slice(values, [3, 4, 5], {{x: 1, y: null, positions: [2, 0, 3], over: [], statistic: "mean"}});
        return [made.centre, [...made.start].map((entry) => positionsOf(entry, [3, 4, 5]))];"""
    centre, places = run_javascript(DATA, body)
    assert centre == values.reshape(3, 4, 5)[2, :, 3].tolist()
    assert places == [[2, column, 3] for column in range(4)]


def test_frames_are_the_slices_along_their_axis() -> None:
    values = np.arange(3 * 4 * 5) ** 2 % 37
    body = f"""const values = Float64Array.from({values.tolist()});
        const of = (over, axis) => framesOf(values, [3, 4, 5],
          {{x: 1, y: null, positions: [2, 0, 3], over, statistic: "median"}}, axis).map((array) => [...array]);
        return [of([], 0), of([2], 0), of([], null)];"""
    frames, summed, alone = run_javascript(DATA, body)
    whole = values.reshape(3, 4, 5)
    np.testing.assert_array_equal(frames, whole[:, :, 3])
    expected = np.quantile(whole, [0.5, 0.25, 0.75], axis=2).transpose(1, 0, 2).reshape(9, 4)
    np.testing.assert_allclose(summed, expected)
    assert alone == [whole[2, :, 3].tolist()]


def test_a_film_leaves_outliers_out_of_its_scale() -> None:
    body = """return [[[1, 2, 3], [4, 5, NaN, 11, -5]],
        [[1, 2, 3, 4, 5, 12.2]], [[1, 2, 3, 4, 5, 12.3, -Infinity]], [[7, 7, 7, 7, 9]], [[NaN]]]
        .map((arrays) => fences(arrays.map((array) => Float64Array.from(array))))"""
    assert run_javascript(DATA, body) == [[-5, 11], [1, 12.2], [1, 5], [7, 9], None]


def test_numbers_as_text() -> None:
    numbers = "[0, 0.25, -1.5, 1234567, 1e-7, 2.5e-9, -1e8, NaN, Infinity, 0.1 + 0.2, 12345.678]"
    texts = run_javascript(DATA, f"return {numbers}.map((value) => formatNumber(value))")
    assert texts == ["0", "0.25", "−1.5", "1.235 · 10⁶", "10⁻⁷", "2.5 · 10⁻⁹", "−10⁸", "missing", "∞", "0.3", "12350"]


def test_ticks_are_round_and_inside() -> None:
    body = """return [ticks(0.2, 1.2, 6, false), ticks(-2, 2, 6, true), ticks(0, 0.5, 5, true), ticks(-9, 9, 5, true)]
        .map((all) => all.map(({ text }) => text))"""
    assert run_javascript(DATA, body) == [
        ["0.2", "0.4", "0.6", "0.8", "1", "1.2"],
        ["0.01", "0.1", "1", "10", "100"],
        ["1", "1.5", "2", "2.5", "3"],
        ["10⁻⁸", "10⁻⁴", "1", "10000", "10⁸"],
    ]


def test_values_over_two_decades_ask_for_a_logarithm() -> None:
    body = "return [[1, 100], [1, 99], [0, 100], [-1, 100], [NaN, Infinity]].map((values) => wantsLogarithm([values]))"
    assert run_javascript(DATA, body) == [True, False, False, False, False]


# ---- on the page


def test_nothing_in_the_data_ends_the_script(cube: xr.Dataset) -> None:
    cube.attrs["summary"] = "</script><b>"
    text = explorer_json({"own/trial": cube}, {"own/trial": ["distance"]})
    html = render_page(Page("title", "1", "smoke", (), explorer=text))
    inside = re.search(r'id="explorer-sweeps-data">(.*?)</script>', html, flags=re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == json.loads(text)


def test_a_page_without_cubes_has_no_explorer() -> None:
    assert 'id="explorer"' not in render_page(Page("title", "1", "smoke", ()))


def test_the_plotting_library_is_the_one_that_is_documented(root: Path) -> None:
    documented = (root / "docs" / "explorer.md").read_text(encoding="utf-8")
    for name in ("uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE.txt"):
        digest = hashlib.sha256((PAGE_TEMPLATES / name).read_bytes()).hexdigest()
        assert f"| `{name}` | `{digest}` |" in documented
