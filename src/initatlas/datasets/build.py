"""From a spec to a data set."""

from pathlib import Path

from initatlas.datasets import cifar, digits, glyphs, idx, images, photographs, recordings
from initatlas.datasets.clips import Recordings
from initatlas.datasets.dataset import Dataset
from initatlas.datasets.specs import (
    CifarSpec,
    DatasetSpec,
    DigitsSpec,
    GlyphsSpec,
    IdxSpec,
    ImagesSpec,
    PhotographsSpec,
    RecordingsSpec,
)


def build_dataset(name: str, spec: DatasetSpec, raw_data: Path) -> Dataset | Recordings:
    """Read or generate a data set.

    Parameters
    ----------
    name
        Its name in the config.
    spec
        What it is.
    raw_data
        The raw data folder; a generated set does not look at it.

    Returns
    -------
    Dataset or Recordings
        The data set.

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
