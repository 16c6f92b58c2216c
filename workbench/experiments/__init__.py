"""What to ask of a finished run: how its candidates do with fewer images, and how they do on other images."""

from workbench.experiments.carry_over import transfer
from workbench.experiments.learning_curve import curve

__all__ = ["curve", "transfer"]
