"""What a fit's seconds are spent on, phase by phase."""

from __future__ import annotations

import contextlib
import copy
import resource
import time
from collections.abc import Callable, Iterator

#: What a trial's seconds are spent on, in order; ``rungs`` are fits on fewer images that decided whether to go on,
#: ``warmup`` is what a learner says that it spent on compiling.
PHASES = ("extract", "rungs", "select", "warmup", "fit", "predict")


class Ledger:
    """What a fit's seconds are spent on.

    Attributes:
        wall: Wall-clock seconds by phase.
        cpu: CPU seconds by phase: of all threads, and of child processes that have ended.
        saved: How much of the extraction's seconds the cache has saved.
        joules: What the machine's energy meters, if it has any, counted while it was trained.
    """

    def __init__(self, meter: Callable[[], float] | None = None) -> None:
        self.wall = dict.fromkeys(PHASES, 0.0)
        self.cpu = dict.fromkeys(PHASES, 0.0)
        self.saved = 0.0
        self.joules = None if meter is None else 0.0
        self._meter = meter

    def copy(self) -> Ledger:
        """Returns a ledger to go on from here."""
        other = copy.copy(self)
        other.wall, other.cpu = dict(self.wall), dict(self.cpu)
        return other

    @contextlib.contextmanager
    def metered(self) -> Iterator[None]:
        """Bills the energy that the machine uses meanwhile."""
        before = None if self._meter is None else self._meter()
        yield
        if self._meter is not None and before is not None and self.joules is not None:
            self.joules += self._meter() - before

    def start_over(self, phases: tuple[str, ...]) -> None:
        """Forgets some phases, which are done anew."""
        self.wall |= dict.fromkeys(phases, 0.0)
        self.cpu |= dict.fromkeys(phases, 0.0)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Bills what happens inside to a phase."""
        started, cpu_started = time.perf_counter(), cpu_seconds()
        yield
        self.wall[name] += time.perf_counter() - started
        self.cpu[name] += cpu_seconds() - cpu_started


def cpu_seconds() -> float:
    """Returns the CPU seconds of this process so far, of all its threads and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
