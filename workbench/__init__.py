"""Do I need deep learning here? A fair comparison of hand-crafted features and deep networks on your images.

>>> from workbench import tune
>>> run = tune("digits", candidates=["hog/svm", "cnn"], budget="2m")
>>> run.leaderboard()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.api import audit_source, open_run, resume, tune
    from workbench.experiments import curve, transfer

__all__ = ["__version__", "audit_source", "curve", "open_run", "resume", "transfer", "tune"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Imports the public functions when they are first used, so that ``workbench --help`` answers in a blink."""
    if name in ("curve", "transfer"):
        from workbench import experiments

        return getattr(experiments, name)
    if name in ("audit_source", "open_run", "resume", "tune"):
        from workbench import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
