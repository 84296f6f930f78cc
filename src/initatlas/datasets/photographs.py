"""The two photographs that come with scikit-learn."""

import numpy as np

from initatlas.datasets.image_set import Images
from initatlas.datasets.samples import SPLIT_CODE
from initatlas.datasets.specs import PhotographsSpec

_SOURCE = "china.jpg (danielbuechele) and flower.jpg (vultilion), both CC BY 2.0, which scikit-learn ships"


def load(name: str, spec: PhotographsSpec) -> Images:
    """Load the photographs.

    Parameters
    ----------
    name
        The data set's name.
    spec
        Nothing to choose.

    Returns
    -------
    Images
        2 colour images of 427x640 pixels, without classes.
    """
    from sklearn.datasets import load_sample_images

    images = np.stack(load_sample_images().images).astype(np.uint8)
    return Images(
        name=name,
        images=images,
        labels=np.arange(len(images), dtype=np.int64),
        split=np.full(len(images), SPLIT_CODE["train"], dtype=np.int8),
        maximum=255,
        source=_SOURCE,
        labelled=False,
    )
