"""The report: bytes that do not change, text that is escaped, a page that needs nothing else."""

import csv
import io
import json
import re
import zlib
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from fontTools import subset
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from initatlas.errors import UserError
from initatlas.files import write_text
from initatlas.report.captions import caption_html, caption_tex, caption_text, read_caption
from initatlas.report.collect import collect_page, format_seconds, values_text
from initatlas.report.colours import PALETTE
from initatlas.report.ledger import (
    VERDICTS,
    claims_from_json,
    claims_to_json,
    count_verdicts,
    format_estimate,
    format_published,
    format_quantity,
    format_test,
)
from initatlas.report.page import MARKS, Page, render_page, slug
from initatlas.report.style import figure_style, save_figure
from initatlas.report.tables import escape_tex, table_csv, table_html, table_markdown, table_tex, write_table
from initatlas.studies.claim import Claim, Cost, Estimate, Judged, Judgement, Published
from initatlas.studies.product import Column, Study, Table

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)
NUMBER = st.floats(allow_nan=False)
OPTIONAL = st.none() | NUMBER


# ---- figures


def _draw() -> Figure:
    """A figure with formulas, a legend, a clip path and a colour bar: all that carries ids in an SVG."""
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2)
        left.plot([0, 1], [1, 0], label=r"$\theta_0$")
        left.legend()
        mesh = right.pcolormesh(np.arange(6.0).reshape(2, 3))
        figure.colorbar(mesh)
    return figure


