"""One split for everybody: the official one where the data have it, else stratified 60/20/20 by seed.

Images that share a group stay on one side. What an official split lacks is carved out of its training part.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.data.images import Images
from workbench.errors import DataError

Rows = npt.NDArray[np.int64]

#: Fifths: one for testing, one for validation, three for training.
_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, and their hash.

    Attributes:
        train: Training images, in a seeded random order of which every beginning is a stratified sample.
        val: Validation images, in such an order too.
        test: Test images.
        hash: Hash of the data's fingerprint and the rows of every part.
        official: Whether train and test come from the data set itself.
    """

    train: Rows
    val: Rows
    test: Rows
    hash: str
    official: bool

    @property
    def order(self) -> Rows:
        """All rows: training, then validation, then test."""
        return np.concatenate([self.train, self.val, self.test])

    @property
    def counts(self) -> dict[str, int]:
        """Number of images in each part."""
        return {"train": len(self.train), "val": len(self.val), "test": len(self.test)}

    def record(self, images: Images) -> dict[str, npt.NDArray[Any]]:
        """Returns the rows of each part, and label and name of each image that is predicted, for when data are gone."""
        names, predicted = np.array(images.row_names), {"val": self.val, "test": self.test}
        return {
            "train": self.train,
            **predicted,
            **{f"{part}_labels": images.labels[rows] for part, rows in predicted.items()},
            **{f"{part}_names": names[rows] for part, rows in predicted.items()},
        }


@dataclass(frozen=True)
class Mend:
    """What an audit found that a split can be repaired by.

    Attributes:
        families: For each image the index of its family: copies of one image, and images of one group.
        left_out: For each image whether it is in no part, because it is there under different labels.
    """

    families: Rows
    left_out: npt.NDArray[np.bool_]


def make_split(images: Images, seed: int, mend: Mend | None = None) -> Split:
    """Splits the images into training, validation and test parts.

    Args:
        images: Labels, and groups and an official split where there are any.
        seed: Decides what is random about it.
        mend: Repairs the split: a family that is on more than one side goes to the training part as a whole (an
            official test set thus loses images and gets no others), and an image under different labels is left out.

    Raises:
        DataError: If there are fewer than two classes, or a class is too small to be on every side.
    """
    counts = np.bincount(images.labels, minlength=len(images.class_names))
    present = [name for name, count in zip(images.class_names, counts, strict=True) if count]
    if len(present) < 2:
        raise DataError(
            f"{images.location}: there are fewer than two classes with images: "
            f"{', '.join(present) or 'none'}. A comparison needs at least two.",
            images.skipped,
        )
    for name, count in zip(images.class_names, counts, strict=True):
        if count == 0:
            raise DataError(f"{images.location}: class {name!r} has no usable image. {_mend(name)}", images.skipped)
    parts = (
        {"train": np.arange(len(images.labels))}
        if images.split is None
        else {part: np.flatnonzero(images.split == part) for part in ("train", "val", "test")}
    )
    parts = {part: rows for part, rows in parts.items() if len(rows)}
    if "train" not in parts:
        raise DataError(f"{images.location}: the official split has no training images", images.skipped)
    official = "test" in parts
    missing = [part for part in ("test", "val") if part not in parts]
    if missing:
        folds = _folds(images, parts["train"], seed)
        parts |= dict(zip(missing, folds, strict=False))
        parts["train"] = np.concatenate(folds[len(missing) :])
    if mend is not None:
        parts = _repaired(parts, mend)
    for part in ("train", "val"):
        parts[part] = stratified_order(images.labels, parts[part], seed)
    _check_parts(images, parts)
    digest = hashlib.blake2b(images.fingerprint.encode(), digest_size=12)
    for part in ("train", "val", "test"):
        digest.update(parts[part].astype("<i8").tobytes())
    return Split(parts["train"], parts["val"], parts["test"], digest.hexdigest(), official)


