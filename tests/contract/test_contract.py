"""Every built-in plugin keeps the contract; a new one is covered without being named."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from conftest import save_backbone

from workbench.registry import Registry
from workbench.testing import parametrize_with_checks


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data sets that are downloaded are checked no further than they go without a network."""

    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise socket.gaierror("there is no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small backbone for the network ``transfer``, which would fetch a large one."""
    from workbench_plugins.networks.transfer import WEIGHTS

    folder = tmp_path_factory.mktemp("weights")
    save_backbone(folder / "small.keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WEIGHTS, str(folder))
        yield


@parametrize_with_checks([plugin for plugin in Registry.discover() if plugin.distribution == "image-workbench"])
def test_contract(check: Callable[[], None]) -> None:
    check()
