"""A candidate is what competes, written as the path that the data take.

``hog/svm``, ``hog+color+edges/kbest/xgboost`` (extractors joined by ``+``, then an optional selector, then a
classifier), or a network's name: ``cnn``. In ``auto/svm`` each trial chooses its extractors among all that are
installed. The candidate ``baseline`` always answers with the most frequent class.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import PluginError, WorkbenchError, did_you_mean
from workbench.plugin import Skip, Task, Trial
from workbench.registry import Plugin, Registry

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

BASELINE = "baseline"
#: Stands for extractors in a path: each trial chooses which of all that are installed it joins.
AUTO = "auto"
_FIRST_CHOICE = ("hog", "color")

#: Method that the estimator of each kind of plugin must have besides ``fit``.
_METHOD = {"extractor": "transform", "selector": "transform", "classifier": "predict", "network": "predict"}


@dataclass(frozen=True)
class Candidate:
    """A path through plugins.

    Attributes:
        name: As the user wrote it.
        extractors: Plugins whose features are joined; empty for a network and the baseline.
        selector: Plugin between extractors and classifier, if any.
        learner: The classifier or the network; None for the baseline.
        chooses: Whether each trial chooses among the extractors (``auto``) or joins them all.
    """

    name: str
    extractors: tuple[Plugin, ...] = ()
    selector: Plugin | None = None
    learner: Plugin | None = None
    chooses: bool = False

    @property
    def family(self) -> str:
        """``"baseline"``, ``"hand-crafted"`` or ``"deep"``."""
        if self.learner is None:
            return "baseline"
        return "deep" if self.learner.kind == "network" else "hand-crafted"

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins on the path, in order."""
        return tuple(p for p in (*self.extractors, self.selector, self.learner) if p is not None)

    def build(self, trial: Trial, task: Task) -> Pipeline:
        """Asks every plugin on the path for its estimator.

        Args:
            trial: Live trial or ``optuna.trial.FixedTrial``; each plugin's parameters are scoped by its name.
            task: What the plugins may know.

        Returns:
            Pipeline of the steps ``extract`` and ``select`` (where the path has them) and ``classify``.

        Raises:
            Skip: If a plugin cannot serve the task.
            PluginError: If a plugin returns something that is no such estimator.
        """
        from sklearn.dummy import DummyClassifier
        from sklearn.pipeline import FeatureUnion, Pipeline

        if self.learner is None:
            return Pipeline([("classify", DummyClassifier(strategy="prior"))])
        steps: list[tuple[str, Any]] = []
        if self.extractors:
            steps.append(("extract", FeatureUnion(self._parts(trial, task))))
        if self.selector:
            steps.append(("select", _ask(self.selector, trial, task)))
        steps.append(("classify", _ask(self.learner, trial, task)))
        return Pipeline(steps)

    def _parts(self, trial: Trial, task: Task) -> list[tuple[str, Any]]:
        """Returns the extractors by name. Of those to choose from, ones that cannot serve the task are left out."""
        if not self.chooses:
            return [(plugin.name, _ask(plugin, trial, task)) for plugin in self.extractors]
        parts, refusals = [], []
        for plugin in self.extractors:
            if not trial.suggest_categorical(f"{AUTO}.{plugin.name}", [True, False]):
                continue
            try:
                parts.append((plugin.name, _ask(plugin, trial, task)))
            except Skip as skip:
                refusals.append(f"{plugin.name}: {skip}")
        # A trial that chose nothing, or nothing that serves, still has to be some trial.
        for plugin in self.extractors if not parts else ():
            try:
                return [(plugin.name, _ask(plugin, trial, task))]
            except Skip as skip:
                refusals.append(f"{plugin.name}: {skip}")
        if not parts:
            raise Skip(f"no extractor can serve this task; {'; '.join(dict.fromkeys(refusals))}")
        return parts

    def start(self, task: Task) -> dict[str, Any]:
        """Returns the parameters that the path's plugins want tried first, as far as they say."""
        plugins, chosen = self.plugins, {}
        if self.chooses:  # what nearly every task can use
            first = [plugin for plugin in self.extractors if plugin.name in _FIRST_CHOICE]
            chosen = {f"{AUTO}.{plugin.name}": plugin in first for plugin in self.extractors}
            plugins = (*first, *(p for p in (self.selector, self.learner) if p is not None))
        return chosen | {
            f"{plugin.name}.{name}": value
            for plugin in plugins
            for name, value in getattr(plugin.load(), "start", lambda task: {})(task).items()
        }

    def preload(self) -> list[str]:
        """Returns the modules that the path's plugins want imported before trials fork."""
        return [name for plugin in self.plugins for name in getattr(plugin.load(), "preload", ())]


