"""The smoothness of a target relative to a kernel, read from the decay of its eigen-coefficients."""
