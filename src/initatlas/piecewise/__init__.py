"""Univariate ReLU networks in function space: breakpoints, pieces, roughness, exact training, segmented regression."""
