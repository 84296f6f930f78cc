"""Gather the report page from files: figures, tables and claims of the studies, captions, and the cubes' provenance."""

import base64
import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from initatlas.cubes import environments_of, open_placed_cube, summarise_placed_cube
from initatlas.errors import UserError
from initatlas.layout import FIGURE_FORMATS, TABLE_FORMATS
from initatlas.report.captions import Caption, caption_html, caption_text, read_caption
from initatlas.report.drawings import Drawings
from initatlas.report.ledger import claims_from_json, format_seconds
from initatlas.report.page import FigureView, Page, StudyView, SweepView, TableView
from initatlas.report.sources import Source, product_source
from initatlas.studies.claim import Claim
from initatlas.studies.product import Study, cube_titles
from initatlas.sweeps.environment import mixture
from initatlas.texts import read_text

CLAIMS_FILE = "claims.json"
EXPLORER_FILE, KERNELS_FILE = "explorer.json", "kernels.json"

_SHOWN = (
    "summary",
    "experiment",
    "spec",
    "root_seed",
    "code_version",
    "package_version",
    "commit",
    "datasets",
    "packages",
)
"""Attributes of a cube that the page shows."""

_INLINE_BYTES = 250_000
_MOST_COMMITS = 3


def collect_page(
    studies: Sequence[Study],
    *,
    products: Path,
    folder: Path,
    captions: Mapping[str, Path],
    cubes: Mapping[str, Path],
    title: str,
    version: str,
    scale: str,
    absent: Mapping[str, str] | None = None,
) -> Page:
    """Gather what the page shows; products that are not made yet are listed as such.

    Parameters
    ----------
    studies
        In the order of the page.
    products
        Folder of the products: ``<study>/figures/<product>.svg`` and its siblings,
        ``<study>/tables/<product>.html`` and its siblings, ``<study>/claims.json``; ``explorer.json`` and ``kernels.json``.
    folder
        Folder of the page, from where its links lead.
    captions
        Study to the folder with its ``<product>.rst``.
    cubes
        The cubes to account for, by the title of their sweep.
    title, version, scale
        Head of the page: its title, the version of this package, the scale of the sweeps.
    absent
        Data sets that are not here, with what brings each.

    Raises
    ------
    UserError
        If a caption is missing, or a file is not what it should be.
    """
    sweeps = [_sweep_view(path, title) for title, path in sorted(cubes.items())]
    outputs = {view.title: view.output for view in sweeps}
    drawings = Drawings()
    views = [
        _study_view(
            study,
            [view for view in sweeps if view.title.partition("/")[0] == study.key],
            _Place(products / study.key, folder, captions[study.key], cubes, outputs, scale),
            drawings,
        )
        for study in studies
    ]
    return Page(
        title=title,
        version=version,
        scale=scale,
        studies=tuple(views),
        drawings=drawings,
        head=_head(sweeps),
        absent=absent or {},
        explorer=_text_if_made(products / EXPLORER_FILE),
        kernels=_text_if_made(products / KERNELS_FILE),
    )


def _text_if_made(path: Path) -> str:
    """What a file says; nothing before it is made."""
    return read_text(path) if path.is_file() else ""


def _head(sweeps: Sequence[SweepView]) -> dict[str, str]:
    """What the cubes have in common: when they were computed, from which commit, with which packages."""
    days = sorted(sweep.provenance["computed"].partition(" ")[0] for sweep in sweeps)
    commits = dict.fromkeys(sweep.provenance["package"].partition("commit ")[2] for sweep in sweeps)
    packages = dict.fromkeys(sweep.provenance["packages"] for sweep in sweeps)
    head = {
        "computed": " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "",
        "commit": ", ".join(filter(None, commits)) if len(commits) <= _MOST_COMMITS else "",
        "commits": str(len(commits)) if len(commits) > _MOST_COMMITS else "",
        "packages": next(iter(packages), "") if len(packages) < 2 else f"in {len(packages)} sets of versions",
    }
    return {label: value for label, value in head.items() if value}


@dataclass(frozen=True)
class _Place:
    """Where the parts of a study lie: its products, the page, its captions, and all cubes, with an output of each."""

    products: Path
    page: Path
    captions: Path
    cubes: Mapping[str, Path]
    outputs: Mapping[str, str]
    scale: str

    def caption(self, name: str) -> Caption:
        """The caption of a product, which has to be there."""
        path = self.captions / f"{name}.rst"
        if not path.is_file():
            raise UserError(f"{path} is missing: write the caption of {name} there")
        return read_caption(read_text(path))

    def source(self, study: Study, kind: str, name: str) -> Source:
        """What stands behind a product."""
        read: Mapping[str, tuple[str, ...]] = getattr(study, kind)
        return product_source(
            f"{study.package}.{kind}",
            name,
            titles=list(cube_titles(study.key, read[name])),
            cubes=self.cubes,
            outputs=self.outputs,
            target=self.products / kind / f"{name}.{'svg' if kind == 'figures' else 'csv'}",
            scale=self.scale,
            page=self.page,
        )


def _study_view(study: Study, sweeps: Sequence[SweepView], place: _Place, drawings: Drawings) -> StudyView:
    """One study with what there is of it."""
    folder = place.products
    figures = [name for name in study.figures if (folder / "figures" / f"{name}.svg").is_file()]
    tables = [name for name in study.tables if (folder / "tables" / f"{name}.html").is_file()]
    missing = [name for name in (*study.figures, *study.tables) if name not in (*figures, *tables)]
    return StudyView(
        key=study.key,
        title=study.title,
        citation=study.citation,
        link=study.link,
        summary=study.summary,
        says=study.says,
        headline=study.headline,
        key_claims=study.key_claims,
        claims=_claims(folder / CLAIMS_FILE),
        figures=tuple(_figure_view(study, name, place, drawings) for name in figures),
        tables=tuple(_table_view(study, name, place) for name in tables),
        sweeps=tuple(sweeps),
        missing=tuple(missing),
    )


