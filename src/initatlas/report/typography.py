"""Plain sentences of claims as HTML: their formulas in Unicode, with exponents raised, indices lowered, and one minus sign."""

import re
from html import escape

_GREEK = {
    "alpha": "α",
    "beta": "β",
    "chi": "χ",
    "delta": "δ",
    "eps": "ε",
    "gamma": "γ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "phi": "φ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "theta": "θ",
    "xi": "ξ",
}
# A name in a word of its own: the delta of delta-slopes is none.
_LETTER = re.compile(rf"(?<![\w-])({'|'.join(_GREEK)})(?![A-Za-z]|-[a-z])")
_GROUP = r"\([^()]*(?:\([^()]*\)[^()]*)?\)"
_EXPONENT = re.compile(rf"(?<=[\w)\]|>])\^([-−]?{_GROUP}|[-−]?\w+)")
_INDEX = re.compile(rf"(?<![\w-])([A-Za-zα-ω])_({_GROUP}|\w{{1,2}}(?!\w))")
_MINUS = re.compile(r"(?<![\w)\]])-(?=[\d.|(A-Z]|[a-zα-ω]\b)|(?<= )-(?= )")
_POWER = re.compile(r"(?<![\w.])(\d[\d.]*)e(-?\d+)\b")
_SIGNS = (("&lt;=", "≤"), ("&gt;=", "≥"), ("+-", "±"), ("sqrt", "√"))


def typeset(text: str) -> str:
    """A sentence as an HTML fragment.

    Parameters
    ----------
    text
        Plain text with formulas as the config writes them: ``x^2``, ``n^(-1/2)``, ``T_i``, ``2 / pi``, ``-0.5``, ``<=``.

    Returns
    -------
    str
        Escaped, with ``sup`` and ``sub`` and no other element.
    """
    html = escape(text)
    for plain, sign in _SIGNS:
        html = html.replace(plain, sign)
    html = _LETTER.sub(lambda match: _GREEK[match[1]], html)
    html = _POWER.sub(_power_of_ten, html)
    html = _MINUS.sub("−", html)
    html = _INDEX.sub(lambda match: f"{match[1]}<sub>{_inside(match[2])}</sub>", html)
    return _EXPONENT.sub(lambda match: f"<sup>{_inside(match[1])}</sup>", html)


def _power_of_ten(match: re.Match[str]) -> str:
    """``2e-5`` as two times a power of ten."""
    factor = "" if match[1] == "1" else f"{match[1]} × "
    return f"{factor}10^{match[2]}"


def _inside(text: str) -> str:
    """An exponent or an index: brackets around the whole of it are not needed, every hyphen is a minus."""
    return (text[1:-1] if text.startswith("(") else text).replace("-", "−")
