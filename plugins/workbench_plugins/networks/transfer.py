"""The network ``transfer``."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from workbench.plugin import Skip, Task, Trial

#: Environment variable: a folder with weights, by the names that Keras gives the files, or with ``.keras`` models.
WEIGHTS = "WORKBENCH_WEIGHTS"

#: The file of each backbone's weights, without its classifier, as Keras names it.
FILES = {
    "mobilenet-v3": "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    "efficientnet-v2-b0": "efficientnetv2-b0_notop.h5",
    "convnext-tiny": "convnext_tiny_notop.h5",
}


def transfer(trial: Trial, task: Task) -> Any:
    """Network pretrained on ImageNet: a new last layer on frozen features, then fine-tuning (Keras)."""
    from workbench_plugins.classifiers.balance import class_weight
    from workbench_plugins.networks.transfer_classifier import TransferClassifier, build_transfer

    found = _backbones()
    backbone = trial.suggest_categorical("backbone", sorted(found))
    fine_tune = trial.suggest_categorical("fine_tune", [True, False])
    build = functools.partial(
        build_transfer,
        backbone=backbone,
        weights=str(found[backbone]),
        side=trial.suggest_categorical("side", [96, 128, 160, 224]),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        fine_tune=fine_tune,
    )
    return TransferClassifier(
        build,
        epochs=trial.suggest_int("epochs", 2, 20, log=True),
        batch_size=trial.suggest_categorical("batch_size", [16, 32, 64]),
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
        augmentation=trial.suggest_categorical("augmentation", ["none", "shift+flip", "shift+flip+zoom+rotate"]),
        class_weight=class_weight(trial, task),
        device=task.device,
        seed=task.seed,
        deterministic=task.deterministic,
    )


def _start(task: Task) -> dict[str, Any]:
    from workbench_plugins.classifiers import balance

    return {
        "backbone": next(name for name in (*FILES, *sorted(_backbones())) if name in _backbones()),
        "fine_tune": True,
        "side": 160 if task.device == "gpu" else 96,
        "dropout": 0.1,
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 1e-4,
        "weight_decay": 1e-3,
        "augmentation": "none" if task.image_shape[2] == 1 else "shift+flip",
        **balance.start(task),
    }


transfer.start = _start  # type: ignore[attr-defined]
transfer.preload = ("workbench_plugins.networks.transfer_classifier", "sklearn.linear_model", "sklearn.pipeline")  # type: ignore[attr-defined]


def _backbones() -> dict[str, Path]:
    """Returns the files of the backbones whose weights are here; fetches the smallest if there are none.

    Raises:
        Skip: If there are none and none can be fetched.
    """
    folders = [_keras_cache()]
    if chosen := os.environ.get(WEIGHTS):
        folders.insert(0, Path(chosen).expanduser())
        if not folders[0].is_dir():
            raise Skip(f"{WEIGHTS} names {chosen}, which is no folder")
    found = {path.stem: path for path in sorted(folders[0].glob("*.keras"))} if chosen else {}
    for name, file in FILES.items():
        if path := next((folder / file for folder in folders if (folder / file).is_file()), None):
            found[name] = path
    if found:
        return found
    name, file = next(iter(FILES.items()))
    try:
        _fetch()
    except Exception as error:
        raise Skip(
            f"the pretrained weights of {name} are not here and could not be fetched ({str(error).splitlines()[0]}); "
            f"put {file} into {_keras_cache()}, or into a folder that the environment variable {WEIGHTS} names"
        ) from None
    return {name: _keras_cache() / file}


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


def _fetch() -> None:
    """Has Keras fetch the weights of the smallest backbone into its cache."""
    from workbench_plugins.networks.backend import keras

    keras.applications.MobileNetV3Small(include_top=False, weights="imagenet", input_shape=(96, 96, 3))
