"""Plain sentences with formulas as HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initatlas.report.typography import typeset


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("on x^2 / 2", "on x<sup>2</sup> / 2"),
        ("order r^(-1/2) of", "order r<sup>−1/2</sup> of"),
        ("fall as k^-(d + 2), even", "fall as k<sup>−(d + 2)</sup>, even"),
        ("(4 C^4)^(depth + 1) log", "(4 C<sup>4</sup>)<sup>depth + 1</sup> log"),
        ("a_1^(-1/2) per layer", "a<sub>1</sub><sup>−1/2</sup> per layer"),
        ("theta_(j-1) and lambda_(L + 1)", "θ<sub>j−1</sub> and λ<sub>L + 1</sub>"),
        ("exp(-N^2 / (H + 1))", "exp(−N<sup>2</sup> / (H + 1))"),
        ("below 1e-6 of 2.5e3", "below 10<sup>−6</sup> of 2.5 × 10<sup>3</sup>"),
        ("from -0.5 to -.25, 1 - 2 / pi", "from −0.5 to −.25, 1 − 2 / π"),
        ("H >= alpha N, |x| <= 1", "H ≥ α N, |x| ≤ 1"),
        ("1/(2 pi) sqrt(n)", "1/(2 π) √(n)"),
        ("delta-slopes of non-zero, 5-piece arctan", "delta-slopes of non-zero, 5-piece arctan"),
        ("see table1_choices and fig4c_one_layer", "see table1_choices and fig4c_one_layer"),
        ("a < b & c", "a &lt; b &amp; c"),
    ],
)
def test_formulas_are_set(plain: str, html: str) -> None:
    assert typeset(plain) == html


@given(st.text('<>&"^_()-2aθ e=|', max_size=30))
def test_no_markup_but_ours_comes_through(plain: str) -> None:
    assert "<" not in re.sub(r"</?su[bp]>", "", typeset(plain))


@given(st.text("xyz ^_()-12", max_size=30))
def test_elements_are_balanced(plain: str) -> None:
    html = typeset(plain)
    assert html.count("<sup>") == html.count("</sup>")
    assert html.count("<sub>") == html.count("</sub>")
