"""A workspace is a folder: an Optuna storage, an Optuna artifact store, a cache and logs. There is no other database.

A run compares candidates on one data set. Each of its candidates is one study, named ``RUN/CANDIDATE``, so that
``optuna-dashboard`` opens a workspace as it is. Specification and results are attributes of the studies.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from workbench.errors import RunError, did_you_mean
from workbench.tuning.features import FeatureCache, default_limit
from workbench.tuning.specification import LESS_IS_BETTER, METRICS, Specification
from workbench.tuning.trials import TrialSummary, read_trials

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import optuna
    from optuna.study import Study

DEFAULT_WORKSPACE = Path("workbench-runs")

#: Version of what is recorded. A run of another one is refused in words.
FORMAT = 2
_SPECIFICATION, _RESULT, _FINISHED = "workbench:run", "workbench:result", "workbench:finished"
#: What is recorded under this name: the artifact with the rows of each part.
SPLIT = "split"


@dataclass(frozen=True)
class Run:
    """A recorded run: its specification and the study of each candidate."""

    specification: Specification
    studies: dict[str, Study]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.specification.run

    def attributes(self, candidate: str) -> dict[str, Any]:
        """Returns what is recorded with the study of a candidate."""
        return self.studies[candidate].user_attrs

    def trials(self, candidate: str) -> list[TrialSummary]:
        """Returns what the trials of a candidate came to, by number."""
        return read_trials(self.studies[candidate])

    def record_specification(self) -> None:
        """Records the specification with every study."""
        for study in self.studies.values():
            study.set_user_attr(_SPECIFICATION, {"format": FORMAT, **self.specification.as_dict()})

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: not killed, not interrupted, and not running now."""
        return all(is_finished(self.attributes(candidate)) for candidate in self.studies)

    def record_finished(self, finished: bool) -> None:
        """Records that the run has come to its end, or that it goes on."""
        for study in self.studies.values():
            study.set_user_attr(_FINISHED, finished)

    def note(self, name: str) -> Any:
        """Returns what was recorded of the run as a whole under a name (``ensembles``, ``curve``), or None."""
        found = map(self.attributes, self.studies)
        return next((a[f"workbench:{name}"] for a in found if f"workbench:{name}" in a), None)

    def record_note(self, name: str, value: Any) -> None:
        """Records something JSON-able of the run as a whole."""
        next(iter(self.studies.values())).set_user_attr(f"workbench:{name}", value)

    def result(self, candidate: str) -> dict[str, Any] | None:
        """Returns what the judge recorded of a candidate, or None."""
        return self.attributes(candidate).get(_RESULT)

    def record_result(self, candidate: str, result: dict[str, Any]) -> None:
        """Records the judge's result of a candidate."""
        self.studies[candidate].set_user_attr(_RESULT, result)


class Snapshot(Run):
    """A run as it is recorded at the moment when it is first asked: whatever is needed twice is read once."""

    def attributes(self, candidate: str) -> dict[str, Any]:
        """Returns what is recorded with the study of a candidate."""
        return self._attributes[candidate]

    def trials(self, candidate: str) -> list[TrialSummary]:
        """Returns what the trials of a candidate came to, by number."""
        return self._trials[candidate]

    @cached_property
    def _attributes(self) -> dict[str, dict[str, Any]]:
        return {name: study.user_attrs for name, study in self.studies.items()}

    @cached_property
    def _trials(self) -> dict[str, list[TrialSummary]]:
        return {name: read_trials(study) for name, study in self.studies.items()}


def is_finished(attributes: dict[str, Any]) -> bool:
    """Whether a study with these attributes belongs to a run that came to its end."""
    return bool(attributes.get(_FINISHED, False))


