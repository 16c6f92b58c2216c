"""Writes a small package for a new plugin: it installs, passes its test and competes as it stands."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.registry import Registry

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = "A plugin for the image workbench."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["image-workbench"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points."workbench.{kind}s"]
{name} = "{module}:{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""

_README = """\
# {name}

A {kind} for the image workbench.

```
pip install -e '.[test]'
pytest
{example}
```

- `{module}.py` is the plugin: one function, which asks an Optuna trial for its hyper-parameters.
- `test_{module}.py` runs the workbench's own checks on it. `workbench plugins check {kind}/{name}` runs them too.
- The entry point in `pyproject.toml` is what makes the workbench find it, under the name that stands there.
"""

_TEST = """\
from workbench.testing import parametrize_with_checks


@parametrize_with_checks(["{kind}/{name}"])
def test_contract(check):
    check()
"""

_CI = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install -e '.[test]'
      - run: pytest
"""

_MODULES = {
    "extractor": '''\
"""The extractor ``{name}``."""

CONTRACT = 1  # the version of the workbench's contract that this is written for


def {module}(trial, task):
    """Mean and spread of the grey values in the cells of a grid."""
    from sklearn.preprocessing import FunctionTransformer

    # Each trial answers with a value from this range; the best one is what the leaderboard shows.
    grid = trial.suggest_int("grid", 2, 8)
    return FunctionTransformer(cell_statistics, kw_args={{"grid": grid}})


def cell_statistics(images, grid):
    """Returns the features ``(n, 2 * grid * grid)`` of uint8 images ``(n, height, width, channels)``."""
    import numpy as np

    grey = images.mean(axis=3) / 255
    rows = np.array_split(np.arange(grey.shape[1]), grid)
    columns = np.array_split(np.arange(grey.shape[2]), grid)
    cells = [grey[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1] for r in rows for c in columns]
    means = [cell.mean(axis=(1, 2)) for cell in cells]
    spreads = [cell.std(axis=(1, 2)) for cell in cells]
    return np.stack(means + spreads, axis=1).astype(np.float32)


# Tried first, before anything is known.
{module}.start = lambda task: {{"grid": 4}}
''',
    "selector": '''\
"""The selector ``{name}``."""

CONTRACT = 1  # the version of the workbench's contract that this is written for


def {module}(trial, task):
    """The features that tell the classes apart best, by the chi-squared statistic of their ranks."""
    from sklearn.feature_selection import SelectPercentile, chi2
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    # Each trial answers with a value from this range; the best one is what the leaderboard shows.
    percentile = trial.suggest_int("percentile", 5, 100, log=True)
    return make_pipeline(MinMaxScaler(clip=True), SelectPercentile(chi2, percentile=percentile))


# Tried first, before anything is known.
{module}.start = lambda task: {{"percentile": 50}}
''',
    "classifier": '''\
"""The classifier ``{name}``."""

CONTRACT = 1  # the version of the workbench's contract that this is written for


def {module}(trial, task):
    """Least squares with a penalty (ridge): a linear classifier."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Each trial answers with a value from this range; the best one is what the leaderboard shows.
    alpha = trial.suggest_float("alpha", 1e-2, 1e4, log=True)
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=alpha, solver="lsqr"))


# Tried first, before anything is known.
{module}.start = lambda task: {{"alpha": 10.0}}
''',
    "network": '''\
"""The network ``{name}``."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

CONTRACT = 1  # the version of the workbench's contract that this is written for


def {module}(trial, task):
    """Softmax regression on the pixels, trained by gradient descent: a network without a hidden layer."""
    # Each trial answers with a value from this range; the best one is what the leaderboard shows.
    return PixelNetwork(
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1.0, log=True),
        epochs=trial.suggest_int("epochs", 5, 50),
        random_state=task.seed,
    )


# Tried first, before anything is known.
{module}.start = lambda task: {{"learning_rate": 0.1, "epochs": 20}}


class PixelNetwork(ClassifierMixin, BaseEstimator):
    """What a network must be: a scikit-learn classifier over uint8 images ``(n, height, width, channels)``.

    ``fit`` may take ``validation_data`` and ``monitor``. Who reports to the monitor is pruned when others do better,
    and must stop when its time is up; in a refit ``monitor.best_step`` tells which epoch was best.
    """

    def __init__(self, learning_rate=0.1, epochs=20, random_state=0):
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y, *, validation_data=None, monitor=None):
        rng = np.random.default_rng(self.random_state)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.weights_ = np.zeros((int(np.prod(X.shape[1:])) + 1, len(self.classes_)))
        epochs = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        for epoch in range(epochs):
            for batch in np.array_split(rng.permutation(len(X)), max(1, len(X) // 64)):
                inputs = self._inputs(X[batch])
                error = self._softmax(inputs @ self.weights_) - np.eye(len(self.classes_))[labels[batch]]
                self.weights_ -= self.learning_rate * inputs.T @ error / len(batch)
            if monitor is not None:
                images, truth = (X, y) if validation_data is None else validation_data
                monitor.report(float(np.mean(self.predict(images) == truth)), epoch)
                if monitor.seconds_left <= 0:
                    break
        return self

    def predict_proba(self, X):
        return self._softmax(self._inputs(X) @ self.weights_)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @staticmethod
    def _inputs(X):
        flat = X.reshape(len(X), -1) / 255 - 0.5
        return np.hstack([flat, np.ones((len(X), 1))])

    @staticmethod
    def _softmax(scores):
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)
''',
    "dataset": '''\
"""The data set ``{name}``."""

CONTRACT = 1  # the version of the workbench's contract that this is written for


def {module}():
    """Bars on noise, upright or across: 400 images of 32x32 pixels, made on the spot."""
    import numpy as np
    from workbench.plugin import Dataset

    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    images = rng.integers(0, 120, (400, 32, 32), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        start = rng.integers(4, 24)
        image[(slice(start, start + 4), slice(None)) if label else (slice(None), slice(start, start + 4))] += 60
    # Images may also be the paths of files. Groups keep images of one patient or scene on one side of the split.
    return Dataset(images, labels, class_names=["upright", "across"])
''',
}

