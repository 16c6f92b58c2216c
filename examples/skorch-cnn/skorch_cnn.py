"""The network ``skorch-cnn``: PyTorch, by skorch."""

import copy

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

CONTRACT = 1


def skorch_cnn(trial, task):
    """Small convolutional network in PyTorch, by skorch."""
    return TorchNetwork(
        width=trial.suggest_categorical("width", [8, 16, 32]),
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        batch_size=trial.suggest_categorical("batch_size", [32, 64]),
        device="cuda" if task.device == "gpu" else "cpu",
        random_state=task.seed,
    )


skorch_cnn.preload = ("torch", "skorch")
skorch_cnn.start = lambda task: {"width": 16, "learning_rate": 3e-3, "batch_size": 32}


class TorchNetwork(ClassifierMixin, BaseEstimator):
    """Three convolutions with batch normalisation, mean pooling and a linear layer, trained by AdamW."""

    def __init__(self, width=16, learning_rate=3e-3, batch_size=32, epochs=40, device="cpu", random_state=0):
        self.width = width
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, *, validation_data=None, monitor=None):
        """Trains; keeps the epoch with the best validation accuracy, or takes as many as were best before."""
        import torch
        from skorch import NeuralNetClassifier

        torch.manual_seed(self.random_state)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.net_ = NeuralNetClassifier(
            _module(X.shape[3], self.width, len(self.classes_)),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            device=self.device,
            max_epochs=1,
            verbose=0,
        ).initialize()
        epochs = self.epochs if monitor is None or monitor.best_step is None else monitor.best_step + 1
        inputs, best, kept, self.best_step_ = _inputs(X), -1.0, None, None
        for epoch in range(epochs):
            self.net_.partial_fit(inputs, labels.astype(np.int64))  # one epoch
            if validation_data is not None:
                accuracy = float(np.mean(self.predict(validation_data[0]) == validation_data[1]))
                if accuracy > best:
                    best, self.best_step_ = accuracy, epoch
                    kept = copy.deepcopy(self.net_.module_.state_dict())
                if monitor is not None:
                    monitor.report(accuracy, epoch)
            if monitor is not None and monitor.seconds_left <= 0:
                break
        if kept is not None:
            self.net_.module_.load_state_dict(kept)
        self.n_parameters_ = sum(weights.numel() for weights in self.net_.module_.parameters())
        return self

    def predict_proba(self, X):
        """Returns class probabilities ``(n, n_classes)``."""
        scores = self.net_.forward(_inputs(X)).numpy(force=True)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Returns the most probable labels."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _inputs(X):
    """Returns images as PyTorch wants them: float32 ``(n, channels, height, width)``."""
    return np.ascontiguousarray(np.asarray(X).transpose(0, 3, 1, 2), dtype=np.float32) / 255


def _module(channels, width, n_classes):
    from torch import nn

    layers = []
    for depth in range(3):
        out = width * 2**depth
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes))