def _claims(path: Path) -> tuple[Claim, ...]:
    """The ledger of a study; none before it is made."""
    return tuple(claims_from_json(path.read_bytes(), str(path))) if path.is_file() else ()


def _figure_view(study: Study, name: str, place: _Place, drawings: Drawings) -> FigureView:
    """A figure with its picture inside."""
    caption, where = place.caption(name), str(place.captions / f"{name}.rst")
    stem = place.products / "figures" / name
    drawing = drawings.add(read_text(stem.with_name(f"{name}.svg")), f"{study.key} {name}")
    picture = drawing if drawing and len(drawing.content) <= _INLINE_BYTES else _raster(stem)
    return FigureView(
        product=name,
        title=caption.title or titled(name),
        picture=picture,
        width=drawing.width if drawing else 0,
        height=drawing.height if drawing else 0,
        alternative=caption.alternative or _first_sentence(caption_text(caption.body, where)),
        caption=caption_html(caption.body, where),
        links=_links(stem, FIGURE_FORMATS, place.page),
        source=place.source(study, "figures", name),
    )


def _table_view(study: Study, name: str, place: _Place) -> TableView:
    """A table with its rows inside."""
    caption, where = place.caption(name), str(place.captions / f"{name}.rst")
    stem = place.products / "tables" / name
    return TableView(
        product=name,
        title=caption.title or titled(name),
        html=read_text(stem.with_name(f"{name}.html")),
        caption=caption_html(caption.body, where),
        links=_links(stem, [kind for kind in TABLE_FORMATS if kind != "html"], place.page),
        source=place.source(study, "tables", name),
    )


def titled(name: str) -> str:
    """The name of a product as a title, where its caption has none."""
    return name.replace("_", " ").capitalize()


def _first_sentence(text: str) -> str:
    """The text up to its first full stop."""
    return re.split(r"(?<=[.!?])\s", " ".join(unescape(text).split()), maxsplit=1)[0]


def _raster(stem: Path) -> str:
    """The PNG as a data URI: where the drawing is so heavy that it would slow the page down."""
    return f"data:image/png;base64,{base64.b64encode(stem.with_name(f'{stem.name}.png').read_bytes()).decode('ascii')}"


def _links(stem: Path, kinds: Sequence[str], page: Path) -> dict[str, str]:
    """Links from the page to the files that are there, by their kind in capitals."""
    files = {kind.upper(): stem.with_name(f"{stem.name}.{kind}") for kind in kinds}
    return {kind: quote(Path(os.path.relpath(path, page)).as_posix()) for kind, path in files.items() if path.is_file()}


def _sweep_view(path: Path, title: str) -> SweepView:
    """Settings and provenance of the cube of a sweep."""
    cube = summarise_placed_cube(path, title)
    missing = [name for name in _SHOWN if name not in cube.attributes]
    if missing or cube.points is None:
        raise UserError(f"{path}: a cube without {(missing or ['status'])[0]!r}; remove it and run the workflow again")
    spec: dict[str, Any] = json.loads(cube.attributes["spec"])
    return SweepView(
        title=cube.attributes["title"],
        summary=cube.attributes["summary"],
        experiment=cube.attributes["experiment"],
        axes={axis["name"]: _axis_text(axis["name"], axis["values"]) for axis in spec["axes"]},
        fixed={name: _value_text(value) for name, value in spec["fixed"].items()},
        computed=cube.points["ok"],
        failed=cube.points["failed"],
        excluded=cube.points["excluded"],
        errors=_errors(path, title) if cube.points["failed"] else {},
        mixture=mixture(environments_of(cube.attributes)),
        provenance=_provenance(cube.attributes),
        output=next(iter(cube.outputs), "status"),
    )


def _errors(path: Path, title: str, limit: int = 3) -> dict[str, int]:
    """The commonest reasons of failure in a cube."""
    errors = open_placed_cube(path, title)["error"]
    reasons = Counter(str(reason) for reason in errors.values.ravel() if reason)
    return dict(reasons.most_common(limit))


def _provenance(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Where the numbers of a cube come from."""
    hashes = json.loads(attributes["datasets"])
    versions = json.loads(attributes["packages"])
    return {
        "root seed": attributes["root_seed"],
        "package": f"{attributes['package_version']}{_commit_text(attributes['commit'])}",
        "code": attributes["code_version"][:12],
        "data": ", ".join(f"{name} {sha256[:12]}" for name, sha256 in hashes.items()) or "none",
        "packages": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "backend": attributes["backend"],
        "wall time": format_seconds(float(attributes["wall_seconds"])),
        "computed": attributes["created"].replace("T", " "),
    }


def _commit_text(commit: str) -> str:
    """A commit behind the version of the package; nothing where the code was installed."""
    digits, dash, mark = commit.partition("-")
    return f", commit {digits[:12]}{dash}{mark}" if commit else ""


def _axis_text(name: str, columns: Mapping[str, Sequence[Any]]) -> str:
    """The values along an axis; several parameters that move together are named."""
    if list(columns) == [name]:
        return values_text(columns[name])
    return "; ".join(f"{parameter}: {values_text(values)}" for parameter, values in columns.items())


def values_text(values: Sequence[Any]) -> str:
    """A list of values, its middle left out where it is long."""
    texts = [_value_text(value) for value in values]
    if len(texts) <= 12:
        return ", ".join(texts)
    return f"{', '.join(texts[:4])}, …, {', '.join(texts[-2:])} ({len(texts)} values)"


def _value_text(value: Any) -> str:
    """A parameter as the config writes it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
