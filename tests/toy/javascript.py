"""Run the functions of the page's scripts outside of a browser, in Node.js."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from initatlas.layout import PAGE_TEMPLATES

_PROGRAM = """
const { scripts, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const AsyncFunction = (async () => {}).constructor;
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value, (number) => plain("", number))
  : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
new AsyncFunction(`"use strict";\\n${scripts}\\n${body}`)().then((result) => console.log(JSON.stringify(result, plain)));
"""


def run_javascript(scripts: list[str], body: str) -> Any:
    """What the body of a function returns that sees some scripts of the page; the test is skipped without Node.js.

    Numbers that are not finite come back as texts: ``"NaN"``, ``"Infinity"``.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: the page's scripts are not run")
    text = "\n".join((PAGE_TEMPLATES / name).read_text(encoding="utf-8") for name in scripts)
    given = json.dumps({"scripts": text, "body": body})
    answer = subprocess.run([node, "-e", _PROGRAM], input=given, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
