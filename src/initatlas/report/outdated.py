"""Say on the page that it is older than the config: a run began that is to renew parts of it.

The mark goes with the page: whoever makes the page anew makes it without one.
"""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path

from initatlas.files import write_text

_MARK = re.compile(r'<aside id="outdated".*?</aside>', flags=re.DOTALL)


def mark_outdated(page: Path, studies: Mapping[str, int], *, scale: str, due: bool, now: datetime) -> None:
    """Mark a page as older than what a run that now begins is to make.

    A run that fails leaves the mark. The page keeps its date, so that it stays older than what is read for it.

    Parameters
    ----------
    page
        The page; nothing happens where there is none.
    studies
        Title of a study to the number of its files that the run is to make.
    scale
        Scale of the run.
    due
        Whether the run is to make the page itself.
    now
        When the run began.
    """
    if not page.is_file() or not (studies or due):
        return
    text = page.read_text(encoding="utf-8", errors="replace")
    if not (due or f'data-scale="{scale}"' in text):
        return
    before = page.stat()
    write_text(page, _MARK.sub(lambda _: _mark(studies, scale, now), text, count=1))
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))


def _mark(studies: Mapping[str, int], scale: str, now: datetime) -> str:
    """The words of the mark."""
    parts = [f"{escape(title)} ({count} file{'s' * (count != 1)})" for title, count in studies.items()]
    renews = f" It is to renew: {'; '.join(parts)}." if parts else ""
    return (
        '<aside id="outdated" class="notice alert"><p><strong>This page is older than the config.</strong> '
        f"A run at scale {escape(scale)} began on {now:%Y-%m-%d} at {now:%H:%M} and has not made the page anew: "
        f"it is under way, or it failed.{renews} What is shown here is of the run before.</p></aside>"
    )