_EXAMPLES = {
    "dataset": "workbench tune {name} --budget 2m",
    "extractor": "workbench tune digits -c {name}/svm --budget 2m",
    "selector": "workbench tune digits -c hog/{name}/svm --budget 2m",
    "classifier": "workbench tune digits -c hog/{name} --budget 2m",
    "network": "workbench tune digits -c {name} --budget 2m",
}


def example(name: str, kind: str) -> str:
    """Returns a command in which a plugin of that name and kind competes."""
    return _EXAMPLES[kind].format(name=name)


def write(name: str, kind: str, parent: Path | str = ".") -> Path:
    """Writes the package.

    Args:
        name: The plugin's name, and the package's.
        kind: One of :data:`workbench.registry.KINDS`.
        parent: Folder that the package's folder is made in.

    Returns:
        The package's folder.

    Raises:
        WorkbenchError: If the name cannot be used, or its folder exists.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise WorkbenchError(
            f"{name!r} cannot be a plugin's name; write lower-case letters, digits and single hyphens, a letter first, "
            "such as my-lbp"
        )
    clash = Registry.discover().find(kind, name)
    if clash is not None:
        raise WorkbenchError(f"there is a {kind} {name!r} already, of {clash.distribution}; choose another name")
    folder = Path(parent, name)
    if folder.exists():
        raise WorkbenchError(f"{folder} exists already; choose another name, or remove it")
    words = {"name": name, "kind": kind, "module": module, "example": example(name, kind)}
    files = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        f"{module}.py": _MODULES[kind],
        f"test_{module}.py": _TEST,
    }
    for file, text in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text.format(**words))
    (folder / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n*.egg-info/\nworkbench-runs/\n")
    workflow = folder / ".github" / "workflows" / "test.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(_CI)
    return folder
