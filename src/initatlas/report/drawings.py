"""Figures as parts of the page: SVG that follows its colours, shares the outlines of letters, and holds no digit too many."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import groupby

from initatlas.report.colours import INK
from initatlas.report.outlines import compact

_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_KEPT = frozenset({"g", "path", "use", "defs", "clipPath", "rect", "image", "text", "tspan"})
_GLYPH = "scale(0.015625)"
"""The transform that matplotlib gives to the outline of a letter, and to nothing else."""

_NUMBER = re.compile(r"-?\d*\.\d+(?:e-?\d+)?")
_DECIMALS = 2
_SHIFT = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_OUTLINE = re.compile(r'(?<= d=")[^"]*')
_SIDES_OF_A_BAR = 3
_NEARLY_BLACK = 0x2B
_PIXELS_PER_POINT = 96 / 72
_DARK_GROUND = "#1c1f24"
_LEAST_CONTRAST = 3.0
"""WCAG 2.2 asks this of what is drawn."""


@dataclass(frozen=True)
class Drawing:
    """A figure on the page: the content of its ``svg`` element, its ``viewBox``, width and height in CSS pixels."""

    content: str
    box: str
    width: int
    height: int


@dataclass(frozen=True)
class _Element:
    """An element of a drawing as it is written; one without a tag is its content alone."""

    tag: str
    attributes: Mapping[str, str]
    content: str = ""

    def __str__(self) -> str:
        words = "".join(f' {key}="{escape(value)}"' for key, value in self.attributes.items())
        return f"<{self.tag}{words}>{self.content}</{self.tag}>" if self.content else f"<{self.tag}{words}/>"


class Drawings:
    """All figures of a page, and what they share: outlines of letters, styles and colours."""

    def __init__(self) -> None:
        self._glyphs: dict[str, str] = {}
        self._letters: set[str] = set()
        self._words: dict[str, str] = {}
        self._colours: dict[str, str] = {}
        self._styles: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def add(self, svg: str, name: str) -> Drawing | None:
        """Take in a figure.

        Parameters
        ----------
        svg
            The file, as matplotlib writes it.
        name
            What no other figure is called.

        Returns
        -------
        Drawing or None
            None where the file is no SVG with a size in points.
        """
        try:
            root = ET.fromstring(svg)
        except ET.ParseError:
            return None
        sides = [re.fullmatch(r"([\d.]+)pt", root.get(side, "")) for side in ("width", "height")]
        if root.tag != f"{_SVG}svg" or "viewBox" not in root.attrib or not all(sides):
            return None
        width, height = (round(float(match[1]) * _PIXELS_PER_POINT) for match in sides if match)
        used = {link for node in root.iter() for link in _links(node)}
        content = _OUTLINE.sub(lambda found: compact(found[0], _DECIMALS), self._content(root, name, used))
        return Drawing(content, root.attrib["viewBox"], width, height)

    @property
    def glyphs_svg(self) -> str:
        """The letters and words that all figures share, as an element that shows nothing."""
        paths = "".join(
            f'<path id="{self._id("", name)}" d="{outline}" transform="{_GLYPH}"/>'
            for name, outline in self._glyphs.items()
        )
        words = "".join(f'<g id="{name}">{letters}</g>' for letters, name in self._words.items())
        return f'<svg class="glyphs" aria-hidden="true" focusable="false"><defs>{paths}{words}</defs></svg>'

    @property
    def css(self) -> str:
        """What the classes of the figures stand for, and their colours on a light and on a dark page."""
        greys, light, dark = (
            "".join(f"--{name}: {value}; " for name, value in sorted(rules.items()))
            for rules in (
                {name: value for name, value in self._colours.items() if name.startswith("grey")},
                {name: f"#{name[1:]}" for name in self._colours if name.startswith("c")},
                {name: value for name, value in self._colours.items() if name.startswith("c")},
            )
        )
        themes = f"{{ {greys}{light}}}\n@media screen and (prefers-color-scheme: dark) {{ .drawing {{ {dark}}} }}"
        return "\n".join([f".drawing {themes}", *(f".{name} {{ {style} }}" for name, style in self._styles.items())])

    def _content(self, node: ET.Element, name: str, used: Set[str]) -> str:
        """What an element holds: its children, and its text."""
        children = [element for child in node for element in self._written(child, name, used)]
        if len(children) > 1 and all(map(self._is_letter, children)):
            letters = "".join(map(str, children))
            return f'<use href="#{self._words.setdefault(letters, self._id("", letters))}"/>'
        return "".join(map(str, self._joined(children))) + escape((node.text or "").strip())

    def _is_letter(self, element: _Element) -> bool:
        """Whether an element is a letter of a word, with its place and nothing else."""
        return element.attributes.get("href", "")[1:] in self._letters and element.attributes.keys() <= {
            "href",
            "x",
            "y",
            "transform",
        }

    def _written(self, node: ET.Element, name: str, used: Set[str]) -> Iterator[_Element]:
        """An element for the page; of one that has no meaning there its children, or nothing."""
        tag = node.tag.removeprefix(_SVG)
        if tag not in _KEPT:
            return
        if node.get("transform") == _GLYPH and node.get("id"):
            self._glyphs[node.attrib["id"]] = compact(_short(node.get("d", ""), 0), 0)
            self._letters.add(self._id("", node.attrib["id"]))
            return
        attributes = dict(self._attributes(node, name, used))
        if tag == "g" and not attributes:
            for child in node:
                yield from self._written(child, name, used)
            return
        content = self._content(node, name, used)
        if content or tag not in ("g", "defs"):
            yield _Element(tag, attributes, content)

    def _attributes(self, node: ET.Element, name: str, used: Set[str]) -> Iterator[tuple[str, str]]:
        """Attributes of an element, ids made unique."""
        for key, value in node.attrib.items():
            match key:
                case "id":
                    if value in used:
                        yield "id", self._id(name, value)
                case "style":
                    yield "class", self._class(value)
                case "clip-path":
                    yield key, re.sub(r"#(.+)\)", lambda found: f"#{self._id(name, found[1])})", value)
                case "transform" if node.tag == f"{_SVG}use" and (shift := _SHIFT.fullmatch(value)):
                    places = zip("xy", (_short(number, 1) for number in shift.groups()), strict=True)
                    yield from ((side, place) for side, place in places if place != "0")
                case "transform":
                    yield key, _NUMBER.sub(lambda found: f"{float(found[0]):.6g}", value)
                case _ if key in (_LINK, "href"):
                    yield "href", self._link(value, name)
                case _ if "}" not in key and not key.startswith("on"):
                    yield key, _short(value, 1 if key in ("x", "y") else _DECIMALS)

    def _link(self, target: str, name: str) -> str:
        """Where a ``use`` or an ``image`` leads: letters are shared, pictures are inside."""
        if not target.startswith("#"):
            return "".join(target.split()) if target.startswith("data:") else "data:,"
        return f"#{self._id('' if target[1:] in self._glyphs else name, target[1:])}"

    def _id(self, name: str, known: str) -> str:
        """A short id for that of a part of a figure."""
        return self._ids.setdefault((name, known), f"d{len(self._ids)}")

    def _joined(self, elements: Sequence[_Element]) -> Iterator[_Element]:
        """Neighbours of one look as one: lines and bars as one path, marks in one group."""
        for look, group in groupby(elements, key=self._look):
            same = list(group)
            shared = dict(look)
            tag = shared.pop("", "")
            if len(same) == 1 or not tag:
                yield from same
            elif tag == "path":
                yield _Element("path", {"d": "".join(element.attributes["d"] for element in same), **shared})
            else:
                rest = (_without(element.attributes, shared) for element in same)
                yield _Element("g", shared, "".join(str(_Element("use", attributes)) for attributes in rest))

    def _look(self, element: _Element) -> tuple[tuple[str, str], ...]:
        """What an element must have in common with its neighbours to be joined with them; nothing if it cannot be."""
        own = {"path": {"d"}, "use": {"href", "x", "y"}}.get(element.tag)
        if (
            own is None
            or element.content
            or not own & element.attributes.keys()
            or not element.attributes.keys() - own <= {"class", "clip-path"}
        ):
            return ()
        style = self._styles.get(element.attributes.get("class", ""), "")
        bar = element.attributes.get("d", "").count("L") <= _SIDES_OF_A_BAR
        if element.tag == "path" and not bar and ("fill:none" not in style or "opacity" in style):
            return ()
        return (("", element.tag), *sorted(_without(element.attributes, own).items()))

    def _class(self, style: str) -> str:
        """The class that stands for a style."""
        if style not in self._classes:
            painted = self._painted(style)
            known = (name for name, other in self._styles.items() if other == painted)
            self._classes[style] = next(known, f"s{len(self._styles)}")
            self._styles[self._classes[style]] = painted
        return self._classes[style]

    def _painted(self, style: str) -> str:
        """A style whose colours follow the page."""
        return re.sub(r"\s*([:;])\s*", r"\1", _COLOUR.sub(lambda found: self._followed(found[0]), style))

    def _followed(self, colour: str) -> str:
        """The page's ink for what is black, its ground for white, a mixture for greys, a variable for dark colours."""
        parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        if colour == INK.lower() or max(parts) <= _NEARLY_BLACK:
            return "currentColor"
        if min(parts) == 255:
            return "var(--card)"
        if max(parts) == min(parts):
            share = round(100 * (1 - parts[0] / 255))
            self._colours[f"grey{share}"] = f"color-mix(in srgb, currentColor {share}%, var(--card))"
            return f"var(--grey{share})"
        lighter = lightened(colour)
        if lighter == colour:
            return colour
        self._colours[f"c{colour[1:]}"] = lighter
        return f"var(--c{colour[1:]})"


