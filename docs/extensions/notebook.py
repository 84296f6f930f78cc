"""Notebooks: pages of the site, and run again without Jupyter (``python docs/extensions/notebook.py FILE.ipynb``).

A test runs them and compares what they print.
"""

import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from docutils.nodes import document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

Cell = dict[str, Any]


def run(cells: list[Cell]) -> list[Cell]:
    """The cells with what they print and draw now."""
    names: dict[str, Any] = {"__name__": "__main__"}
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(codes, 1):
        cell |= {"execution_count": number, "outputs": _outputs("".join(cell["source"]), names)}
    return cells


def _outputs(code: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, and the figures that it leaves open."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<cell>", "exec"), names)
    text = printed.getvalue()
    found: list[dict[str, Any]] = (
        [{"output_type": "stream", "name": "stdout", "text": text.splitlines(True)}] if text else []
    )
    for number in plt.get_fignums():
        plt.figure(number).savefig(png := io.BytesIO(), format="png", dpi=90, metadata={"Software": None})
        data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": ["<Figure>"]}
        found.append({"output_type": "display_data", "data": data, "metadata": {}})
    plt.close("all")
    return found


def printed(cells: list[Cell]) -> list[str]:
    """What each cell with code prints."""
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    return ["".join(line for output in cell["outputs"] for line in output.get("text", ())) for cell in codes]


def to_markdown(cells: list[Cell], name: str) -> str:
    """The cells as a page, with the notebook to take home behind the first of them."""
    first, *rest = [_cell_to_markdown(cell) for cell in cells]
    return "\n\n".join([first, f"This page is a notebook: {{download}}`{name}`.", *rest])


def _cell_to_markdown(cell: Cell) -> str:
    """A cell as Markdown; a picture is described by ``alt`` in the cell's metadata."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts = [f"```python\n{source}\n```"]
    for output in cell["outputs"]:
        if "text" in output:
            parts.append(f"```text\n{''.join(output['text'])}```")
        else:
            parts.append(f"![{cell['metadata'].get('alt', '')}](data:image/png;base64,{output['data']['image/png']})")
    return "\n\n".join(parts)


class NotebookParser(MystParser):
    """Reads a notebook as the Markdown that it would be."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: document) -> None:
        """Parse the source of a page."""
        name = Path(document.settings.env.docname).name + ".ipynb"
        super().parse(to_markdown(json.loads(inputstring)["cells"], name), document)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def rewrite(path: Path) -> None:
    """Run a notebook, and write what it prints and draws into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = run(notebook["cells"])
    path.write_text(f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n", encoding="utf-8")


if __name__ == "__main__":
    for file in sys.argv[1:]:
        rewrite(Path(file))
