"""Dual activations, one family per module; `initatlas.kernels.dual` finds one by its label."""
