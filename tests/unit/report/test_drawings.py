"""Figures as parts of the page."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from initatlas.report.colours import PALETTE
from initatlas.report.drawings import Drawings, contrast, lightened
from initatlas.report.style import figure_style

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt" '
    'viewBox="0 0 72 36">'
)


def _content(body: str, drawings: Drawings | None = None) -> str:
    """A drawing of some elements."""
    drawing = (drawings or Drawings()).add(f"{HEAD}{body}</svg>", "fig")
    assert drawing
    return drawing.content


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A figure with all that an SVG of matplotlib holds."""
    path = tmp_path_factory.mktemp("drawing") / "figure.svg"
    with figure_style():
        figure, (left, right) = plt.subplots(1, 2)
        left.plot([0, 1, 2], [1, 0, 3], "o-", label=r"$\theta_0$")
        left.hist([0.1, 0.2, 0.9], color="0.6")
        left.legend()
        figure.colorbar(right.imshow(np.arange(6.0).reshape(2, 3)))
        figure.savefig(path)
        plt.close(figure)
    return path.read_text(encoding="utf-8")


def test_a_figure_keeps_its_size_and_loses_most_of_its_bytes(saved: str) -> None:
    drawings = Drawings()
    drawing = drawings.add(saved, "fig1")
    assert drawing
    assert (drawing.width, drawing.height) == (538, 346)
    assert drawing.box == "0 0 403.2 259.2"
    assert len(drawing.content) < 0.4 * len(saved)
    assert "data:image/png;base64," in drawing.content
    for lost in ("metadata", "<style", "xlink", "figure_1", "style="):
        assert lost not in drawing.content


def test_what_is_referred_to_is_there_once_for_all_figures(saved: str) -> None:
    drawings = Drawings()
    both = "".join(drawing.content for name in ("one", "two") if (drawing := drawings.add(saved, name)))
    everything = both + drawings.glyphs_svg
    ids = re.findall(r' id="([^"]+)"', everything)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', everything)) | set(re.findall(r"url\(#(.+?)\)", both)) == set(ids)
    assert set(re.findall(r'class="([^"]+)"', both)) == set(re.findall(r"^\.(s\d+)", drawings.css, re.MULTILINE))


def test_ink_and_ground_are_those_of_the_page() -> None:
    drawings = Drawings()
    _content(
        '<path d="M 0 0" style="fill: #ffffff; stroke: #2b2d33"/><path d="M 1 0" style="stroke: #808080"/>'
        '<path d="M 2 0" style="stroke: #440154"/><path d="M 2 0" style="stroke: #e69f00"/>',
        drawings,
    )
    assert "fill:var(--card);stroke:currentColor" in drawings.css
    assert "--grey50: color-mix(in srgb, currentColor 50%, var(--card))" in drawings.css
    light, dark = re.findall(r"--c440154: (#[0-9a-f]{6})", drawings.css)
    assert light == "#440154"
    assert contrast(dark, "#1c1f24") >= 3 > contrast(light, "#1c1f24")
    assert "stroke:#e69f00" in drawings.css


def test_bright_colours_stay() -> None:
    assert lightened("#e69f00") == "#e69f00"
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert all(contrast(lightened(colour.lower()), "#1c1f24") >= 3 for colour in PALETTE)


def test_lines_and_bars_of_one_look_are_one_path() -> None:
    line = '<path d="M 0 0 L 1.0049 {} L 3 4 L 5 6 L 7 8 L 9 9" style="fill: none; stroke: #e69f00"/>'
    bar = '<g id="patch_1"><path d="M 0 0 L 1 0 L 1 {} L 0 2 z" style="fill: #e69f00; opacity: 0.5"/></g>'
    assert _content(line.format(1) + line.format(2)).count("<path") == 1
    assert _content(bar.format(1) + bar.format(2)).count("<path") == 1
    assert _content(line.format(1) + bar.format(1)).count("<path") == 2
    assert 'd="M0 0l1 1 2 3 2 2' in _content(line.format(1))


