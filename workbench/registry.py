"""Finds plugins by their entry points. A broken plugin is listed with its error and stops nothing else.

Discovery reads package metadata only; a plugin's module is imported when the plugin is selected or described.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any

from workbench.errors import PluginError, did_you_mean
from workbench.plugin import CONTRACT_VERSION

#: Kind of plugin -> number of positional arguments its function is called with.
KINDS = {"dataset": 0, "extractor": 2, "selector": 2, "classifier": 2, "network": 2}


@dataclass(frozen=True)
class Plugin:
    """One entry point.

    Attributes:
        kind: ``"dataset"``, ``"extractor"``, ``"selector"``, ``"classifier"`` or ``"network"``.
        name: The entry point's name.
        target: ``"module:attribute"``.
        distribution: Name of the distribution that brought it.
        version: Version of that distribution.
        error: Why it cannot be used, as far as the metadata tell; empty if nothing is known against it.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    error: str = field(default="", compare=False)

    @property
    def is_ours(self) -> bool:
        """Whether the workbench itself brings it: our own tests import and call it, so nobody else need try."""
        return self.distribution == "image-workbench"

    def load(self) -> Callable[..., Any]:
        """Imports the plugin's module and returns its function.

        Raises:
            PluginError: With the plugin's traceback, if its module raises or holds the wrong thing.
        """
        if self.error:
            raise PluginError(self.error)
        try:
            found: Any = importlib.import_module(self.target.partition(":")[0])
            for attribute in filter(None, self.target.partition(":")[2].split(".")):
                found = getattr(found, attribute)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # a plugin may even call sys.exit: it must not take us along
            raise PluginError(
                f"{self}: importing {self.target} raised {type(error).__name__}: {error}\n"
                f"{traceback.format_exc().rstrip()}\n"
                f"Mend the plugin, or uninstall it: pip uninstall {self.distribution}"
            ) from error
        wanted = getattr(inspect.getmodule(found), "CONTRACT", CONTRACT_VERSION)
        if isinstance(wanted, int) and wanted > CONTRACT_VERSION:
            raise PluginError(
                f"{self} is written for version {wanted} of the plugin contract, and this workbench knows version "
                f"{CONTRACT_VERSION}; upgrade it: pip install --upgrade image-workbench"
            )
        self._check_signature(found)
        return found  # type: ignore[no-any-return]

    def _check_signature(self, found: Any) -> None:
        arguments = ("trial", "task")[: KINDS[self.kind]]
        expected = f"a function that is called as f({', '.join(arguments)})"
        if not callable(found):
            raise PluginError(f"{self}: {self.target} is {found!r}; it must be {expected}")
        try:
            inspect.signature(found).bind(*arguments)
        except TypeError as error:
            raise PluginError(f"{self}: {self.target} must be {expected}: {error}") from error
        except ValueError:  # a builtin without a signature: calling it will tell
            pass

    def describe(self) -> str:
        """Imports the plugin and returns the first line of its docstring.

        Raises:
            PluginError: If the plugin is broken.
        """
        lines = (inspect.getdoc(self.load()) or "").strip().splitlines()
        return lines[0] if lines else "(no docstring)"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {self.distribution} {self.version}"


class Registry:
    """The installed plugins by kind and name."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        """Takes the plugins and marks those that clash by kind and name."""
        found: dict[tuple[str, str], list[Plugin]] = {}
        for plugin in plugins:
            found.setdefault((plugin.kind, plugin.name), []).append(plugin)
        self._plugins = {key: [_with_clash(p, same) for p in same] for key, same in found.items()}

    @classmethod
    def discover(cls) -> Registry:
        """Reads the entry points of every installed distribution; imports none of them."""
        return cls(
            Plugin(
                kind=kind,
                name=point.name,
                target=point.value.partition("[")[0].strip(),
                distribution=point.dist.name if point.dist else "unknown",
                version=point.dist.version if point.dist else "",
            )
            for kind in KINDS
            for point in metadata.entry_points(group=f"workbench.{kind}s")
        )

    def __iter__(self) -> Any:
        """Iterates over all plugins, clashing ones included, by kind and then by name."""
        order = list(KINDS)
        keys = sorted(self._plugins, key=lambda key: (order.index(key[0]), key[1]))
        return (plugin for key in keys for plugin in self._plugins[key])

    def names(self, kind: str) -> list[str]:
        """Returns the names of all plugins of a kind, sorted."""
        return sorted(name for k, name in self._plugins if k == kind)

    def find(self, kind: str, name: str) -> Plugin | None:
        """Returns the plugin of that kind and name, or None."""
        same = self._plugins.get((kind, name))
        return same[0] if same else None

    def get(self, kind: str, name: str) -> Plugin:
        """Returns the plugin of that kind and name.

        Raises:
            PluginError: If there is none, with the nearest name.
        """
        plugin = self.find(kind, name)
        if plugin is None:
            raise PluginError(f"there is no {kind} {name!r}; {did_you_mean(name, self.names(kind))}")
        return plugin


def _with_clash(plugin: Plugin, same: list[Plugin]) -> Plugin:
    if len(same) == 1:
        return plugin
    rivals = ", ".join(f"{p.distribution} ({p.target})" for p in same)
    return replace(
        plugin,
        error=f"{plugin.kind} {plugin.name!r} is brought by more than one distribution: {rivals}. "
        "Uninstall all but one, or rename the entry point of one.",
    )
