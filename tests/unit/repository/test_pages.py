"""Pages of docs, tried as written: what their blocks print is what they say they print."""

import contextlib
import io
import re

import pytest


@pytest.mark.parametrize("page", ["estimators", "piecewise", "smoothness"])
def test_a_page_prints_what_it_says(root, page):
    text = (root / f"docs/{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```python")
    names: dict[str, object] = {}
    for code, printed in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, f"docs/{page}.md", "exec"), names)
        assert out.getvalue() == printed
