"""Every built-in plugin keeps the contract; a new one is covered without being named."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from workbench.registry import Registry
from workbench.testing import parametrize_with_checks


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data sets that are downloaded are checked no further than they go without a network."""

    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise socket.gaierror("there is no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


pytestmark = pytest.mark.usefixtures("small_backbone")


@parametrize_with_checks([plugin for plugin in Registry.discover() if plugin.distribution == "image-workbench"])
def test_contract(check: Callable[[], None]) -> None:
    check()
