"""A plugin that can be imported, and returns the wrong thing."""


def oracle(trial, task):
    """Knows the answer."""
    return 42
