"""The warm parent: a process that has imported what stages import, and forks one for each that asks.

`client` and `situation` are read by every stage before anything else: they import the lightest modules of Python alone.
"""
