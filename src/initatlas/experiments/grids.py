"""Inner coordinates that experiments share; remembered, since every point of a sweep asks for them."""

from functools import lru_cache

from initatlas.sweeps.experiment import Coordinate


@lru_cache(maxsize=64)
def angle_coordinate(count: int) -> Coordinate:
    """`count` evenly spaced angles from 0 to 180 degrees."""
    degrees = [180.0 * i / (count - 1) for i in range(count)]
    return Coordinate(degrees, "angle between the inputs", "degree")


@lru_cache(maxsize=64)
def layer_coordinate(depth: int) -> Coordinate:
    """The recorded layers of a network: 1, 2, 4, 8, ... and the last."""
    powers = [2**exponent for exponent in range(depth.bit_length())]
    return Coordinate(powers if powers[-1] == depth else [*powers, depth], "layer")
