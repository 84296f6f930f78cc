"""Tiny experiments for the tests of the sweep engine."""
