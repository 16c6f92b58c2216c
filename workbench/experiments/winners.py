"""The candidates of a run that have been tested, and refits of them on other images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from workbench.candidate import BASELINE
from workbench.judge.metrics import accuracy_interval
from workbench.judge.refit import training_seconds
from workbench.session import Session
from workbench.tuning.job import Job, Outcome
from workbench.tuning.supervisor import Stop
from workbench.tuning.workspace import Run


def winners(run: Run) -> list[str]:
    """Returns the candidates that have been tested, without the baseline."""
    tested = [name for name in run.studies if (run.result(name) or {}).get("test_predictions")]
    return [name for name in tested if name != BASELINE]


def refit_with(
    session: Session, job: Job, params: dict[str, Any], limit: float, stop: Stop | None = None
) -> tuple[dict[str, Any], Outcome | None]:
    """Refits with given parameters and tests.

    Args:
        session: The run on whose images it is tested.
        job: What to fit on.
        params: Parameters to build with.
        limit: The refit is ended after so many seconds.
        stop: A request to end.

    Returns:
        ``status``, and, if that is ``"ok"``, ``test_accuracy`` with its interval and ``refit_seconds``; and the
        outcome, None if it failed.
    """
    ended = session.supervisor.run(
        replace(job, params=params, test_images=session.exam.images, measure_speed=False, seconds=0.95 * limit),
        limit,
        stop=stop,
    )
    if ended.outcome is None:
        return {"status": f"the refit failed: {ended.reason}"}, None
    labels = session.exam.labels
    correct = int(np.sum(ended.outcome.predictions == labels))
    low, high = accuracy_interval(correct, len(labels))
    tested = {"status": "ok", "test_accuracy": correct / len(labels), "refit_seconds": training_seconds(ended.outcome)}
    return {**tested, "test_accuracy_low": low, "test_accuracy_high": high}, ended.outcome
