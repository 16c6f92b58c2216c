"""A fitted model as a file that holds no pickle (skops): what it is made of is checked before any of it is made.

A file may hold what skops trusts by itself (scikit-learn's estimators, arrays, numbers), a few types more that built-in
plugins are made of, and what the packages of the candidate's own plugins define, which are installed and run anyway.
"""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.registry import Plugin

#: What models of the built-in plugins hold besides what skops trusts by default.
_TRUSTED = frozenset(
    {
        "functools.partial",  # what it holds is looked at too
        "numpy.dtype",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",  # a forged one may read beyond its arrays: open files of people you know
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
    }
)


class BundleError(WorkbenchError):
    """A model cannot be kept, or a file cannot be read as one."""


def packages_of(plugins: Iterable[Plugin]) -> frozenset[str]:
    """Returns the names of the top-level packages that plugins come from."""
    return frozenset(plugin.target.partition(":")[0].partition(".")[0] for plugin in plugins)


def save(model: Any, path: Path, packages: frozenset[str]) -> None:
    """Writes a fitted model, if it can be read again.

    Args:
        model: A scikit-learn estimator or pipeline.
        path: The file: there whole, or not at all.
        packages: Whose types may be in it, besides the trusted ones; see :func:`packages_of`.

    Raises:
        BundleError: If a part of the model cannot be written, or would be refused on reading.
    """
    skops = _skops()
    part = path.with_suffix(".part")
    try:
        skops.dump(model, part, compression=zipfile.ZIP_DEFLATED, compresslevel=1)  # a forest to a sixth
        _check(part, packages)
    except BundleError:
        raise
    except Exception as error:  # a stranger's estimator may refuse in any way
        raise BundleError(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    os.replace(part, path)


def load(path: Path, packages: frozenset[str]) -> Any:
    """Reads a model that :func:`save` wrote.

    Args:
        path: The file.
        packages: Whose types it may hold, besides the trusted ones.

    Raises:
        BundleError: If it is no such file, or holds a type that is not trusted.
    """
    skops = _skops()
    try:
        return skops.load(path, trusted=_check(path, packages))
    except BundleError:
        raise
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise BundleError(f"{path.name} is damaged or no stored model: {error}") from error
    except Exception as error:  # made by other versions of the libraries, say
        raise BundleError(
            f"{path.name} cannot be read with the packages that are installed now ({type(error).__name__}: {error}); "
            "install those it was made with, or run the comparison again"
        ) from error


def _check(path: Path, packages: frozenset[str]) -> list[str]:
    """Returns the types in a file that skops does not trust by itself.

    Raises:
        BundleError: If one of them is not to be trusted.
    """
    found: list[str] = _skops().get_untrusted_types(file=path)
    strangers = [name for name in found if name not in _TRUSTED and not _is_defined_in(name, packages)]
    if strangers:
        raise BundleError(
            f"it holds {', '.join(strangers)}, which neither belongs to the workbench's libraries nor to the packages "
            f"of its plugins ({', '.join(sorted(packages)) or 'none'})"
        )
    return found


def _is_defined_in(name: str, packages: frozenset[str]) -> bool:
    """Whether a dotted name belongs to one of the packages, and is defined there: not merely imported there."""
    if name.partition(".")[0] not in packages:
        return False
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    return str(getattr(found, "__module__", "")).partition(".")[0] in packages


def _skops() -> Any:
    """Imports skops: it goes through all of scikit-learn, whose door to PyTorch would load that for nothing."""
    torch = "sklearn.externals.array_api_compat.torch"
    shut = torch not in sys.modules
    if shut:
        sys.modules[torch] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("skops.io")
    finally:
        if shut:
            del sys.modules[torch]
