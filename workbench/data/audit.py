"""What is wrong with labelled images before any compute is spent on them: copies, contradictions, leaks, lopsidedness.

Everything here looks; nothing changes the data. What :class:`~workbench.data.split.Mend` holds can repair a split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.data import duplicates
from workbench.data.images import Images, Progress
from workbench.data.split import Mend, Split

Rows = npt.NDArray[np.int64]
Families = tuple[tuple[int, ...], ...]

PARTS = ("train", "val", "test")
#: A class of fewer images than this has four or fewer to test it.
SMALL_CLASS = 20
#: The largest class may be this many times as large as the smallest.
IMBALANCE = 10
#: Folds, and most images, that the guess of labels from formats is made with.
_FOLDS, _MOST = 5, 20_000
#: Format, mode and size give labels away if they explain this share of what guessing at random leaves open.
_GIVEN_AWAY = 0.2


@dataclass(frozen=True)
class FormatLeak:
    """How well a decision tree guesses labels from each file's format, mode, width and height, cross-validated.

    Attributes:
        balanced_accuracy: Mean over the classes of the share that it guesses right.
        chance: What guessing at random gives.
        images: Number of images it was tried on.
    """

    balanced_accuracy: float
    chance: float
    images: int

    @property
    def found(self) -> bool:
        """Whether this is more than chance can explain."""
        noise = 3 * (self.chance * (1 - self.chance) / self.images) ** 0.5
        return bool(self.balanced_accuracy - self.chance > max(_GIVEN_AWAY * (1 - self.chance), noise))


@dataclass(frozen=True)
class AuditReport:
    """What an audit found. Images are named by their row; families are tuples of rows.

    Attributes:
        source: What was audited.
        names: A name for each image: its path, or the likes of ``test[123]``.
        labels: A class name for each image.
        parts: For each image ``train``, ``val`` or ``test``; empty where there is no split.
        split_hash: Hash of the split that leaks were looked for in, if one can be made.
        split_problem: Why no split can be made, or empty.
        exact: Families of images with the same pixels.
        near: Families of near copies; those with the same pixels are among them.
        contradictory: Families of copies under more than one label.
        leaking: Families of copies with images in more than one part of the split.
        leaking_groups: Groups with images in more than one part of the split.
        leaked_test: Test images that have a copy or a mate of their group in training or validation.
        format_leak: What format, mode and size say about labels; None unless the images are files.
        classes: Number of images of each class.
        skipped: ``(path, reason)`` of every file that was left out.
        mend: What a split has to respect to be free of what was found.
        repaired: The split that is free of it, if one was asked for.
        fingerprint: Hash of the decoded images and labels; the workspace's cache keeps them under it.
    """

    source: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    parts: tuple[str, ...]
    split_hash: str | None
    split_problem: str
    exact: Families
    near: Families
    contradictory: Families
    leaking: Families
    leaking_groups: Families
    leaked_test: tuple[int, ...]
    format_leak: FormatLeak | None
    classes: dict[str, int]
    skipped: tuple[tuple[str, str], ...]
    mend: Mend
    repaired: Split | None = None
    fingerprint: str = ""

    @property
    def small_classes(self) -> dict[str, int]:
        """Classes too small to say anything about, and their number of images."""
        return {name: count for name, count in self.classes.items() if count < SMALL_CLASS}

    @property
    def imbalance(self) -> float:
        """How many times as large as the smallest class the largest one is."""
        return max(self.classes.values()) / max(1, min(self.classes.values()))

    @property
    def families(self) -> dict[str, Families]:
        """What was found about images, by its name in :meth:`as_dict`."""
        return {
            "exact_duplicates": self.exact,
            "near_duplicates": self.near,
            "contradictory": self.contradictory,
            "leaks": self.leaking + self.leaking_groups,
        }

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as one JSON document."""
        leak = self.format_leak
        return {
            "source": self.source,
            "images": len(self.names),
            "fingerprint": self.fingerprint,
            "split_hash": self.split_hash,
            "split_problem": self.split_problem or None,
            **{kind: [[self.names[row] for row in family] for family in of] for kind, of in self.families.items()},
            "leaked_test_images": [self.names[row] for row in self.leaked_test],
            "format_leak": None if leak is None else leak.balanced_accuracy,
            "format_leak_chance": None if leak is None else leak.chance,
            "format_leak_found": leak is not None and leak.found,
            "classes": self.classes,
            "small_classes": self.small_classes,
            "imbalance": self.imbalance,
            "findings": list(self.sentences()),
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
            **({} if self.repaired is None else {"repaired": self.repair()}),
        }

    def repair(self) -> dict[str, Any]:
        """Returns what the repair did: the hash before and after, numbers of images moved and left out, and counts."""
        if self.repaired is None:
            return {}
        after = _parts_of(self.repaired, len(self.names))
        before = self.parts or ("",) * len(after)
        moved = sum(a != b for a, b in zip(before, after, strict=True) if a and b)
        return {
            "split_hash_before": self.split_hash,
            "split_hash": self.repaired.hash,
            "moved": moved,
            "left_out": int(self.mend.left_out.sum()),
            "counts": self.repaired.counts,
        }

    def summary(self) -> dict[str, Any]:
        """Returns what a run records: numbers instead of lists, and what people were told."""
        leak = self.format_leak
        return {
            **{kind: len(families) for kind, families in self.families.items()},
            "test_images": self.parts.count("test"),
            "leaked_test_images": len(self.leaked_test),
            "format_leak": None if leak is None else leak.balanced_accuracy,
            "findings": list(self.sentences()),
            "repaired": self.repair() or None,
        }

    def table(self) -> Iterator[dict[str, Any]]:
        """Yields a row for every image of a finding: what it is, number of the family, path, label, part.

        After a repair, the part after it as well.
        """
        after = () if self.repaired is None else _parts_of(self.repaired, len(self.names))
        repaired = {} if self.repaired is None else {"repaired_part": ""}
        for kind, families in self.families.items():
            for number, family in enumerate(families, start=1):
                for row in family:
                    part = self.parts[row] if self.parts else ""
                    found = {"finding": kind, "family": number, "path": self.names[row], "label": self.labels[row]}
                    yield found | {"part": part} | ({"repaired_part": after[row]} if after else {})
        for path, reason in self.skipped:
            yield {"finding": f"skipped: {reason}", "family": "", "path": path, "label": "", "part": "", **repaired}

    def sentences(self, examples: int = 3) -> Iterator[str]:
        """Yields a sentence for each kind of finding.

        Args:
            examples: Most families, or small classes, that a sentence names. With 0 it names no file, and all classes.
        """
        said = {
            "exact": ("the same pixels more than once", self.exact),
            "near": ("near copies", self.near),
            "contradictory": ("the same image under different labels", self.contradictory),
            "leaking": ("copies on more than one side of the split", self.leaking),
            "groups": ("groups on more than one side of the split", self.leaking_groups),
        }
        for kind, (what, families) in said.items():
            if families:
                with_labels, with_parts = kind == "contradictory", kind in ("leaking", "groups")
                shown = "; ".join(self.describe(family, with_labels, with_parts) for family in families[:examples])
                more = len(families) - examples
                images = sum(map(len, families))
                counted = f"{what}: {len(families):,} {'time' if len(families) == 1 else 'times'}, {images:,} images"
                yield counted + (f": {shown}" + ("; ..." if more > 0 else "") if examples else "")
        if self.leaked_test:
            of = self.parts.count("test")
            yield (
                f"{len(self.leaked_test):,} of {of:,} test images have a copy or a mate of their group in training or "
                "validation: test accuracy is too good by what is learned by heart"
            )
        if self.format_leak is not None and self.format_leak.found:
            yield (
                f"format, mode and size of a file give its label away: balanced accuracy "
                f"{self.format_leak.balanced_accuracy:.2f} without looking at a pixel (chance: "
                f"{self.format_leak.chance:.2f}). Convert all classes alike"
            )
        if self.small_classes:
            shown = ", ".join(
                f"{name} {count:,}" for name, count in list(self.small_classes.items())[: examples or None]
            )
            more = len(self.small_classes) - examples if examples else 0
            yield f"classes of fewer than {SMALL_CLASS} images: {shown}" + (f" and {more} more" if more > 0 else "")
        if self.imbalance >= IMBALANCE:
            large, small = (
                max(self.classes, key=self.classes.__getitem__),
                min(self.classes, key=self.classes.__getitem__),
            )
            yield (
                f"extreme imbalance: {self.classes[large]:,} images of {large}, {self.classes[small]:,} of {small}; "
                "do not go by accuracy alone"
            )
        if self.split_problem:
            yield f"no split can be made: {self.split_problem}"

    def describe(self, family: Sequence[int], with_labels: bool, with_parts: bool, most: int = 3) -> str:
        """Writes the names of a family's images, with their labels and parts if wanted."""
        shown = []
        for row in family[:most]:
            notes = [self.labels[row]] * with_labels + ([self.parts[row]] if with_parts and self.parts else [])
            shown.append(self.names[row] + (f" ({', '.join(notes)})" if notes else ""))
        more = len(family) - most
        return " = ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def audit_images(
    images: Images, split: Split | None, problem: str = "", progress: Progress | None = None
) -> AuditReport:
    """Looks at images, labels and split.

    Args:
        images: The decoded images.
        split: The split to look for leaks in. Without one, leaks are looked for in the official split, if there is any.
        problem: Why there is no split.
        progress: Told how far the search for duplicates is.
    """
    found = duplicates.find(images, progress)
    parts = _parts(images, split)
    family = found.families()
    copies = _families(family)
    near = {int(member) for member in found.near.ravel()}
    labels = images.labels
    groups = () if images.groups is None else _families(images.groups)
    contradictory = tuple(rows for rows in copies if len(set(labels[list(rows)])) > 1)
    left_out = np.zeros(len(labels), bool)
    left_out[[row for rows in contradictory for row in rows]] = True
    related = found.families(images.groups)
    counts = np.bincount(labels, minlength=len(images.class_names))
    return AuditReport(
        source=images.location,
        names=images.row_names,
        labels=tuple(images.class_names[label] for label in labels),
        parts=tuple(parts),
        split_hash=None if split is None else split.hash,
        split_problem=problem,
        exact=_families(found.first),
        near=tuple(rows for rows in copies if near.intersection(rows)),
        contradictory=contradictory,
        leaking=_across(copies, parts),
        leaking_groups=_across(groups, parts),
        leaked_test=_leaked(related, parts),
        format_leak=_guess_from_format(images),
        classes={name: int(count) for name, count in zip(images.class_names, counts, strict=True)},
        skipped=images.skipped,
        mend=Mend(related, left_out),
        fingerprint=images.fingerprint,
    )


