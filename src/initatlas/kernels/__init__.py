"""Kernels of infinitely wide networks: dual activations, NNGP and NTK, Gram matrices, spectra, mean-field theory."""
