"""Plugins that each break one rule of the contract on purpose, and keep all others."""

from __future__ import annotations

import contextlib

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression

from workbench.plugin import Dataset, Skip


class Profile(TransformerMixin, BaseEstimator):
    """A sound extractor: the mean of every row of pixels, raised to a power."""

    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return ((X.mean(axis=(2, 3)) / 255) ** self.power).astype(np.float32)


class Centroids(ClassifierMixin, BaseEstimator):
    """A sound network: the class whose mean image is nearest, in a number of steps that it reports."""

    def __init__(self, sharpness=10.0):
        self.sharpness = sharpness

    def fit(self, X, y, *, validation_data=None, monitor=None):
        self.classes_, index = np.unique(y, return_inverse=True)
        flat = X.reshape(len(X), -1) / 255.0
        for step in range(3):
            self.centres_ = np.stack([flat[index == k][: 10 * (step + 1)].mean(axis=0) for k in range(index.max() + 1)])
            if monitor is not None:
                self._report(monitor, step, float(np.mean(self.predict(X) == y)))
                if monitor.seconds_left <= 0:
                    break
        return self

    def _report(self, monitor, step, accuracy):
        monitor.report(accuracy, step)

    def predict_proba(self, X):
        flat = X.reshape(len(X), -1) / 255.0
        distances = ((flat[:, None] - self.centres_) ** 2).mean(axis=2) * self.sharpness
        weights = np.exp(-distances + distances.min(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def sound_extractor(trial, task):
    """Keeps every rule."""
    return Profile(trial.suggest_float("power", 0.5, 2.0))


def sound_network(trial, task):
    """Keeps every rule."""
    return Centroids(trial.suggest_float("sharpness", 1.0, 100.0, log=True))


def sound_dataset():
    """Keeps every rule."""
    return Dataset(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1], ["a", "b"], split=["train", "train", "val", "test"])


# -- what it is and asks for ---------------------------------------------------------------------------------------


def without_description(trial, task):
    return Profile(trial.suggest_float("power", 0.5, 2.0))


def raises_for_grey(trial, task):
    """Raises instead of skipping."""
    if task.image_shape[2] == 1:
        raise ValueError("needs 3 channels")
    return sound_extractor(trial, task)


def skips_without_reason(trial, task):
    """Skips, and nobody knows why."""
    if task.image_shape[2] == 1:
        raise Skip
    return sound_extractor(trial, task)


def space_too_wide(trial, task):
    """Cannot build all that it asks for."""
    power = trial.suggest_float("power", 0.5, 2.0)
    if power > 1.75:
        raise ValueError("power must not be above 1.75")
    return Profile(power)


def decides_by_itself(trial, task):
    """Lets more than trial and task decide."""
    estimator = sound_extractor(trial, task)
    estimator.power += np.random.default_rng().uniform(0, 1e-6)
    return estimator


def suggests_tuples(trial, task):
    """Suggests what cannot be stored."""
    low, high = trial.suggest_categorical("range", [(0.5, 1.0), (1.0, 2.0)])
    return Profile((low + high) / 2)


def starts_outside(trial, task):
    """Starts where the search space is not."""
    return sound_extractor(trial, task)


starts_outside.start = lambda task: {"power": 3.0}


# -- what fit may do -----------------------------------------------------------------------------------------------


class Rewriting(Profile):
    def __init__(self, power=1.0):
        self.power = 2 * power


def cannot_be_cloned(trial, task):
    """Rewrites its parameters in __init__."""
    return Rewriting(trial.suggest_float("power", 0.5, 2.0))


class Silent(Profile):
    def fit(self, X, y=None):
        super().fit(X, y)


def returns_nothing(trial, task):
    """Forgets to return itself."""
    return Silent(trial.suggest_float("power", 0.5, 2.0))


class Blanking(Profile):
    def fit(self, X, y=None):
        X[0] = 0
        return super().fit(X, y)


def changes_its_input(trial, task):
    """Writes into the training images."""
    return Blanking(trial.suggest_float("power", 0.5, 2.0))


class Projection(Profile):
    def fit(self, X, y=None):
        self.directions_ = np.random.default_rng().normal(size=(X.shape[1], 5))
        return super().fit(X, y)

    def transform(self, X):
        return (super().transform(X) @ self.directions_).astype(np.float32)


def without_seed(trial, task):
    """Learns something random that no seed governs."""
    return Projection(trial.suggest_float("power", 0.5, 2.0))


# -- what transform may do -----------------------------------------------------------------------------------------


class Doubles(Profile):
    def transform(self, X):
        return super().transform(X).astype(np.float64)


def returns_doubles(trial, task):
    """Takes twice the memory."""
    return Doubles(trial.suggest_float("power", 0.5, 2.0))


class Dividing(Profile):
    def transform(self, X):
        rows = super().transform(X)
        with np.errstate(invalid="ignore"):
            return rows / rows.sum(axis=1, keepdims=True)


def divides_by_nothing(trial, task):
    """Divides blank images by their brightness."""
    return Dividing(trial.suggest_float("power", 0.5, 2.0))


class Centring(Profile):
    def transform(self, X):
        rows = super().transform(X)
        return rows - rows.mean(axis=0)


def centres_the_batch(trial, task):
    """Takes statistics from whatever else is transformed."""
    return Centring(trial.suggest_float("power", 0.5, 2.0))


class InPlace(Profile):
    def transform(self, X):
        return super().transform(np.minimum(X, 255, out=X))


def writes_in_place(trial, task):
    """Cannot read a read-only memory map."""
    return InPlace(trial.suggest_float("power", 0.5, 2.0))


# -- what a network may do -----------------------------------------------------------------------------------------


class Numeric(Centroids):
    def fit(self, X, y, *, validation_data=None, monitor=None):
        return super().fit(X, y.astype(int), validation_data=validation_data, monitor=monitor)


def numbers_only(trial, task):
    """Takes no words as labels."""
    return Numeric(trial.suggest_float("sharpness", 1.0, 100.0))


class ByPosition(Centroids):
    def predict(self, X):
        index = self.predict_proba(X).argmax(axis=1)
        return index if self.classes_.dtype.kind == "i" else self.classes_[index]


def takes_positions_for_labels(trial, task):
    """Confuses classes as soon as one is missing."""
    return ByPosition(trial.suggest_float("sharpness", 1.0, 100.0))


class Unscaled(Centroids):
    def predict_proba(self, X):
        return 2 * super().predict_proba(X)


def probabilities_of_two(trial, task):
    """Gives probabilities that sum to two."""
    return Unscaled(trial.suggest_float("sharpness", 1.0, 100.0))


class Contrary(Centroids):
    def predict(self, X):
        return self.classes_[super().predict_proba(X).argmin(axis=1)]


def predicts_the_least_likely(trial, task):
    """Predicts against its own probabilities."""
    return Contrary(trial.suggest_float("sharpness", 1.0, 100.0))


class Peeking(Centroids):
    def predict_proba(self, X):
        images = X - X.mean(axis=0, keepdims=True) if len(X) > 1 else X
        return super().predict_proba(images)


def looks_at_the_whole_test_set(trial, task):
    """Normalises by the images that it predicts together."""
    return Peeking(trial.suggest_float("sharpness", 1.0, 100.0))


class Adapting(Centroids):
    def predict_proba(self, X):
        found = super().predict_proba(X)
        if len(X) == 40:
            self.centres_ = self.centres_[::-1]
        return found


def learns_while_it_predicts(trial, task):
    """Changes its model when it predicts."""
    return Adapting(trial.suggest_float("sharpness", 1.0, 100.0))


class FromOne(Centroids):
    def _report(self, monitor, step, accuracy):
        monitor.report(accuracy, step + 1)


def counts_from_one(trial, task):
    """Reports steps 1, 2, 3."""
    return FromOne(trial.suggest_float("sharpness", 1.0, 100.0))


class Stubborn(Centroids):
    def _report(self, monitor, step, accuracy):
        with contextlib.suppress(Exception):
            monitor.report(accuracy, step)


def swallows_pruning(trial, task):
    """Goes on when it is told to end."""
    return Stubborn(trial.suggest_float("sharpness", 1.0, 100.0))


class Tireless(Centroids):
    def fit(self, X, y, *, validation_data=None, monitor=None):
        super().fit(X, y, validation_data=validation_data)
        for step in range(20):
            self._report(monitor, step, float(np.mean(self.predict(X) == y)))
        return self


def ignores_the_clock(trial, task):
    """Takes all its steps, however late it is."""
    return Tireless(trial.suggest_float("sharpness", 1.0, 100.0))


# -- what scikit-learn asks of a classifier ------------------------------------------------------------------------


class Hasty(LogisticRegression):
    def predict(self, X):
        return super().predict(X) if hasattr(self, "coef_") else np.zeros(len(X))


def predicts_unfitted(trial, task):
    """Predicts before it was fitted."""
    return Hasty(C=trial.suggest_float("C", 0.1, 10.0), max_iter=1000)


def excuses_too_much(trial, task):
    """Excuses itself from a check that it passes."""
    return LogisticRegression(C=trial.suggest_float("C", 0.1, 10.0), max_iter=1000)


excuses_too_much.expected_failed_checks = {"check_estimators_unfitted": "it is in a hurry"}


# -- data sets -----------------------------------------------------------------------------------------------------


def more_labels_than_names():
    """Has a label that no class has."""
    return Dataset(np.zeros((4, 8, 8), np.uint8), [0, 1, 2, 1], ["a", "b"])


def another_word_for_a_part():
    """Calls the validation part something else."""
    return Dataset(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1], ["a", "b"], split=["train", "train", "valid", "test"])
