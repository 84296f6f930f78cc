from initatlas.archive.reading import open_archive as open_archive
from initatlas.cubes import open_cube as open_cube
from initatlas.kernels.api import nngp as nngp
from initatlas.kernels.api import ntk as ntk
from initatlas.sweeping import sweep as sweep

__version__: str
