"""Checks of what a plugin is and what it asks for, before anything is fitted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from typing import Any

from workbench.plugin import Skip
from workbench.testing.subject import COLOUR, GREY, CheckFailed, NotApplicable, Subject, require

#: Packages that take long to import: a plugin imports them when it is called, not when it is listed.
_HEAVY = ("tensorflow", "keras", "torch", "jax", "xgboost", "skimage")
_SAMPLES = 20


def check_import_is_light(subject: Subject) -> None:
    """Its module is imported without any heavy package."""
    module = subject.plugin.target.partition(":")[0]
    code = f"import sys, {module}; print(*[name for name in {_HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    require(answer.returncode == 0, f"importing {module} in a fresh process fails:\n{answer.stderr.strip()}")
    loaded = answer.stdout.split()
    require(
        not loaded,
        f"importing {module} loads {', '.join(loaded)}, which makes every listing slow; move the import into the "
        "function, and name the package in the function's attribute `preload`",
    )


def check_description(subject: Subject) -> None:
    """Its docstring begins with a line that describes it."""
    require(
        subject.plugin.describe() != "(no docstring)",
        "the function has no docstring; its first line is what listings show: say in a line what the plugin does",
    )


def check_task_is_served_or_skipped(subject: Subject) -> None:
    """It builds for colour and for grey images, or skips with a reason; anything else that it raises is a bug."""
    for task, what in ((COLOUR, "colour"), (GREY, "grey")):
        try:
            subject.build(task)
        except Skip as skip:
            require(
                str(skip).strip(), f'it skips {what} images without a reason; say why: raise Skip("needs 3 channels")'
            )
        except Exception as error:
            raise CheckFailed(
                f"built for {what} images {task.image_shape} it raises {type(error).__name__}: {error}; if it cannot "
                'serve them, let it say so: raise Skip("needs 3 channels")'
            ) from error


def check_every_sample_builds(subject: Subject) -> None:
    """Twenty sampled sets of parameters all build."""
    for task in subject.tasks:
        for seed in range(_SAMPLES):
            try:
                subject.build(task, seed)
            except Exception as error:
                raise CheckFailed(
                    f"sampled parameters (seed {seed}, images {task.image_shape}) do not build: "
                    f"{type(error).__name__}: {error}; narrow the search space to what can be built"
                ) from error


def check_parameters_rebuild_the_same(subject: Subject) -> None:
    """Its parameters are JSON-able, and a fixed trial with them builds the same estimator."""
    from optuna.trial import FixedTrial

    from workbench.candidate import ScopedTrial

    for task in subject.tasks:
        for params, estimator in subject.samples(task, _SAMPLES):
            try:
                stored = json.loads(json.dumps(params))
            except TypeError as error:
                raise CheckFailed(
                    f"the parameters {params} cannot be stored as JSON ({error}); suggest None, bool, int, float or "
                    "str, and turn it into what you need afterwards"
                ) from error
            require(
                stored == params,
                f"the parameters {params} come back from JSON as {stored}; suggest None, bool, int, float or str",
            )
            fixed = FixedTrial(stored)
            again = subject.plugin.load()(ScopedTrial(fixed, subject.plugin.name), task)
            require(
                _described(again) == _described(estimator),
                f"built twice with {params} it returns different estimators:\n  {_described(estimator)}\n  "
                f"{_described(again)}\nthe refit would not be what was tuned; let nothing but trial and task decide",
            )


def check_start_lies_in_the_space(subject: Subject) -> None:
    """The parameters that it wants tried first are among those that it asks for."""
    function = subject.plugin.load()
    if not hasattr(function, "start"):
        raise NotApplicable("it names no parameters to be tried first")
    for task in subject.tasks:
        start = {f"{subject.plugin.name}.{name}": value for name, value in function.start(task).items()}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            asked, _ = subject.sample(task)
        outside = [str(warning.message) for warning in caught if "out of range" in str(warning.message)]
        require(
            asked == start and not outside,
            f"its start is {start}, and asked for them it ends with {asked}; name all "
            f"parameters, with values that the search space holds. {' '.join(outside)}".rstrip(),
        )


def _described(estimator: Any) -> str:
    """Returns an estimator's class and parameters, nested ones included, as text."""
    params = estimator.get_params() if hasattr(estimator, "get_params") else vars(estimator)
    values = ", ".join(f"{name}={value!r}" for name, value in sorted(params.items()))
    return re.sub(r" at 0x[0-9a-f]+", "", f"{type(estimator).__name__}({values})")  # functions made on the spot
