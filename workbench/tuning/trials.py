"""Reads what the trials of a study came to, in one query: Optuna's own objects take seconds for 10,000 trials.

Parameters and learning curves are left where they are; Optuna's ``study.get_trials`` has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy
    from optuna.study import Study
    from optuna.trial import FrozenTrial

#: The attribute of a trial that holds what was recorded of it.
RECORD = "workbench"


@dataclass(frozen=True)
class TrialSummary:
    """What is recorded of a trial, but for its parameters and its learning curve.

    Attributes:
        number: The trial's number in its study.
        state: Optuna's word: ``COMPLETE``, ``PRUNED``, ``FAIL``, ``RUNNING`` or ``WAITING``.
        value: Validation accuracy, if it completed.
        user_attrs: What the workbench recorded with it, under :data:`RECORD`.
        datetime_start: When it started, UTC.
        datetime_complete: When it ended, UTC.
    """

    number: int
    state: str
    value: float | None
    user_attrs: dict[str, Any]
    datetime_start: datetime | None
    datetime_complete: datetime | None

    @property
    def record(self) -> dict[str, Any]:
        """What was recorded of it; see :func:`record_of`."""
        return record_of(self)


def record_of(trial: FrozenTrial | TrialSummary) -> dict[str, Any]:
    """Returns what was recorded of a trial; of one whose owner was killed, that it was interrupted."""
    missing = {"state": "interrupted", "reason": "the run was killed", "trial_seconds": 0.0}
    return dict(trial.user_attrs.get(RECORD, missing))


def read_trials(study: Study) -> list[TrialSummary]:
    """Returns the trials of a study, whose storage must be a database, by number."""
    import sqlalchemy as sa

    times = (sa.column(name, sa.DateTime) for name in ("datetime_start", "datetime_complete"))
    trials = sa.table("trials", *map(sa.column, ("trial_id", "study_id", "number", "state")), *times)
    values = sa.table("trial_values", *map(sa.column, ("trial_id", "objective", "value")))
    attributes = sa.table("trial_user_attributes", *map(sa.column, ("trial_id", "key", "value_json")))
    joined = trials.outerjoin(
        values, sa.and_(values.c.trial_id == trials.c.trial_id, values.c.objective == 0)
    ).outerjoin(attributes, sa.and_(attributes.c.trial_id == trials.c.trial_id, attributes.c.key == RECORD))
    columns = (trials.c.number, trials.c.state, values.c.value, attributes.c.value_json, trials.c.datetime_start,
               trials.c.datetime_complete)  # fmt: skip
    query = sa.select(*columns).select_from(joined).where(trials.c.study_id == study._study_id)
    with _engine(study).connect() as connection:
        rows = connection.execute(query.order_by(trials.c.number)).all()
    return [
        TrialSummary(number, state, value, {} if found is None else {RECORD: json.loads(found)}, start, end)
        for number, state, value, found, start, end in rows
    ]


def best_of(trials: Iterable[TrialSummary]) -> TrialSummary | None:
    """Returns the best completed trial, the first of equally good ones; None if none was completed."""
    complete = [trial for trial in trials if trial.record["state"] == "complete"]
    return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)


def read_running(study: Study) -> dict[int, dict[int, float]]:
    """Returns the learning curve of each trial that is running: validation accuracy by step, by the trial's number."""
    import sqlalchemy as sa

    trials = sa.table("trials", *map(sa.column, ("trial_id", "study_id", "number", "state")))
    values = sa.table("trial_intermediate_values", *map(sa.column, ("trial_id", "step", "intermediate_value")))
    query = (
        sa.select(trials.c.number, values.c.step, values.c.intermediate_value)
        .select_from(trials.outerjoin(values, values.c.trial_id == trials.c.trial_id))
        .where(trials.c.study_id == study._study_id, sa.cast(trials.c.state, sa.String) == "RUNNING")
        .order_by(trials.c.number, values.c.step)
    )
    curves: dict[int, dict[int, float]] = {}
    with _engine(study).connect() as connection:
        for number, step, value in connection.execute(query):
            curve = curves.setdefault(number, {})
            if step is not None and value is not None:
                curve[step] = value
    return curves


def _engine(study: Study) -> sqlalchemy.Engine:
    storage: Any = study._storage
    return getattr(storage, "_backend", storage).engine  # type: ignore[no-any-return]  # Optuna wraps it in a cache


def params_of(study: Study, number: int) -> dict[str, Any]:
    """Returns the parameters of one trial, without loading the others."""
    import sqlalchemy as sa
    from optuna.distributions import json_to_distribution

    trials = sa.table("trials", *map(sa.column, ("trial_id", "study_id", "number")))
    columns = ("param_id", "trial_id", "param_name", "param_value", "distribution_json")
    params = sa.table("trial_params", *map(sa.column, columns))
    query = (
        sa.select(params.c.param_name, params.c.param_value, params.c.distribution_json)
        .select_from(params.join(trials, params.c.trial_id == trials.c.trial_id))
        .where(trials.c.study_id == study._study_id, trials.c.number == number)
        .order_by(params.c.param_id)
    )
    with _engine(study).connect() as connection:
        rows = connection.execute(query).all()
    return {name: json_to_distribution(space).to_external_repr(value) for name, value, space in rows}
