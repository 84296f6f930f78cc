"""Activations: one class per module, found by the module's name; `initatlas.activations.base` is the door."""
