"""Multi-layer perceptrons: the forward pass at initialisation and batched training."""
