"""From a source to decoded images and one split that every candidate gets."""

from workbench.data.audit import AuditReport, audit_images
from workbench.data.images import Images, Progress, arrange, load
from workbench.data.sources import Source, resolve
from workbench.data.split import Mend, Rows, Split, make_folds, make_split, stratified_order, subset

__all__ = [
    "AuditReport", "Images", "Mend", "Progress", "Rows", "Source", "Split", "arrange", "audit_images",
    "load", "make_folds", "make_split", "resolve", "stratified_order", "subset",
]  # fmt: skip
