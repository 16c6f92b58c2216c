"""What a run is: everything that is needed to repeat it, as it is recorded in the workspace."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from workbench.errors import WorkbenchError, did_you_mean

ACCURACY = "accuracy"

#: Metric -> what people read. Of log loss less is better; of all others more is.
METRICS = {
    ACCURACY: "accuracy",
    "balanced-accuracy": "balanced accuracy",
    "macro-f1": "macro F1",
    "roc-auc": "ROC AUC",
    "log-loss": "log loss",
}
LESS_IS_BETTER = ("log-loss",)

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Specification:
    """A run's settings and what it ran on. JSON-able through :meth:`as_dict`.

    Attributes:
        run: The run's name, unique in its workspace.
        source: Data set plugin or absolute path.
        candidates: Their names; the baseline included.
        budget_seconds: Wall-clock seconds for the whole run.
        trials: Most trials for a candidate, or None.
        seed: Seed of the split, the samplers and the estimators.
        image_size: Side that was asked for, or None.
        exclude: Classes left out.
        train_size: Number of images to train and validate on together; None: all.
        deterministic: Whether equal seeds must give equal results for every candidate.
        metric: What is tuned and ranked.
        folds: Folds of the cross-validation that tunes; 0: the validation part of the split.
        repeats: How often each winner is refitted and tested, with other seeds.
        n_jobs: CPU threads that a trial may use.
        data: Name, fingerprint, split hash, counts, class names, image shape and skipped files.
        hardware: What :class:`workbench.hardware.Hardware` says.
        versions: Versions of the packages that matter.
        created: Time of the start, UTC, ISO 8601.
    """

    run: str
    source: str
    candidates: tuple[str, ...]
    budget_seconds: float
    trials: int | None
    seed: int
    image_size: int | None
    exclude: tuple[str, ...]
    train_size: int | None
    deterministic: bool
    metric: str
    folds: int
    repeats: int
    n_jobs: int
    data: dict[str, Any]
    hardware: dict[str, Any]
    versions: dict[str, str]
    created: str

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Specification:
        """Reads what :meth:`as_dict` wrote."""
        tuples = {name: tuple(values[name]) for name in ("candidates", "exclude")}
        return cls(**{**{name: values[name] for name in cls.__dataclass_fields__}, **tuples})


def check_metric(metric: str) -> str:
    """Returns a metric's name, if there is one of that name.

    Raises:
        WorkbenchError: If there is not, with the nearest.
    """
    if metric not in METRICS:
        raise WorkbenchError(f"there is no metric {metric!r}; {did_you_mean(metric, list(METRICS))}")
    return metric


def parse_budget(text: str | float) -> float:
    """Reads a duration.

    Args:
        text: ``"90s"``, ``"10m"``, ``"1h30m"``, or a number of seconds.

    Returns:
        Seconds.

    Raises:
        WorkbenchError: If it is no duration, or not at least a second.
    """
    mend = "write it like 90s, 10m, 1h or 1h30m"
    if isinstance(text, int | float):
        seconds = float(text)
    else:
        written = text.strip().lower()
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smh])", written)
        if re.fullmatch(r"\d+(\.\d+)?", written):
            seconds = float(written)
        elif parts and re.fullmatch(r"(\d+(\.\d+)?\s*[smh]\s*)+", written):
            seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        else:
            raise WorkbenchError(f"{text!r} is not a duration; {mend}")
    if not 1 <= seconds < float("inf"):
        raise WorkbenchError(f"a budget of {text} is too short or endless; {mend}")
    return seconds


def format_seconds(seconds: float) -> str:
    """Writes a duration for people: ``0.35 s``, ``12.3 s``, ``4m05s``, ``1h02m``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
