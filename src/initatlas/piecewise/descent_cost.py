"""What training a univariate network costs: a rough model of time.

It sizes batches and chooses a backend while the workflow is being planned: standard library only.
"""

_UPDATE_SECONDS = 1.5e-7  # of a shallow network, whatever its width
_UNIT_SECONDS, _ADAM_SECONDS = 5e-9, 2.5e-8  # a unit of a shallow network, and what Adam adds
_PIECE_SECONDS, _PIECES_PER_UNIT = 1.1e-7, 1.3  # of a deep network, and how many it has
_PRODUCT_SECONDS = 2e-9  # eight units, by one unit of the layer below in one of its pieces

LOOK_SECONDS = 4e-4
"""A look at a network: its breakpoints, pieces and losses."""


def update_seconds(width: int, depth: int, samples: int, *, adam: bool = False) -> float:
    """Time of one update of all parameters on one core, in seconds.

    Parameters
    ----------
    width, depth
        Units of a hidden layer, and number of hidden layers.
    samples
        Data points; a network has no more pieces between them.
    adam
        Whether Adam moves the parameters.
    """
    if depth == 1:
        return _UPDATE_SECONDS + (_UNIT_SECONDS + _ADAM_SECONDS * adam) * width
    pieces = min(samples, _PIECES_PER_UNIT * width * depth)
    products = (depth - 1) * min(samples, width) * width * -(-width // 8)
    return _PIECE_SECONDS * pieces + _PRODUCT_SECONDS * products
