"""The numbers that a figure draws, as a table: one line per point, bar, interval or cell."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle, StepPatch

from initatlas.arrays import Floats

HEADER = ("panel", "x is", "y is", "series", "colour", "mark", "x", "y", "x end", "y end", "value")

MOST_CELLS = 50_000
"""A map of more cells has one row, with its own corners: its numbers are those of the cube."""

Row = tuple[str, float | None, float | None, float | None, float | None, float | None]
"""Mark, x, y, their other ends, value."""


def plotted_csv(figure: Figure) -> str:
    """All numbers that a figure draws.

    A line or a scatter has a row per point; an interval, a bar and the cell of a map have both of their ends; the outline of a
    band has a row per corner. A coordinate that is no number of the axes (that of a line across the panel) is left empty.
    Series are named as in the legend, and by their colour.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number, axes in enumerate(_panels(figure), 1):
        name = " ".join([str(number), *axes.get_title().split()])
        labels = [" ".join(label.split()) for label in (axes.get_xlabel(), axes.get_ylabel())]
        for series, colour, row in _series(axes):
            writer.writerow([name, *labels, series, colour, row[0], *map(_text, row[1:])])
    return text.getvalue()


def empty_panels(figure: Figure) -> list[Axes]:
    """The panels in which nothing is drawn at a place of its own."""
    return [axes for axes in _panels(figure) if not any(_is_placed(row) for _, _, row in _series(axes))]


def _panels(figure: Figure) -> list[Axes]:
    """The panels of a figure; a scale of colours, a place for a legend and what is not shown are none."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and axes.axison and axes.get_visible()]


def _is_placed(row: Row) -> bool:
    """Whether both coordinates are numbers."""
    return all(number is not None and number == number for number in row[1:3])


def _text(number: float | None) -> str:
    """A number with nine digits; nothing where there is none."""
    return "" if number is None or number != number else f"{number:.9g}"


def _series(axes: Axes) -> Iterator[tuple[str, str, Row]]:
    """Name, colour and rows of all that is drawn in a panel; caps of intervals say nothing more."""
    names = {id(part): str(box.get_label()) for box in axes.containers for part in box.get_children()}
    caps = {id(cap) for box in axes.containers for cap in _caps(box)}
    for artist in axes.get_children():
        if id(artist) in caps or not artist.get_visible() or artist is axes.patch:
            continue
        label = names.get(id(artist), str(artist.get_label()))
        for row in _rows(artist, axes):
            yield "" if label.startswith("_") else label, _colour(artist), row


def _caps(box: Any) -> Iterable[Artist]:
    """The caps of the intervals of a container."""
    lines = getattr(box, "lines", None)
    return lines[1] if lines is not None and len(lines) == 3 else ()


def _rows(artist: Artist, axes: Axes) -> Iterator[Row]:
    """The numbers of one artist."""
    match artist:
        case Line2D():
            inside = artist.get_transform().contains_branch_seperately(axes.transData)
            for x, y in np.asarray(artist.get_xydata(), dtype=float):
                yield "point", x if inside[0] else None, y if inside[1] else None, None, None, None
        case QuadMesh():
            yield from _cells(np.asarray(artist.get_coordinates()), _values(artist))
        case PathCollection():
            yield from _points(artist)
        case LineCollection():
            for line in artist.get_segments():
                yield from _interval(line) if len(line) == 2 else _corners("line", line)
        case PolyCollection():
            for path in artist.get_paths():
                yield from _corners("band", np.asarray(path.vertices))
        case AxesImage():
            yield from _pixels(artist)
        case Rectangle():
            x, y = artist.get_xy()
            yield "bar", x, y, x + artist.get_width(), y + artist.get_height(), None
        case StepPatch():
            values, edges, _ = artist.get_data()
            for low, high, value in zip(edges[:-1], edges[1:], values, strict=True):
                yield "bar", low, 0.0, high, value, None
        case Polygon():
            yield from _corners("outline", artist.get_xy())


def _cells(corners: Floats, values: Floats) -> Iterator[Row]:
    """The cells of a map, by two opposite corners."""
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    if values.size != rows * columns:  # a value per corner, or a colour per cell
        return
    if values.size > MOST_CELLS:
        yield "map", *corners[0, 0], *corners[-1, -1], None
        return
    grid = values.reshape(rows, columns)
    for row in range(rows):
        for column in range(columns):
            (x, y), (right, top) = corners[row, column], corners[row + 1, column + 1]
            yield "cell", x, y, right, top, grid[row, column]


def _pixels(image: AxesImage) -> Iterator[Row]:
    """The pixels of an image with one value each, as cells."""
    values = _values(image)
    if values.ndim != 2:
        return
    left, right, bottom, top = image.get_extent()
    x, y = np.linspace(left, right, values.shape[1] + 1), np.linspace(bottom, top, values.shape[0] + 1)
    yield from _cells(np.stack(np.meshgrid(x, y), axis=-1), values if image.origin == "lower" else values[::-1])


def _values(artist: Any) -> Floats:
    """What the colours of a map say; NaN where that is masked."""
    return np.ma.filled(np.ma.asarray(artist.get_array(), dtype=float), np.nan)


def _points(scatter: PathCollection) -> Iterator[Row]:
    """The points of a scatter plot, with what their colour says."""
    places = np.ma.filled(scatter.get_offsets(), np.nan)
    given = [None] * len(places) if scatter.get_array() is None else list(_values(scatter))
    for (x, y), value in zip(places, given, strict=True):
        yield "point", x, y, None, None, value


def _interval(line: Floats) -> Iterator[Row]:
    """A line between two points."""
    (x, y), (right, top) = line
    yield "interval", x, y, right, top, None


def _corners(mark: str, corners: Floats) -> Iterator[Row]:
    """The corners of an outline."""
    for x, y in corners:
        yield mark, x, y, None, None, None


def _colour(artist: Artist) -> str:
    """The colour of a series; nothing where it has several."""
    match artist:
        case Line2D():
            return to_hex(artist.get_color())
        case Patch():
            colour = artist.get_facecolor() if artist.get_fill() else artist.get_edgecolor()
            return to_hex(colour)
        case Collection():
            colours = [colour for colour in (artist.get_facecolor(), artist.get_edgecolor()) if len(colour)]
            return to_hex(colours[0][0]) if colours and len(colours[0]) == 1 else ""
    return ""