def _repaired(parts: dict[str, Rows], mend: Mend) -> dict[str, Rows]:
    kept = {part: rows[~mend.left_out[rows]] for part, rows in parts.items()}
    sides = np.zeros(int(mend.families.max()) + 1, int)
    for rows in kept.values():
        sides[np.unique(mend.families[rows])] += 1
    across = {part: sides[mend.families[rows]] > 1 for part, rows in kept.items()}
    moved = [rows[across[part]] for part, rows in kept.items() if part != "train"]
    return {
        part: np.concatenate([rows, *moved]) if part == "train" else rows[~across[part]] for part, rows in kept.items()
    }


def make_folds(images: Images, rows: Rows, folds: int, seed: int) -> list[Rows]:
    """Cuts rows into folds for a cross-validation: stratified, and images of one group in one fold.

    Args:
        images: Labels, and groups where there are any.
        rows: What to cut: never test images.
        folds: Number of folds, at least 2.
        seed: Decides what is random about it.

    Raises:
        DataError: If a class has fewer images, or groups, than there are folds.
    """
    return [stratified_order(images.labels, fold, seed) for fold in _folds(images, rows, seed, folds)]


def subset(images: Images, split: Split, n: int, seed: int) -> Split:
    """Returns a split of fewer images: the same test images, and ``n`` others, divided as before.

    Smaller subsets of one seed lie within larger ones.

    Args:
        images: Labels.
        split: What to take them from.
        n: Number of images to train and validate on together.
        seed: Decides which.
    """
    share = len(split.train) / (len(split.train) + len(split.val))
    n_train = round(n * share)
    train = stratified_order(images.labels, split.train, seed)[:n_train]
    val = stratified_order(images.labels, split.val, seed)[: n - n_train]
    digest = hashlib.blake2b(f"{split.hash}/{n}/{seed}".encode(), digest_size=12).hexdigest()
    found = Split(train, val, split.test, digest, split.official)
    _check_parts(images, {"train": train, "val": val, "test": split.test})
    return found


def _folds(images: Images, rows: Rows, seed: int, folds: int = _FOLDS) -> list[Rows]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = images.labels[rows]
    groups = None if images.groups is None else images.groups[rows]
    unit = "image" if groups is None else "group"
    for index, name in enumerate(images.class_names):
        mine = labels == index
        units = int(mine.sum()) if groups is None else len(np.unique(groups[mine]))
        if units < folds:
            raise DataError(
                f"{images.location}: class {name!r} is too small to split: it has {units} {unit}"
                f"{'' if units == 1 else 's'} where at least {folds} are needed. {_mend(name)}",
                images.skipped,
            )
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [rows[chosen] for _, chosen in splitter.split(np.zeros(len(rows)), labels, groups)]


def stratified_order(labels: Rows, rows: Rows, seed: int) -> Rows:
    """Orders rows at random, such that the first tenth, quarter or half of them is a stratified sample of them all.

    One of each class comes first, so that no beginning worth the name misses a class.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(rows))
    for label in np.unique(labels[rows]):
        mine = np.flatnonzero(labels[rows] == label)
        place[mine] = (rng.permutation(len(mine)) + rng.random(len(mine))) / len(mine)
        place[mine[np.argmin(place[mine])]] -= 1
    return rows[np.argsort(place, kind="stable")]


def _check_parts(images: Images, parts: dict[str, Rows]) -> None:
    for part, rows in parts.items():
        here = np.bincount(images.labels[rows], minlength=len(images.class_names))
        if not here.all():
            name = images.class_names[int(np.argmin(here))]
            raise DataError(
                f"{images.location}: class {name!r} has no image in the {part} part of the split. {_mend(name)}",
                images.skipped,
            )
    if images.groups is not None:
        sides = {part: set(images.groups[rows]) for part, rows in parts.items()}
        for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
            if sides[a] & sides[b]:
                raise DataError(
                    f"{images.location}: the official split has {len(sides[a] & sides[b])} group(s) on both sides, {a} "
                    f"and {b}. Correct the column split, or remove it to have the workbench split by group.",
                    images.skipped,
                )


def _mend(name: str) -> str:
    return f"Add images of it, or leave the class out: --exclude {name}"
