"""A page that holds all that a page can hold, and a real browser to read it in."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Browser, Page, sync_playwright

from initatlas.report.drawings import Drawings
from initatlas.report.explorer import explorer_json
from initatlas.report.explorer_kernels import kernels_json
from initatlas.report.page import FigureView, StudyView, SweepView, TableView, render_page
from initatlas.report.page import Page as Report
from initatlas.report.sources import Source
from initatlas.report.style import figure_style
from initatlas.report.tables import table_html
from initatlas.studies.claim import Claim, Cost, Estimate, Judged, Judgement, Published, Verdict
from initatlas.studies.product import Column, Table

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--disable-gpu", "--disable-quic", "--no-sandbox", "--disable-background-networking", "--disable-sync")

VERDICTS: tuple[Verdict, ...] = ("holds", "fails", "differs", "undecided", "not measured")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a window; the tests are skipped where there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


Reader = Callable[..., Page]


@pytest.fixture
def read(browser: Browser, report: Path) -> Iterator[Reader]:
    """Open the page, at an address, in a window of some width, colours and motion; what goes wrong in it fails the test."""
    opened, wrong = [], []

    def open_page(
        address: str = "", *, width: int = 1400, scheme: str = "light", motion: str = "no-preference"
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion=motion
        )
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on(
            "request", lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url)
        )
        page.goto(f"{report.as_uri()}{address}")
        opened.append(context)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as a file."""
    folder = tmp_path_factory.mktemp("report")
    drawings = Drawings()
    studies = tuple(
        _study(key, title, drawings, folder) for key, title in (("one", "The first"), ("two", "The second"))
    )
    page = Report(
        title="A report",
        version="1.0",
        scale="smoke",
        studies=(*studies, StudyView("three", "An empty one", "", "", "Nothing yet.")),
        drawings=drawings,
        head={
            "computed": "2020-01-01",
            "commit": "abcdef012345",
            "packages": ", ".join(f"package{i} 1.{i}" for i in range(9)),
        },
        absent={"mnist": "initatlas download mnist", "speech": ""},
        explorer=explorer_json({"one/trial": _cube()}, {"one/trial": ["distance", "error"]}),
        kernels=_kernels(),
    )
    path = folder / "index.html"
    path.write_text(render_page(page), encoding="utf-8")
    return path


def _kernels() -> str:
    """Two of the kernels of the explorer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("initatlas.report.explorer_kernels.explored_activations", lambda: ("relu", "tanh"))
        return kernels_json()


def _cube() -> xr.Dataset:
    """A sweep over two axes, with an output that changes in time."""
    width, depth = [16, 64, 256, 1024], [1, 2, 4]
    axes = [{"name": "width", "values": {"width": width}}, {"name": "depth", "values": {"depth": depth}}]
    distance = 1.0 / np.sqrt(np.outer(width, depth))
    error = distance[..., None] - np.arange(4.0)
    return xr.Dataset(
        {
            "status": (("width", "depth"), np.zeros((4, 3), dtype=np.int8)),
            "distance": (("width", "depth"), distance, {"long_name": "the distance", "units": "1"}),
            "error": (("width", "depth", "epoch"), error, {"long_name": "the error", "units": "1"}),
        },
        {
            "width": ("width", width, {"long_name": "neurons", "units": "1"}),
            "depth": ("depth", depth, {"long_name": "hidden layers", "units": "1"}),
            "epoch": ("epoch", [0, 10, 20, 30], {"long_name": "updates", "units": "1"}),
        },
        {"spec": json.dumps({"axes": axes}), "summary": "A sweep.", "title": "one/trial"},
    )


def _study(key: str, title: str, drawings: Drawings, folder: Path) -> StudyView:
    """A study with a wide figure, a wide table, a sweep and a claim of each verdict."""
    with figure_style():
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
        for place, colour in enumerate(("k", "0.5", "#440154", "#0072B2")):
            axes[0].errorbar([1, 2, 3], np.arange(3) + place, yerr=0.2, color=colour, label=f"line {place}")
        axes[0].legend()
        axes[1].pcolormesh(np.arange(12.0).reshape(3, 4))
        figure.savefig(folder / f"{key}.svg")
        plt.close(figure)
    drawing = drawings.add((folder / f"{key}.svg").read_text(encoding="utf-8"), f"{key} curve")
    assert drawing
    source = Source(
        {f"{key}/trial": f"../data/cubes/smoke/{key}/trial.nc"},
        {f"config/sweeps/{key}.yaml": f"../config/sweeps/{key}.yaml"},
        (f"src/studies/{key}/a_file_of_figures_with_a_long_name.py", ""),
        f"initatlas run --scale smoke reports/smoke/{key}/figures/curve.svg",
        "import xarray as xr\ncube = xr.open_dataset('a.nc')\nprint(cube)",
    )
    table = Table([Column(f"column {i}", 3) for i in range(14)], [[-i / 7 for i in range(14)]] * 3)
    return StudyView(
        key=key,
        title=title,
        citation="Author (2020), A paper with a title.",
        link="https://example.org/paper",
        summary="What it is about.",
        says="That lines rise.",
        key_claims=(f"{key}_holds",),
        claims=tuple(_claim(key, verdict, place) for place, verdict in enumerate(VERDICTS)),
        figures=(
            FigureView(
                "curve",
                f"Lines of {key}",
                drawing,
                drawing.width,
                drawing.height,
                "Four rising lines.",
                "A caption.",
                {},
                source,
            ),
        ),
        tables=(TableView("numbers", f"Numbers of {key}", table_html(table), "<p>All numbers.</p>", {}, source),),
        sweeps=(
            SweepView(
                title=f"{key}/trial",
                summary="A sweep.",
                experiment="forward_kernel",
                axes={"depth": "1, 2, 4"},
                fixed={"data": "digits"},
                computed=11,
                failed=1,
                excluded=0,
                errors={"ValueError: no inverse": 1},
                mixture="",
                provenance={"root seed": "7", "packages": "numpy 2.1.0"},
                output="distance",
            ),
        ),
    )


def _claim(study: str, verdict: Verdict, place: int) -> Claim:
    """A claim with this verdict; its words are its own."""
    published = Published(
        statement=f"In the study {study} the exponent of x^2 {verdict.replace(' ', '-')} at width n^(-1/2).",
        product="curve",
        where="Section 1",
        quantity="slope of a line",
        value=0.4,
        test="equals",
        margin=0.05,
        why="Because it matters.",
        control={"twice": "Twice as much."},
        limits="One width.",
    )
    estimate = Estimate(0.4 + 0.02 * place, 0.38, 0.52)
    control = Judged("twice", "Twice as much.", Estimate(0.8, 0.75, 0.85), "fails")
    judged = (
        Judgement(verdict, "There are no files.")
        if verdict == "not measured"
        else Judgement(verdict, f"It came out as the {VERDICTS[place]} case.", estimate, controls=(control,))
    )
    return Claim(
        study, f"{study}_{verdict.replace(' ', '_')}", published, judged, Cost((f"{study}/trial",), 10.0 * place)
    )
