"""A plugin that raises when it is imported."""

raise RuntimeError("the crystal ball is cloudy")
