"""Draw docs/boundary.png, the picture of the README, from the cube of atlas/boundary: `python docs/poster.py CUBE`."""

import sys
from pathlib import Path

from initatlas.cubes import open_cube
from initatlas.report.style import figure_style
from initatlas.studies.atlas.boundary_figures import boundary_poster

POSTER = Path(__file__).with_name("boundary.png")
DOTS_PER_INCH = 150

if __name__ == "__main__":
    with figure_style():
        boundary_poster(open_cube(Path(sys.argv[1]))).savefig(POSTER, dpi=DOTS_PER_INCH)
    print(f"{POSTER}: {POSTER.stat().st_size / 1000:.0f} kB")