def test_paths_without_an_outline_are_taken() -> None:
    assert _content('<path style="fill: none"/><path style="fill: none"/>').count("<path") == 2


def test_translucent_areas_stay_apart() -> None:
    area = '<path d="M 0 0 L 1 0 L 1 1 L 0 2 L 3 3 z" style="fill: #e69f00; fill-opacity: 0.5"/>'
    lines = '<path d="M 0 0 L 1 0 L 1 1 L 0 2 L 3 3" style="fill: none; stroke-opacity: 0.5"/>'
    assert _content(area + area).count("<path") == 2
    assert _content(lines + lines).count("<path") == 2


def test_marks_of_one_look_are_a_group() -> None:
    marks = '<use xlink:href="#m" x="1.25" y="2.71828" style="fill: #e69f00"/>' * 3
    content = _content(f'<defs><path id="m" d="M 0 0 L 1 1"/></defs>{marks}')
    assert content.count("class=") == 1
    assert content.count('<use href="#d0" x="1.2" y="2.7"/>') == 3


def test_letters_are_shared_and_keep_their_place() -> None:
    drawings = Drawings()
    letter = '<defs><path id="Sans-1" d="M 10.4 0 L 20.6 1" transform="scale(0.015625)"/></defs>'
    use = '<use xlink:href="#Sans-1" transform="translate(63.62 0.01)"/>'
    text = f'<g transform="translate(1 2) scale(0.09 -0.09)">{letter}{use}</g>'
    first, second = (_content(text, drawings) for _ in range(2))
    assert first == second == '<g transform="translate(1 2) scale(0.09 -0.09)"><use href="#d0" x="63.6"/></g>'
    assert drawings.glyphs_svg.count('<path id="d0" d="M10 0l11 1" transform="scale(0.015625)"/>') == 1


def test_a_word_is_shared_with_its_superscript() -> None:
    drawings = Drawings()
    letters = "".join(
        f'<defs><path id="Sans-{n}" d="M 0 0 L {n} 1" transform="scale(0.015625)"/></defs>' for n in (1, 2)
    )
    uses = '<use xlink:href="#Sans-1"/><use xlink:href="#Sans-2" transform="translate(3 4) scale(0.7)"/>'
    word = f'<g transform="translate(1 2)">{letters}{uses}</g>'
    assert _content(word, drawings) == _content(word, drawings) == '<g transform="translate(1 2)"><use href="#d2"/></g>'
    kept = '<g id="d2"><use href="#d0"/><use href="#d1" transform="translate(3 4) scale(0.7)"/></g>'
    assert drawings.glyphs_svg.count(kept) == 1


def test_marks_and_letters_of_another_look_are_no_word() -> None:
    letter = '<defs><path id="A" d="M 0 0 L 1 1" transform="scale(0.015625)"/></defs>'
    mark = '<defs><path id="m" d="M 0 0 L 1 1"/></defs>'
    for uses in ('<use xlink:href="#A"/><use xlink:href="#m"/>', '<use xlink:href="#A" style="fill: #e69f00"/>' * 2):
        drawings = Drawings()
        assert _content(f"<g>{mark}{letter}{uses}</g>", drawings).count("<use") == 2
        assert "<use" not in drawings.glyphs_svg


def test_nothing_that_acts_or_loads_comes_through() -> None:
    content = _content(
        '<script>alert(1)</script><g onclick="alert(1)"><path d="M 0 0"/></g><image href="https://example.org/a.png"/>'
        "<foreignObject><p>x</p></foreignObject><text>a &lt; b</text>"
    )
    assert "alert" not in content
    assert "example" not in content
    assert "foreign" not in content
    assert "<text>a &lt; b</text>" in content


@pytest.mark.parametrize(
    "text", ["", "no picture", "<html/>", '<svg xmlns="http://www.w3.org/2000/svg" width="100%"/>']
)
def test_what_is_no_figure_is_told(text: str) -> None:
    assert Drawings().add(text, "fig") is None
