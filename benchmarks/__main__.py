"""Run benchmarks, print their tables, keep their results, renew the page."""

import argparse
import os
import sys

# Numerical libraries read these when they are imported, which the imports below and each benchmark do.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

from benchmarks.catalogue import BENCHMARKS
from benchmarks.page import PAGE, page
from benchmarks.result import load_results
from benchmarks.single import run
from initatlas.files import write_text


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(BENCHMARKS)}; all if none is given")
    parser.add_argument(
        "--page", action="store_true", help="run nothing, only write docs/performance.md from the results"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BENCHMARKS))
    if unknown:
        sys.exit(f"benchmarks: there is no {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    if not arguments.page:
        for name in arguments.names or BENCHMARKS:
            run(name)
    write_text(PAGE, page(load_results(BENCHMARKS)))


if __name__ == "__main__":
    main()
