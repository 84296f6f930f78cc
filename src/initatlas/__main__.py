"""`python -m initatlas`. A stage first asks for a warm parent, before it imports what that one has."""

import sys

if sys.argv[1:2] == ["stage"]:
    from initatlas.warm.client import run_warm

    run_warm(sys.argv[1:])  # returns where there is none
elif sys.argv[1:2] == ["warm-parent"]:
    from pathlib import Path

    from initatlas.warm.parent import serve

    serve(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))  # returns in its children

from initatlas.cli import entry

entry()
