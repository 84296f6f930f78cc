"""Inner coordinates that experiments share."""

from initatlas.sweeps.experiment import Coordinate


def angle_coordinate(count: int) -> Coordinate:
    """`count` evenly spaced angles from 0 to 180 degrees."""
    degrees = [180.0 * i / (count - 1) for i in range(count)]
    return Coordinate(degrees, "angle between the inputs", "degree")