class ScopedTrial:
    """A trial that puts a plugin's name before each parameter's: ``C`` of ``svm`` is ``svm.C``."""

    def __init__(self, trial: Trial, scope: str) -> None:
        """Wraps ``trial`` for the plugin called ``scope``."""
        self._trial = trial
        self._scope = scope

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggests a float in ``[low, high]``."""
        return self._trial.suggest_float(f"{self._scope}.{name}", low, high, step=step, log=log)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Suggests an integer in ``[low, high]``."""
        return self._trial.suggest_int(f"{self._scope}.{name}", low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggests one of ``choices``."""
        return self._trial.suggest_categorical(f"{self._scope}.{name}", choices)


def _ask(plugin: Plugin, trial: Trial, task: Task) -> Any:
    function: Callable[..., Any] = plugin.load()
    estimator = function(ScopedTrial(trial, plugin.name), task)
    missing = [m for m in ("fit", _METHOD[plugin.kind]) if not callable(getattr(estimator, m, None))]
    if missing:
        raise PluginError(
            f"{plugin} returned {type(estimator).__name__} {estimator!r:.80}, which has no {' and no '.join(missing)}; "
            f"it must return a scikit-learn estimator with fit and {_METHOD[plugin.kind]}"
        )
    return estimator


def check(plugin: Plugin) -> str:
    """Calls a plugin as a trial would, with random parameters, for a colour and a grey task; fits nothing.

    Returns:
        What is wrong with the plugin; empty if nothing is. Data sets are not called: they may load for minutes.
    """
    import optuna

    if plugin.kind not in _METHOD:
        return ""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for channels in (3, 1):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        try:
            _ask(plugin, study.ask(), Task((64, 64, channels), ("a", "b"), n_train=100))
        except Skip:
            continue
        except PluginError as error:
            return str(error)
        except Exception as error:
            return f"{plugin}: calling it raised {type(error).__name__}: {error}\n{traceback.format_exc().rstrip()}"
    return ""


def parse(text: str, registry: Registry, load: bool = True) -> Candidate:
    """Reads a candidate's path.

    Args:
        text: For example ``hog+color/kbest/svm`` or ``cnn``.
        registry: Where the names are looked up.
        load: Whether to import the plugins, too.

    Raises:
        WorkbenchError: If the path has no such form or a name is unknown, with the nearest name.
        PluginError: If a plugin on the path is broken, with its traceback.
    """
    name = text.strip()
    parts = name.split("/")
    if name == BASELINE:
        return Candidate(name)
    if len(parts) == 1:
        candidate = Candidate(name, learner=_network(name, registry))
    elif len(parts) in (2, 3) and all(parts):
        names = parts[0].split("+")
        if AUTO in names and len(names) > 1:
            raise WorkbenchError(
                f"candidate {name!r}: {AUTO!r} chooses among all extractors; write it alone: {AUTO}/svm"
            )
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise WorkbenchError(f"candidate {name!r} has {repeated[0]!r} more than once; name each extractor once")
        candidate = Candidate(
            name,
            extractors=_all_extractors(registry)
            if names == [AUTO]
            else tuple(registry.get("extractor", n) for n in names),
            selector=registry.get("selector", parts[1]) if len(parts) == 3 else None,
            learner=registry.get("classifier", parts[-1]),
            chooses=names == [AUTO],
        )
    else:
        raise WorkbenchError(
            f"candidate {name!r} is not a path; write extractors/classifier (hog+color/svm), "
            "extractors/selector/classifier (hog/kbest/svm) or a network (cnn)"
        )
    for plugin in candidate.plugins if load else ():
        plugin.load()
    return candidate


def _all_extractors(registry: Registry) -> tuple[Plugin, ...]:
    """Returns the extractors that work; a broken one that nobody asked for stops nothing."""
    working = []
    for name in registry.names("extractor"):
        plugin = registry.get("extractor", name)
        try:
            plugin.load()
        except PluginError:
            continue
        working.append(plugin)
    if not working:
        raise PluginError(f"{AUTO!r} has nothing to choose from: no extractor is installed")
    return tuple(working)


def _network(name: str, registry: Registry) -> Plugin:
    plugin = registry.find("network", name)
    if plugin is not None:
        return plugin
    if not name:
        raise WorkbenchError("a candidate's name is empty; write for example hog/svm or cnn")
    if all(registry.find("extractor", part) for part in name.split("+")):
        raise PluginError(f"{name!r} only extracts features; add a classifier: {name}/svm")
    if registry.find("classifier", name):
        raise PluginError(f"{name!r} classifies features and needs an extractor before it: hog/{name}")
    raise PluginError(f"there is no network {name!r}; {did_you_mean(name, [*registry.names('network'), BASELINE])}")
