"""What ``from initatlas import ...`` gives: name to module. `__init__.pyi` says the same to type checkers."""

EXPORTS = {
    "nngp": "initatlas.kernels.api",
    "ntk": "initatlas.kernels.api",
    "open_archive": "initatlas.archive.reading",
    "open_cube": "initatlas.cubes",
    "sweep": "initatlas.sweeping",
}
