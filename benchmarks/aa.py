"""How often the workbench calls a difference significant where there is none: a candidate against itself (A/A test).

    python benchmarks/aa.py [SOURCE] [--runs 100] [--candidates pixels/forest,pixels/mlp] [--train 200] [--test N]

Each run is a new split of the data. On it every candidate is fitted twice, with the same parameters and the same
images, and with another seed for its estimator. All fits of a run are compared with each other as a leaderboard's
candidates are, with Holm's correction over all their pairs. What counts is the pairs of a candidate with itself: 200
comparisons with two candidates and 100 runs. The share of them that is called significant should be 5 % or less. There
are few training images, since the test cannot find anything where fewer than six test images tell two fits apart.

McNemar's test is about two fitted models and not about two ways to fit them. So it is right to find a difference where
two seeds gave models that do differ, and the more test images there are, the smaller the difference that it finds:
``--test`` shows how the share grows with them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import numpy.typing as npt
import optuna

from workbench import data
from workbench.candidate import Candidate, parse
from workbench.judge.metrics import accuracy_interval
from workbench.judge.statistics import compare_pairs
from workbench.judge.verdict import SIGNIFICANCE
from workbench.plugin import Task
from workbench.registry import Registry


def parameters(candidate: Candidate, task: Task) -> dict[str, object]:
    """Returns the parameters that the candidate's plugins want tried first."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(candidate.start(task))
    trial = study.ask()
    candidate.build(trial, task)
    return dict(trial.params)


def fits(images: data.Images, candidates: list[Candidate], run: int, train: int | None, test: int | None):
    """Returns for each fit of a run whether each test image was predicted right."""
    split = data.make_split(images, seed=run)
    seen = np.concatenate([split.train, split.val])
    seen = np.random.default_rng(run).permutation(seen)[:train]
    tested = np.random.default_rng(run).permutation(split.test)[:test]
    learn, look = np.array(images.pixels[seen]), np.array(images.pixels[tested])
    correct: dict[str, npt.NDArray[np.bool_]] = {}
    for candidate in candidates:
        for seed in (2 * run, 2 * run + 1):
            task = Task(images.shape, images.class_names, len(seen), seed=seed, n_jobs=1)
            np.random.seed(seed)
            estimator = candidate.build(optuna.trial.FixedTrial(parameters(candidate, replace(task, seed=0))), task)
            estimator.fit(learn, images.labels[seen])
            correct[f"{candidate.name} with seed {seed}"] = estimator.predict(look) == images.labels[tested]
    return correct


def share(significant: list[bool]) -> str:
    found, n = sum(significant), len(significant)
    low, high = accuracy_interval(found, n)
    return f"{found} of {n}: {found / n:.1%} (95 % interval {low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="digits")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--candidates", default="pixels/forest,pixels/mlp")
    parser.add_argument("--train", type=int, default=200, help="most images to fit on")
    parser.add_argument("--test", type=int, help="most images to test on; default: all test images")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    registry = Registry.discover()
    candidates = [parse(name, registry) for name in arguments.candidates.split(",")]
    started, tests = time.perf_counter(), 0
    pairs: dict[str, list[dict[str, float]]] = {candidate.name: [] for candidate in candidates}
    accuracies: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    with tempfile.TemporaryDirectory() as folder:
        images = data.load(data.resolve(arguments.source, registry), Path(folder))
        for run in range(arguments.runs):
            correct = fits(images, candidates, run, arguments.train, arguments.test)
            for pair in compare_pairs(correct):
                a, b = (pair[side].partition(" with")[0] for side in "ab")
                if a == b:
                    only = int(np.sum(correct[pair["a"]] != correct[pair["b"]]))
                    pairs[a].append({**pair, "discordant": only})
            for name, right in correct.items():
                accuracies[name.partition(" with")[0]].append(float(right.mean()))
                tests = len(right)
    print(
        f"{images.name}: {arguments.runs} runs in {time.perf_counter() - started:.0f} s, {tests:,} test images in each"
    )
    for name, own in pairs.items():
        print(
            f"\n{name}: test accuracy {np.mean(accuracies[name]):.3f}; two seeds differ by "
            f"{100 * np.mean([abs(pair['difference']) for pair in own]):.2f} points on average, and on "
            f"{np.mean([pair['discordant'] for pair in own]):.1f} test images one alone is right"
        )
        print(f"  p of McNemar's test below {SIGNIFICANCE:.0%}      {share([p['p'] < SIGNIFICANCE for p in own])}")
        print(f"  p after Holm below {SIGNIFICANCE:.0%}             {share([p['p_holm'] < SIGNIFICANCE for p in own])}")
    own = [pair for of in pairs.values() for pair in of]
    print(f"\nall {len(own)} comparisons of a candidate with itself called significant at {SIGNIFICANCE:.0%}:")
    print(f"  by McNemar's test alone        {share([pair['p'] < SIGNIFICANCE for pair in own])}")
    print(f"  after Holm, as the verdict     {share([pair['p_holm'] < SIGNIFICANCE for pair in own])}")
    zero = [pair["low"] > 0 or pair["high"] < 0 for pair in own]
    print(f"  95 % interval leaves out zero  {share(zero)}")


if __name__ == "__main__":
    main()