def test_saved_figures_have_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save_figure(_draw(), tmp_path / name / "fig1.a") for name in ("one", "two"))
    plt.close("all")
    assert [path.name for path in first] == ["fig1.a.svg", "fig1.a.pdf", "fig1.a.png", "fig1.a.csv"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(path.name for path in first)


def test_saved_figures_hold_no_date_and_no_font_of_the_reader(tmp_path: Path) -> None:
    vector, document, *_ = save_figure(_draw(), tmp_path / "figure")
    plt.close("all")
    assert "<dc:date>" not in vector.read_text(encoding="utf-8")
    assert "<text" not in vector.read_text(encoding="utf-8")
    assert b"CreationDate" not in document.read_bytes()


def test_a_document_carries_its_fonts_as_outlines(tmp_path: Path) -> None:
    options = subset.Options
    _, document, *_ = save_figure(_draw(), tmp_path / "figure")
    plt.close("all")
    assert subset.Options is options, "what others make of fonts is theirs"
    streams = re.findall(rb"/Length1 \d+.*?stream\r?\n(.*?)\r?\nendstream", document.read_bytes(), flags=re.DOTALL)
    fonts = [TTFont(io.BytesIO(zlib.decompress(stream))) for stream in streams]
    assert len(fonts) == document.read_bytes().count(b"/FontFile2 ") > 0
    for font in fonts:
        assert {"glyf", "hmtx", "head"} <= {*font.keys()}
        assert not {"GDEF", "GPOS", "GSUB", "MATH"} & {*font.keys()}


def test_the_style_ignores_and_restores_what_was_set() -> None:
    with matplotlib.rc_context({"font.size": 31, "lines.dashed_pattern": [9, 9], "axes.grid": False}):
        with figure_style():
            assert matplotlib.rcParams["axes.grid"] is True
            assert matplotlib.rcParams["font.size"] == 9
            assert matplotlib.rcParams["lines.dashed_pattern"] == matplotlib.rcParamsDefault["lines.dashed_pattern"]
        assert matplotlib.rcParams["font.size"] == 31
        assert matplotlib.rcParams["axes.grid"] is False


def _luminance(colour: str) -> float:
    """Relative luminance of a hexadecimal sRGB colour (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_neighbouring_colours_differ_in_grey() -> None:
    lightness = [116 * _luminance(colour) ** (1 / 3) - 16 for colour in PALETTE]
    assert min(abs(a - b) for a, b in zip(lightness, [*lightness[1:], lightness[0]], strict=True)) > 10


# ---- captions


def test_captions_carry_formulas_and_escapes() -> None:
    caption = "Angle :math:`\\theta_0`, 95 % of *all* x_i & <b>."
    html = caption_html(caption, "here")
    assert "<math" in html
    assert "<em>all</em>" in html
    assert "&lt;b&gt;" in html
    assert "&amp;" in html
    assert caption_tex(caption, "here") == "Angle $\\theta_0$, 95 \\% of \\emph{all} x\\_i \\& <b>."
    assert caption_text(caption, "here") == "Angle $\\theta_0$, 95 % of all x_i & <b>."


@pytest.mark.parametrize(
    "caption", ["a *b", ".. include:: /etc/hostname", ".. raw:: html\n\n   <script></script>", ":no:`x`"]
)
@pytest.mark.parametrize("render", [caption_html, caption_tex, caption_text])
def test_a_faulty_caption_is_an_error_that_names_the_file(caption, render) -> None:
    with pytest.raises(UserError, match=r"^study/fig1\.rst: "):
        render(caption, "study/fig1.rst")


def test_a_caption_has_a_title_and_words_for_the_picture() -> None:
    whole = read_caption("The title\n=========\n\n:alt: Two lines\n    that fall.\n\nThe *caption*.\n")
    assert (whole.title, whole.alternative, whole.body.strip()) == (
        "The title",
        "Two lines that fall.",
        "The *caption*.",
    )
    titled = read_caption("The title\n=========\n\nThe caption.\n")
    assert (titled.title, titled.alternative, titled.body.strip()) == ("The title", "", "The caption.")
    bare = read_caption("The caption, x = 1.\nMore: a == b.\n")
    assert (bare.title, bare.alternative, bare.body) == ("", "", "The caption, x = 1.\nMore: a == b.")


def test_an_error_in_a_titled_caption_names_the_line_of_the_file() -> None:
    caption = read_caption("The title\n=========\n\n:alt: Two lines\n    that fall.\n\nGood.\n\na *b\n")
    with pytest.raises(UserError, match=r"line: ?9|line 9|:9"):
        caption_html(caption.body, "fig1.rst")


# ---- tables

TABLE = Table(
    [Column("weights & shape"), Column("β", 1), Column("error", 3), Column("count"), Column("note")],
    [["Laplace", None, -0.0001, 12, "50% | x_i"], ["<b>uniform</b>", 0.5, 1 / 3, None, None]],
)


def test_csv_keeps_every_digit() -> None:
    header, first, second = csv.reader(io.StringIO(table_csv(TABLE)))
    assert header == ["weights & shape", "β", "error", "count", "note"]
    assert first == ["Laplace", "", "-0.0001", "12", "50% | x_i"]
    assert float(second[2]) == 1 / 3


@given(st.lists(st.tuples(TEXT, OPTIONAL), max_size=5))
def test_csv_round_trip(rows) -> None:
    _, *read = csv.reader(io.StringIO(table_csv(Table([Column("a"), Column("b")], rows))))
    assert [(text, float(number) if number else None) for text, number in read] == rows


def test_markdown_aligns_and_escapes() -> None:
    lines = table_markdown(TABLE, "Caption.").splitlines()
    assert lines[0] == "Caption."
    assert lines[3].split("|")[1:-1] == [" ------------------ ", " --: ", " ----: ", " ----: ", " ----------- "]
    assert re.split(r"(?<!\\)\|", lines[4])[1:-1] == [
        " Laplace            ", "     ", " 0.000 ", "    12 ", " 50% \\| x\\_i ",
    ]  # fmt: skip
    assert "\\<b\\>uniform" in lines[5]
    assert " 0.5 " in lines[5]
    assert " 0.333 " in lines[5]


def test_tex_is_booktabs_with_specials_escaped() -> None:
    tex = table_tex(TABLE, "A caption.", label="tab:study:product")
    assert r"\begin{tabular}{lrrrl}" in tex
    assert r"weights \& shape & $\beta$ & error & count & note \\" in tex
    assert r"Laplace &  & 0.000 & 12 & 50\% \textbar{} x\_i \\" in tex
    assert r"\caption{A caption.}" in tex
    assert r"\label{tab:study:product}" in tex
    assert re.findall(r"\\\w+rule", tex) == [r"\toprule", r"\midrule", r"\bottomrule"]


@given(st.text("&%$#_{}~^\\<>ab θ", max_size=20))
def test_tex_specials_never_stand_bare(text: str) -> None:
    escaped = escape_tex(text)
    for command in (
        r"\textbackslash{}",
        r"\textasciitilde{}",
        r"\textasciicircum{}",
        r"\textless{}",
        r"\textgreater{}",
    ):
        escaped = escaped.replace(command, "")
    bare = re.sub(r"\\[&%$#_{}]", "", escaped.replace(r"$\theta$", ""))
    assert not set(bare) & set("&%$#_{}~^\\<>")


def test_html_table_is_escaped_and_scoped() -> None:
    html = table_html(TABLE)
    assert '<th scope="row">&lt;b&gt;uniform&lt;/b&gt;</th>' in html
    assert '<th scope="col" class="number">error</th>' in html
    assert '<td class="number">0.333</td>' in html
    assert '<td class="number"></td>' in html


def test_numbers_have_a_true_minus() -> None:
    assert r"x-y & $-$1.50 \\" in table_tex(Table([Column("a"), Column("b", 2)], [["x-y", -1.5]]), "", label="l")
    assert '<td class="number">−1.50</td>' in table_html(Table([Column("a"), Column("b", 2)], [["x-y", -1.5]]))
    assert "x-y" in table_html(Table([Column("a"), Column("b", 2)], [["x-y", -1.5]]))


def test_write_table_writes_all_forms_twice_the_same(tmp_path: Path) -> None:
    paths = write_table(TABLE, tmp_path / "study" / "table1", "Up to 5 % of :math:`m`.")
    assert [path.suffix for path in paths] == [".csv", ".md", ".tex", ".html"]
    assert r"\caption{Up to 5 \% of $m$.}" in paths[2].read_text(encoding="utf-8")
    assert r"\label{tab:study:table1}" in paths[2].read_text(encoding="utf-8")
    before = [path.read_bytes() for path in paths]
    assert before == [
        path.read_bytes() for path in write_table(TABLE, tmp_path / "study" / "table1", "Up to 5 % of :math:`m`.")
    ]


def test_a_ragged_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row 1 has 1 cells for 2 columns"):
        write_table(Table([Column("a"), Column("b")], [[1, 2], [3]]), tmp_path / "table", "")
    assert not list(tmp_path.iterdir())


# ---- ledger

ESTIMATES = st.builds(Estimate, NUMBER, NUMBER, NUMBER, st.none() | st.integers(1, 1000))
VERDICT = st.sampled_from(VERDICTS)
CHECKS = st.lists(st.builds(Judged, TEXT, TEXT, ESTIMATES, VERDICT), max_size=2).map(tuple)
BOUND = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text("abc", min_size=1, max_size=5)
CONTRACT = {
    "statement": TEXT,
    "product": TEXT,
    "where": TEXT,
    "spread": st.none() | st.floats(min_value=0, allow_infinity=False),
    "quantity": TEXT,
    "note": TEXT,
    "why": WORDS,
    "limits": WORDS,
    "control": st.dictionaries(WORDS, TEXT, min_size=1, max_size=2),
    "reference": st.dictionaries(WORDS, TEXT, max_size=2),
}
PUBLISHED = st.one_of(
    st.builds(Published, **CONTRACT, value=BOUND, test=st.just("at_most"), null=st.none() | BOUND),
    st.builds(Published, **CONTRACT, value=st.just(0.4), test=st.just("equals"), margin=st.sampled_from(["2 %", 0.1])),
    st.builds(
        Published,
        **CONTRACT,
        test=st.just("between"),
        bounds=st.tuples(BOUND, BOUND).map(lambda ends: (min(ends), max(ends))),
    ),
)
CLAIMS = st.builds(
    Claim,
    study=TEXT,
    name=TEXT,
    published=PUBLISHED,
    judged=st.builds(
        Judgement,
        verdict=VERDICT,
        reason=TEXT,
        estimate=st.none() | ESTIMATES,
        part=TEXT,
        parts=st.integers(1, 100),
        controls=CHECKS,
        references=CHECKS,
    ),
    cost=st.builds(Cost, st.lists(TEXT, max_size=2).map(tuple), st.floats(min_value=0, allow_infinity=False)),
)


@settings(max_examples=50)
@given(st.lists(CLAIMS, max_size=4))
def test_ledger_round_trip(claims: list[Claim]) -> None:
    text = claims_to_json(claims)
    assert claims_from_json(text, "claims.json") == claims
    assert sum(json.loads(text)["counts"].values()) == len(claims)


def contract(**keys) -> Published:
    """A claim as published, with a contract."""
    given = {"statement": "s", "where": "w", "test": "at_most", "value": 1.0, "why": "y", "limits": "l"}
    return Published(**{**given, "control": {"twice": "Twice as much."}, **keys})


def test_ledger_layout_is_the_documented_one() -> None:
    control = Judged("twice", "Twice as much.", Estimate(4.0, 4.0, 4.0), "fails")
    judged = Judgement("fails", "r", Estimate(2.0, 1.5, 2.5, 7), "p", 3, (control,))
    claim = Claim("study", "slope", contract(), judged, Cost(("sweep",), 2.5))
    assert json.loads(claims_to_json([claim])) == {
        "schema": 2,
        "counts": {"holds": 0, "fails": 1, "differs": 0, "undecided": 0, "not measured": 0},
        "claims": [
            {
                "study": "study",
                "name": "slope",
                "product": "",
                "statement": "s",
                "where": "w",
                "published": {"value": 1.0, "spread": None, "quantity": "", "note": ""},
                "contract": {
                    "test": "at_most",
                    "margin": 0.0,
                    "bounds": None,
                    "null": None,
                    "why": "y",
                    "control": {"twice": "Twice as much."},
                    "reference": {},
                    "limits": "l",
                },
                "measured": {"value": 2.0, "low": 1.5, "high": 2.5, "samples": 7},
                "part": "p",
                "parts": 3,
                "verdict": "fails",
                "reason": "r",
                "controls": [
                    {
                        "name": "twice",
                        "statement": "Twice as much.",
                        "measured": {"value": 4.0, "low": 4.0, "high": 4.0, "samples": None},
                        "verdict": "fails",
                    }
                ],
                "references": [],
                "cost": {"sweeps": ["sweep"], "core_seconds": 2.5},
            }
        ],
    }


@pytest.mark.parametrize(
    "text", ["", "[]", b"\xff\xfe", '{"schema": 1, "counts": {}, "claims": []}', '{"schema": 2, "claims": [{}]}']
)
def test_another_layout_is_an_error_that_names_the_file_and_the_mend(text: str | bytes) -> None:
    with pytest.raises(
        UserError, match=r"^reports/claims\.json: no claim ledger .*; delete it and run the workflow again$"
    ):
        claims_from_json(text, "reports/claims.json")


def test_nan_is_refused() -> None:
    claim = Claim("study", "slope", contract(), Judgement("holds", "", Estimate(1.0, float("nan"), 2.0)))
    with pytest.raises(ValueError, match="study/slope"):
        claims_to_json([claim])


INFINITE = float("inf")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.4021, 0.3912, 0.4131), "0.402 (0.391 to 0.413)"),
        ((-1.1712, -1.2511, -1.0833), "−1.17 (−1.25 to −1.08)"),
        ((3.104e-7, 2.9e-7, 3.3e-7), "3.10 × 10⁻⁷ (2.90 × 10⁻⁷ to 3.30 × 10⁻⁷)"),
        ((2.5e7, 2.5e7, 2.5e7), "2.50 × 10⁷"),
        ((12.0, 12.0, 12.0), "12"),
        ((5e-324, 0.0, 5e-324), "4.94 × 10⁻³²⁴ (0 to 4.94 × 10⁻³²⁴)"),
        ((12345.678, 12345.678, 12345.678), "12346"),
        ((0.012345, 0.012345, 0.012345), "0.0123"),
        ((0.0, -0.01, 0.012), "0.000 (−0.010 to 0.012)"),
        ((-0.0001, -0.1, 0.1), "0.00 (−0.10 to 0.10)"),
        ((1.3, 1.1, INFINITE), "1.30 (at least 1.10)"),
        ((1.3, -INFINITE, 1.5), "1.30 (at most 1.50)"),
        ((1.3, -INFINITE, INFINITE), "1.30 (unbounded)"),
        ((1.0, 1.0, 1.0), "1"),
        ((-0.17094017, -0.17094017 - 3e-15, -0.17094017 + 3e-15), "−0.171 (±3 × 10⁻¹⁵)"),
    ],
)
def test_measured_numbers_show_the_digits_that_matter(numbers, text: str) -> None:
    assert format_estimate(Estimate(*numbers)) == text


@given(st.lists(NUMBER, min_size=3, max_size=3).map(sorted))
def test_every_estimate_can_be_printed(numbers: list[float]) -> None:
    low, value, high = numbers
    assert "e" not in format_estimate(Estimate(value, low, high)).replace("least", "").replace("unbounded", "")


def test_published_numbers_read_as_printed() -> None:
    assert format_published(contract(value=0.4, spread=0.02)) == "0.4 ± 0.02"
    assert format_published(contract(value=-3e-7)) == "−3 × 10⁻⁷"
    assert format_published(contract(value=None, test="order")) == ""


@pytest.mark.parametrize(
    ("keys", "text", "quantity"),
    [
        ({"test": "equals", "value": -0.5, "margin": "10 %"}, "Equals −0.5 within 0.05", "value"),
        ({"test": "exponent", "value": 2.0, "margin": 0.1}, "Exponent 2 within 0.1", "exponent"),
        ({"test": "vanishes", "value": None, "margin": 0.1}, "Zero within 0.1", "what should be 0"),
        (
            {"test": "exact", "value": None, "margin": 0.1},
            "The formula less the truth is zero within 0.1",
            "formula less truth",
        ),
        ({"test": "at_most", "value": 3.0, "quantity": "distance"}, "At most 3", "distance"),
        ({"test": "at_least", "value": 3.0, "margin": 0.5}, "At least 3 within 0.5", "value"),
        ({"test": "between", "value": None, "bounds": (1.0, 2.0)}, "From 1 to 2", "value"),
        ({"test": "order", "value": None, "margin": 0.5}, "A difference above 0.5", "difference"),
        ({"test": "distinct", "value": None, "margin": 0.5}, "Away from 0 by more than 0.5", "value"),
    ],
)
def test_a_contract_reads_as_a_sentence(keys, text: str, quantity: str) -> None:
    assert format_test(contract(**keys)) == text
    assert format_quantity(contract(**keys)) == quantity


# ---- page

STUDIES = [
    Study(
        package="reported.paper2020",
        title="Kernels & <angles>",
        citation="Author (2020), A paper",
        link="https://example.org/paper",
        summary="What it is about.",
        figures={"fig1": ("kernel",), "fig2": ("kernel",)},
        tables={"table1": ("kernel",)},
        claims=("kernel",),
        says="That kernels have angles.",
        key_claims=("claim_fails", "claim_holds"),
    ),
    Study(
        package="reported.empty",
        title="Nothing yet",
        citation="",
        link="",
        summary="To come.",
        figures={"map": ("kernel",)},
    ),
]
NASTY = "</script><script>alert(1)</script>"


def _claims() -> list[Claim]:
    """One claim per verdict."""
    estimate = Estimate(0.402, 0.391, 0.413)
    control = Judged("twice", f"Twice {NASTY}", Estimate(0.8, 0.75, 0.85), "fails")
    return [
        Claim(
            "paper2020",
            f"claim_{verdict}",
            contract(statement=f"Statement {NASTY}", where="section 1", product="fig1", value=0.4, margin=0.05),
            Judgement(verdict, f"Because {verdict}.")
            if verdict == "not measured"
            else Judgement(verdict, f"Because {verdict}.", estimate, controls=(control,)),
            Cost(("kernel",), 192.0),
        )
        for verdict in VERDICTS
    ]


def _write_cube(path: Path) -> None:
    """A cube with one failed and one excluded point, attributes as a sweep writes them."""
    spec = {
        "study": "paper2020",
        "name": "kernel",
        "axes": [
            {"name": "depth", "values": {"depth": list(range(1, 21))}},
            {"name": "pair", "values": {"weights": ["gaussian"], "nu": [None]}},
        ],
        "fixed": {"mirrored": True},
    }
    status, errors = np.zeros((20, 1), np.int8), np.full((20, 1), "", object)
    status[3], status[4], errors[3] = 1, 2, "ValueError: <no> inverse"
    flags = {"flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": "ok failed excluded"}
    attributes = {
        "title": "paper2020/kernel",
        "summary": "Kernel at depth.",
        "experiment": "forward_kernel",
        "spec": json.dumps(spec),
        "code_version": "0123456789abcdef" * 4,
        "root_seed": "7",
        "datasets": json.dumps({"digits": "fedcba9876543210" * 4}),
        "package_version": "3.2.1",
        "commit": "abcdef0123456789abcdef0123456789abcdef01-dirty",
        "packages": json.dumps({"numpy": "2.1.0"}),
        "environments": json.dumps(
            [{"environment": {"numpy": "2.1.0"}, "points": 7}, {"environment": {"numpy": "2.2.0"}, "points": 11}]
        ),
        "backend": "serial",
        "wall_seconds": "192.30",
        "created": "2020-01-01T00:00:00+00:00",
    }
    variables = {
        "status": (("depth", "pair"), status, flags),
        "error": (("depth", "pair"), errors),
        "angle": (("depth", "pair"), np.zeros((20, 1))),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    xr.Dataset(variables, attrs=attributes).to_netcdf(path, engine="netcdf4")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as the workflow leaves them, for one study of two."""
    root = tmp_path_factory.mktemp("project")
    write_text(root / "captions/paper2020/fig1.rst", "Caption of fig1, :math:`x^2`. More.")
    write_text(root / "captions/paper2020/table1.rst", "A <title>\n=========\n\nCaption of table1.")
    write_text(root / "config/sweeps/paper2020.yaml", "sweeps: {}")
    write_text(root / "reported/paper2020/__init__.py", "")
    write_text(root / "reported/paper2020/figures.py", "from reported.paper2020.drawing import fig as fig1")
    write_text(root / "reported/paper2020/drawing.py", "def fig(evidence): ...")
    write_text(root / "reported/paper2020/tables.py", "def table1(evidence): ...")
    save_figure(_draw(), root / "reports/quick/paper2020/figures/fig1")
    plt.close("all")
    write_table(TABLE, root / "reports/quick/paper2020/tables/table1", "Caption.")
    write_text(root / "reports/quick/paper2020/claims.json", claims_to_json(_claims()))
    _write_cube(root / "cubes/kernel.nc")
    return root


def _collect(project: Path) -> Page:
    """The page of the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(project)
        return _collected(project)


def _collected(project: Path) -> Page:
    """The page of a project that can be imported."""
    return collect_page(
        STUDIES,
        products=project / "reports/quick",
        folder=project / "reports",
        captions={study.key: project / "captions" / study.key for study in STUDIES},
        cubes={"paper2020/kernel": project / "cubes/kernel.nc"},
        title="Atlas",
        version="1.2.3",
        scale="quick",
        absent={"mnist": "initatlas download mnist", "speech": ""},
    )


class _Outline(HTMLParser):
    """Elements of a page: tags with attributes, ids, and whether the tags are balanced."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.fixture(scope="module")
def outline(project: Path) -> _Outline:
    return _Outline(render_page(_collect(project)))


def test_collect_reads_products_claims_and_provenance(project: Path) -> None:
    study, empty = _collect(project).studies
    assert study.products == {"fig1": "Fig1", "table1": "A <title>"}
    assert study.missing == ("fig2",)
    assert study.figures[0].links == {
        kind: f"quick/paper2020/figures/fig1.{kind.lower()}" for kind in ("PDF", "SVG", "PNG", "CSV")
    }
    source = study.figures[0].source
    assert source.cubes == {"paper2020/kernel": "../cubes/kernel.nc"}
    assert source.settings == {"config/sweeps/paper2020.yaml": "../config/sweeps/paper2020.yaml"}
    assert source.code == ("reported/paper2020/drawing.py", "../reported/paper2020/drawing.py")
    assert source.make == "initatlas run --scale quick reports/quick/paper2020/figures/fig1.svg"
    assert source.read.splitlines()[1:] == ['cube = xr.open_dataset("cubes/kernel.nc")', 'print(cube["angle"])']
    assert study.tables[0].source.code[0] == "reported/paper2020/tables.py"
    assert study.figures[0].alternative == "Caption of fig1, $x^2$."
    assert (study.figures[0].width, study.figures[0].height) == (538, 346)
    assert study.poster is study.figures[0]
    assert [claim.name for claim in study.found] == ["claim_fails", "claim_holds"]
    assert list(study.claims) == _claims()
    assert count_verdicts(study.claims) == dict.fromkeys(VERDICTS, 1)
    (sweep,) = study.sweeps
    assert (sweep.computed, sweep.failed, sweep.excluded) == (18, 1, 1)
    assert sweep.axes == {"depth": "1, 2, 3, 4, …, 19, 20 (20 values)", "pair": "weights: gaussian; nu: none"}
    assert sweep.errors == {"ValueError: <no> inverse": 1}
    assert sweep.provenance["code"] == "0123456789ab"
    assert sweep.provenance["wall time"] == "3 min 12 s"
    assert empty.products == {}
    assert empty.missing == ("map",)
    assert empty.sweeps == ()


def test_the_page_is_the_same_each_time(project: Path) -> None:
    assert render_page(_collect(project)) == render_page(_collect(project))


def test_the_page_loads_nothing(outline: _Outline, project: Path) -> None:
    for tag, attributes in outline.elements:
        for name in ("src", "srcset", "data", "poster", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), tag
        target = attributes.get("href") or ""
        if tag == "link":
            assert target == "data:,"
        elif tag == "a" and not target.startswith("#"):
            assert target == "https://example.org/paper" or (project / "reports" / target).is_file(), target
    style = (files("initatlas.report") / "templates/page.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_is_well_formed_and_its_anchors_exist(outline: _Outline) -> None:
    assert outline.open == []
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert not any(" " in str(name) for name in ids)
    anchors = {
        str(attributes.get("href"))[1:].partition("?")[0]
        for _, attributes in outline.elements
        if str(attributes.get("href"))[0] == "#"
    }
    assert anchors <= set(ids)
    assert "claim-paper2020-claim-not-measured" in anchors


def test_the_page_is_accessible(outline: _Outline) -> None:
    tags = [tag for tag, _ in outline.elements]
    assert [tags.count(tag) for tag in ("main", "nav", "header", "h1")] == [1, 1, 1, 1]
    assert dict(outline.elements)["html"] == {"lang": "en-GB", "data-scale": "quick"}
    assert all(attributes.get("alt") for tag, attributes in outline.elements if tag == "img")
    shown = [attributes for tag, attributes in outline.elements if tag == "svg"]
    assert all(attributes.get("aria-label") for attributes in shown if attributes.get("role") == "img")
    assert all("role" in attributes or attributes.get("aria-hidden") == "true" for attributes in shown)
    assert all(attributes.get("scope") for tag, attributes in outline.elements if tag == "th")


def test_the_page_escapes_what_it_is_told(project: Path) -> None:
    html = render_page(_collect(project))
    assert html.count("<script") == 1
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in html
    assert "Kernels &amp; &lt;angles&gt;" in html
    assert "<angles>" not in html
    assert "&lt;no&gt; inverse" in html


def test_the_page_tells_verdicts_gaps_and_failures(outline: _Outline) -> None:
    text = " ".join(" ".join(outline.text).split())
    for verdict in VERDICTS:
        assert f"{MARKS[verdict]} {verdict}" in text
        assert f"Because {verdict}." in text
    assert "0.402 (0.391 to 0.413)" in text
    assert "At most 0.4 within 0.05. y" in text
    assert "0.80 (0.75 to 0.85): refuted." in text
    assert "value = 0.402 (0.391 to 0.413)" in text
    assert "3 min 12 s on one core: kernel." in text
    assert "initatlas reproduce --scale quick paper2020/claim_holds" in text
    assert "Not made yet: fig2." in text
    assert "Nothing of this study has been made yet." in text
    assert "1 of 19 points of paper2020/kernel failed" in text
    assert "18 computed, 1 failed , 1 excluded" in text
    assert "3.2.1, commit abcdef012345-dirty" in text
    assert "scale quick · computed 2020-01-01 · commit abcdef012345-dirty · packages numpy 2.1.0" in text
    assert "1 claim is not measured. Data that are not here: mnist ( initatlas download mnist )" in text
    assert "speech (put there by hand: docs/datasets.md)." in text
    assert "That kernels have angles." in text
    assert "initatlas run --scale quick reports/quick/paper2020/figures/fig1.svg" in text
    assert "5 checked claims:" in text
    assert (
        "paper2020/kernel is a mixture: computed in different environments: numpy 2.2.0 (11 points) and 2.1.0 (7 points)."
        in text
    )


def test_a_heavy_figure_is_shown_by_its_raster(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _collect(project).studies[0].figures[0].drawing
    monkeypatch.setattr("initatlas.report.collect._INLINE_BYTES", 10)
    figure = _collect(project).studies[0].figures[0]
    assert figure.drawing is None
    assert str(figure.picture).startswith("data:image/png;base64,")
    assert (figure.width, figure.height) == (538, 346)
    assert 'alt="Caption of fig1' in render_page(_collect(project))


def test_a_missing_caption_is_an_error(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fig1\.rst is missing"):
        collect_page(
            STUDIES,
            products=project / "reports/quick",
            folder=project / "reports",
            captions={study.key: tmp_path for study in STUDIES},
            cubes={},
            title="",
            version="",
            scale="quick",
        )


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "no cube of a sweep, not that of own/mine"),
        ({"title": "own/other"}, "the cube of own/other, not that of own/mine"),
        ({"title": "own/mine"}, "a cube without 'summary'"),
    ],
    ids=["no cube of ours", "another sweep", "attributes lost"],
)
def test_a_foreign_cube_is_an_error(tmp_path: Path, attributes: dict[str, str], reason: str) -> None:
    path = tmp_path / "other.nc"
    xr.Dataset({"x": 1.0}, attrs=attributes).to_netcdf(path, engine="netcdf4")
    with pytest.raises(UserError, match=rf"other\.nc: {reason}"):
        collect_page(
            [],
            products=tmp_path,
            folder=tmp_path,
            captions={},
            cubes={"own/mine": path},
            title="",
            version="",
            scale="quick",
        )


def test_a_page_without_claims_says_so() -> None:
    assert "No claim has been compared yet." in render_page(Page("Atlas", "1", "smoke", ()))


@pytest.mark.parametrize(("scale", "warned"), [("smoke", True), ("quick", False), ("paper", False)])
def test_a_page_at_scale_smoke_says_that_its_verdicts_mean_nothing(scale: str, warned: bool) -> None:
    assert ("Its verdicts say nothing about the papers" in render_page(Page("Atlas", "1", scale, ()))) is warned


def _colours(block: str) -> dict[str, str]:
    """Custom colours of a block of CSS."""
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colours_meet_wcag_aa(theme: str) -> None:
    style = (files("initatlas.report") / "templates/page.css").read_text(encoding="utf-8")
    blocks = dict(zip(("light", "dark", "print"), re.findall(r":root \{(.*?)\}", style, re.DOTALL), strict=True))
    colour = _colours(blocks[theme])
    pairs = [(text, back) for text in ("ink", "soft", "link") for back in ("paper", "card", "faint")]
    pairs += [(verdict, f"{verdict}-back") for verdict in ("holds", "differs", "fails", "undecided", "none")]
    for text, back in pairs:
        dark, light = sorted((_luminance(colour[text]), _luminance(colour[back])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, back)


def test_texts_of_settings() -> None:
    assert values_text([1, 2.5, None, True, "relu"]) == "1, 2.5, none, true, relu"
    assert [format_seconds(seconds) for seconds in (0.42, 60, 192.3, 7384)] == [
        "0.4 s",
        "1 min 0 s",
        "3 min 12 s",
        "2 h 3 min",
    ]
    assert slug("fig 4a/depth_1") == "fig-4a-depth-1"
