"""How every figure of the atlas looks, and how it is saved: the same cube gives the same bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.collections import Collection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from initatlas.files import atomic_path, write_text
from initatlas.layout import FIGURE_FORMATS
from initatlas.report.colours import INK, PALETTE
from initatlas.report.pdf_fonts import fonts_as_outlines
from initatlas.report.plotted import empty_panels, plotted_csv

_GRID = "#E3E3E3"

STYLE: dict[str, Any] = {
    "figure.figsize": (5.6, 3.6),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.titlesize": 10.5,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.facecolor": "white",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.titlesize": 9.5,
    "axes.titlepad": 7,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "errorbar.capsize": 2,
    "patch.linewidth": 0.6,
    "hist.bins": 40,
    "image.cmap": "viridis",
    "image.interpolation": "nearest",
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "initatlas",
    "pdf.fonttype": 42,
}

_MANY_MARKS = 600

# Only the fields that would hold a time of day are taken out.
_METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the style of the atlas; whatever matplotlib was set to before comes back afterwards.

    The context starts from matplotlib's defaults, so no ``matplotlibrc`` changes a figure. Colours follow `PALETTE`;
    maps are ``viridis`` unless a figure names another: for signed quantities use ``PuOr``, centred on zero. Grid lines
    are on; a figure turns them off over an image or a mesh (``axes.grid(False)``).

    Text in an SVG is drawn as outlines, because a browser shows an SVG in an ``img`` with its own fonts and would shift
    every label. The PDF beside it carries the font, and its text can be searched and copied.
    """
    with matplotlib.style.context([STYLE], after_reset=True):
        yield


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as SVG, PDF and PNG (200 dots per inch), and its numbers as CSV, each atomically, with no date in them.

    Marks too many to be told apart become pixels inside the SVG and the PDF, and a panel without data says so.

    Parameters
    ----------
    figure
        Left open: closing it is up to whoever made it.
    stem
        Path without suffix.

    Returns
    -------
    list of Path
        ``<stem>.svg``, ``<stem>.pdf``, ``<stem>.png``, ``<stem>.csv``. The same figure gives the same bytes.
    """
    for axes in empty_panels(figure):
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing to draw\nat this scale", transform=axes.transAxes, ha="center", va="center")
    for artist in figure.findobj(_is_dense):
        artist.set_rasterized(True)
    targets = [stem.with_name(f"{stem.name}.{kind}") for kind in FIGURE_FORMATS]
    with figure_style(), _laid_out(figure):
        for target, kind in zip(targets, FIGURE_FORMATS, strict=True):
            _save(figure, target, _METADATA.get(kind, {}))
    return targets


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out once: of itself matplotlib does so for every format, in more time than it takes to draw."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        yield
    figure.set_layout_engine(engine)


def _is_dense(artist: Artist) -> bool:
    """Whether something is drawn by very many marks."""
    if isinstance(artist, Line2D):
        marked = artist.get_marker() not in ("", "None", " ", None)
        return marked and np.size(np.asarray(artist.get_xydata())) > 2 * _MANY_MARKS
    if isinstance(artist, QuadMesh):
        return np.size(np.asarray(artist.get_array())) > _MANY_MARKS
    return isinstance(artist, Collection) and max(len(artist.get_paths()), np.size(artist.get_offsets())) > _MANY_MARKS


def _save(figure: Figure, target: Path, metadata: Mapping[str, Any]) -> None:
    """Write one format; the suffix chooses it."""
    if target.suffix == ".csv":
        write_text(target, plotted_csv(figure))
        return
    with atomic_path(target) as draft, fonts_as_outlines():
        figure.savefig(draft, metadata=dict(metadata))
