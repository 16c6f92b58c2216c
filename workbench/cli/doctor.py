"""``workbench doctor``: what this machine and this installation have."""

from __future__ import annotations

import click

from workbench.cli import options

#: Asked in a process of its own, because a framework may crash or print pages.
_ASK_TENSORFLOW = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
try:
    import tensorflow as tf
    print(json.dumps({"gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
                      "cuda": bool(tf.test.is_built_with_cuda())}))
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""


@click.command("doctor", short_help="Say what this machine and installation have.")
@options.workspace
def command(workspace: str) -> None:
    """Say what this machine and this installation have: versions, CPU, memory, disk, GPU."""
    import platform
    import shutil
    from importlib import metadata
    from pathlib import Path

    import psutil

    from workbench import hardware
    from workbench.errors import PluginError
    from workbench.registry import Registry

    machine = hardware.detect()
    folder = Path(workspace).absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    lines = {"Python": platform.python_version(), "system": machine.system}
    for package in ("image-workbench", "keras", "numba", "numpy", "optuna", "scikit-image", "scikit-learn", "streamlit",
                    "tensorflow", "xgboost"):  # fmt: skip
        try:
            lines[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            lines[package] = f"not installed (pip install {package})"
    lines["CPU"] = f"{machine.cpu}, {machine.cores} core{'s' if machine.cores > 1 else ''} usable"
    lines["memory"] = f"{machine.memory_gb:.1f} GB, {psutil.virtual_memory().available / 1e9:.1f} GB free"
    lines["disk"] = f"{shutil.disk_usage(existing).free / 1e9:.1f} GB free for {folder}"
    lines["GPU"] = _gpu(machine.gpus)
    broken = 0
    plugins = list(Registry.discover())
    for plugin in plugins:
        try:
            plugin.load()
        except PluginError:
            broken += 1
    lines["plugins"] = f"{len(plugins)} installed" + (f", {broken} broken (workbench plugins)" if broken else "")
    width = max(map(len, lines))
    for name, value in lines.items():
        click.echo(f"{name:<{width}}  {value}")


def _gpu(driver: tuple[str, ...]) -> str:
    """Says in one line whether TensorFlow sees a GPU, and if not, why."""
    import json
    import subprocess
    import sys

    try:
        answer = subprocess.run([sys.executable, "-c", _ASK_TENSORFLOW], capture_output=True, text=True, timeout=120)
        found = json.loads(answer.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, json.JSONDecodeError, IndexError):
        return "TensorFlow did not answer: importing it crashed or took more than two minutes"
    if "error" in found:
        return f"TensorFlow cannot be imported: {found['error']}"
    if found["gpus"]:
        return f"TensorFlow sees {len(found['gpus'])}: {', '.join(driver) or ', '.join(found['gpus'])}"
    if not driver:
        return "none: no NVIDIA driver answers on this machine (nvidia-smi); networks train on the CPU"
    if not found["cuda"]:
        return f"{', '.join(driver)}, but this TensorFlow is built without CUDA (pip install 'image-workbench[gpu]')"
    return (
        f"{', '.join(driver)}, but TensorFlow does not see it: CUDA libraries are missing or too old "
        "(pip install 'image-workbench[gpu]')"
    )