class Workspace:
    """Opens a workspace, making it if it does not exist.

    Args:
        path: The folder.
        storage: URL of an Optuna storage; default: SQLite in the folder.
        cache_bytes: Most bytes of cached features; default: see :func:`workbench.tuning.features.default_limit`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = DEFAULT_WORKSPACE,
        storage: str | None = None,
        cache_bytes: int | None = None,
    ) -> None:
        self._cache_bytes = cache_bytes
        self.path = Path(path).expanduser().absolute()
        self.url = storage or f"sqlite:///{self.path / 'storage.db'}"

    @property
    def cache(self) -> Path:
        """Folder of decoded images and extracted features."""
        return self.path / "cache"

    @cached_property
    def features(self) -> FeatureCache:
        """The cache of extracted features."""
        limit = default_limit(self.path) if self._cache_bytes is None else self._cache_bytes
        return FeatureCache(self.cache / "features", limit)

    def log(self, run: str) -> Path:
        """File that takes all that a run's trials print."""
        return self.path / "logs" / f"{run}.log"

    @cached_property
    def storage(self) -> optuna.storages.RDBStorage:
        """The Optuna storage. SQLite is put in WAL mode: one process writes, others may read meanwhile."""
        import optuna
        import sqlalchemy

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the workspace {self.path} cannot be made: {error.strerror}") from None
        sqlite = self.url.startswith("sqlite")
        try:
            with FileLock(self.path / "storage.lock"):  # two that make the tables at once spoil each other's
                storage = optuna.storages.RDBStorage(
                    self.url, engine_kwargs={"connect_args": {"timeout": 60}} if sqlite else None
                )
        except Exception as error:  # SQLAlchemy's and the database driver's own
            cause = str(getattr(error, "orig", error)).splitlines()[0]
            raise RunError(
                f"the storage {self.url} cannot be opened: {cause}. If the file is damaged, move it away; "
                "if this is another database, check that it runs and that its driver is installed."
            ) from None
        if sqlite:

            @sqlalchemy.event.listens_for(storage.engine, "connect")
            def _pragmas(connection: Any, _record: Any) -> None:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")

            storage.engine.dispose()  # so that the connection that made the tables is opened anew
        return storage

    @cached_property
    def artifacts(self) -> optuna.artifacts.FileSystemArtifactStore:
        """The Optuna artifact store."""
        import optuna

        folder = self.path / "artifacts"
        folder.mkdir(parents=True, exist_ok=True)
        return optuna.artifacts.FileSystemArtifactStore(folder)

    def save_arrays(self, owner: Study | Any, name: str, **arrays: npt.NDArray[Any]) -> str:
        """Stores arrays as an artifact of a study or an unfinished trial; returns the artifact's id."""
        import numpy as np

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{name}.npz")
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
            return self.save_file(owner, file)

    def save_file(self, owner: Study | Any, file: Path) -> str:
        """Stores a file as an artifact of a study or an unfinished trial; returns the artifact's id."""
        import optuna

        return optuna.artifacts.upload_artifact(
            artifact_store=self.artifacts, file_path=str(file), study_or_trial=owner, storage=self.storage
        )

    def load_arrays(self, artifact_id: str) -> dict[str, npt.NDArray[np.generic]]:
        """Returns the arrays that :meth:`save_arrays` stored under an id."""
        import numpy as np

        with self.artifacts.open_reader(artifact_id) as reader, np.load(io.BytesIO(reader.read())) as file:
            return {name: file[name] for name in file.files}

    @contextmanager
    def stored_file(self, artifact_id: str, name: str) -> Iterator[Path]:
        """Gives a copy, of that name, of the file that :meth:`save_file` stored under an id."""
        with tempfile.TemporaryDirectory() as folder, self.artifacts.open_reader(artifact_id) as reader:
            file = Path(folder, name)
            with file.open("wb") as copy:
                shutil.copyfileobj(reader, copy)
            yield file

    # -- runs -----------------------------------------------------------------------------------------------------

    def attributes(self) -> dict[str, dict[str, Any]]:
        """Returns the attributes of every study that belongs to a run, by study name, oldest first."""
        if self.url.startswith("sqlite:///") and not Path(self.url.removeprefix("sqlite:///")).exists():
            return {}
        studies = self.storage.get_all_studies()  # optuna.get_all_study_summaries would load every trial
        return {s.study_name: s.user_attrs for s in studies if _SPECIFICATION in s.user_attrs}

    def runs(self) -> list[str]:
        """Returns the names of the runs, oldest first."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.attributes()))

    def open(self, run: str) -> Run:
        """Opens a recorded run.

        Raises:
            RunError: If there is none of that name, or another version made it.
        """
        import optuna

        attributes = {name: a for name, a in self.attributes().items() if name.partition("/")[0] == run}
        if not attributes:
            known = self.runs()
            raise RunError(f"there is no run {run!r} in {self.path}; {did_you_mean(run, known)}")
        recorded = next(iter(attributes.values()))[_SPECIFICATION]
        if recorded["format"] > FORMAT:
            raise RunError(
                f"the run {run!r} was made by a newer version of the workbench ({recorded['versions']['workbench']}); "
                "upgrade to open it: pip install --upgrade image-workbench"
            )
        if recorded["format"] < FORMAT:
            raise RunError(
                f"the run {run!r} was made by an older version of the workbench, which recorded less; run it again: "
                f"workbench tune {recorded['source']}"
            )
        specification = Specification.from_dict(recorded)
        studies = {
            candidate: optuna.load_study(study_name=f"{run}/{candidate}", storage=self.storage)
            for candidate in specification.candidates
            if f"{run}/{candidate}" in attributes
        }
        return Run(specification, studies)

    def create(self, specification: Specification, candidates: Sequence[str] | None = None) -> Run:
        """Records a new run and makes the studies of its candidates, or of those named."""
        import optuna

        studies = {}
        metric = f"validation {METRICS[specification.metric]}"
        if specification.metric in LESS_IS_BETTER:
            metric = f"negative {metric}"
        for candidate in candidates or specification.candidates:
            study = optuna.create_study(
                study_name=f"{specification.run}/{candidate}", storage=self.storage, direction="maximize"
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([metric])
            studies[candidate] = study
        run = Run(specification, studies)
        run.record_specification()
        return run

    def begin(self, specification: Specification, **split: npt.NDArray[Any]) -> Run:
        """Records a new run and its split: arrays by name."""
        run = self.create(specification)
        run.record_note(SPLIT, self.save_arrays(next(iter(run.studies.values())), SPLIT, **split))
        return run

    @contextmanager
    def new_name(self, data: str) -> Iterator[str]:
        """Gives the next free name (``digits-1``, ``digits-2``, ...) and holds it: the run lives inside."""
        stem = re.sub(r"[^a-z0-9.]+", "-", data.lower()).strip("-.") or "run"
        taken = set(self.runs())
        number = 0
        while True:
            number += 1
            name = f"{stem}-{number}"
            if name in taken:
                continue
            lock = self._lock(name)
            try:
                lock.acquire(timeout=0)
            except Timeout:  # another process is just making it
                continue
            with lock:
                yield name
            return

    @contextmanager
    def hold(self, run: str) -> Iterator[None]:
        """Holds a run, so that no other process works on it. The lock goes with the process, however it ends."""
        lock = self._lock(run)
        try:
            lock.acquire(timeout=0.5)  # somebody may just be looking whether it is held
        except Timeout:
            raise RunError(f"the run {run!r} is being worked on by another process; wait for it or stop it") from None
        with lock:
            yield
        return

    def is_held(self, run: str) -> bool:
        """Whether a process is working on the run right now."""
        lock = self._lock(run)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _lock(self, run: str) -> FileLock:
        folder = self.path / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{run}.lock")
