"""The classifier ``mlp``."""

from __future__ import annotations

from typing import Any

from workbench.plugin import Task, Trial


def mlp(trial: Trial, task: Task) -> Any:
    """Shallow neural network: one or two hidden layers over the features, with early stopping."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    width = trial.suggest_int("width", 16, 512, log=True)
    layers = trial.suggest_int("layers", 1, 2)
    return make_pipeline(
        StandardScaler(),
        MLPClassifier(
            hidden_layer_sizes=(width,) * layers,
            alpha=trial.suggest_float("alpha", 1e-6, 1e1, log=True),
            learning_rate_init=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
            early_stopping=True,
            max_iter=200,
            random_state=task.seed,
        ),
    )


def _start(task: Task) -> dict[str, Any]:
    return {"width": 256, "layers": 1, "alpha": 0.01, "learning_rate": 1e-3}


mlp.start = _start  # type: ignore[attr-defined]
mlp.preload = ("sklearn.neural_network", "sklearn.preprocessing", "sklearn.pipeline")  # type: ignore[attr-defined]
