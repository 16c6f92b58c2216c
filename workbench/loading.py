"""From a source to images that are decoded, split and audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench import data
from workbench.errors import DataError, RunError
from workbench.registry import Registry
from workbench.tuning.progress import Silent
from workbench.tuning.specification import Specification
from workbench.tuning.workspace import Workspace


@dataclass(frozen=True)
class Loaded:
    """Images, their split, and what the audit found, if there was one."""

    images: data.Images
    split: data.Split
    report: data.AuditReport | None

    def record(self) -> dict[str, npt.NDArray[Any]]:
        """Returns what a run keeps of its split: arrays by name."""
        return self.split.record(self.images)

    def describe(self) -> dict[str, object]:
        """Returns what a run records of its data: JSON-able."""
        images, split = self.images, self.split
        counts = np.bincount(images.labels, minlength=len(images.class_names))
        return {
            "name": images.name,
            "fingerprint": images.fingerprint,
            "split_hash": split.hash,
            "official_split": split.official,
            "counts": {"images": len(images.labels), **split.counts},
            "classes": {name: int(count) for name, count in zip(images.class_names, counts, strict=True)},
            "image_shape": list(images.shape),
            "load_seconds": images.load_seconds,
            "skipped": [{"path": path, "reason": reason} for path, reason in images.skipped],
            "audit": None if self.report is None else self.report.summary(),
        }


def load(
    found: data.Source,
    place: Workspace,
    show: Silent,
    seed: int,
    image_size: int | None = None,
    audit: bool = True,
    repair: bool = False,
    train_size: int | None = None,
) -> Loaded:
    """Decodes, splits and audits.

    Args:
        found: The source.
        place: Its cache keeps the decoded images.
        show: Is told what happens.
        seed: Seed of the split.
        image_size: Side in pixels, or None.
        audit: Whether to look for duplicates and leaks.
        repair: Whether to repair the split by what the audit finds.
        train_size: Number of images to train and validate on together; None: all.

    Raises:
        DataError: If the images cannot be split.
    """
    images = data.load(found, place.cache, image_size, show.loading)
    report = None
    if repair:
        report = audit_images(images, seed, show, repair=True)
        assert report.repaired is not None
        split = report.repaired
    else:
        split = data.make_split(images, seed)
        report = data.audit_images(images, split, progress=show.loading) if audit else None
    if train_size is not None:
        most = len(split.train) + len(split.val)
        if not 2 <= train_size <= most:
            raise DataError(f"--train-size {train_size}: there are {most:,} images to train and validate on")
        split = data.subset(images, split, train_size, seed)
    return Loaded(images, split, report)


def audit_images(images: data.Images, seed: int, show: Silent, repair: bool) -> data.AuditReport:
    """Looks for what is wrong with images, even where they cannot be split; repairs the split, if that is wanted."""
    split, problem = None, ""
    try:
        split = data.make_split(images, seed)
    except DataError as error:
        problem = str(error)
    report = data.audit_images(images, split, problem, show.loading)
    return replace(report, repaired=data.make_split(images, seed, report.mend)) if repair else report


def load_again(
    specification: Specification, place: Workspace, show: Silent, registry: Registry, check: bool = True
) -> Loaded:
    """Loads the data that a specification describes.

    Args:
        specification: A recorded run's.
        place: Its cache keeps the decoded images.
        show: Is told what happens.
        registry: Where named data sets are looked up.
        check: Whether the split must be the one that the specification says.

    Raises:
        RunError: If the data have changed.
    """
    found = data.resolve(specification.source, registry, specification.exclude)
    audited = specification.data["audit"]
    repair = bool(audited and audited["repaired"])
    loaded = load(
        found, place, show, specification.seed, specification.image_size, audited is not None, repair,
        specification.train_size,
    )  # fmt: skip
    if check and loaded.split.hash != specification.data["split_hash"]:
        raise RunError(
            f"the data of run {specification.run!r} have changed since it began ({specification.source}); "
            "its results would not be comparable. Start a new run, or put the data back."
        )
    return loaded


def describe_repair(report: data.AuditReport) -> str:
    """Says in a sentence what a repair did."""
    done = report.repair()
    before = done["split_hash_before"]
    return (
        f"repaired: {done['moved']:,} images moved to training, {done['left_out']:,} under different labels left out; "
        f"the split {before[:8] + ' ' if before else ''}is now {done['split_hash'][:8]}"
    )


def say_skipped(skipped: Sequence[tuple[str, str]], show: Silent) -> None:
    """Names every file that was left out, and why."""
    if skipped:
        show.say(f"{len(skipped):,} file{'s' if len(skipped) > 1 else ''} left out:")
        for path, reason in skipped:
            show.say(f"  {path}: {reason}")
