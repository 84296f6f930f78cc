"""Random weights: the distributions, their exact variances, and the variances that preserve signal norms."""
