"""All kinds of data sets that a config may name, and what is known of one before its files are read.

Every parse of the workflow reads this module: standard library and pydantic only.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from initatlas.datasets.specs import (
    CifarSpec,
    DigitsSpec,
    GlyphsSpec,
    IdxSpec,
    ImagesSpec,
    PhotographsSpec,
    RecordingsSpec,
    find_split,
    required_files,
)
from initatlas.datasets.sphere import SphereSpec
from initatlas.datasets.traits import BOTH_SPLITS, RECORDED, DataTraits
from initatlas.datasets.univariate import UnivariateSpec

SPECS = (
    *(DigitsSpec, GlyphsSpec, IdxSpec, CifarSpec, PhotographsSpec, ImagesSpec, RecordingsSpec),
    *(UnivariateSpec, SphereSpec),
)
"""All kinds of data sets, in the order of the reference."""

DatasetSpec = Annotated[
    DigitsSpec
    | GlyphsSpec
    | IdxSpec
    | CifarSpec
    | PhotographsSpec
    | ImagesSpec
    | RecordingsSpec
    | UnivariateSpec
    | SphereSpec,
    Field(discriminator="kind"),
]


def known_traits(spec: DatasetSpec, raw_data: Path | None) -> DataTraits:
    """What a data set will have, as far as it is known before its files are read.

    Parameters
    ----------
    spec
        The data set.
    raw_data
        The raw data folder, where IDX files are looked for; None tells what there is once all files are there.
    """
    match spec:
        case DigitsSpec():
            return DataTraits(classes=_TEN)
        case GlyphsSpec():
            # every ten glyphs in a row are the ten digits
            return DataTraits(splits=_filled(spec.train, spec.test), classes=min(_TEN, max(spec.train, spec.test)))
        case CifarSpec():
            return DataTraits(classes=_TEN)
        case IdxSpec():
            return DataTraits(
                splits=[
                    split for split in BOTH_SPLITS if raw_data is None or find_split(spec, raw_data, split) is not None
                ]
            )
        case RecordingsSpec():
            return RECORDED
        case PhotographsSpec():
            return DataTraits(labels=False, splits=["train"])
        case ImagesSpec():
            splits = ["train"] if spec.test_array is None else BOTH_SPLITS
            return DataTraits(labels=spec.labels is not None, splits=splits)
        case UnivariateSpec() | SphereSpec():
            return DataTraits(holds="vectors", labels=False, splits=_filled(spec.train, spec.test))


_TEN = 10


def _filled(train: int, test: int) -> list[str]:
    """The splits with a sample in them."""
    return [split for split, count in zip(BOTH_SPLITS, (train, test), strict=True) if count]


def files_present(spec: DatasetSpec, raw_data: Path) -> bool:
    """Tell whether the data set can be built from what is there: for IDX, one whole split is enough."""
    return isinstance(spec, _WITHOUT_FILES) or bool(required_files(spec, raw_data))


_WITHOUT_FILES = (DigitsSpec, GlyphsSpec, PhotographsSpec, UnivariateSpec, SphereSpec)