def _families(index: Rows) -> Families:
    """Returns the rows of each index that occurs more than once, in the order of the first of them."""
    order = np.argsort(index, kind="stable")
    cuts = np.flatnonzero(np.diff(index[order])) + 1
    found = [tuple(map(int, rows)) for rows in np.split(order, cuts) if len(rows) > 1]
    return tuple(sorted(found))


def _parts(images: Images, split: Split | None) -> list[str]:
    if split is not None:
        return _parts_of(split, len(images.labels))
    return [] if images.split is None else [str(part) for part in images.split]


def _parts_of(split: Split, n: int) -> list[str]:
    parts = np.full(n, "", dtype="<U5")
    for part in PARTS:
        parts[getattr(split, part)] = part
    return [str(part) for part in parts]


def _across(families: Families, parts: Sequence[str]) -> Families:
    if not parts:
        return ()
    return tuple(rows for rows in families if len({parts[row] for row in rows} - {""}) > 1)


def _leaked(family: Rows, parts: Sequence[str]) -> tuple[int, ...]:
    if not parts:
        return ()
    part = np.array(parts)
    known = np.unique(family[(part == "train") | (part == "val")])
    return tuple(map(int, np.flatnonzero((part == "test") & np.isin(family, known))))


def _guess_from_format(images: Images) -> FormatLeak | None:
    """Cross-validates a small decision tree on what is known of files before their pixels are decoded."""
    if not images.headers:
        return None
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    counts = np.bincount(images.labels, minlength=len(images.class_names))
    enough = np.flatnonzero(counts >= 2 * _FOLDS)
    rows = np.flatnonzero(np.isin(images.labels, enough))
    if len(enough) < 2:
        return None
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST, replace=False))
        counts = np.bincount(images.labels[rows], minlength=len(images.class_names))
        rows = rows[counts[images.labels[rows]] >= 2 * _FOLDS]
    headers, labels = [images.headers[row] for row in rows], images.labels[rows]
    kinds = [np.array([getattr(header, kind) for header in headers]) for kind in ("format", "mode")]
    columns = [(kind == value).astype(float) for kind in kinds for value in np.unique(kind)]
    columns += [np.array([h.width for h in headers], float), np.array([h.height for h in headers], float)]
    columns.append(columns[-2] / columns[-1])
    tree = DecisionTreeClassifier(max_depth=6, min_samples_leaf=3, class_weight="balanced", random_state=0)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    guessed = cross_val_predict(tree, np.column_stack(columns), labels, cv=folds)
    return FormatLeak(float(balanced_accuracy_score(labels, guessed)), 1 / len(np.unique(labels)), len(rows))
