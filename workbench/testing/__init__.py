"""The contract kit: what every plugin must keep, as checks that its author runs.

Three ways to run them: ``workbench plugins check NAME``; :func:`check_plugin` in a script; and in a test

>>> from workbench.testing import parametrize_with_checks
>>> @parametrize_with_checks(["my-lbp"])
... def test_contract(check):
...     check()
"""

from __future__ import annotations

from workbench.testing.kit import CHECKS, Result, check_plugin, parametrize_with_checks
from workbench.testing.subject import CheckFailed, NotApplicable, Subject, Watch

__all__ = [
    "CHECKS",
    "CheckFailed",
    "NotApplicable",
    "Result",
    "Subject",
    "Watch",
    "check_plugin",
    "parametrize_with_checks",
]
