"""From a source to decoded images and one split that every candidate gets."""

from workbench.data.images import Images, Progress, arrange, load
from workbench.data.sources import Source, resolve
from workbench.data.split import Split, make_split

__all__ = ["Images", "Progress", "Source", "Split", "arrange", "load", "make_split", "resolve"]
