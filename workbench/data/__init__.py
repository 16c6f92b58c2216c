"""From a source to decoded images and one split that every candidate gets."""

from workbench.data.audit import AuditReport, audit_images
from workbench.data.images import Images, Progress, arrange, load
from workbench.data.sources import Source, resolve
from workbench.data.split import Mend, Split, make_split

__all__ = [
    "AuditReport", "Images", "Mend", "Progress", "Source", "Split", "arrange", "audit_images",
    "load", "make_split", "resolve",
]  # fmt: skip
