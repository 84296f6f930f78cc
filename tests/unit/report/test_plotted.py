"""The numbers that a figure draws."""

import csv
import io
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from initatlas.report.plotted import HEADER, plotted_csv
from initatlas.report.style import figure_style, save_figure


def _rows(draw: Callable[[Axes], object]) -> list[dict[str, str]]:
    """What is written of a panel."""
    with figure_style():
        figure, axes = plt.subplots()
        axes.set(title="a panel", xlabel="width", ylabel="error, %")
        draw(axes)
        text = plotted_csv(figure)
        plt.close(figure)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.splitlines()[0] == ",".join(HEADER)
    assert all((row["panel"], row["x is"], row["y is"]) == ("1 a panel", "width", "error, %") for row in rows)
    return rows


def _numbers(row: dict[str, str]) -> list[float | None]:
    """Its coordinates and its value."""
    return [float(row[key]) if row[key] else None for key in ("x", "y", "x end", "y end", "value")]


def test_a_line_has_a_row_per_point_with_its_name_and_colour() -> None:
    rows = _rows(lambda axes: axes.plot([1, 2], [1 / 3, np.nan], color="#e69f00", label="fit"))
    assert [(row["series"], row["colour"], row["mark"]) for row in rows] == [("fit", "#e69f00", "point")] * 2
    assert _numbers(rows[0]) == [1, pytest.approx(1 / 3, abs=1e-9), None, None, None]
    assert rows[1]["y"] == ""


def test_intervals_belong_to_their_line() -> None:
    rows = _rows(lambda axes: axes.errorbar([1, 2], [5, 6], yerr=[0.5, 1.0], capsize=3, label="mean"))
    assert {row["series"] for row in rows} == {"mean"}
    assert [row["mark"] for row in rows].count("point") == 2
    assert [_numbers(row)[:4] for row in rows if row["mark"] == "interval"] == [[1, 4.5, 1, 5.5], [2, 5, 2, 7]]


def test_a_line_across_has_no_coordinate_of_its_own() -> None:
    rows = _rows(lambda axes: axes.axhline(2.0))
    assert [_numbers(row)[:2] for row in rows] == [[None, 2], [None, 2]]


def test_a_map_has_a_row_per_cell_with_both_corners() -> None:
    values = np.ma.masked_equal([[1.0, 2.0], [3.0, 4.0]], 2.0)
    rows = _rows(lambda axes: axes.pcolormesh([0, 1, 3], [0, 10, 20], values))
    assert [row["mark"] for row in rows] == ["cell"] * 4
    assert _numbers(rows[1]) == [1, 0, 3, 10, None]
    assert _numbers(rows[2]) == [0, 10, 1, 20, 3]


def test_a_large_map_is_one_row() -> None:
    rows = _rows(lambda axes: axes.pcolormesh(np.arange(502.0), np.arange(102.0), np.zeros((101, 501))))
    assert [(row["mark"], *_numbers(row)) for row in rows] == [("map", 0, 0, 501, 101, None)]


def test_an_image_is_a_map() -> None:
    rows = _rows(lambda axes: axes.imshow([[1.0, 2.0], [3.0, 4.0]], extent=(0, 2, 0, 2)))
    assert {tuple(_numbers(row)) for row in rows} == {
        (0, 0, 1, 1, 3),
        (1, 0, 2, 1, 4),
        (0, 1, 1, 2, 1),
        (1, 1, 2, 2, 2),
    }


def test_bars_bands_and_points() -> None:
    bars = _rows(lambda axes: axes.bar([1.0], [3.0], width=1.0, label="count"))
    assert [(row["series"], *_numbers(row)[:4]) for row in bars] == [("count", 0.5, 0, 1.5, 3)]
    steps = _rows(lambda axes: axes.stairs([2.0], [0.0, 4.0]))
    assert _numbers(steps[0])[:4] == [0, 0, 4, 2]
    band = _rows(lambda axes: axes.fill_between([0.0, 1.0], [0.0, 0.0], [1.0, 2.0], label="range"))
    assert {row["mark"] for row in band} == {"band"}
    assert [1.0, 2.0] in [_numbers(row)[:2] for row in band]
    points = _rows(lambda axes: axes.scatter([1.0], [2.0], c=[0.7]))
    assert _numbers(points[0]) == [1, 2, None, None, 0.7]


def test_bars_of_colours_are_no_panel() -> None:
    with figure_style():
        figure, axes = plt.subplots()
        figure.colorbar(axes.pcolormesh(np.eye(2)))
        assert {row["panel"] for row in csv.DictReader(io.StringIO(plotted_csv(figure)))} == {"1"}
        plt.close(figure)


@pytest.mark.parametrize(("marks", "dense"), [(600, False), (601, True)])
def test_marks_too_many_to_be_told_apart_become_pixels(tmp_path, marks: int, dense: bool) -> None:
    with figure_style():
        figure, axes = plt.subplots()
        axes.plot(np.arange(marks), np.arange(marks) % 7, ".")
        save_figure(figure, tmp_path / "figure")
        plt.close(figure)
    assert ("<image" in (tmp_path / "figure.svg").read_text()) is dense


def test_a_panel_without_data_says_so(tmp_path) -> None:
    with figure_style():
        figure, (full, empty, across, legend) = plt.subplots(1, 4)
        full.plot([1.0], [2.0], ".")
        empty.plot([np.nan], [1.0])
        across.axhline(1.0)
        legend.axis("off")
        save_figure(figure, tmp_path / "figure")
        plt.close(figure)
    assert [len(axes.texts) for axes in (full, empty, across, legend)] == [0, 1, 1, 0]


def test_a_place_without_a_panel_leaves_the_ticks_of_the_others(tmp_path) -> None:
    with figure_style():
        figure, (shown, hidden) = plt.subplots(1, 2, sharex=True, sharey=True)
        shown.plot([1, 2], [3, 4])
        hidden.set_visible(False)
        save_figure(figure, tmp_path / "figure")
        assert shown.get_xticks().size > 1
        assert shown.get_yticks().size > 1
        assert not hidden.texts
        plt.close(figure)
