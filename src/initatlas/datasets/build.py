"""From a spec to a data set."""

from pathlib import Path

from initatlas.datasets import cifar, digits, glyphs, idx, images, photographs, recordings, sphere, univariate
from initatlas.datasets.dataset import Dataset
from initatlas.datasets.kinds import DatasetSpec
from initatlas.datasets.specs import (
    CifarSpec,
    DigitsSpec,
    GlyphsSpec,
    IdxSpec,
    ImagesSpec,
    PhotographsSpec,
    RecordingsSpec,
)
from initatlas.datasets.sphere import SphereSpec
from initatlas.datasets.univariate import UnivariateSpec


def build_dataset(name: str, spec: DatasetSpec, raw_data: Path) -> Dataset:
    """Read or generate a data set.

    Parameters
    ----------
    name
        Its name in the config.
    spec
        What it is.
    raw_data
        The raw data folder; a generated set does not look at it.

    Raises
    ------
    UserError
        If a raw file is missing, broken, or not the one whose hash the config states.
    """
    match spec:
        case DigitsSpec():
            return digits.load(name, spec)
        case GlyphsSpec():
            return glyphs.load(name, spec)
        case IdxSpec():
            return idx.load(name, spec, raw_data)
        case CifarSpec():
            return cifar.load(name, spec, raw_data)
        case PhotographsSpec():
            return photographs.load(name, spec)
        case ImagesSpec():
            return images.load(name, spec, raw_data)
        case RecordingsSpec():
            return recordings.load(name, spec, raw_data)
        case UnivariateSpec():
            return univariate.load(name, spec)
        case SphereSpec():
            return sphere.load(name, spec)
