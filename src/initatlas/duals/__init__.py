"""Dual activations, one family per module, and the quadrature behind those without a closed form.

An activation knows its own (`initatlas.activations`).
"""
