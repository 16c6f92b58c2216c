"""What machine this is. Recorded with every run, because seconds mean nothing without it."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass


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
