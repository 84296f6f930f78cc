"""Where the workflow keeps its files, relative to the folder of the atlas.

What depends on the scale lies in a folder of its own: no scale overwrites another one's results.
"""

from dataclasses import dataclass
from pathlib import Path

CONFIG = Path("config")
"""What the user writes."""

SETTINGS = CONFIG / "config.yaml"
"""What holds for a whole atlas; a folder that has it is one."""

CHECKOUT = Path(__file__).parents[2]
"""The clone that this package is installed from, unless it was copied from there."""

DATA = Path("data")
"""What the workflow computes."""

POINTS = DATA / "points"
"""The point store; all scales share it."""

RAY = DATA / "ray"
"""What the keeper of a private Ray leaves for the sweeps that join it."""

SPECS = DATA / "specs"
"""What a stage is asked to compute, as a file: a command line ends at 128 KiB."""

REPORTS = Path("reports")
"""What people look at."""

PAGE = REPORTS / "index.html"
"""The report."""

PAGE_TEMPLATES = Path(__file__).with_name("report") / "templates"
"""The templates of the report."""

STUDY_TEMPLATE = Path(__file__).with_name("templates") / "study"
"""The study that a new one begins as."""

FIGURE_FORMATS = ("svg", "pdf", "png", "csv")
TABLE_FORMATS = ("csv", "md", "tex", "html")


@dataclass(frozen=True)
class Layout:
    """The files of one scale.

    Attributes
    ----------
    scale
        ``smoke``, ``quick`` or ``paper``.
    """

    scale: str

    def dataset(self, name: str) -> Path:
        """The netCDF file of a data set."""
        return DATA / "datasets" / self.scale / f"{name}.nc"

    def cube(self, title: str) -> Path:
        """The cube of a sweep, which is named by ``study/sweep``."""
        return DATA / "cubes" / self.scale / f"{title}.nc"

    def slice(self, title: str, part: str) -> Path:
        """A word that a slice of a sweep was run."""
        return DATA / "slices" / self.scale / title / part

    def log(self, job: str) -> Path:
        """The log of a job."""
        return DATA / "logs" / self.scale / f"{job}.log"

    def benchmark(self, job: str) -> Path:
        """What a job took."""
        return DATA / "benchmarks" / self.scale / f"{job}.tsv"

    @property
    def products(self) -> Path:
        """The folder of all products."""
        return REPORTS / self.scale

    def figure(self, study: str, name: str, suffix: str) -> Path:
        """A figure of a study in one of `FIGURE_FORMATS`."""
        return self.products / study / "figures" / f"{name}.{suffix}"

    def table(self, study: str, name: str, suffix: str) -> Path:
        """A table of a study in one of `TABLE_FORMATS`."""
        return self.products / study / "tables" / f"{name}.{suffix}"

    def claims(self, study: str) -> Path:
        """The claims of a study."""
        return self.products / study / "claims.json"

    @property
    def explorer(self) -> Path:
        """The cubes that the report's explorer shows."""
        return self.products / "explorer.json"

    @property
    def kernels(self) -> Path:
        """The dual activations from which the report's explorer draws kernels."""
        return self.products / "kernels.json"

    @property
    def ledger(self) -> Path:
        """The claims of all studies."""
        return self.products / "claims.json"


def is_atlas(folder: Path) -> bool:
    """Whether a folder is that of an atlas."""
    return (folder / SETTINGS).is_file()


def published(study: str) -> Path:
    """What the paper of a study printed."""
    return CONFIG / "published" / f"{study}.yaml"
