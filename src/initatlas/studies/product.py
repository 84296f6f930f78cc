"""What a study declares: its products and the cubes that they are read from.

A declaration is read whenever the workflow is parsed: standard library only.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Study:
    """One paper, or one chapter of the atlas.

    Attributes
    ----------
    package
        Dotted path of the package that declares it: ``__name__`` there.
    title, citation, link
        What the page prints above its products; `citation` and `link` are empty where the study is our own.
    summary
        One paragraph for the page.
    says
        What the paper says, in one sentence; for the top of the page.
    headline
        The figure that stands for the study; without one, its first.
    key_claims
        The claims that say what was found, in a few words; for the top of the page.
    figures, tables
        Product to the sweeps whose cubes it reads. The function of that name in the study's ``figures`` or ``tables``
        module makes it; its caption is ``captions/<product>.rst`` in the package.
    claims
        The sweeps whose cubes the study's ``claims`` module reads.
    """

    package: str
    title: str
    citation: str
    link: str
    summary: str
    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    says: str = ""
    headline: str = ""
    key_claims: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of the study, of its target and of its config files: the last part of the path."""
        return self.package.rpartition(".")[2]

    @property
    def captions(self) -> Path:
        """Folder of the captions, one ``<product>.rst`` per product."""
        return Path(str(sys.modules[self.package].__file__)).with_name("captions")


def cube_titles(study: str, names: Iterable[str]) -> Iterator[str]:
    """Resolve the sweeps that a product names: ``fig2`` is of the same study, ``atlas/theory`` of another."""
    return (name if "/" in name else f"{study}/{name}" for name in names)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    header
        With its unit, where it has one.
    digits
        Decimals of its numbers; None prints values as they are.
    """

    header: str
    digits: int | None = None


@dataclass(frozen=True)
class Table:
    """A table: columns, and rows of values in their order (None is an empty cell)."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | float | int | None]]
