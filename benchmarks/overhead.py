"""What the workbench costs beside the work: its wall clock against a bare Optuna and scikit-learn script.

    python benchmarks/overhead.py [SOURCE] [--trials 40] [--repeats 3]

The workbench tunes ``hog/svm`` on a data set, digits unless told. Then the bare script computes the very same trials
(same images, same parameters, same extractor and classifier), one after the other in one process, as people write it.
Both have imported everything before their clock starts: the workbench's trials count from the first to the last, the
script's too.
Features are not cached, for the script has no cache. A data set of fewer than 4,000 training images has no rungs, which
the script has not either.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler

import workbench
from workbench import data
from workbench.candidate import parse
from workbench.plugin import Task
from workbench.registry import Registry


class Replay(TPESampler):
    """Takes the time of choosing, as any script's sampler does, and then gives the parameters of a recorded trial."""

    def __init__(self, trials: list[dict[str, Any]]) -> None:
        super().__init__(n_startup_trials=6, group=True, seed=0)
        self._trials = trials

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        """Chooses, and returns what was recorded instead."""
        chosen = super().sample_relative(study, trial, search_space)
        return {name: self._trials[trial.number].get(name, value) for name, value in chosen.items()}

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        """Chooses, and returns what was recorded instead."""
        super().sample_independent(study, trial, name, distribution)
        return self._trials[trial.number][name]


def bare(trials: list[dict[str, Any]], images: Any, labels: Any, n_train: int, task: Task) -> float:
    """A user's own script: ask, build, fit, score, tell; the parameters are those of the workbench's trials."""
    candidate = parse("hog/svm", Registry.discover())
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=Replay(trials))

    def objective(trial: optuna.Trial) -> float:
        pipeline = candidate.build(trial, task)
        pipeline.fit(images[:n_train], labels[:n_train])
        return float(np.mean(pipeline.predict(images[n_train:]) == labels[n_train:]))

    started = time.perf_counter()
    study.optimize(objective, n_trials=len(trials))
    return time.perf_counter() - started


def tuned(source: str, trials: int, folder: Path) -> tuple[float, list[dict[str, Any]]]:
    """Returns the seconds from the first trial's start to the last one's end, and their parameters."""
    options: dict[str, Any] = {"trials": trials, "budget": "60m", "cache_size": 0, "progress": False}
    comparison = workbench.tune(source, ["hog/svm"], workspace=folder, **options)
    study = optuna.load_study(study_name=f"{comparison.name}/hog/svm", storage=f"sqlite:///{folder / 'storage.db'}")
    found = study.get_trials()
    span = max(t.datetime_complete for t in found) - min(t.datetime_start for t in found)
    return span.total_seconds(), [dict(t.params) for t in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="digits")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    with tempfile.TemporaryDirectory() as folder:
        images = data.load(data.resolve(arguments.source, Registry.discover()), Path(folder))
        split = data.make_split(images, seed=0)
        seen = np.concatenate([split.train, split.val])
        pixels, labels = np.array(images.pixels[seen]), images.labels[seen]
        task = Task(images.shape, images.class_names, len(split.train), n_jobs=workbench_threads())
        ratios = []
        for repeat in range(arguments.repeats):
            ours, trials = tuned(arguments.source, arguments.trials, Path(folder, str(repeat)))
            bare(trials[:1], pixels, labels, len(split.train), task)  # imports, and compiled code
            theirs = bare(trials, pixels, labels, len(split.train), task)
            ratios.append(ours / theirs)
            print(
                f"{len(trials)} trials: workbench {ours:.2f} s, bare script {theirs:.2f} s, ratio {ratios[-1]:.2f}, "
                f"{1000 * (ours - theirs) / len(trials):.0f} ms more a trial",
                flush=True,
            )
        print(f"median ratio {np.median(ratios):.2f}")


def workbench_threads() -> int:
    from workbench import hardware

    return hardware.cpu_count()


if __name__ == "__main__":
    main()
