"""The leaderboard: one row a candidate, and the verdict, from what was recorded and nothing else."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.candidate import BASELINE, parse
from workbench.errors import RunError, did_you_mean
from workbench.judge.curve import CURVE
from workbench.judge.ensemble import ENSEMBLES
from workbench.judge.rows import COLUMNS, EMPTY, row_of
from workbench.judge.verdict import ENSEMBLE, verdict
from workbench.registry import Registry
from workbench.tuning.scoring import orient
from workbench.tuning.specification import Specification
from workbench.tuning.trials import best_of
from workbench.tuning.workspace import SPLIT, Run, Snapshot, Workspace

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from optuna.study import Study

#: What is recorded of a run under this name: what other runs' winners did on its data.
TRANSFERS = "transfers"

#: Keys of a pairwise comparison, in order.
PAIR = ("a", "b", "difference", "low", "high", "p", "p_holm")


class Comparison:
    """A recorded run, to be read.

    Args:
        run: The run.
        workspace: Where its predictions are kept.

    Attributes:
        name: The run's name.
    """

    def __init__(self, run: Run, workspace: Workspace) -> None:
        self._run = run
        self._workspace = workspace
        self.name = run.name

    def rows(self) -> list[dict[str, Any]]:
        """Returns the leaderboard as JSON-able rows with the keys :data:`COLUMNS`, best test accuracy first."""
        rows = [row_of(self._run, candidate) for candidate in self._run.specification.candidates]
        merged = self._run.note(ENSEMBLES) or []
        rows += [{**EMPTY, "family": ENSEMBLE, **found} for found in merged]
        metric = self._run.specification.metric

        def rank(row: dict[str, Any]) -> tuple[float, ...]:
            scores = row["test_score"], row["validation_score"]
            return tuple(-orient(metric, score) if score is not None else math.inf for score in scores)

        return sorted(rows, key=rank)

    def leaderboard(self) -> pd.DataFrame:
        """Returns the leaderboard as a data frame, one row a candidate, best test accuracy first."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(COLUMNS))

    def pairwise(self) -> pd.DataFrame:
        """Returns how every two tested candidates compare, one row a pair.

        Its columns: ``a``, the one with the better test accuracy, and ``b``; the ``difference`` of their test
        accuracies, with its 95 % bootstrap interval from ``low`` to ``high``; ``p`` of the exact McNemar test, and
        ``p_holm``, corrected by Holm's method over all pairs.
        """
        import pandas as pd

        return pd.DataFrame(self._pairs(self.rows()), columns=list(PAIR))

    def verdict(self) -> str:
        """Returns the verdict in words; see :func:`workbench.judge.verdict.verdict`."""
        rows = self.rows()
        return verdict(rows, self._pairs(rows), self._run.specification.metric)

    def anytime(self) -> dict[str, Any]:
        """Returns who had which validation accuracy after how many seconds; see :mod:`workbench.judge.anytime`."""
        from workbench.judge import anytime

        names = [name for name in self._run.studies if name != BASELINE]
        return anytime.anytime({name: anytime.spent(self._run.trials(name)) for name in names})

    def label_errors(self) -> pd.DataFrame:
        """Returns the validation and test images whose label is likely wrong, the most suspicious first.

        Its columns: ``path``, ``part`` (validation or test), the ``label``, the ``likely_label``, and ``confidence``,
        the probability that the best candidate with probabilities gives to the latter.
        """
        import pandas as pd

        from workbench.judge.label_errors import KEYS

        found = self._label_errors(self.rows())
        return pd.DataFrame(found["errors"] if found else [], columns=list(KEYS))

    def document(self) -> dict[str, Any]:
        """Returns all that ``workbench show --json`` prints.

        Besides what the other methods return: ``metrics`` with each row of the leaderboard (see
        :func:`workbench.judge.metrics.further_metrics`), and the ``ledger``, each candidate's seconds by phase, which
        add up to what it cost: ``load``, decoding all images; ``tuning``, all its trials; the others are phases of
        the refit and the test. Beside them stand the ``cpu`` seconds of the latter, and those of the ``best_trial``.
        """
        from workbench.judge.label_errors import LISTED

        errors = self._label_errors(self.rows())
        return {**self.overview(), "label_errors": errors and {**errors, "errors": errors["errors"][:LISTED]}}

    def overview(self) -> dict[str, Any]:
        """Returns the :meth:`document` without the likely label errors, which take a while to find."""
        snapshot = Snapshot(self._run.specification, self._run.studies)
        return Comparison(snapshot, self._workspace)._overview()

    def _overview(self) -> dict[str, Any]:
        rows, specification = self.rows(), self.specification
        pairs = self._pairs(rows)
        results = {row["candidate"]: self._result(row["candidate"]) for row in rows}
        return {
            "run": self.name,
            "candidates": list(dict.fromkeys([*self._run.specification.candidates, *results])),
            "data": self._run.specification.data,
            "metric": specification.metric,
            "verdict": verdict(rows, pairs, specification.metric),
            "leaderboard": [{"metrics": results[row["candidate"]].get("metrics"), **row} for row in rows],
            "pairwise": pairs,
            "ledger": {
                row["candidate"]: {
                    "load": row["load_seconds"],
                    "tuning": row["tuning_seconds"],
                    **results[row["candidate"]].get("seconds", {}),
                    "cpu": results[row["candidate"]].get("cpu_seconds", {}),
                    "best_trial": self._best_trial_seconds(row["candidate"]),
                }
                for row in rows
                if row["family"] != ENSEMBLE
            },
            "hardware": self._hardware(results),
            "curve": self.curve(),
            "transfers": self._run.note(TRANSFERS) or [],
            "anytime": self.anytime(),
        }

    def curve(self) -> dict[str, Any] | None:
        """Returns the learning curve that ``workbench curve`` has measured: ``points`` and ``crossover``; or None."""
        found: dict[str, Any] | None = self._run.note(CURVE)
        return found

    def _hardware(self, results: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns every machine that a refit ran on; where there are several, seconds cannot be compared."""
        found: list[dict[str, Any]] = []
        for result in results.values():
            if "hardware" in result and result["hardware"] not in found:
                found.append(result["hardware"])
        return found or [self._run.specification.hardware]

    def _best_trial_seconds(self, candidate: str) -> dict[str, float]:
        best = best_of(self._run.trials(candidate)) if candidate in self._run.studies else None
        return {} if best is None else dict(best.record["seconds"])

    def _result(self, candidate: str) -> dict[str, Any]:
        return (self._run.result(candidate) or {}) if candidate in self._run.studies else {}

    def _pairs(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from workbench.judge.statistics import by_metric, compare_pairs

        found = {row["candidate"]: self.test_predictions(row["candidate"]) for row in rows}
        arrays = {name: tested for name, tested in found.items() if "labels" in tested}
        correct = {name: tested["predictions"] == tested["labels"] for name, tested in arrays.items()}
        counts = self._run.specification.data["counts"]
        return compare_pairs(
            correct,
            by_metric(self._run.specification.metric, arrays),
            {name: self._resampled(name) for name in arrays},
            (counts["train"] + counts["val"], counts["test"]),
        )

    def _resampled(self, candidate: str) -> tuple[str, list[float]]:
        """Returns what the corrected resampled t test compares: test accuracies by seed, or validation by fold."""
        repeats = self._result(candidate).get("repeats", [])
        if len(repeats) > 1:
            return "repeats", [repeat["test_accuracy"] for repeat in repeats]
        if not self.specification.folds:
            return "folds", []
        best = best_of(self._run.trials(candidate))
        return "folds", best.record["fold_values"] if best is not None else []

    def _arrays(self, artifact: str | None) -> dict[str, npt.NDArray[Any]]:
        """Returns recorded arrays; none if they were not recorded, or are there no more."""
        from optuna.artifacts.exceptions import ArtifactNotFound

        try:
            return {} if artifact is None else self._workspace.load_arrays(artifact)
        except ArtifactNotFound:
            return {}

    def _label_errors(self, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
        from workbench.judge.label_errors import find_label_errors

        def predicted(candidate: str) -> dict[str, Any]:
            best = best_of(self._run.trials(candidate)) if candidate in self._run.studies else None
            validation = None if best is None else best.record.get("validation_predictions")
            test = self._result(candidate).get("test_predictions")
            return {"val": self._arrays(validation), "test": self._arrays(test)}

        tested = [r["candidate"] for r in rows if r["test_accuracy"] is not None and r["family"] != "baseline"]
        class_names = list(self._run.specification.data["classes"])
        return find_label_errors(((name, predicted(name)) for name in tested), self.parts(), class_names)

    def test_predictions(self, candidate: str) -> dict[str, npt.NDArray[Any]]:
        """Returns what was recorded of a candidate's test; nothing if there was none.

        For ``n`` test images their ``labels`` and ``predictions``, and class ``probabilities`` ``(n, n_classes)``, or
        for two classes the ``scores`` of the second, if the candidate gives any.
        """
        return self._arrays(self._result(candidate).get("test_predictions"))

    def model(self, candidate: str) -> Any:
        """Returns a candidate's model, fitted on training and validation images, as its refit has kept it.

        It is a scikit-learn pipeline: uint8 images ``(n, height, width, channels)``, of the run's size, to numbers of
        classes, which are positions in the ``classes`` of the specification's ``data``.

        Raises:
            RunError: If there is none, or it cannot be read.
        """
        from optuna.artifacts.exceptions import ArtifactNotFound

        from workbench import bundle

        if candidate not in self._run.studies:
            known = did_you_mean(candidate, self._run.specification.candidates)
            raise RunError(f"the run {self.name!r} has no candidate {candidate!r}; {known}")
        result = self._result(candidate)
        if (artifact := result.get("model")) is None:
            why = [remark for remark in result.get("remarks", []) if "model cannot be kept" in remark]
            reason = why[0] if why else "it was not refitted" if "test_accuracy" not in result else "none was kept"
            raise RunError(
                f"the run {self.name!r} has no model of {candidate}: {reason}; run the comparison again to have one"
            )
        plugins = parse(candidate, Registry.discover()).plugins
        try:
            with self._workspace.stored_file(artifact, "model.skops") as file:
                return bundle.load(file, bundle.packages_of(plugins))
        except ArtifactNotFound:
            raise RunError(
                f"the model of {candidate} is no longer in the workspace {self._workspace.path}; "
                "run the comparison again"
            ) from None
        except bundle.BundleError as error:
            raise RunError(f"the model of {candidate} in the run {self.name!r} cannot be loaded: {error}") from error

    def explainable(self) -> list[str]:
        """Returns the candidates whose models are kept, in the order of the run; the baseline has nothing to explain.

        Raises:
            RunError: If there is none.
        """
        kept = [c for c in self._run.specification.candidates if c != BASELINE and self._result(c).get("model")]
        if not kept:
            raise RunError(
                f"the run {self.name!r} has no stored model: no candidate was refitted, or an older version of the "
                f"workbench did that; run it again: workbench tune {self._run.specification.source}"
            )
        return kept

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that the run's candidates take."""
        height, width, channels = self._run.specification.data["image_shape"]
        return height, width, channels

    def parts(self) -> dict[str, npt.NDArray[Any]]:
        """Returns what was recorded of the split: rows of each part, and of ``val`` and ``test`` names and labels."""
        return self._arrays(self._run.note(SPLIT))

    def confusion(self, candidate: str) -> list[list[int]] | None:
        """Returns how often test images of each class (rows) were predicted as which (columns), if recorded."""
        arrays = self.test_predictions(candidate)
        if "labels" not in arrays:
            return None
        from sklearn.metrics import confusion_matrix

        classes = range(len(self._run.specification.data["classes"]))
        found: list[list[int]] = confusion_matrix(
            arrays["labels"], arrays["predictions"], labels=list(classes)
        ).tolist()
        return found

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Writes the run's report, one HTML file that opens offline, over a file of that name; returns its path.

        Raises:
            RunError: If it cannot be written.
        """
        from workbench.judge.report import write_report

        target = Path(path).expanduser()
        write_report(self, target)
        return target

    @property
    def specification(self) -> Specification:
        """What was run."""
        return self._run.specification

    @property
    def state(self) -> Literal["done", "running", "stopped"]:
        """Whether the run came to its end, goes on now, or was stopped before its end."""
        if self.finished:
            return "done"
        return "running" if self._workspace.is_held(self.name) else "stopped"

    @property
    def studies(self) -> dict[str, Study]:
        """The Optuna study of each candidate."""
        return self._run.studies

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: not killed, not interrupted, and not running now."""
        return self._run.finished

    def __repr__(self) -> str:
        return f"<Comparison {self.name!r} of {', '.join(self._run.specification.candidates)}>"
