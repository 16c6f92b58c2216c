"""Trials read in one query are those that Optuna reads."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import TrialState

from workbench.tuning.trials import RECORD, params_of, read_running, read_trials
from workbench.tuning.workspace import Workspace


def test_what_is_read_quickly_is_what_optuna_reads(tmp_path: Path) -> None:
    storage = Workspace(tmp_path).storage
    for name in ("shapes-1/hog/svm", "shapes-1/cnn"):  # two studies, so that a mix-up would show
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
        for number, state in enumerate((TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, None)):
            trial = study.ask()
            trial.suggest_float("svm.C", 0.1, 10, log=True)
            trial.suggest_int("hog.cells", 4, 16)
            trial.suggest_categorical("svm.kernel", ["linear", "rbf", None, True])
            trial.report(0.5 + 0.1 * number, 0)
            trial.report(0.6 + 0.1 * number, 1)
            if state is not None:
                trial.set_user_attr(RECORD, {"state": name, "reason": "", "trial_seconds": number})
                trial.set_user_attr("somebody's own", 1)
                study.tell(trial, 0.9 if state == TrialState.COMPLETE else None, state=state)
        study.enqueue_trial({"svm.C": 1.0})
        slow, quick = study.get_trials(), read_trials(study)
        assert len(quick) == 5
        for theirs, ours in zip(slow, quick, strict=True):
            assert ours.number == theirs.number
            assert ours.state == theirs.state.name
            assert ours.value == (theirs.value if theirs.state == TrialState.COMPLETE else ours.value)
            assert ours.user_attrs.get(RECORD) == theirs.user_attrs.get(RECORD)
            assert (ours.datetime_start is None) == (theirs.datetime_start is None)
            assert (ours.datetime_complete is None) == (theirs.datetime_complete is None)
        assert quick[3].record["state"] == "interrupted"
        assert all(params_of(study, trial.number) == trial.params for trial in slow)
        assert read_running(study) == {3: slow[3].intermediate_values}