def _without(attributes: Mapping[str, str], keys: Container[str]) -> dict[str, str]:
    """Attributes but for some."""
    return {key: value for key, value in attributes.items() if key not in keys}


def _links(node: ET.Element) -> Iterator[str]:
    """Ids that an element refers to."""
    for value in (node.get(_LINK, ""), node.get("href", "")):
        if value.startswith("#"):
            yield value[1:]
    if clip := re.fullmatch(r"url\(#(.+)\)", node.get("clip-path", "")):
        yield clip[1]


def _short(text: str, digits: int = 2) -> str:
    """Numbers with few decimals, white space where it is needed."""
    text = _NUMBER.sub(lambda found: _rounded(float(found[0]), digits), text)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", text).strip() if re.match(r"\s*M", text) else text.strip()


def _rounded(number: float, digits: int) -> str:
    """A number without needless zeros."""
    text = f"{number:z.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def luminance(colour: str) -> float:
    """Relative luminance of a hexadecimal sRGB colour (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@cache
def lightened(colour: str) -> str:
    """A colour mixed with as little white as shows it on the dark page."""
    for white in range(0, 100, 5):
        parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        mixed = "#" + "".join(f"{round(part + (255 - part) * white / 100):02x}" for part in parts)
        if contrast(mixed, _DARK_GROUND) >= _LEAST_CONTRAST:
            return mixed
    return "#ffffff"
