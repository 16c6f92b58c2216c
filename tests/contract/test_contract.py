"""Every built-in plugin keeps the contract; a new one is covered without being named."""

from __future__ import annotations

from collections.abc import Callable

from workbench.registry import Registry
from workbench.testing import parametrize_with_checks


@parametrize_with_checks([plugin for plugin in Registry.discover() if plugin.distribution == "image-workbench"])
def test_contract(check: Callable[[], None]) -> None:
    check()
