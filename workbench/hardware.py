"""What machine this is. Recorded with every run, because seconds mean nothing without it."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Hardware:
    """A machine, in the words that a leaderboard needs.

    Attributes:
        cpu: The processor's name.
        cores: CPU cores that this process may use.
        memory_gb: Main memory in gigabytes.
        gpus: Names of the accelerators that the driver lists.
        system: Operating system and its release.
    """

    cpu: str
    cores: int
    memory_gb: float
    gpus: tuple[str, ...]
    system: str

    def as_dict(self) -> dict[str, object]:
        """Returns the fields as JSON-able values."""
        return {**asdict(self), "gpus": list(self.gpus)}


def cpu_count() -> int:
    """Returns the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def detect() -> Hardware:
    """Looks at the machine, once a process."""
    import psutil

    return Hardware(
        cpu=_cpu_name(),
        cores=cpu_count(),
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        gpus=_gpu_names(),
        system=f"{platform.system()} {platform.release()}",
    )


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu_names() -> tuple[str, ...]:
    """Asks the NVIDIA driver's own tool, because frameworks take seconds to answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        answer = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip()) if answer.returncode == 0 else ()


#: Where Linux shows the counters of Intel's and AMD's processors (RAPL), in microjoules; often for root alone.
_POWERCAP = Path("/sys/class/powercap")


def energy_meter(powercap: Path = _POWERCAP) -> Callable[[], float] | None:
    """Returns what tells the joules that this machine has used since some moment; None if it has no meter to read.

    Meters are counters of hardware: RAPL of processor packages, NVML of accelerators (with the package nvidia-ml-py).
    Nothing is estimated.
    """
    meters: list[Callable[[], float]] = [
        _Rapl(counter)
        for counter in sorted(powercap.glob("*rapl:*/energy_uj"))
        if counter.parent.name.count(":") == 1 and os.access(counter, os.R_OK)  # a package, not a part of one
    ]
    meters += _accelerators() if _gpu_names() else []
    return (lambda: sum(meter() for meter in meters)) if meters else None


class _Rapl:
    """A counter that starts over at its largest value."""

    def __init__(self, counter: Path) -> None:
        self._counter = counter
        self._range = int((counter.parent / "max_energy_range_uj").read_text())
        self._last, self._turns = -1, 0

    def __call__(self) -> float:
        value = int(self._counter.read_text())
        self._turns += value < self._last
        self._last = value
        return (value + self._turns * self._range) / 1e6


def _accelerators() -> list[Callable[[], float]]:
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        meters: list[Callable[[], float]] = [functools.partial(_joules, handle) for handle in handles]
        for meter in meters:
            meter()  # older ones have no counter
    except Exception:  # no package, no driver, no counter: then there is no meter
        return []
    return meters


def _joules(handle: Any) -> float:
    import pynvml

    return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
