"""How wide a layer is in memory: why, `initatlas.networks.stacked_mlp` says. Standard library only."""

LANE = 16
"""Floats in 64 bytes: layers are padded to multiples of it."""


def padded(size: int) -> int:
    """Round `size` up to a multiple of `LANE`."""
    return -(-size // LANE) * LANE
