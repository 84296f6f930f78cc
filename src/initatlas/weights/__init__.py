"""Families of weight distributions: one class per module, found by the module's name; `initatlas.weights.base` is the door."""
