from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

import pytest

HEAVY = ["tensorflow", "keras", "sklearn", "skimage", "xgboost", "streamlit", "optuna", "pandas", "numba"]


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["--help"], ["numpy", "rich", "workbench_plugins"]),
        (["--version"], ["numpy", "rich", "workbench_plugins"]),
        (["tune", "--help"], ["numpy", "rich", "workbench_plugins"]),
        (["plugins"], []),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(arguments: list[str], also: list[str]) -> None:
    code = (
        "import json, sys\n"
        f"sys.argv = ['workbench', *{arguments!r}]\n"
        "from workbench.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(json.loads(result.stdout.splitlines()[-1]))
    assert "workbench" in imported
    assert not imported & {*HEAVY, *also}


def test_help_costs_little_more_than_python_itself() -> None:
    def seconds(*arguments: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - started

    pairs = [(seconds("-c", "pass"), seconds("-m", "workbench", "--help")) for _ in range(7)]
    bare, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert ours <= 2 * bare + 0.150
