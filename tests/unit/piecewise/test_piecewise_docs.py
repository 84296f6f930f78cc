"""docs/piecewise.md, tried as written: what its blocks print is what it says they print."""

import contextlib
import io
import re


def test_the_page_prints_what_it_says(root):
    text = (root / "docs/piecewise.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```python")
    names: dict[str, object] = {}
    for code, printed in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "docs/piecewise.md", "exec"), names)
        assert out.getvalue() == printed
