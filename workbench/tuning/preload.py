"""Imported by the fork server alone, once, before it forks trials: imports what the plugins named in ``preload``.

What cannot be imported is left to the trials: theirs is the process that may fail, and theirs the owner that is told.
"""

from __future__ import annotations

import contextlib
import importlib
import os

#: Environment variable with the modules' names, separated by commas.
VARIABLE = "WORKBENCH_PRELOAD"

for _name in filter(None, os.environ.get(VARIABLE, "").split(",")):
    with contextlib.suppress(BaseException):
        importlib.import_module(_name)
