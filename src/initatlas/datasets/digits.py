"""The 8x8 handwritten digits that come with scikit-learn."""

import numpy as np

from initatlas.datasets.image_set import Images
from initatlas.datasets.samples import SPLIT_CODE
from initatlas.datasets.specs import DigitsSpec

_SOURCE = "Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), the part that scikit-learn ships"
_MAXIMUM = 16


def load(name: str, spec: DigitsSpec) -> Images:
    """Load the digits in a random order and split them.

    Parameters
    ----------
    name
        The data set's name.
    spec
        The number of test images, and the seed of the order.

    Returns
    -------
    Images
        1797 images of 8x8 pixels, grey levels 0 to 16, the training images first.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    count = len(digits.target)
    order = np.random.default_rng(spec.seed).permutation(count)
    split = np.full(count, SPLIT_CODE["train"], dtype=np.int8)
    split[count - spec.test :] = SPLIT_CODE["test"]
    return Images(
        name=name,
        images=digits.images[order].astype(np.uint8),
        labels=digits.target[order].astype(np.int64),
        split=split,
        maximum=_MAXIMUM,
        source=_SOURCE,
    )
