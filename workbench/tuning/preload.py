"""Imported by the fork server alone, once, before it forks trials: imports what the plugins named in ``preload``.

What cannot be imported is left to the trials: theirs is the process that may fail, and theirs the owner that is told.
"""

from __future__ import annotations

import contextlib
import importlib
import os

from threadpoolctl import ThreadpoolController

#: Environment variable with the modules' names, separated by commas.
VARIABLE = "WORKBENCH_PRELOAD"

for _name in filter(None, os.environ.get(VARIABLE, "").split(",")):
    with contextlib.suppress(BaseException):
        importlib.import_module(_name)

ThreadpoolController()  # the first look at the loaded libraries takes 10 ms: each trial would take it again
