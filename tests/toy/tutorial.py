"""Runs a page of docs as it is written: files, commands and Python, and compares what they say with what the page says they say.

- A block of YAML or Python that begins with ``# path`` is a file.
- A block marked ``sh`` is run by bash, one of Python by Python, in the folder.
- A block marked ``text`` behind one of these two is what it says; ``...`` stands for anything.
- Other blocks are only shown.
"""

import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+/\S+)\n")
RUN = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


def run_page(page, folder, environment):
    """Run it; give how many commands there were.

    Raises
    ------
    AssertionError
        Where a command fails, or says something else.
    """
    path = f"{Path(sys.executable).parent}:{environment['PATH']}"
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    commands = 0
    for (kind, text), (next_kind, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if file := FILE.match(text):
            (folder / file[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / file[1]).write_text(text, encoding="utf-8")
        elif kind in RUN:
            commands += 1
            done = subprocess.run(
                [*RUN[kind], text],
                cwd=folder,
                env={**environment, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}"
            if next_kind == "text":
                assert matches(done.stdout, expected), f"{text}\nsays\n{done.stdout}\nand not\n{expected}"
    return commands


def matches(said, expected):
    """Whether a text is the expected one, in which ``...`` stands for anything."""
    pattern = ".*".join(map(re.escape, expected.strip().split("...")))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None
