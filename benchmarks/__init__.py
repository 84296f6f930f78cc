"""Benchmarks: how long our code takes beside what one would otherwise use. ``python -m benchmarks [name ...]``."""
