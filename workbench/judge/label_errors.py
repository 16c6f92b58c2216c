"""Likely label errors, by confident learning (Northcutt, Jiang & Chuang, JAIR 70, 2021; cleanlab's).

The probabilities are those of images that the candidate had not seen: of the validation images by the best trial, of
the test images by its refit. What comes out is a list to look through, most suspicious first. An image on it is likely
to have a wrong label, and no more: where a candidate is often wrong, it is often wrong here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

#: Keys of an image on the list, in order.
KEYS = ("path", "part", "label", "likely_label", "confidence")
#: Most of them that a document lists.
LISTED = 50

Arrays = Mapping[str, npt.NDArray[Any]]


def find_label_errors(
    predicted: Iterable[tuple[str, Mapping[str, Arrays]]], split: Arrays, class_names: Sequence[str]
) -> dict[str, Any] | None:
    """Looks for label errors by the first candidate that has probabilities.

    Args:
        predicted: Candidates, best first, each with what it predicted of the parts ``val`` and ``test``.
        split: ``val_labels``, ``val_names``, ``test_labels`` and ``test_names``, as a run records them.
        class_names: Names of the classes.

    Returns:
        The ``candidate``; number of ``images`` looked at; how many were ``found``; and the ``errors``, the most
        suspicious first: ``path``, ``part`` (validation or test), ``label``, ``likely_label`` and ``confidence``, the
        probability that the candidate gives to the likely label. None if no candidate has what it takes.
    """
    for candidate, by_part in predicted:
        parts = {}
        for part, arrays in by_part.items():
            known = {key: split[f"{part}_{key}"] for key in ("labels", "names") if f"{part}_{key}" in split}
            if _usable(full := {**arrays, **known}, len(class_names)):
                parts["validation" if part == "val" else part] = full
        if parts:
            errors = suspects(parts, class_names)
            images = sum(len(arrays["labels"]) for arrays in parts.values())
            return {"candidate": candidate, "images": images, "found": len(errors), "errors": errors}
    return None


def suspects(parts: Mapping[str, Arrays], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the images that likely have a wrong label, those first of which the candidate is surest.

    Of each class there are as many on the list as confident learning estimates to be wrong, those whose label the
    candidate finds the least likely. Of planted errors this finds more than cleanlab's other ways to prune, for a few
    more false alarms; somebody looks through the list anyway.

    Args:
        parts: By name; of a part's ``n`` images ``labels``, class ``probabilities`` ``(n, n_classes)`` and ``names``.
        class_names: Names of the classes.
    """
    from cleanlab.filter import find_label_issues

    labels, shares, names = (
        np.concatenate([arrays[key] for arrays in parts.values()]) for key in ("labels", "probabilities", "names")
    )
    part_of = np.repeat(list(parts), [len(arrays["labels"]) for arrays in parts.values()])
    shares = shares.astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    ranked = find_label_issues(
        labels, shares, filter_by="prune_by_class", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    likely = shares.argmax(axis=1)
    found = (
        (str(names[i]), str(part_of[i]), class_names[labels[i]], class_names[likely[i]], float(shares[i].max()))
        for i in ranked
    )
    return [dict(zip(KEYS, values, strict=True)) for values in found]


def _usable(arrays: Arrays, n_classes: int) -> bool:
    """Whether there are a label, a name and probabilities for every image, and images of every class."""
    if not {"labels", "probabilities", "names"} <= arrays.keys():
        return False
    shares, labels = arrays["probabilities"], arrays["labels"]
    return (
        shares.shape == (len(labels), n_classes)
        and len(arrays["names"]) == len(labels)
        and len(np.unique(labels)) == n_classes
        and bool(np.isfinite(shares).all() and (shares.sum(axis=1) > 0).all())
    )
