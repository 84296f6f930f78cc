"""The former cube of a sweep: kept under another name until there is a new one.

Snakemake removes a cube before it starts the sweep that makes it anew. If a point fails then, the work of the run before would be
gone; and a cube that stayed in its place would pass for a new one.
"""

import os
import shutil
from pathlib import Path


def older_path(output: Path) -> Path:
    """Where the former cube of a sweep is kept; nothing is read from it."""
    return output.with_suffix(f".older{output.suffix}")


def keep_former(output: Path) -> None:
    """Give the cube of a sweep a second name, before whoever runs the sweep removes it; without a cube do nothing."""
    if not output.is_file():
        return
    older = older_path(output)
    older.unlink(missing_ok=True)
    try:
        os.link(output, older)
    except OSError:  # a file system without links
        shutil.copy2(output, older)


def set_aside(output: Path) -> None:
    """Take the former cube of a sweep out of its place."""
    if output.is_file():
        output.replace(older_path(output))
