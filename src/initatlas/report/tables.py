"""Write tables: CSV with every digit, Markdown, TeX and HTML with the digits that the columns ask for."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from html import escape
from pathlib import Path

from initatlas.files import write_text
from initatlas.report.captions import caption_tex, caption_text
from initatlas.studies.product import Column, Table

Value = str | float | int | None

_LONG_TEXT = 24


def _greek_command(letter: str) -> str:
    """TeX's name of a Greek letter; Unicode spells lambda without its b."""
    name = unicodedata.name(letter).split()[-1].lower().replace("lamda", "lambda")
    return name.capitalize() if letter.isupper() else name


_GREEK = {letter: _greek_command(letter) for letter in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"}
_SIGNS = {
    "−": "-",
    "±": r"\pm",
    "×": r"\times",
    "·": r"\cdot",
    "≤": r"\le",
    "≥": r"\ge",
    "≈": r"\approx",
    "∞": r"\infty",
}
_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{special: f"\\{special}" for special in "&%$#_{}"},
        **{letter: f"$\\{name}$" for letter, name in _GREEK.items()},
        **{sign: f"${name}$" for sign, name in _SIGNS.items()},
        "\n": " ",
    }
)
_MARKDOWN = str.maketrans({**{special: f"\\{special}" for special in "\\|*_`<>[]"}, "\n": " "})


def write_table(table: Table, stem: Path, caption: str) -> list[Path]:
    """Write a table beside its siblings, each file atomically.

    Parameters
    ----------
    table
        Numbers are right aligned and rounded to the digits of their column; None is an empty cell.
    stem
        Path without suffix; its folder is the study, which the TeX label ``tab:<study>:<product>`` repeats.
    caption
        reStructuredText, as for figures.

    Returns
    -------
    list of Path
        ``<stem>.csv`` (every digit), ``.md``, ``.tex`` (for the package ``booktabs``) and ``.html`` (a fragment: what
        the page shows).

    Raises
    ------
    ValueError
        If a row is not as long as the columns.
    """
    _check(table)
    where = f"caption of {stem.parent.name}/{stem.name}"
    texts = {
        "csv": table_csv(table),
        "md": table_markdown(table, caption_text(caption, where)),
        "tex": table_tex(table, caption_tex(caption, where), label=f"tab:{stem.parent.name}:{stem.name}"),
        "html": table_html(table),
    }
    targets = {kind: stem.with_name(f"{stem.name}.{kind}") for kind in texts}
    for kind, text in texts.items():
        write_text(targets[kind], text)
    return [*targets.values()]


def table_csv(table: Table) -> str:
    """Comma-separated values with a header line; numbers with every digit."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([column.header for column in table.columns])
    writer.writerows([["" if value is None else str(value) for value in row] for row in table.rows])
    return sink.getvalue()


def table_markdown(table: Table, caption: str) -> str:
    """A pipe table under its caption; `caption` is plain text."""
    cells = [[text.translate(_MARKDOWN) for text in line] for line in _lines(table)]
    numeric = numeric_columns(table)
    widths = [max(3, *(len(line[place]) for line in cells)) for place in range(len(table.columns))]
    rules = [f"{'-' * (width - 1)}{':' if right else '-'}" for width, right in zip(widths, numeric, strict=True)]
    rows = [
        [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        for line in cells
    ]
    body = "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rules, *rows[1:]])
    return f"{caption}\n\n{body}\n" if caption else f"{body}\n"


def table_tex(table: Table, caption: str, *, label: str) -> str:
    """A ``table`` environment with ``booktabs`` rules; `caption` is TeX, cells and headers are escaped here."""
    numeric = numeric_columns(table)
    alignment = "".join("r" if right else "l" for right in numeric)
    first, *others = _lines(table)
    lines = [first, *(_with_true_minus(line, numeric) for line in others)]
    header, *rows = [" & ".join(escape_tex(text) for text in line) + r" \\" for line in lines]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{caption}}}",
            f"  \\label{{{label}}}",
            f"  \\begin{{tabular}}{{{alignment}}}",
            r"    \toprule",
            f"    {header}",
            r"    \midrule",
            *(f"    {row}" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def table_html(table: Table) -> str:
    """A ``table`` element; a first column of words heads its rows."""
    numeric = numeric_columns(table)
    header, *rows = _lines(table)
    heads = "".join(_html_cell("th", text, right, scope="col") for text, right in zip(header, numeric, strict=True))
    body = "\n".join(f"<tr>{_html_row(row, numeric)}</tr>" for row in rows)
    return f'<table class="data">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n'


def _html_row(row: Sequence[str], numeric: Sequence[bool]) -> str:
    """The cells of one row."""
    cells = []
    for place, (text, right) in enumerate(zip(_with_true_minus(row, numeric), numeric, strict=True)):
        heads_row = place == 0 and not right
        cells.append(_html_cell("th", text, right, scope="row") if heads_row else _html_cell("td", text, right))
    return "".join(cells)


def _with_true_minus(row: Sequence[str], numeric: Sequence[bool]) -> list[str]:
    """Numbers with a minus sign instead of a hyphen."""
    return [text.replace("-", "−") if right else text for text, right in zip(row, numeric, strict=True)]


def _html_cell(tag: str, text: str, right: bool, *, scope: str = "") -> str:
    """One cell, its text escaped; a long text asks for a wide column."""
    kind = "number" if right else "long" if len(text) > _LONG_TEXT else ""
    attributes = (f' scope="{scope}"' if scope else "") + (f' class="{kind}"' if kind else "")
    return f"<{tag}{attributes}>{escape(text)}</{tag}>"


def escape_tex(text: str) -> str:
    """Escape what TeX would read as a command; Greek letters and common signs become formulas."""
    return text.translate(_TEX)


def numeric_columns(table: Table) -> list[bool]:
    """For each column, whether it holds numbers and nothing else."""
    return [_is_numeric([row[place] for row in table.rows]) for place in range(len(table.columns))]


def _is_numeric(values: Sequence[Value]) -> bool:
    """Whether all values that are there are numbers, and one is there."""
    present = [value for value in values if value is not None]
    return bool(present) and not any(isinstance(value, str) for value in present)


def _lines(table: Table) -> list[list[str]]:
    """Header and rows as rounded texts."""
    rows = [
        [format_value(value, column) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    return [[column.header for column in table.columns], *rows]


def format_value(value: Value, column: Column) -> str:
    """A cell as text: numbers to the digits of the column (minus zero as zero), None as nothing."""
    if value is None:
        return ""
    if isinstance(value, str) or column.digits is None:
        return str(value)
    return f"{value:z.{column.digits}f}"


def _check(table: Table) -> None:
    """Refuse ragged rows: a bug of the study."""
    for number, row in enumerate(table.rows):
        if len(row) != len(table.columns):
            raise ValueError(f"row {number} has {len(row)} cells for {len(table.columns)} columns")
