"""Compiled loops over stacks of images, for the extractors. They let go of the GIL, so that threads share the work.

Plugins import these modules only when they are used: Numba and a first compilation take seconds, a listing must not.
"""
